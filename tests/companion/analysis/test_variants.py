"""Scoring variants, ablations, single changes, null controls, stale noise and verdicts, from records known by hand."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from companion.analysis import statistics, tables, variants
from factories import write_format1, write_record

from adcgan import paper
from adcgan.experiments import grid
from adcgan.experiments.records import read_all

ORDERED = "batch statistics, label order, batches of 256"
MOVED = {0: 0.01, 1: 0.03, 2: 0.08}  # by class, in fractions
DRAWS = {"stale noise, NS": np.linspace(0, 1, 101), "null, score, NS": [0.2, 0.5, 0.8]}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Diagnosed runs of three classes, one with two seeds; an ablation of two of them; and what has no part in it."""
    place = tmp_path_factory.mktemp("runs")
    of = dict(scale="laptop", diagnosed=True, draws=DRAWS)
    found = {
        "diagnosed": [write_record(place, label=n, variants={ORDERED: by}, **of) for n, by in MOVED.items()]
        + [write_record(place, seed=1, variants={ORDERED: 0.05}, **of)],
        "bare": [write_record(place, label=3, scale="laptop")],
        "ablated": [write_record(place, label=n, scale="laptop", **grid.ABLATIONS["no D_z"]) for n in (0, 2)],
        "others": [write_record(place, "digits", scale="laptop", diagnosed=True),
                   write_record(place, recipe="script", scale="laptop"),
                   write_record(place, scale="laptop", repeat=1, diagnosed=True),
                   write_record(place, label=5, scale="laptop", rho=0.25)],
    }  # fmt: skip
    return SimpleNamespace(**found, all=[record for some in found.values() for record in some])


def test_variants_are_those_of_the_diagnosed_runs_with_the_mean_of_the_stale_noise(runs):
    frame = variants.variants([*runs.diagnosed, *runs.bare, *runs.ablated])
    assert frame.groupby(["class", "seed"]).ngroups == 4 and frame.groupby("variant").size().eq(4).all()
    for record in runs.diagnosed:
        of = frame[(frame["class"] == record.run.label) & (frame["seed"] == record.run.seed)].set_index("variant")
        assert set(of.index) == {*record.variants, "stale noise"}
        for name, aurocs in record.variants.items():
            assert of.loc[name, "NS"] == pytest.approx(100 * aurocs["NS"])
            assert of.loc[name, "difference"] == pytest.approx(100 * (aurocs["NS"] - record.auroc["NS"]))
        assert of.loc["score", "difference"] == 0
        assert of.loc["stale noise", "NS"] == pytest.approx(50), "the draws lie evenly from 0 to 100"


def test_an_ablation_stands_beside_the_same_run_without(runs):
    frame = variants.ablations(runs.all)
    assert list(zip(frame["change"], frame["class"], strict=True)) == [("no D_z", 0), ("no D_z", 2)], "class 5 has none"
    base = {record.run.label: record for record in runs.diagnosed if record.run.seed == 0}
    for row, record in zip(frame.to_dict("records"), runs.ablated, strict=True):
        without = base[record.run.label]
        assert row["NS"] == pytest.approx(100 * record.auroc["NS"])
        assert row["difference"] == pytest.approx(100 * (record.auroc["NS"] - without.auroc["NS"]))
        means = [100 * tables.auroc_of(one, "mean") for one in (record, without)]
        assert (row["mean"], row["mean_difference"]) == pytest.approx((means[0], means[0] - means[1]))


def test_a_change_has_its_mean_over_classes_and_its_interval_from_three_on(runs):
    frame = variants.effects(runs.all, "laptop")
    assert list(frame["mean"].abs()) == sorted(frame["mean"].abs(), reverse=True) and "score" not in set(
        frame["change"]
    )
    of = frame.set_index("change")
    by_class = [100 * value for value in ((0.01 + 0.05) / 2, 0.03, 0.08)]  # seeds of a class are averaged first
    row = of.loc[ORDERED]
    assert tuple(row[["mean", "low", "high"]]) == pytest.approx(statistics.mean_interval(by_class))
    assert (row["classes"], row["runs"], row["trained"], row["choice"]) == (3, 4, False, variants.TESTING)
    trained = of.loc["no D_z"]
    assert trained["trained"] and trained["classes"] == 2 and np.isnan(trained["low"]) and np.isnan(trained["choice"])
    assert trained["mean"] == pytest.approx(variants.ablations(runs.all)["difference"].mean())
    assert variants.effects(runs.all, "paper").empty and variants.effects(runs.all, "laptop", "all-vs-one").empty


