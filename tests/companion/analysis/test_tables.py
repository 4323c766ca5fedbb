"""Tables 1 to 4 from records: what enters, what a mean needs, and that every published figure is there."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from companion.analysis import results, tables, variants
from factories import write_format1, write_record

from adcgan import paper
from adcgan.scoring import VARIANTS, auroc, combine

# Recipe printed's local map of 4 x 4 with 256 channels, not projected; pixels; latents; one probability.
TERMS = {"L_GD": 256 * 4 * 4, "L_GR": 28 * 28, "L_FE": 100, "L_FL": 1}


def adcgan(frame, dataset="mnist", scheme="one-vs-all", model="AD-CGAN"):
    return frame[(frame["dataset"] == dataset) & (frame["scheme"] == scheme) & (frame["model"] == model)]


def percent(records):
    return [100 * record.auroc["NS"] for record in records]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Every class of MNIST one-vs-all at scale laptop, seed 0 of all and seed 1 of all but the last."""
    runs = tmp_path_factory.mktemp("whole")
    ours = [write_record(runs, label=n, seed=s, scale="laptop") for n in range(10) for s in (0, 1)][:-1]
    pca = [write_record(runs, method="pca", label=n) for n in range(10)]
    knn = [write_record(runs, method="knn", label=n, fingerprint="1" * 64) for n in range(10)]
    return SimpleNamespace(ours=ours, pca=pca, knn=knn, all=[*ours, *pca, *knn])


def test_without_records_every_published_figure_is_there_and_none_of_ours():
    for number, frame in ((1, tables.table1([])), (3, tables.table3([])), (4, tables.table4([]))):
        published = paper.table(number)
        if number == 3:
            published = published[published["class"] != "mean"]
        assert sorted(frame["paper"].dropna()) == sorted(published["auc_percent"].dropna())
        assert frame["ours"].isna().all() and (frame["seeds"] == 0).all()


def test_a_class_has_the_mean_and_spread_of_its_seeds(tmp_path):
    records = [write_record(tmp_path, seed=seed) for seed in (0, 2)]
    values = percent(records)
    (row,) = adcgan(tables.table3(records)).query("seeds > 0").to_dict("records")
    assert (row["class"], row["seeds"], row["of_seeds"]) == (0, 2, 3)
    assert row["ours"] == pytest.approx(np.mean(values)) and row["sd"] == pytest.approx(np.std(values, ddof=1))
    assert (row["seed_0"], row["seed_2"]) == pytest.approx(values) and np.isnan(row["seed_1"])
    planned = tables.table3([]).groupby(["model", "scheme"])["of_seeds"].unique()
    once = {cell for cell, seeds in planned.items() if list(seeds) == [1]}
    assert {model for model, _ in once} == {"PCA reconstruction", "nearest neighbours", "one-class SVM"}
    assert ("one-class SVM", "all-vs-one") not in once, "there it draws some of the images"


def test_a_mean_over_classes_is_given_only_when_every_class_is_run(whole):
    (row,) = adcgan(tables.table1(whole.ours, "laptop")).itertuples()
    by_class = [np.mean(percent(r for r in whole.ours if r.run.label == n)) for n in range(10)]
    assert row.ours == pytest.approx(np.mean(by_class)) and (row.classes, row.of_classes, row.seeds) == (10, 10, 1)
    assert row.seed_0 == pytest.approx(np.mean(percent(r for r in whole.ours if r.run.seed == 0)))
    assert np.isnan(row.seed_1), "a seed's own mean waits for every class too"
    gf = tables.table4(whole.ours, "laptop").query("variant == 'AD-CGAN_GF' and classes > 0").iloc[0]
    assert (gf["ours"], gf["seed_0"]) == pytest.approx((row.ours, row.seed_0)) and np.isnan(gf["seed_1"])
    (row,) = adcgan(tables.table1(whole.ours[:-1], "laptop")).itertuples()
    assert np.isnan(row.ours) and row.classes == 9
    assert tables.table4(whole.ours[:-1], "laptop")["ours"].isna().all()


