"""The protocol study as data frames, from records of format 1 (no torch). AUROC in percent, differences in points.

Of the default before there were recipes, now an ablation of recipe printed.

Intervals are over classes: seeds of one class share its images, so they are averaged first.
"""

from collections.abc import Iterable
from dataclasses import fields, replace
from itertools import product

import numpy as np
import pandas as pd

from .. import statistics, tables
from ..config import CONFIGS
from ..evaluation import auroc
from ..records import Record
from ..scores import BOTH, RECONSTRUCTION_STATISTICS, TRAINING_STATISTICS, normality_score, with_scores
from .cells import CELL, described, groups, key, one_for_all, single_change, studied
from .latents import RULES, left_over_draws

# Readings that are of register row 28.
MODES = ("batch-statistics", "power-iteration", TRAINING_STATISTICS, RECONSTRUCTION_STATISTICS)
ROW_OF = {field.name: field.metadata["row"] for field in fields(CONFIGS["adcgan"])}  # an option's row in the register
REWEIGHTED = {"reduction=sum": {"reduction": "sum"}, "rho=0.1": {"rho": 0.1}}  # 0.1: the script's default


def readings(records: Iterable[Record]) -> pd.DataFrame:
    """Every reading of every cell at the paper's settings: dataset, scheme, class, seed, reading, NS, difference.

    Of the cells that hold the study, so that readings are means over the same cells. ``difference`` is to the paper
    protocol on the same weights. Under the released rule for z (`RULES`) NS is the mean over the draws of the left-over
    z, since one draw is a matter of chance; `REWEIGHTED` are computed from the stored components.
    """
    rows = []
    for record in studied(records):
        ours = {name: 100 * aurocs["NS"] for name, aurocs in record.readings.items()}
        paper = ours["paper"]
        ours |= {rule: float(100 * left_over_draws(record, rule).mean()) for rule in RULES}
        for name, options in REWEIGHTED.items():
            score = normality_score(replace(record.cell.config, **options), record.components)
            ours[name] = 100 * auroc(record.anomalous, score)
        rows += [described(record) | {"reading": name, "NS": NS, "difference": NS - paper} for name, NS in ours.items()]
    return pd.DataFrame(rows, columns=[*CELL, "cell", "name", "reading", "NS", "difference"])


def retrained(records: Iterable[Record]) -> pd.DataFrame:
    """Cells trained with one option changed, against the same cell without: dataset .. seed, reading, NS, difference,
    sums, sums_difference, anew, both.

    ``sums``: with the components as the printed sums. ``anew``: with G's batch norm averaged anew
    (`RECONSTRUCTION_STATISTICS`), ``both``: with both; NaN where the changed cell was not read so.
    Runs that change the budget, the width, or only the scoring (`NOT_RETRAINED`) are not among them.
    """
    records = [record for record in records if record.cell.method == "adcgan" and record.former is not None]
    default = {key(record): record for record in records if record.former == {}}
    rows = []
    for record in records:
        change = single_change(record.former)
        if change is None or key(record) not in default:
            continue
        (NS, sums), (default_NS, default_sums) = (_both_ways(some) for some in (record, default[key(record)]))
        moved = {"NS": NS, "difference": NS - default_NS, "sums": sums, "sums_difference": sums - default_sums}
        for column, reading in (("anew", RECONSTRUCTION_STATISTICS), ("both", BOTH)):
            moved[column] = 100 * record.readings.get(reading, {"NS": np.nan})["NS"]
        rows.append(described(record) | {"reading": change} | moved)
    columns = ["reading", "NS", "difference", "sums", "sums_difference", "anew", "both"]
    return pd.DataFrame(rows, columns=[*CELL, "cell", "name", *columns])


def _both_ways(record):
    """AUROC (%) of NS, and with the components as the printed sums."""
    sums = with_scores(record.cell.config, record.components)["reduction=sum"]
    return 100 * record.auroc["NS"], 100 * auroc(record.anomalous, sums)


def effects(records: Iterable[Record], datasets: Iterable[str], scheme: str = "one-vs-all") -> pd.DataFrame:
    """One change at a time: reading, row, retrained, classes, cells, mean, low, high (points), by size of effect.

    The mean over the classes of ``datasets`` under ``scheme``, with an interval over them; where there is no interval,
    below three classes, the change stands after those that have one.
    """
    records = list(records)
    parts = [readings(records).assign(retrained=False), retrained(records).assign(retrained=True)]
    frame = pd.concat([part for part in parts if len(part)], ignore_index=True) if any(map(len, parts)) else parts[0]
    frame = frame[frame["dataset"].isin(list(datasets)) & (frame["scheme"] == scheme)]
    frame = frame[~frame["reading"].isin(["paper", BOTH])]  # two changes at once are no single effect
    result = []
    for (reading, again), part in frame.groupby(["reading", "retrained"]):
        by_class = part.groupby(CELL[:3])["difference"].mean()
        mean, low, high = statistics.mean_interval(by_class.to_numpy())
        row = ROW_OF.get(reading.partition("=")[0], 28 if reading.startswith(MODES) else None)
        result.append((reading, row, again, len(by_class), len(part), mean, low, high))
    columns = ["reading", "row", "retrained", "classes", "cells", "mean", "low", "high"]
    table = pd.DataFrame(result, columns=columns).sort_values("mean", key=np.abs, ascending=False, kind="stable")
    return table.sort_values("low", key=pd.isna, kind="stable", ignore_index=True)