@pytest.mark.parametrize(
    ("name", "number"),
    [("contrastive=masked", 1), ("reduction=mean", 22), ("BatchNorm re-estimated", 28), (ORDERED, 28),
     ("stale noise", 25), ("rho=0.25", 32), ("BatchNorm re-estimated, reduction=mean", None),
     ("contrastive=masked, rho=0.25", None), ("no D_z", None)],
)  # fmt: skip
def test_a_change_is_counted_to_one_open_choice_or_none(name, number):
    found = variants.choice_of(name)
    assert found == number or (number is None and np.isnan(found))


def test_a_null_control_is_set_beside_the_spread_of_chance(runs):
    frame = variants.nulls(runs.diagnosed[:1]).set_index("score")
    assert set(frame.index) == {"score", "stale noise"}
    row = frame.loc["score"]
    assert (row["splits"], row["mean"], row["sd"]) == (3, pytest.approx(50), pytest.approx(30))
    m, n = 10, 11  # halves of the 21 normal images
    assert row["expected_sd"] == pytest.approx(100 * ((m + n + 1) / (12 * m * n)) ** 0.5)
    assert row["beyond"] == 0, "30 points are within three times 12.9"
    far = variants.nulls(runs.diagnosed[:1]).set_index("score").loc["stale noise"]
    draws = 100 * runs.diagnosed[0].draws["null, stale noise, NS"].astype(float)
    assert far["beyond"] == np.mean(abs(draws - 50) > 3 * row["expected_sd"])


def test_stale_noise_has_its_quantiles_and_the_share_that_reaches_the_published_figure(runs):
    row = variants.stale([*runs.bare, *runs.diagnosed]).iloc[0]
    assert tuple(row[[*variants.QUANTILES]]) == pytest.approx((0, 5, 50, 95, 100), abs=1e-4)
    assert row["published"] == tables.published().loc["mnist", "one-vs-all", 0]
    assert row["share"] == pytest.approx(np.mean(np.arange(101) >= row["published"]))
    assert row["score"] == pytest.approx(100 * runs.diagnosed[0].auroc["NS"])


def test_a_compared_methods_changed_runs_stand_beside_those_without(tmp_path):
    def write(seed, label=0, **options):
        return write_record(tmp_path, method="aegan", scale="laptop", label=label, seed=seed, **options)

    plain, changed = [write(seed) for seed in (0, 1)], [write(seed, weight_decay=0.0) for seed in (0, 1)]
    write(0, label=1, weight_decay=0.0)  # without its like
    (row,) = variants.compared(read_all(tmp_path)).to_dict("records")
    assert (row["method"], row["change"], row["class"], row["seeds"]) == ("AE-GAN", "weight_decay=0.0", "0", 2)
    for name, some in (("without", plain), ("with", changed)):
        assert row[name] == pytest.approx(100 * np.mean([record.result for record in some]))


def test_a_record_of_the_old_default_is_an_ablation_with_the_diagnostics_of_its_time(tmp_path):
    old, base = write_format1(tmp_path, label=2), write_record(tmp_path, label=2)
    (row,) = variants.ablations([old, base]).to_dict("records")
    assert row["change"] == "old default" and row["difference"] == pytest.approx(100 * (old.result - base.result))
    changed = write_format1(tmp_path, label=2, reconstruction="sum")
    assert "old default, reconstruction=sum" in set(variants.ablations([changed, base])["change"])
    assert variants.variants([old]).empty and old.variants, "its variants are of other settings"


def test_verdicts_have_the_figure_the_interval_and_the_seeds(tmp_path):
    some = [write_record(tmp_path, "fashion_mnist", label=1, seed=seed) for seed in (0, 1, 2)]
    table = paper.table(3).query("dataset == 'fashion_mnist' and scheme == 'one-vs-all' and model == 'AD-CGAN'")
    published = table.set_index("class")["auc_percent"]["1"]
    assert variants.verdicts([write_record(tmp_path, scale="laptop")]).empty, "the rule is for the paper's scale"
    for seeds in (2, 3):
        (row,) = variants.verdicts(some[:seeds]).to_dict("records")
        ours = np.mean([100 * record.result for record in some[:seeds]])
        low, high = statistics.cell_interval(some[0].anomalous, [record.scores for record in some[:seeds]])
        assert (row["ours"], row["low"], row["high"]) == pytest.approx((ours, low, high))
        assert (row["paper"], row["difference"]) == pytest.approx((published, ours - published))
        assert row["verdict"] == statistics.verdict(published, low, high, seeds, 3)
        assert (row["verdict"] == "incomplete") == (seeds < 3)


def test_without_a_record_every_frame_is_empty_and_has_its_columns():
    frames = [variants.variants([]), variants.ablations([]), variants.effects([], "laptop"), variants.nulls([]),
              variants.stale([]), variants.verdicts([])]  # fmt: skip
    assert all(isinstance(frame, pd.DataFrame) and frame.empty and len(frame.columns) > 5 for frame in frames)
