"""Scoring variants, null controls, stale noise, ablations and verdicts as data frames. AUROC in percent.

Intervals are over classes: the seeds of one class share its images, so they are averaged first.
"""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from adcgan.config import METHODS, open_choices
from adcgan.experiments.records import Record

from . import statistics, tables
from .runs import CLASS, RUN, change, key, of_printed, printed, row

SCORE = "score"  # the variant that is the score itself
QUANTILES = {"least": 0, "5 %": 0.05, "median": 0.5, "95 %": 0.95, "most": 1}
TESTING = 28  # the open choice of BatchNorm at the test
CHOICE = {"reduction": 22, "BatchNorm": TESTING, "batch statistics": TESTING, "stale noise": 25}  # by a name's start


def variants(records: Iterable[Record]) -> pd.DataFrame:
    """Every scoring variant of the diagnosed runs: `RUN`, name, variant, NS, difference (to the score).

    Stale noise is among them: the mean of NS over its draws, since one draw is chance.
    """
    rows = []
    for record in printed(records):
        aurocs = {name: 100 * of["NS"] for name, of in record.variants.items()}
        if not aurocs:
            continue
        aurocs["stale noise"] = float(100 * record.draws["stale noise, NS"].astype(float).mean())
        score = 100 * record.auroc["NS"]
        rows += [row(record) | {"variant": name, "NS": NS, "difference": NS - score} for name, NS in aurocs.items()]
    return pd.DataFrame(rows, columns=[*RUN, "name", "variant", "NS", "difference"])


def ablations(records: Iterable[Record]) -> pd.DataFrame:
    """Every ablation beside the same run without: `RUN`, name, change, NS, difference, mean, mean_difference.

    ``mean`` is the AUROC with the components as means in both, ``mean_difference`` its difference.
    """
    records = [record for record in records if not record.run.repeat]
    whole = {key(record): record for record in printed(records)}
    rows = []
    for record in of_printed(records):
        if record.run.changes and (base := whole.get(key(record))):
            both = {name: _both(record, base, name) for name in ("NS", "mean")}
            rows.append(
                row(record)
                | {"change": change(record), "NS": both["NS"][0], "difference": both["NS"][1]}
                | {"mean": both["mean"][0], "mean_difference": both["mean"][1]}
            )
    return pd.DataFrame(rows, columns=[*RUN, "name", "change", "NS", "difference", "mean", "mean_difference"])


def compared(records: Iterable[Record]) -> pd.DataFrame:
    """Runs of the other methods with an option changed beside the same run without: method, change, dataset, class,
    seeds, without, with (AUROC in percent, means over seeds), blind_without, blind_with.

    ``blind``: how many of the runs reconstruct worse than one mean picture (`tables.explained`).
    """
    records = [r for r in records if r.run.method != "adcgan" and r.run.scale and not (r.former or r.run.repeat)]
    whole = {(record.run.method, *key(record)): record for record in records if not record.run.changes}
    rows = []
    for record in records:
        changes = {name: value for name, value in record.run.changes.items() if name != "test_images"}
        if changes and (base := whole.get((record.run.method, *key(record)))):
            both = {"without": base, "with": record}
            rows.append(
                {"method": METHODS[record.run.method].title, "change": change(record), "dataset": record.run.dataset}
                | {"class": tables.class_title(record.run.label, record.content["run"]["class_name"])}
                | {name: 100 * one.result for name, one in both.items()}
                | {f"blind_{name}": int(tables.explained(one) < 0) for name, one in both.items()}
            )
    place, sums = ["method", "change", "dataset", "class"], ["blind_without", "blind_with"]
    frame = pd.DataFrame(rows, columns=[*place, "without", "with", *sums])
    means = {name: (name, "mean") for name in ("without", "with")} | {name: (name, "sum") for name in sums}
    return frame.groupby(place, sort=False).agg(seeds=("with", "size"), **means).reset_index()


def _both(record, base, name):
    reduction = {"NS": None, "mean": "mean"}[name]
    ours, without = (100 * tables.auroc_of(one, reduction=reduction) for one in (record, base))
    return ours, ours - without