def test_ablations_repeats_other_data_other_seeds_and_the_old_default_enter_no_table(tmp_path):
    for scale in ("paper", "laptop"):
        some = [write_record(tmp_path, scale=scale, rho=0.25), write_record(tmp_path, scale=scale, repeat=1),
                write_record(tmp_path, "digits", scale=scale), write_record(tmp_path, scale=scale, seed=5),
                write_format1(tmp_path, seed=int(scale == "paper"))]  # fmt: skip
        for table in (tables.table1, tables.table3, tables.table4):
            assert (table(some, scale)["seeds"] == 0).all()
        assert not list(tables.of_adcgan(some, scale)) and not results.behind(3, some)
        assert variants.verdicts(some).empty
        assert len(tables.runs(some)) == 5, "the list of runs has them"


def test_each_scale_has_its_own_tables_and_library_baselines_stand_in_both(tmp_path):
    one, other = (write_record(tmp_path, scale=scale) for scale in ("paper", "laptop"))
    pca, alad = write_record(tmp_path, method="pca"), write_record(tmp_path, method="alad", scale="laptop")
    records = [one, other, pca, alad]
    for table in (tables.table3, tables.table4):
        pd.testing.assert_frame_equal(table(records, "paper"), table([one, pca], "paper"))
        pd.testing.assert_frame_equal(table(records, "laptop"), table([other, pca, alad], "laptop"))
    assert list(tables.measured(records, "paper")["method"]) == ["adcgan-printed", "pca"]
    assert list(tables.measured(records, "laptop")["method"]) == ["adcgan-printed", "alad", "pca"]
    (row,) = adcgan(tables.table3(records)).query("seeds > 0").itertuples()
    assert row.ours == pytest.approx(100 * one.result) != 100 * other.result, "the paper's scale unless told"


def test_recipe_script_has_a_line_of_its_own_with_the_mean_over_the_stale_noise(tmp_path):
    script, printed = write_record(tmp_path, recipe="script"), write_record(tmp_path)
    frame = tables.table3([script, printed]).query("seeds > 0").set_index("model")
    mean = script.content["stale_noise"]["NS"]["mean"]
    assert frame.loc["AD-CGAN, recipe script", "ours"] == pytest.approx(100 * mean) and mean != script.auroc["NS"]
    assert np.isnan(frame.loc["AD-CGAN, recipe script", "paper"]), "the published figures stand beside recipe printed"
    assert frame.loc["AD-CGAN", "ours"] == pytest.approx(100 * printed.auroc["NS"])
    assert (tables.table4([script])["seeds"] == 0).all(), "Table 4 is of recipe printed"


def test_a_share_of_the_test_images_is_said_and_more_images_stand_before_fewer(tmp_path):
    some = [write_record(tmp_path, seed=seed, test_images=count) for seed, count in ((0, 100), (0, 2000), (1, 1000))]
    (row,) = adcgan(tables.table3([*some, write_record(tmp_path, seed=2)])).query("seeds > 0").itertuples()
    assert (row.seeds, row.share) == (3, 1000) and row.seed_0 == pytest.approx(100 * some[1].result)
    assert len(results.behind(3, some)) == 2, "the run on 100 images does not stand"
    assert variants.verdicts(some).empty, "no verdict on a share"
    whole = write_record(tmp_path)
    assert tables.standing([*some, whole])[0] is whole


def test_table4_variants_follow_from_the_components(tmp_path):
    record = write_record(tmp_path)
    for reduction, numbers in (("sum", TERMS), ("mean", None)):
        frame = tables.table4_by_class([record], reduction).set_index("variant")["ours"]
        for variant, rho in VARIANTS.items():
            score = combine(record.components, 0.1, rho, numbers)
            assert frame[variant] == pytest.approx(100 * auroc(record.anomalous, score))
        score = combine(record.components, 0.1, 0.5, numbers)
        assert tables.auroc_of(record, reduction) == pytest.approx(auroc(record.anomalous, score))
    assert tables.auroc_of(record) == record.auroc["NS"] == pytest.approx(tables.auroc_of(record, "sum"))


