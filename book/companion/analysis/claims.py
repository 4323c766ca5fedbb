"""The paper's claims beside what was measured: supported, not supported or not tested, by rules stated here."""

from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd

from adcgan.config import SCHEMES
from adcgan.data.datasets import TITLES
from adcgan.experiments.records import Record

from . import statistics, tables, variants

SOFT, HARD = SCHEMES
WHOLE, ALONE = "AD-CGAN_GF", "AD-CGAN_LG"  # Table 4's whole score, and its generation terms alone


class Claim(NamedTuple):
    """``measured`` maps a place to a figure (points, positive for the claim); ``scale`` is None where nothing was."""

    text: str
    measured: dict[str, float]
    scale: str | None
    supported: bool | None


def claims(records: Sequence[Record]) -> list[Claim]:
    """The six claims, each at the larger scale that tested it. Only means over all classes of a data set count."""
    at = {scale: (tables.table1(records, scale), tables.table4(records, scale)) for scale in ("paper", "laptop")}
    return [
        _first("AD-CGAN beats the compared methods by at least 15 points (CIFAR-10, Fashion-MNIST, one-vs-all)",
               {scale: _lead(means) for scale, (means, _) in at.items()}, lambda v: min(v) >= 15),
        _first(f"AD-CGAN's means are those of Table 1, to {statistics.TOLERANCE:g} points",
               {scale: _gap(means) for scale, (means, _) in at.items()},
               lambda v: max(map(abs, v)) <= statistics.TOLERANCE),
        _first("All-vs-one is the harder scheme: the mean is about 7 points lower (MNIST, Fashion-MNIST)",
               {scale: _drop(means) for scale, (means, _) in at.items()}, lambda v: all(5 <= x <= 9 for x in v)),
        _first("The latent terms raise the mean: whole score minus generation terms alone (Table 4: 13 to 28)",
               {scale: _raised(ladder) for scale, (_, ladder) in at.items()},
               lambda v: min(v) > statistics.TOLERANCE),
        _first("All components together are best: whole score minus the best other variant (Table 4)",
               {scale: _best(ladder) for scale, (_, ladder) in at.items()}, lambda v: min(v) > 0),
        _first("The contrastive loss is what helps: with it minus without",
               {"laptop": _contrastive(variants.effects(records, "laptop"))},
               lambda v: min(v) > statistics.TOLERANCE),
    ]  # fmt: skip


def _first(text, by_scale, rule):
    for scale, measured in by_scale.items():
        if measured:
            return Claim(text, measured, scale, bool(rule(list(measured.values()))))
    return Claim(text, {}, None, None)


def _means(table, models):
    """``ours`` by data set and scheme (rows), and model."""
    some = table[table["model"].isin(models)]
    return some.pivot(index=["dataset", "scheme"], columns="model", values="ours")


def _lead(table):
    wide = _means(table, tables.MODELS)
    wide = wide[wide.index.get_level_values("scheme") == SOFT].dropna()
    others = [name for name in tables.MODELS if name != "AD-CGAN"]
    lead = wide["AD-CGAN"] - wide[others].max(axis=1)
    return {TITLES[name]: lead[name, SOFT] for name in ("cifar10", "fashion_mnist") if (name, SOFT) in lead}


def _gap(table):
    some = table[(table["model"] == "AD-CGAN") & table["ours"].notna()]
    return {f"{TITLES[row.dataset]}, {row.scheme}": row.ours - row.paper for row in some.itertuples()}


def _drop(table):
    ours = _means(table, ["AD-CGAN"])["AD-CGAN"]
    drop = {TITLES[name]: ours[name, SOFT] - ours[name, HARD] for name in ("mnist", "fashion_mnist")}
    return {name: value for name, value in drop.items() if not pd.isna(value)}


def _ladder(table):
    wide = table.pivot(index=["dataset", "scheme"], columns="variant", values="ours").dropna()
    return {f"{TITLES[name]}, {scheme}": row for (name, scheme), row in wide.iterrows()}


def _raised(table):
    return {place: row[WHOLE] - row[ALONE] for place, row in _ladder(table).items()}


def _best(table):
    return {place: row[WHOLE] - row.drop(WHOLE).max() for place, row in _ladder(table).items()}


def _contrastive(effects):
    part = effects[effects["change"] == "no contrastive loss"]
    return {f"classes: {row.classes}": -row.mean_ for row in part.rename(columns={"mean": "mean_"}).itertuples()}
