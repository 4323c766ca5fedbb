"""The protocol study as data frames, from records alone (no torch). AUROC in percent, differences in points.

Intervals are over classes: seeds of one class share its images, so they are averaged first.
"""

from collections.abc import Iterable
from dataclasses import fields, replace
from itertools import product

import numpy as np
import pandas as pd

from . import plan, statistics, tables
from .config import CONFIGS
from .config.adcgan import ARCHITECTURES
from .data import title
from .evaluation import auroc
from .records import Record
from .scores import COMPONENTS, combine, normality_score, terms

CELL = ["dataset", "scheme", "class", "seed"]
NOT_RETRAINED = {
    "epochs", "warm_up_epochs", "width", "test_set", "test_images", "reduction", "feature_tap", "latent_feature",
    "test_latents", "test_latent_count", "latent_output", "test_mode", "test_batch_size", "lambda_", "rho",
}  # fmt: skip
MODES = ("batch-statistics", "power-iteration")  # readings of the option test_mode, register row 28
QUANTILES = {"least": 0, "5 %": 0.05, "median": 0.5, "95 %": 0.95, "most": 1}
REWEIGHTED = {"reduction=sum": {"reduction": "sum"}, "rho=0.1": {"rho": 0.1}}  # 0.1: the script's default
RULES = {"released": "released protocol", "test_latents=released": "released rule for z alone"}


def readings(records: Iterable[Record]) -> pd.DataFrame:
    """Every reading of every cell at the paper's settings: dataset, scheme, class, seed, reading, NS, difference.

    Of the cells that hold the study, so that readings are means over the same cells. ``difference`` is to the paper
    protocol on the same weights. Under the released rule for z (`RULES`) NS is the mean over the draws of the left-over
    z, since one draw is a matter of chance; `REWEIGHTED` are computed from the stored components.
    """
    rows = []
    for record in _studied(records):
        ours = {name: 100 * aurocs["NS"] for name, aurocs in record.readings.items()}
        paper = ours["paper"]
        ours |= {rule: float(100 * left_over_draws(record, rule).mean()) for rule in RULES}
        for name, options in REWEIGHTED.items():
            score = normality_score(replace(record.cell.config, **options), record.components)
            ours[name] = 100 * auroc(record.anomalous, score)
        rows += [_cell(record) | {"reading": name, "NS": NS, "difference": NS - paper} for name, NS in ours.items()]
    return pd.DataFrame(rows, columns=[*CELL, "cell", "name", "reading", "NS", "difference"])


def left_over_draws(record: Record, rule: str) -> np.ndarray:
    """The AUROC of NS for each draw of the left-over z under one of `RULES`: fractions, (200,)."""
    return record.study[f"left over, {rule}, NS"].astype(float)


def components(records: Iterable[Record]) -> pd.DataFrame:
    """What each component brings to NS at the paper's settings: dataset, scheme, class, seed, component, terms,
    normal, anomalous, AUROC.

    ``terms``: how many its printed sum has (register row 22); ``normal`` and ``anomalous``: what it adds to NS, means
    over the test images of either kind.
    """
    rows = []
    for record in records:
        if record.cell.method != "adcgan" or record.cell.departures:
            continue
        nothing, config = dict.fromkeys(COMPONENTS, np.zeros(len(record.anomalous))), record.cell.config
        counts = terms(config)
        for name, values in record.components.items():
            term = combine(nothing | {name: values}, config.lambda_, config.rho)
            kinds = {"normal": term[~record.anomalous].mean(), "anomalous": term[record.anomalous].mean()}
            rows.append(
                _cell(record) | {"component": name, "terms": counts[name]} | kinds | {"AUROC": 100 * record.auroc[name]}
            )
    return pd.DataFrame(rows, columns=[*CELL, "cell", "name", "component", "terms", "normal", "anomalous", "AUROC"])


def autoencoder(records: Iterable[Record]) -> pd.DataFrame:
    """What the adversarial epochs do to L_AE: dataset, scheme, class, seed, change, warm_up, last, ratio.

    L_AE as it was trained, a mean over an epoch's images, per pixel: of the last warm-up epoch, where E and G are
    trained by it alone, and of the last epoch. Of the cells at the paper's settings, and of those trained again with
    one change that keeps this warm-up; ``change`` is empty or says which.
    """
    rows = []
    for record in records:
        cell = record.cell
        change = _single(cell.departures) if cell.departures else ""
        if cell.method != "adcgan" or change is None or cell.config.warm_up != "autoencoder":
            continue
        pixels = cell.config.channels * cell.config.image_size**2 if cell.config.reconstruction == "sum" else 1
        warm_up, last = (record.content["losses"][at]["L_AE"] / pixels for at in (cell.config.warm_up_epochs - 1, -1))
        rows.append(_cell(record) | {"change": change, "warm_up": warm_up, "last": last, "ratio": last / warm_up})
    return pd.DataFrame(rows, columns=[*CELL, "cell", "name", "change", "warm_up", "last", "ratio"])


