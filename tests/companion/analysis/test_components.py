"""The parts of the score as frames, against the records' own components."""

import numpy as np
import pytest
from companion.analysis import components, tables
from factories import write_record

from adcgan import paper
from adcgan.scoring import COMPONENTS, VARIANTS, auroc, combine

TERMS = {"L_GD": 4096, "L_GR": 784, "L_FE": 100, "L_FL": 1}  # of recipe printed at 28 pixels
WEIGHTS = {"L_GD": 0.1, "L_GR": 0.9, "L_FE": 0.5, "L_FL": 0.5}


@pytest.fixture(scope="module")
def some(tmp_path_factory):
    """Two seeds of a class and one of another, at the paper's scale."""
    place = tmp_path_factory.mktemp("runs")
    return [write_record(place, label=label, seed=seed) for label, seed in ((0, 0), (0, 1), (1, 0))]


def test_the_weighted_terms_of_a_run_add_up_to_its_score(some):
    frame = components.components(some[:1]).set_index("component")
    assert dict(frame["terms"]) == TERMS and list(frame.index) == list(COMPONENTS)
    record = some[0]
    for flag, kind in ((False, "normal"), (True, "anomalous")):
        rows = record.anomalous == flag
        for name in COMPONENTS:
            expected = WEIGHTS[name] * TERMS[name] * record.components[name][rows].astype(float).mean()
            assert frame.loc[name, kind] == pytest.approx(expected)
        assert frame[kind].sum() == pytest.approx(record.scores[rows].mean(), rel=1e-5)
    assert dict(frame["AUROC"]) == pytest.approx({name: 100 * record.auroc[name] for name in COMPONENTS})


def test_the_ladder_averages_a_classes_seeds_first_and_has_both_reductions(some):
    frame = components.ladder(some).set_index(["variant", "reduction"])
    assert len(frame) == 8 and set(frame["runs"]) == {3} and set(frame["scale"]) == {"paper"}
    published = paper.table(4).set_index(["variant", "dataset", "scheme"])["auc_percent"]
    for variant, rho in VARIANTS.items():
        for reduction, terms in (("sum", TERMS), ("mean", None)):
            first, second, other = (
                100 * auroc(r.anomalous, combine(r.components, 0.1, rho, terms)) for r in some
            )  # fmt: skip
            row = frame.loc[(variant, reduction)]
            assert row["ours"] == pytest.approx(((first + second) / 2 + other) / 2)
            expected = published.get((variant, "mnist", "one-vs-all"), np.nan)
            assert row["paper"] == pytest.approx(expected, nan_ok=True)


def test_both_reductions_of_a_class_are_means_over_its_seeds(some):
    frame = components.reductions(some).set_index("class")
    assert list(frame["seeds"]) == [2, 1] and list(frame["name"]) == ["0", "1"]
    for reduction in components.REDUCTIONS:
        assert frame.loc[0, reduction] == pytest.approx(50 * sum(tables.auroc_of(r, reduction) for r in some[:2]))


def test_the_reconstruction_is_per_pixel_and_of_runs_with_both_kinds_of_epoch(tmp_path):
    summed, meaned = write_record(tmp_path), write_record(tmp_path, reconstruction="mean")
    without = [write_record(tmp_path, warm_up_epochs=0), write_record(tmp_path, warm_up_epochs=20, epochs=0)]
    first, second = components.autoencoder([summed, meaned, *without]).to_dict("records")
    losses = [epoch["L_AE"] for epoch in summed.content["losses"]]
    assert (first["warm_up"], first["last"]) == pytest.approx((losses[4] / 784, losses[-1] / 784)), "5 warm-up epochs"
    assert first["ratio"] == pytest.approx(losses[-1] / losses[4]) and first["change"] == ""
    assert second["last"] == meaned.content["losses"][-1]["L_AE"] and second["change"] == "mean in L_AE"


def test_repeats_and_other_recipes_are_left_out_and_without_records_the_frames_are_empty(tmp_path):
    others = [
        write_record(tmp_path, repeat=1),
        write_record(tmp_path, recipe="script"),
        write_record(tmp_path, "digits"),
    ]
    for frame in (components.components, components.ladder, components.reductions):
        assert frame(others).empty and frame([]).empty
    assert components.autoencoder([]).empty
