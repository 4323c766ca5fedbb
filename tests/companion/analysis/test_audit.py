"""The audit's findings, computed again from the printed figures by other means."""

import csv
import statistics
from collections import defaultdict

import numpy as np
import pytest
from companion.analysis import audit

from adcgan import paper

MODELS = ["ALAD", "ADGAN", "AE-GAN", "AD-CGAN"]
TEN = ("mnist", "fashion_mnist", "cifar10")


def printed(number):
    with open(paper.HERE / f"table{number}.csv", newline="") as file:
        return list(csv.DictReader(file))


TABLE1 = {(row["dataset"], row["scheme"], row["model"]): row for row in printed(1)}
CELLS = defaultdict(list)  # Table 3's figures in the order of the classes
for _row in printed(3):
    if _row["class"] != "mean":
        CELLS[_row["dataset"], _row["scheme"], _row["model"]].append(float(_row["auc_percent"]))


def auroc(dataset, scheme, model="AD-CGAN"):
    return float(TABLE1[dataset, scheme, model]["auc_percent"])


def by_key(frame):
    return {(row["dataset"], row["scheme"], row["model"]): row for _, row in frame.iterrows()}


def test_table_1_is_the_means_of_table_3_but_for_one():
    found = by_key(audit.means())
    assert set(found) == set(CELLS) and len(found) == 28 and len(audit.cells()) == 3 * 2 * 10 * 4 + 2 * 4
    for key, values in CELLS.items():
        row = found[key]
        assert (row["classes"], row["printed"]) == (len(values), auroc(*key))
        assert row["recomputed"] == pytest.approx(statistics.fmean(values))
        assert row["difference"] == pytest.approx(auroc(*key) - statistics.fmean(values))
        assert row["agrees"] == (key != ("cats_vs_dogs", "one-vs-all", "AE-GAN"))
    means = {
        (r["dataset"], r["scheme"], r["model"]): float(r["auc_percent"]) for r in printed(3) if r["class"] == "mean"
    }
    assert means == {key: auroc(*key) for key in means} and set(means) >= set(CELLS)


def test_the_printed_spread_is_a_deviation_over_classes():
    found = by_key(audit.plus_minus())
    with_spread = {key: float(row["plus_minus"]) for key, row in TABLE1.items() if row["plus_minus"]}
    assert set(found) == set(with_spread) and len(found) == 14
    misfits = []
    for key, spread in with_spread.items():
        values = [value / 100 for value in CELLS[key]]
        population, sample = statistics.pstdev(values), statistics.stdev(values)
        row = found[key]
        assert (row["population"], row["sample"]) == pytest.approx((population, sample))
        assert row["sample_fits"] and int(sample * 100) == round(spread * 100)
        assert row["population_fits"] == (f"{population:.2f}" == f"{spread:.2f}")
        misfits += [] if row["population_fits"] else [key]
    assert misfits == [("cats_vs_dogs", "one-vs-all", "AD-CGAN")]


def lead(above, *others):
    """The least lead of a variant in Table 4's columns."""
    columns = defaultdict(dict)
    for row in printed(4):
        columns[row["dataset"], row["scheme"]][row["variant"]] = float(row["auc_percent"])
    assert len(columns) == 4
    return min(of[above] - max(value for name, value in of.items() if name != above and (not others or name in others))
               for of in columns.values())  # fmt: skip


def gain(scheme):
    return min(auroc(dataset, scheme) - auroc(dataset, scheme, other)
               for dataset in ("cifar10", "fashion_mnist") for other in MODELS[:3])  # fmt: skip


@pytest.mark.parametrize(
    ("words", "said", "computed", "agrees"),
    [
        ("Fashion-MNIST, one-vs-all: a minimum", 15, gain("one-vs-all"), True),
        ("Fashion-MNIST, all-vs-one: a minimum", 30, gain("all-vs-one"), False),
        ("on Fashion-MNIST:", 7, auroc("fashion_mnist", "one-vs-all") - auroc("fashion_mnist", "all-vs-one"), True),
        ("on MNIST:", 7, auroc("mnist", "one-vs-all") - auroc("mnist", "all-vs-one"), True),
        ("CatsVsDogs", 51.6, statistics.fmean(CELLS["cats_vs_dogs", "one-vs-all", "AE-GAN"]), False),
        ("GF's least lead", None, lead("AD-CGAN_GF"), True),
        ("LFE improves", None, lead("AD-CGAN_LFE", "AD-CGAN_LG"), True),
    ],
)
def test_a_statement_of_the_text_is_computed_from_the_tables(words, said, computed, agrees):
    (row,) = [row for _, row in audit.statements().iterrows() if words in row["statement"]]
    assert row["printed"] == said if said else np.isnan(row["printed"])
    assert row["computed"] == pytest.approx(computed) and row["agrees"] == agrees


def test_sums_and_correlations_of_the_schemes_and_profiles_are_those_of_the_figures():
    sums, trades = audit.scheme_sums(), audit.trades().set_index("dataset")
    assert list(sums.columns) == list(trades.columns) == MODELS and set(sums.index) == set(trades.index) == set(TEN)
    for dataset in TEN:
        for model in MODELS:
            both = [(dataset, scheme, model) for scheme in ("one-vs-all", "all-vs-one")]
            assert sums.loc[dataset, model] == pytest.approx(sum(auroc(*key) for key in both))
            assert trades.loc[dataset, model] == pytest.approx(np.corrcoef(*(CELLS[key] for key in both))[0, 1])
    for scheme in ("one-vs-all", "all-vs-one"):
        profiles = audit.profiles("mnist", scheme)
        assert list(profiles.index) == list(profiles.columns) == MODELS
        expected = np.corrcoef([CELLS["mnist", scheme, model] for model in MODELS])
        np.testing.assert_allclose(profiles.to_numpy(), expected)


def test_the_classes_with_another_model_ahead_are_counted_from_the_cells():
    frame = audit.ahead()
    for row in frame.itertuples():
        ours = np.array(CELLS[row.dataset, row.scheme, "AD-CGAN"])
        over = {model: np.array(CELLS[row.dataset, row.scheme, model]) > ours for model in MODELS[:3]}
        assert (row.classes, row.ahead) == (len(ours), np.any(list(over.values()), axis=0).sum())
        assert row.models == ", ".join(model for model, some in over.items() if some.any())
    assert frame["ahead"].sum() == 6