def latent_terms(records: Iterable[Record]) -> pd.DataFrame:
    """The two terms of L_FL, of the cells whose walk is recorded: dataset, scheme, class, seed, first, normal,
    anomalous, lower.

    Logits, means over the shared z's: ``first`` is D_z(z, E(G(z))); ``normal`` and ``anomalous`` are D_z(E(G(z)), E(x))
    of the walk's two images; ``lower`` is the share of z's and images whose first term is below the second.
    """
    rows = []
    for record in records:
        if record.cell.method != "adcgan" or record.cell.departures or not record.walk:
            continue
        first, second = (record.walk[name].astype(float)[..., 0] for name in ("D_z_reference", "D_z_image"))
        of_kind = dict(zip(("normal", "anomalous"), second.mean(1), strict=True))
        rows.append(_cell(record) | {"first": first.mean(), **of_kind, "lower": np.mean(first < second)})
    return pd.DataFrame(rows, columns=[*CELL, "cell", "name", "first", "normal", "anomalous", "lower"])


def retrained(records: Iterable[Record]) -> pd.DataFrame:
    """Cells trained with one option changed, against the same cell without: dataset .. seed, reading, difference.

    Runs that change the budget, the width, or only the scoring (`NOT_RETRAINED`) are not among them.
    """
    records = [record for record in records if record.cell.method == "adcgan"]
    default = {_key(record): 100 * record.auroc["NS"] for record in records if not record.cell.departures}
    rows = []
    for record in records:
        change = _single(record.cell.departures)
        if change is None or _key(record) not in default:
            continue
        ours = 100 * record.auroc["NS"]
        difference = ours - default[_key(record)]
        rows.append(_cell(record) | {"reading": change, "NS": ours, "difference": difference})
    return pd.DataFrame(rows, columns=[*CELL, "cell", "name", "reading", "NS", "difference"])


def _single(departures):
    """Which change of `plan.CHANGES` was made, or which one option; None where it is neither, or none that trains."""
    for name, options in plan.CHANGES.items():
        if departures == options:
            return name
    if "architecture" in departures:  # settles other options too: one change
        settled = ARCHITECTURES[departures["architecture"]]
        departures = {name: value for name, value in departures.items() if settled.get(name) != value}
    if len(departures) != 1 or set(departures) & NOT_RETRAINED:
        return None
    ((name, value),) = departures.items()
    return f"{name}={value}"