def explained(records: Iterable[Record]) -> pd.DataFrame:
    """How much of the distance to the published figure each reading makes up: dataset, scheme, reading, classes, cells,
    published, paper_protocol, NS (means over the classes), fraction, low, high, draws_low, draws_high.

    ``fraction`` is (NS - paper_protocol) / (published - paper_protocol) of the means; 1 would be all of it, a negative
    one leads away. ``low`` and ``high`` are Fieller's interval over classes; ``draws_low`` and ``draws_high`` the 5 and
    95 % quantiles of the fraction over draws of the left-over z, NaN for other readings: the same z for every cell
    where one is left over for all (`one_for_all`), or else one each.
    """
    published, records = tables.published(), list(records)
    draws, rng = {}, np.random.default_rng(0)
    for cells in groups(records).values():
        for record, rule in product(cells, RULES):
            of = 100 * left_over_draws(record, rule)
            draws[*key(record), rule] = of if one_for_all(cells) else rng.permutation(of)
    frame = readings(records)
    frame["published"] = [published.get(tuple(row), np.nan) for row in frame[["dataset", "scheme", "class"]].to_numpy()]
    frame = frame.dropna(subset=["published"])
    frame["ours"] = frame["NS"] - frame["difference"]
    kinds = ["dataset", "scheme", "reading"]
    rows = []
    for kind, part in frame[frame["reading"] != "paper"].groupby(kinds):
        by_class = part.groupby("class")[["published", "ours", "NS", "difference"]].mean()
        gap = by_class["published"] - by_class["ours"]
        fraction = statistics.ratio_interval(by_class["difference"], gap)
        quantiles = (np.nan, np.nan)
        if kind[-1] in RULES:
            drawn = part.assign(draws=[draws[tuple(row)] for row in part[[*CELL, "reading"]].to_numpy()])
            means = np.mean([np.mean(list(some), 0) for _, some in drawn.groupby("class")["draws"]], 0)
            quantiles = np.quantile((means - by_class["ours"].mean()) / gap.mean(), [0.05, 0.95])
        levels = by_class[["published", "ours", "NS"]].mean()
        rows.append((*kind, len(by_class), len(part), *levels, *fraction, *quantiles))
    columns = [*kinds, "classes", "cells", "published", "paper_protocol", "NS", "fraction", "low", "high", "draws_low",
               "draws_high"]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def nulls(records: Iterable[Record]) -> pd.DataFrame:
    """Per cell and protocol, the AUROC between random halves of the normal images, where nothing is to be found.

    ``splits`` how many, ``mean`` and ``sd`` over them, ``expected_sd`` by chance, ``beyond`` the share of splits
    further than three expected deviations from 50 %: a protocol that leaks has many.
    """
    rows = []
    for record in studied(records):
        normal = record.content["images"]["test_normal"]
        half = normal // 2
        chance = 100 * np.sqrt((normal + 1) / (12 * half * (normal - half)))
        for name in [name for name in record.study if name.startswith("null, ")]:
            protocol = name.removeprefix("null, ").removesuffix(", NS")
            draws = 100 * record.study[name].astype(float)
            rows.append(
                described(record) | {"protocol": protocol, "splits": len(draws), "mean": draws.mean(),
                                 "sd": draws.std(ddof=1), "expected_sd": chance,
                                 "beyond": np.mean(np.abs(draws - 50) > 3 * chance)}
            )  # fmt: skip
    columns = [*CELL, "cell", "name", "protocol", "splits", "mean", "sd", "expected_sd", "beyond"]
    return pd.DataFrame(rows, columns=columns)


def verdicts(records: Iterable[Record]) -> pd.DataFrame:
    """AD-CGAN's cells against the published ones: dataset, scheme, class, class_name, paper, plus_minus (as printed, a
    fraction), ours, difference, low, high, seeds, verdict. The interval is over test images and seeds
    (`adcgan.statistics`). Only runs on all test images enter.
    """
    records = list(tables.of_adcgan(records))
    table = tables.table3(records)
    table = table[(table["model"] == "AD-CGAN") & (table["seeds"] > 0)]
    rows = []
    for _, cell in table.iterrows():
        place = (cell["dataset"], cell["scheme"], cell["class"])
        runs = [record for record in records if key(record)[:3] == place]
        low, high = statistics.cell_interval(runs[0].anomalous, [run.scores for run in runs])
        said = statistics.verdict(cell["paper"], low, high, cell["seeds"], cell["of_seeds"])
        rows.append((*place, cell["class_name"], cell["paper"], cell["plus_minus"], cell["ours"],
                     cell["ours"] - cell["paper"], low, high, cell["seeds"], said))  # fmt: skip
    columns = ["dataset", "scheme", "class", "class_name", "paper", "plus_minus", "ours", "difference", "low", "high",
               "seeds", "verdict"]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)
