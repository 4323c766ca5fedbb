"""The audit's findings, computed again from the printed figures by other means."""

import csv
import statistics
import subprocess
import sys
from collections import defaultdict

import numpy as np
import pytest
from companion.analysis import audit

from adcgan import paper

KEY = ["dataset", "scheme", "model"]


def printed(number):
    with open(paper.HERE / f"table{number}.csv", newline="") as file:
        return list(csv.DictReader(file))


def per_class():
    """Table 3's AUROCs by data set, scheme and model, in the order of the classes."""
    values = defaultdict(list)
    for row in printed(3):
        if row["class"] != "mean":
            values[row["dataset"], row["scheme"], row["model"]].append(float(row["auc_percent"]))
    return values


def table1():
    return {(row["dataset"], row["scheme"], row["model"]): row for row in printed(1)}


def auroc(dataset, scheme, model):
    return float(table1()[dataset, scheme, model]["auc_percent"])


def by_key(frame):
    return {tuple(row[name] for name in KEY): row for _, row in frame.iterrows()}


def test_the_cells_are_those_of_table_3_without_its_means():
    cells = audit.cells()
    assert len(cells) == sum(map(len, per_class().values())) == 3 * 2 * 10 * 4 + 2 * 4
    assert cells["auc_percent"].between(0, 100).all() and not (cells["class"] == "mean").any()


def test_the_means_are_those_of_the_cells():
    found, expected = by_key(audit.means()), per_class()
    assert set(found) == set(expected) and len(found) == 28
    for key, values in expected.items():
        row = found[key]
        assert row["classes"] == len(values) and row["printed"] == auroc(*key)
        assert row["recomputed"] == pytest.approx(statistics.fmean(values))
        assert row["difference"] == pytest.approx(auroc(*key) - statistics.fmean(values))


def test_exactly_one_printed_mean_disagrees_with_its_cells():
    frame = audit.means()
    (row,) = frame[~frame["agrees"]].to_dict("records")
    assert [row[name] for name in KEY] == ["cats_vs_dogs", "one-vs-all", "AE-GAN"]
    assert row["printed"] == 51.6 and row["recomputed"] == pytest.approx(51.9)
    assert frame[frame["agrees"]]["difference"].abs().max() < 0.1


def test_table_1_and_the_mean_rows_of_table_3_print_the_same_figures():
    rows = [row for row in printed(3) if row["class"] == "mean"]
    assert {(r["dataset"], r["scheme"], r["model"]): float(r["auc_percent"]) for r in rows} == {
        key: float(row["auc_percent"]) for key, row in table1().items()
    }


def test_the_printed_spread_is_a_deviation_over_classes():
    found, values = by_key(audit.plus_minus()), per_class()
    with_spread = {key: float(row["plus_minus"]) for key, row in table1().items() if row["plus_minus"]}
    assert set(found) == set(with_spread) and len(found) == 14
    misfits = []
    for key, spread in with_spread.items():
        population, sample = (deviation(values[key]) / 100 for deviation in (statistics.pstdev, statistics.stdev))
        row = found[key]
        assert row["printed"] == spread
        assert (row["population"], row["sample"]) == pytest.approx((population, sample))
        assert row["population_fits"] == (f"{population:.2f}" == f"{spread:.2f}")
        assert row["sample_fits"] and int(sample * 100) == round(spread * 100)
        misfits += [] if row["population_fits"] else [key]
    assert misfits == [("cats_vs_dogs", "one-vs-all", "AD-CGAN")]


def statement(*words):
    frame = audit.statements()
    (row,) = (row for _, row in frame.iterrows() if all(word in row["statement"] for word in words))
    return row


@pytest.mark.parametrize(
    "scheme, claimed, least, holds", [("one-vs-all", 15, 15.8, True), ("all-vs-one", 30, 29.0, False)]
)
def test_the_least_improvement_is_as_stated_one_vs_all_and_is_not_all_vs_one(scheme, claimed, least, holds):
    row = statement("improvement", scheme)
    gains = [
        auroc(dataset, scheme, "AD-CGAN") - auroc(dataset, scheme, other)
        for dataset in ("cifar10", "fashion_mnist")
        for other in ("ALAD", "ADGAN", "AE-GAN")
    ]
    assert row["printed"] == claimed and str(claimed) in row["statement"]
    assert row["computed"] == pytest.approx(min(gains)) and row["computed"] == pytest.approx(least)
    assert bool(row["agrees"]) is holds