def effects(records: Iterable[Record], scale: str, scheme: str = "one-vs-all") -> pd.DataFrame:
    """One change at a time: name, choice, trained, classes, runs, mean, low, high (points), the largest first.

    The mean over the classes that have the change and the same run without it; without an interval below three classes.
    ``choice`` is the number of the open choice, NaN where the change is of none or of several.
    """
    records = list(records)
    tested = variants(records).rename(columns={"variant": "change"}).assign(trained=False)
    tested = tested[tested["change"] != SCORE]
    frame = pd.concat([part for part in (tested, ablations(records).assign(trained=True)) if len(part)] or [tested])
    frame = frame[(frame["scale"] == scale) & (frame["scheme"] == scheme)]
    rows = []
    for (name, trained), part in frame.groupby(["change", "trained"]):
        by_class = part.groupby(CLASS)["difference"].mean()
        mean, low, high = statistics.mean_interval(by_class.to_numpy())
        rows.append((name, choice_of(name), trained, len(by_class), len(part), mean, low, high))
    columns = ["change", "choice", "trained", "classes", "runs", "mean", "low", "high"]
    return pd.DataFrame(rows, columns=columns).sort_values("mean", key=np.abs, ascending=False, ignore_index=True)


def choice_of(name: str) -> float:
    """The number of the open choice that a change is of."""
    options = {
        option: number
        for number, choice in open_choices().items()
        for values in choice.get("recipes", {}).values()
        for option in values
    }
    if ", " not in name and name.partition("=")[0] in options:
        return options[name.partition("=")[0]]
    return next((number for start, number in CHOICE.items() if name.startswith(start) and "re-estimated, " not in name),
                float("nan"))  # fmt: skip


def nulls(records: Iterable[Record]) -> pd.DataFrame:
    """AUROC between random halves of the normal images: `RUN`, name, score, splits, mean, sd, expected_sd, beyond.

    ``expected_sd`` is chance's; ``beyond`` the share of splits further than three of it from 50 %.
    """
    rows = []
    for record in printed(records):
        normal = record.content["images"]["test_normal"]
        half = normal // 2
        chance = 100 * np.sqrt((normal + 1) / (12 * half * (normal - half)))
        for name in [name for name in record.draws if name.startswith("null, ")]:
            draws = 100 * record.draws[name].astype(float)
            rows.append(
                row(record) | {"score": name.removeprefix("null, ").removesuffix(", NS"), "splits": len(draws),
                               "mean": draws.mean(), "sd": draws.std(ddof=1), "expected_sd": chance,
                               "beyond": np.mean(np.abs(draws - 50) > 3 * chance)}
            )  # fmt: skip
    return pd.DataFrame(rows, columns=[*RUN, "name", "score", "splits", "mean", "sd", "expected_sd", "beyond"])


def stale(records: Iterable[Record]) -> pd.DataFrame:
    """NS over the draws of the script's stale noise: `RUN`, name, score, the `QUANTILES`, published, share.

    ``score`` is NS as scored; ``share`` the part of the draws that reach the published figure, NaN where there is none.
    """
    published, rows = tables.published(), []
    for record in printed(records):
        if "stale noise, NS" not in record.draws:
            continue
        draws = 100 * record.draws["stale noise, NS"].astype(float)
        figure = published.get(key(record)[1:4], np.nan)
        quantiles = dict(zip(QUANTILES, np.quantile(draws, list(QUANTILES.values())), strict=True))
        share = np.mean(draws >= figure) if figure == figure else np.nan
        rows.append(
            row(record) | {"score": 100 * record.auroc["NS"]} | quantiles | {"published": figure, "share": share}
        )
    return pd.DataFrame(rows, columns=[*RUN, "name", "score", *QUANTILES, "published", "share"])


def verdicts(records: Iterable[Record]) -> pd.DataFrame:
    """AD-CGAN's classes at scale paper against the published figures: dataset, scheme, class, class_name, paper,
    plus_minus (as printed, a fraction), ours, difference, low, high, seeds, verdict.

    The interval is over test images and seeds (`companion.analysis.statistics`). Only runs on all test images enter.
    """
    records = list(tables.of_adcgan(records))
    table = tables.table3(records)
    table = table[(table["model"] == "AD-CGAN") & (table["seeds"] > 0)]
    rows = []
    for _, cell in table.iterrows():
        runs = [record for record in records if key(record)[1:4] == (cell["dataset"], cell["scheme"], cell["class"])]
        low, high = statistics.cell_interval(runs[0].anomalous, [run.scores for run in runs])
        said = statistics.verdict(cell["paper"], low, high, cell["seeds"], cell["of_seeds"])
        rows.append((cell["dataset"], cell["scheme"], cell["class"], cell["class_name"], cell["paper"],
                     cell["plus_minus"], cell["ours"], cell["ours"] - cell["paper"], low, high, cell["seeds"],
                     said))  # fmt: skip
    columns = ["dataset", "scheme", "class", "class_name", "paper", "plus_minus", "ours", "difference", "low", "high",
               "seeds", "verdict"]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)