def effects(records: Iterable[Record], datasets: Iterable[str], scheme: str = "one-vs-all") -> pd.DataFrame:
    """One change at a time: reading, row, retrained, classes, cells, mean, low, high (points), by size of effect.

    The mean over the classes of ``datasets`` under ``scheme``, with an interval over them; where there is no interval,
    below three classes, the change stands after those that have one.
    """
    records = list(records)
    rows_of = {field.name: field.metadata["row"] for field in fields(CONFIGS["adcgan"])}
    parts = [readings(records).assign(retrained=False), retrained(records).assign(retrained=True)]
    frame = pd.concat([part for part in parts if len(part)], ignore_index=True) if any(map(len, parts)) else parts[0]
    frame = frame[frame["dataset"].isin(list(datasets)) & (frame["scheme"] == scheme) & (frame["reading"] != "paper")]
    result = []
    for (reading, again), part in frame.groupby(["reading", "retrained"]):
        by_class = part.groupby(CELL[:3])["difference"].mean()
        mean, low, high = statistics.mean_interval(by_class.to_numpy())
        row = rows_of.get(reading.partition("=")[0], 28 if reading.startswith(MODES) else None)
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
    where one is left over for all (`_one_for_all`), or else one each.
    """
    published, records = tables.published(), list(records)
    draws, rng = {}, np.random.default_rng(0)
    for cells in _kinds(records).values():
        for record, rule in product(cells, RULES):
            of = 100 * left_over_draws(record, rule)
            draws[*_key(record), rule] = of if _one_for_all(cells) else rng.permutation(of)
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


def left_over(records: Iterable[Record], departures: dict | None = None) -> pd.DataFrame:
    """Per cell and rule, the AUROC of NS over left-over z's: least, 5 %, median, 95 %, most; and what stands beside.

    Of the cells at the paper's settings, or of those with other ``departures`` from them. ``paper_protocol`` is ours
    on the same weights; ``published`` the paper's figure, NaN where it has none; ``share`` the part of the draws that
    reach the published figure. ``against_rest``: the standard deviation, over draws, of what L_FL adds to the
    anomalies' mean score, over that of the score's other terms among the normal images; NaN where not recorded.
    """
    published = tables.published()
    rows = []
    for record in _studied(records, departures):
        for rule, rule_title in RULES.items():
            draws = 100 * left_over_draws(record, rule)
            figure = published.get((record.cell.dataset, record.cell.scheme, record.cell.label), np.nan)
            quantiles = _quantiles(draws)
            rows.append(
                _cell(record) | {"rule": rule_title, "paper_protocol": 100 * record.readings["paper"]["NS"]} | quantiles
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
    for kind, cells in _kinds(records).items():
        if len(cells) < 2 or not _one_for_all(cells):
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


def _kinds(records):
    """The cells that hold the study, by data set, scheme and seed."""
    kinds: dict[tuple, list[Record]] = {}
    for record in _studied(records):
        kinds.setdefault((record.cell.dataset, record.cell.scheme, record.cell.seed), []).append(record)
    return kinds


def _one_for_all(cells):
    """Would the script leave the same z over for all these cells: with equally many images it draws equally often."""
    return len({(cell.content["images"]["train"], cell.content["images"]["test_normal"]) for cell in cells}) == 1


def other_latents(records: Iterable[Record]) -> pd.DataFrame:
    """Per cell the AUROC of NS where all images share other z's than the score's: latents ("one shared z", "16 shared
    z's"), draws, paper_protocol, least, 5 %, median, 95 %, most. Cells recorded before it was measured are left out.
    """
    rows = []
    for record in _studied(records):
        for name in [name for name in record.study if " shared z" in name]:
            draws = 100 * record.study[name].astype(float)
            quantiles = _quantiles(draws)
            rows.append(
                _cell(record) | {"latents": name.removesuffix(", NS"), "draws": len(draws),
                                 "paper_protocol": 100 * record.readings["paper"]["NS"]} | quantiles
            )  # fmt: skip
    return pd.DataFrame(rows, columns=[*CELL, "cell", "name", "latents", "draws", "paper_protocol", *QUANTILES])


def nulls(records: Iterable[Record]) -> pd.DataFrame:
    """Per cell and protocol, the AUROC between random halves of the normal images, where nothing is to be found.

    ``splits`` how many, ``mean`` and ``sd`` over them, ``expected_sd`` by chance, ``beyond`` the share of splits
    further than three expected deviations from 50 %: a protocol that leaks has many.
    """
    rows = []
    for record in _studied(records):
        normal = record.content["images"]["test_normal"]
        half = normal // 2
        chance = 100 * np.sqrt((normal + 1) / (12 * half * (normal - half)))
        for name in [name for name in record.study if name.startswith("null, ")]:
            protocol = name.removeprefix("null, ").removesuffix(", NS")
            draws = 100 * record.study[name].astype(float)
            rows.append(
                _cell(record) | {"protocol": protocol, "splits": len(draws), "mean": draws.mean(),
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
    records = [record for record in records if record.cell.method == "adcgan" and not record.cell.departures]
    table = tables.table3(records)
    table = table[(table["model"] == "AD-CGAN") & (table["seeds"] > 0)]
    rows = []
    for _, cell in table.iterrows():
        place = (cell["dataset"], cell["scheme"], cell["class"])
        runs = [record for record in records if _key(record)[:3] == place]
        low, high = statistics.cell_interval(runs[0].anomalous, [run.scores for run in runs])
        said = statistics.verdict(cell["paper"], low, high, cell["seeds"], cell["of_seeds"])
        rows.append((*place, cell["class_name"], cell["paper"], cell["plus_minus"], cell["ours"],
                     cell["ours"] - cell["paper"], low, high, cell["seeds"], said))  # fmt: skip
    columns = ["dataset", "scheme", "class", "class_name", "paper", "plus_minus", "ours", "difference", "low", "high",
               "seeds", "verdict"]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def _studied(records, departures=None):
    return [r for r in records if r.cell.method == "adcgan" and r.readings and r.cell.departures == (departures or {})]


def _key(record):
    return record.cell.dataset, record.cell.scheme, record.cell.label, record.cell.seed


def _cell(record):
    cell = record.cell
    name = tables.seed_title(record)
    whole = f"{title(cell.dataset)}, {cell.scheme}, {name}"
    return dict(zip(CELL, _key(record), strict=True)) | {"cell": whole, "name": name}
