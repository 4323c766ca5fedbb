"""The published tables examined by themselves: arithmetic on `adcgan.paper`, no run of ours."""

import numpy as np
import pandas as pd

from adcgan import paper

COMPARISON = ["ALAD", "ADGAN", "AE-GAN", "AD-CGAN"]


def cells() -> pd.DataFrame:
    """Table 3's cells without its rows of means: dataset, scheme, class, model, auc_percent, plus_minus."""
    table = paper.table(3)
    return table[table["class"] != "mean"]


def means() -> pd.DataFrame:
    """Table 1 beside the means of Table 3's cells: dataset, scheme, model, printed, recomputed, difference, classes.

    ``agrees`` allows for both tables' rounding to 0.1.
    """
    per_class = cells().groupby(["dataset", "scheme", "model"])["auc_percent"].agg(["mean", "count"])
    table = paper.table(1)[["dataset", "scheme", "model", "auc_percent"]].rename(columns={"auc_percent": "printed"})
    table = table.join(per_class, on=["dataset", "scheme", "model"])
    table = table.rename(columns={"mean": "recomputed", "count": "classes"}).dropna(subset=["recomputed"])
    table["difference"] = table["printed"] - table["recomputed"]
    table["agrees"] = table["difference"].abs() < 0.1
    return table.reset_index(drop=True)


def plus_minus() -> pd.DataFrame:
    """What Table 1's plus/minus equals: dataset, scheme, model, printed, and two deviations over classes, fractions.

    ``population`` divides by the number of classes and is rounded to two places, ``sample`` divides by one less and
    is cut to two places.
    """
    fractions = cells().assign(fraction=lambda frame: frame["auc_percent"] / 100)
    deviations = fractions.groupby(["dataset", "scheme", "model"])["fraction"].agg(
        population=lambda values: values.std(ddof=0), sample="std"
    )
    table = paper.table(1).dropna(subset=["plus_minus"]).rename(columns={"plus_minus": "printed"})
    table = table.join(deviations, on=["dataset", "scheme", "model"]).dropna(subset=["sample"])
    table["population_fits"] = np.isclose(table["population"].round(2), table["printed"])
    table["sample_fits"] = np.isclose(np.floor(table["sample"] * 100 + 1e-9) / 100, table["printed"])
    columns = ["dataset", "scheme", "model", "printed", "population", "population_fits", "sample", "sample_fits"]
    return table[columns].reset_index(drop=True)


def statements() -> pd.DataFrame:
    """Statements of the text beside the tables: statement, printed, computed, agrees (to rounding).

    "Around" is taken as within 1; where a statement has no figure, ``printed`` is NaN, and a gain above 0 agrees.
    """
    table = paper.table(1).set_index(["dataset", "scheme", "model"])["auc_percent"]

    def least_gain(scheme):
        gains = [
            table[dataset, scheme, "AD-CGAN"] - max(table[dataset, scheme, model] for model in COMPARISON[:-1])
            for dataset in ("cifar10", "fashion_mnist")
        ]
        return min(gains)

    def drop(dataset):
        return table[dataset, "one-vs-all", "AD-CGAN"] - table[dataset, "all-vs-one", "AD-CGAN"]

    cats = cells()
    cats = cats[(cats["dataset"] == "cats_vs_dogs") & (cats["model"] == "AE-GAN")]["auc_percent"].mean()
    soft, hard = least_gain("one-vs-all"), least_gain("all-vs-one")
    fashion, digits = drop("fashion_mnist"), drop("mnist")
    printed = table["cats_vs_dogs", "one-vs-all", "AE-GAN"]
    variants = paper.table(4).pivot(index="variant", columns=["dataset", "scheme"], values="auc_percent")
    whole, encoded = variants.loc["AD-CGAN_GF"], variants.loc["AD-CGAN_LFE"] - variants.loc["AD-CGAN_LG"]
    lead = (whole - variants.drop("AD-CGAN_GF").max()).min()
    rows = [
        ("improvement on CIFAR-10 and Fashion-MNIST, one-vs-all: a minimum of 15", 15.0, soft, soft >= 15),
        ("improvement on CIFAR-10 and Fashion-MNIST, all-vs-one: a minimum of 30", 30.0, hard, hard >= 30),
        (
            "drop from one-vs-all to all-vs-one on Fashion-MNIST: around 7",
            7.0,
            fashion,
            abs(fashion - 7) < 1,
        ),
        ("drop from one-vs-all to all-vs-one on MNIST: around 7", 7.0, digits, abs(digits - 7) < 1),
        ("mean of AE-GAN's two CatsVsDogs cells, Table 1", printed, cats, abs(printed - cats) < 0.1),
        ("leaving out a component of the score lowers it (A.5): GF's least lead in Table 4", np.nan, lead, lead > 0),
        (
            "LFE improves on LG in both data sets, by “a large boost” (A.5): least gain in Table 4",
            np.nan,
            encoded.min(),
            encoded.min() > 0,
        ),
    ]
    return pd.DataFrame(rows, columns=["statement", "printed", "computed", "agrees"])


def scheme_sums() -> pd.DataFrame:
    """One-vs-all plus all-vs-one: dataset and model to the sum of Table 1's means, in points."""
    table = paper.table(1)
    both = table[table["dataset"] != "cats_vs_dogs"]
    sums = both.pivot_table(index="dataset", columns="model", values="auc_percent", aggfunc="sum")
    return sums[COMPARISON].loc[["mnist", "fashion_mnist", "cifar10"]]


def trades() -> pd.DataFrame:
    """Pearson correlation, over the classes of a data set, of each model's AUROC under the two schemes: dataset, then
    the models. A model that trades one scheme against the other has a negative one.
    """
    rows = []
    for dataset in ("mnist", "fashion_mnist", "cifar10"):
        part = cells()
        part = part[part["dataset"] == dataset]
        row = {"dataset": dataset}
        for model in COMPARISON:
            wide = part[part["model"] == model].pivot(index="class", columns="scheme", values="auc_percent")
            row[model] = wide["one-vs-all"].corr(wide["all-vs-one"])
        rows.append(row)
    return pd.DataFrame(rows)


def ahead() -> pd.DataFrame:
    """In how many classes of Table 3 another model is ahead of AD-CGAN: dataset, scheme, classes, ahead, models."""
    rows = []
    for (dataset, scheme), part in cells().groupby(["dataset", "scheme"], sort=False):
        wide = part.pivot(index="class", columns="model", values="auc_percent")
        others = wide.drop(columns="AD-CGAN").gt(wide["AD-CGAN"], axis=0)
        models = [model for model in COMPARISON if model in others and others[model].any()]
        rows.append((dataset, scheme, len(wide), int(others.any(axis=1).sum()), ", ".join(models)))
    return pd.DataFrame(rows, columns=["dataset", "scheme", "classes", "ahead", "models"])


def profiles(dataset: str = "cifar10", scheme: str = "one-vs-all") -> pd.DataFrame:
    """Pearson correlations between the models' AUROCs over the classes of one part of Table 3."""
    part = cells()
    part = part[(part["dataset"] == dataset) & (part["scheme"] == scheme)]
    wide = part.pivot(index="class", columns="model", values="auc_percent")
    return wide[[model for model in COMPARISON if model in wide]].corr()