def test_table2_has_one_convolution_more_in_the_generators_of_28_and_64_pixels():
    frame = tables.table2()
    assert (frame["paper"] == frame["t2p"]).all()
    differs = frame[frame["paper"] != frame["t2r"]]
    assert set(zip(differs["dataset"], differs["module"], differs["kind"], strict=True)) == {
        (dataset, "generator", "conv") for dataset in ("mnist", "fashion_mnist", "cats_vs_dogs")
    }
    assert (differs["t2r"] - differs["paper"] == 1).all()


def test_data_other_than_the_canonical_are_noted(tmp_path):
    copy, canonical = write_record(tmp_path, canonical=False), write_record(tmp_path, label=1)
    assert tables.notes([copy, canonical]) == ["mnist: a copy"] and tables.notes([canonical]) == []


def test_models_are_compared_class_by_class_where_all_classes_were_run(monkeypatch):
    aurocs = {"ALAD": np.arange(50, 60.0), "AE-GAN": np.arange(49, 59.0), "AnoGAN": 108 - np.arange(50, 60.0)}
    aurocs["ADGAN"] = np.where(np.arange(10) == 3, np.nan, 50.0)  # a class is missing
    aurocs["AD-CGAN"] = np.arange(60, 70.0)
    rows = [("mnist", "one-vs-all", n, model, value) for model, some in aurocs.items() for n, value in enumerate(some)]
    rows += [("cats_vs_dogs", "one-vs-all", n, model, 60.0 + n) for model in ("ALAD", "AE-GAN") for n in range(2)]
    frame = pd.DataFrame(rows, columns=["dataset", "scheme", "class", "model", "ours"])
    monkeypatch.setattr(tables, "table3", lambda records, scale: frame)
    found = tables.comparisons([]).set_index(["first", "second"])
    ours = [("AD-CGAN", "ALAD"), ("AD-CGAN", "AE-GAN"), ("AD-CGAN", "AnoGAN")]
    assert list(found.index) == [*ours, ("ALAD", "AE-GAN"), ("ALAD", "AnoGAN"), ("AE-GAN", "AnoGAN")]
    assert found.loc[ours[0], "corrected"] == pytest.approx(3 * 2 / 2**10), "the pairs with AD-CGAN are a family"
    assert set(found["dataset"]) == {"mnist"} and set(found["classes"]) == {10}
    first = found.loc[("ALAD", "AE-GAN")]
    assert (first["difference"], first["higher"]) == (pytest.approx(1), 10)
    assert (first["p"], first["corrected"]) == pytest.approx((2 / 2**10, 6 / 2**10)), "all ten are of one sign"


def test_models_measured_on_different_bytes_are_not_compared(whole):
    found = tables.comparisons(whole.all, "laptop")
    assert list(zip(found["first"], found["second"], strict=True)) == [("AD-CGAN", "PCA reconstruction")]


def test_reconstructions_worse_than_a_mean_picture_and_a_training_ended_by_its_cap_are_said_beside_the_figure(whole):
    images = np.random.default_rng(0).integers(0, 256, (8, 28, 28), np.uint8)
    mean = np.broadcast_to(images.mean(0), images.shape)

    class Ran:
        """A run with these pictures, ended so."""

        def __init__(self, rows, **content):
            self.picture_rows, self.content = lambda: rows, content

    def ran(reconstructed, **content):
        return Ran({"normal": images, "normal, reconstructed": reconstructed}, **content)

    assert tables.explained(ran(images)) == 1 and tables.remarks(ran(images)) == ""
    assert tables.explained(ran(mean)) == pytest.approx(1 / 8)  # of these very eight: nearer than that of the others
    assert tables.explained(ran((images + mean) / 2)) == pytest.approx(1 - 7 / 32)  # half the way: a quarter of it
    assert tables.remarks(ran(np.zeros_like(images), ended="cap")) == (
        "reconstructs worse than a mean picture, ended by its cap"
    )
    nothing = Ran({"normal": images})
    assert np.isnan(tables.explained(nothing)) and tables.remarks(nothing) == ""
