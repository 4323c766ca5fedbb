"""The study of the test's z's as data frames: the z that the released rule leaves over, and other shared z's."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from .. import tables
from ..records import Record
from ..scores import combine
from .cells import CELL, described, groups, one_for_all, studied

QUANTILES = {"least": 0, "5 %": 0.05, "median": 0.5, "95 %": 0.95, "most": 1}
RULES = {"released": "released protocol", "test_latents=released": "released rule for z alone"}


def left_over_draws(record: Record, rule: str) -> np.ndarray:
    """The AUROC of NS for each draw of the left-over z under one of `RULES`: fractions, (200,)."""
    return record.study[f"left over, {rule}, NS"].astype(float)


def left_over(records: Iterable[Record], departures: dict | None = None) -> pd.DataFrame:
    """Per cell and rule, the AUROC of NS over left-over z's: least, 5 %, median, 95 %, most; and what stands beside.

    Of the cells at the paper's settings, or of those with other ``departures`` from them. ``paper_protocol`` is ours
    on the same weights; ``published`` the paper's figure, NaN where it has none; ``share`` the part of the draws that
    reach the published figure. ``against_rest``: the standard deviation, over draws, of what L_FL adds to the
    anomalies' mean score, over that of the score's other terms among the normal images; NaN where not recorded.
    """
    published = tables.published()
    rows = []
    for record in studied(records, departures):
        for rule, rule_title in RULES.items():
            draws = 100 * left_over_draws(record, rule)
            figure = published.get((record.cell.dataset, record.cell.scheme, record.cell.label), np.nan)
            quantiles = _quantiles(draws)
            rows.append(
                described(record) | {"rule": rule_title, "paper_protocol": 100 * record.readings["paper"]["NS"]}
                | quantiles
                | {"published": figure, "share": _reaching(draws, figure), "against_rest": _against_rest(record, rule)}
            )  # fmt: skip
    columns = [*CELL, "cell", "name", "rule", "paper_protocol", *QUANTILES, "published", "share", "against_rest"]
    return pd.DataFrame(rows, columns=columns)


def _quantiles(draws):
    return dict(zip(QUANTILES, np.quantile(draws, list(QUANTILES.values())), strict=True))


def _against_rest(record, rule):
    means = record.study.get(f"left over, {rule}, mean L_FL")
    if means is None:
        return np.nan
    config, normal = record.cell.config, ~record.anomalous
    rest = combine(record.components | {"L_FL": np.zeros(len(normal))}, config.lambda_, config.rho)[normal]
    return (1 - config.rho) * means.astype(float).std() / rest.std()


def _reaching(draws, figure):
    """The share of draws at or above a published figure, NaN where there is none."""
    return np.mean(draws >= figure) if figure == figure else np.nan


def left_over_means(records: Iterable[Record]) -> pd.DataFrame:
    """The mean AUROC of NS over the classes where one left-over z serves them all: dataset, scheme, seed, cells, rule,
    paper_protocol, least .. most, sd, sd_apart, published, share; for two cells or more with equally many images.

    The study draws the same 200 z's for every cell of a data set. ``sd`` is over them, ``sd_apart`` what it would be if
    every cell had a draw of its own; ``published`` and ``share`` as in `left_over`, of the mean over the same cells.
    """
    published = tables.published()
    rows = []
    for kind, cells in groups(records).items():
        if len(cells) < 2 or not one_for_all(cells):
            continue
        figure = np.mean([published.get((*kind[:2], record.cell.label), np.nan) for record in cells])
        ours = np.mean([100 * record.readings["paper"]["NS"] for record in cells])
        for rule, rule_title in RULES.items():
            draws = np.stack([100 * left_over_draws(record, rule) for record in cells])
            means = draws.mean(0)
            rows.append(
                (*kind, len(cells), rule_title, ours, *_quantiles(means).values(), means.std(),
                 np.sqrt(draws.var(1).sum()) / len(cells), figure, _reaching(means, figure))
            )  # fmt: skip
    columns = ["dataset", "scheme", "seed", "cells", "rule", "paper_protocol", *QUANTILES, "sd", "sd_apart",
               "published", "share"]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def other_latents(records: Iterable[Record]) -> pd.DataFrame:
    """Per cell the AUROC of NS where all images share other z's than the score's: latents ("one shared z", "16 shared
    z's"), draws, paper_protocol, least, 5 %, median, 95 %, most. Cells recorded before it was measured are left out.
    """
    rows = []
    for record in studied(records):
        for name in [name for name in record.study if " shared z" in name]:
            draws = 100 * record.study[name].astype(float)
            quantiles = _quantiles(draws)
            rows.append(
                described(record) | {"latents": name.removesuffix(", NS"), "draws": len(draws),
                                 "paper_protocol": 100 * record.readings["paper"]["NS"]} | quantiles
            )  # fmt: skip
    return pd.DataFrame(rows, columns=[*CELL, "cell", "name", "latents", "draws", "paper_protocol", *QUANTILES])