@pytest.mark.parametrize("title, dataset, drop", [("Fashion-MNIST", "fashion_mnist", 6.2), ("MNIST", "mnist", 7.3)])
def test_both_drops_between_the_schemes_are_computed(title, dataset, drop):
    row = statement("drop", f"on {title}:")
    expected = auroc(dataset, "one-vs-all", "AD-CGAN") - auroc(dataset, "all-vs-one", "AD-CGAN")
    assert row["printed"] == 7 and row["computed"] == pytest.approx(expected) and expected == pytest.approx(drop)
    assert row["agrees"] and abs(expected - 7) < 1  # "around 7"


def test_the_mean_that_disagrees_is_among_the_statements():
    row = statement("AE-GAN", "CatsVsDogs")
    assert row["printed"] == 51.6 and row["computed"] == pytest.approx(51.9) and not row["agrees"]


@pytest.mark.parametrize("words, above, below", [("GF", "AD-CGAN_GF", None), ("LFE", "AD-CGAN_LFE", "AD-CGAN_LG")])
def test_what_appendix_a5_says_of_table_4_is_computed_over_its_four_columns(words, above, below):
    row, columns = statement("A.5", words), {}
    for line in printed(4):
        columns.setdefault((line["dataset"], line["scheme"]), {})[line["variant"]] = float(line["auc_percent"])
    leads = [
        column[above] - max(value for name, value in column.items() if name != above and name == (below or name))
        for column in columns.values()
    ]
    assert len(leads) == 4 and row["computed"] == pytest.approx(min(leads)) and row["agrees"] == (min(leads) > 0)
    assert np.isnan(row["printed"]), "the text has no figure"


def test_sums_over_the_schemes_are_those_of_table_1():
    sums = audit.scheme_sums()
    assert list(sums.columns) == audit.COMPARISON and set(sums.index) == {"mnist", "fashion_mnist", "cifar10"}
    for dataset, row in sums.iterrows():
        for model, value in row.items():
            assert value == pytest.approx(auroc(dataset, "one-vs-all", model) + auroc(dataset, "all-vs-one", model))
    assert sums.loc["cifar10", "AD-CGAN"] == pytest.approx(170.5)


@pytest.mark.parametrize("dataset", ["mnist", "fashion_mnist", "cifar10"])
@pytest.mark.parametrize("scheme", ["one-vs-all", "all-vs-one"])
def test_profiles_are_correlations_over_the_classes(dataset, scheme):
    profiles, values = audit.profiles(dataset, scheme), per_class()
    assert list(profiles.index) == list(profiles.columns) == audit.COMPARISON
    matrix = profiles.to_numpy()
    assert matrix == pytest.approx(matrix.T) and np.diag(matrix) == pytest.approx(np.ones(4))
    expected = np.corrcoef(values[dataset, scheme, "ALAD"], values[dataset, scheme, "AD-CGAN"])[0, 1]
    assert profiles.loc["ALAD", "AD-CGAN"] == pytest.approx(expected)


def test_profiles_are_of_cifar_10_one_vs_all_unless_told():
    assert audit.profiles().equals(audit.profiles("cifar10", "one-vs-all"))


def test_the_audit_needs_no_torch():
    code = "import sys, companion.analysis.audit; print('torch' in sys.modules, 'pandas' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=paper.HERE.parent.parent)
    assert done.stdout.split() == ["False", "True"], done.stderr


def test_trades_are_correlations_between_the_two_schemes_of_a_model():
    table = by_class()
    frame = audit.trades().set_index("dataset")
    assert list(frame.index) == ["mnist", "fashion_mnist", "cifar10"]
    for dataset in frame.index:
        for model in audit.COMPARISON:
            one, other = (
                [table[dataset, scheme, str(n), model] for n in range(10)] for scheme in ("one-vs-all", "all-vs-one")
            )
            assert frame.loc[dataset, model] == pytest.approx(np.corrcoef(one, other)[0, 1])


def test_the_classes_with_another_model_ahead_are_counted_from_the_cells():
    table = by_class()
    for _, row in audit.ahead().iterrows():
        kind = (row["dataset"], row["scheme"])
        ours = {place: value for place, value in table.items() if place[:2] == kind and place[3] == "AD-CGAN"}
        models = set()
        classes = set()
        for (dataset, scheme, label, model), value in table.items():
            if (dataset, scheme) == kind and value > ours[dataset, scheme, label, "AD-CGAN"]:
                models.add(model)
                classes.add(label)
        assert (row["classes"], row["ahead"]) == (len(ours), len(classes))
        assert row["models"] == ", ".join(model for model in audit.COMPARISON if model in models)
    assert audit.ahead()["ahead"].sum() == 6


def by_class():
    """Table 3's figures by data set, scheme, class and model, without its rows of means."""
    with open(paper.HERE / "table3.csv", newline="") as file:
        return {
            (row["dataset"], row["scheme"], row["class"], row["model"]): float(row["auc_percent"])
            for row in csv.DictReader(file)
            if row["class"] != "mean"
        }
