"""The paper's grid: what stands in it, in which order; what a run costs and which state it is in; ablations."""

import dataclasses
from collections import Counter
from pathlib import Path

import pytest

from adcgan.config import COMPARED, METHODS, RECIPES, SCALES
from adcgan.experiments import grid, records

RUNS = Path(__file__).resolve().parents[3] / "runs"


def test_the_grid_is_the_papers_at_both_scales_and_no_run_stands_in_it_twice():
    whole = grid.planned()
    assert len(whole) == len({one.directory(Path("runs")) for one in whole})
    for scale in SCALES:
        counts = Counter(one.name for one in whole if one.scale == scale)
        assert counts == dict.fromkeys(["adcgan-printed", "adcgan-script", *COMPARED, "autoencoder"], 186)
    seeds = Counter((one.method, one.scheme, one.seed) for one in whole if one.scale is None)
    assert {(method, scheme) for method, scheme, seed in seeds if seed} == {
        (method, scheme) for method in grid.LIBRARY for scheme in METHODS[method].repeated
    }, "what draws at random has all seeds, ..."
    assert {method for method, _, seed in seeds if not seed} == set(grid.LIBRARY), "... everything one"
    assert seeds["ocsvm", "all-vs-one", 2] == 30
    assert {one.method for one in whole} == set(METHODS) and not any(one.changes for one in whole)


def test_the_grid_begins_with_ad_cgans_rows_whole_and_in_the_stated_order():
    first = grid.planned()[:62]
    assert {(one.method, one.recipe, one.scale, one.seed) for one in first} == {("adcgan", "printed", "laptop", 0)}
    assert [one.scheme for one in first] == ["one-vs-all"] * 32 + ["all-vs-one"] * 30
    assert list(dict.fromkeys(one.dataset for one in first)) == ["fashion_mnist", "mnist", "cifar10", "cats_vs_dogs"]
    assert [one.label for one in first[:11]] == [*range(10), 0]


@pytest.mark.parametrize(
    ("filters", "count"),
    [
        (dict(methods=["knn"], scales=["laptop"]), 62),  # it has no scale
        (dict(methods=["knn"], recipes=["printed"]), 0),
        (dict(methods=["adcgan"], datasets=["mnist"], schemes=["all-vs-one"], seeds=[1, 2]), 80),
        (dict(datasets=["mnist"], schemes=["all-vs-one"], seeds=[1, 2], scales=["paper"], recipes=["script"]), 20),
        (dict(methods=["adcgan"], datasets=["cats_vs_dogs"], classes=["dog"]), 12),
        (dict(methods=["adcgan"], datasets=["digits"]), 240),
    ],
)
def test_filters_keep_what_they_name(filters, count):
    kept = grid.planned(**filters)
    assert len(kept) == count
    assert not filters.get("classes") or {one.label for one in kept} == {1}
    assert {one.recipe for one in kept} <= set(filters.get("recipes", [*RECIPES, None]))
    assert {one.scale for one in kept} <= {*filters.get("scales", SCALES), None}


def test_ablations_are_named_changes_of_recipe_printed_at_scale_laptop():
    ablations = grid.ablations()
    assert all(one.changes and (one.recipe, one.scale) == ("printed", "laptop") for one in ablations)
    assert {grid.named(one.changes) for one in ablations} == set(grid.ABLATIONS)
    assert len(ablations) == len(set(ablations)) == len(grid.ABLATIONS) * 6 * 3  # six classes, three seeds
    assert len(grid.ablations(datasets=["mnist"], seeds=[0])) == 3 * len(grid.ABLATIONS)
    assert grid.named(dict(rho=0.0, epochs=1)) == "rho=0.0, epochs=1"


def test_steps_are_those_of_the_specification():
    planned = grid.planned(methods=["adcgan"], recipes=["printed"])
    steps = {(one.dataset, one.scheme, one.scale): grid.steps(one) for one in planned}
    assert steps["mnist", "one-vs-all", "laptop"] == 20 * (2000 // 32)
    assert steps["cifar10", "all-vs-one", "paper"] == 50 * (45_000 // 32)
    assert steps["cats_vs_dogs", "one-vs-all", "laptop"] == 20 * 62


def test_a_state_is_read_from_what_lies_in_the_runs_directory(record, runs_of, tmp_path):
    assert grid.state(record.run, runs_of(record)) == "done" and grid.state(record.run, tmp_path) == "missing"
    checkpoint = record.run.directory(tmp_path) / records.CHECKPOINT
    checkpoint.parent.mkdir(parents=True)
    checkpoint.touch()
    assert grid.state(record.run, tmp_path) == "started"


def test_rates_are_medians_of_the_tables_runs_on_that_kind_of_device(record):
    assert grid.rates([record], "cpu") == {}, "an ablation"
    (old,) = grid.rates([records.read(RUNS / "format-1/autoencoder/mnist/one-vs-all/class-0/seed-0/record.json", RUNS)],
                        "cpu").values()  # fmt: skip
    assert old.measured == 1 and old.seconds > 60 and old.memory > 0
    assert old.processor != old.processor, "format 1 does not say it"
    (whole,) = grid.planned(methods=["adcgan"], recipes=["printed"], scales=["laptop"], datasets=["digits"],
                            schemes=["one-vs-all"], seeds=[0], classes=["0"])  # fmt: skip

    def like(train, score, more, steps):
        cost = dict(
            train_seconds=2 * train, train_processor_seconds=train, score_seconds=2 * score, steps=steps,
            score_processor_seconds=score, per_epoch_seconds=more, peak_memory_bytes=train, resumed=0,
        )  # fmt: skip
        return dataclasses.replace(record, run=whole, content=record.content | {"cost": cost})

    measured = [like(60, 1, 5, 10), like(80, 3, 3, 20), like(90, 2, 4, 10)]
    ((kind, rate),) = grid.rates(measured, "cpu").items()
    assert kind == grid.kind(whole) == ("adcgan", "printed", "laptop", "digits", "one-vs-all")
    assert rate == grid.Rate(seconds=169, processor=83, step=6, memory=90, measured=3)
    assert grid.rates(measured, "cuda") == {}
