"""What the book's study pages show; each function fills one part of a page."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from . import figures, paper, plan, statistics, study, tables
from .data import TITLES
from .html import Html, difference, note, plain, verdict
from .pages import SEEDS, committed


def findings() -> Html:
    """What the recorded runs on the paper's data sets say, a sentence each; nothing of what they do not cover."""
    records = [record for record in committed() if record.cell.dataset in tables.FORMATS]
    sentences = [*_ablation(records), *_alone(records), *_largest(records), *_scatter(records)]
    if not sentences:
        return note("No cell of the paper is run yet.")
    return Html("<ul>" + "".join(f"<li>{sentence}</li>" for sentence in sentences) + "</ul>")


def _ablation(records):
    """The whole score against generation reconstruction alone, ours and the paper's on the same cells."""
    frame = tables.table4_by_class(records)
    published = paper.table(4).set_index(["variant", "dataset", "scheme"])["auc_percent"]
    kinds = frame[["variant", "dataset", "scheme"]].apply(tuple, axis=1)
    frame = frame.assign(paper=[published.get(kind, np.nan) for kind in kinds]).dropna(subset=["paper"])
    if frame.empty:
        return
    means = frame.groupby("variant")[["ours", "paper"]].mean()
    alone, whole = means.loc["AD-CGAN_LG"], means.loc["AD-CGAN_GF"]
    runs = len(frame) // frame["variant"].nunique()
    yield (
        f'Generation reconstruction alone, the variant LG of <a href="table4.html">Table 4</a>, gives a mean AUROC of '
        f"{alone['ours']:.1f} % over the {counted(runs)} run of the data sets of that table; the whole score gives "
        f"{whole['ours']:.1f} %, {whole['ours'] - alone['ours']:+.1f} points. In the paper's means the same step is "
        f"{whole['paper'] - alone['paper']:+.1f} points."
    )


def _alone(records):
    """Which component alone is on the wrong side of chance."""
    frame = study.components(records)
    for name, part in frame[frame["AUROC"] < 50].groupby("component", sort=False):
        mean, cells = frame.loc[frame["component"] == name, "AUROC"].mean(), frame["cell"].nunique()
        yield (
            f"Alone, the component {symbol(name)} gives a mean AUROC of {mean:.1f} % over {counted(cells)}; in "
            f'{len(part)} of them it is below 50 %, larger for normal images (<a href="study.html">the study</a>).'
        )


def _largest(records):
    """Which single change moves the score the most on the same weights, from three cells on."""
    effects = study.effects(records, plan.STUDIED)
    effects = effects[~effects["retrained"].astype(bool) & (effects["cells"] >= 3)]
    for _, row in effects.head(1).iterrows():
        yield (
            f"Of the single changes of the scoring, read on the same weights, <code>{row['reading']}</code> moves the "
            f'AUROC the most (<a href="study.html">the study</a>): {row["mean"]:+.1f} points, a mean over '
            f"{counted(row['cells'])} of Fashion-MNIST and MNIST, one-vs-all, with a 95 % interval of "
            f"{row['low']:+.1f} to {row['high']:+.1f}."
        )


def _scatter(records):
    """What the released protocol makes of the same weights."""
    nulls, draws = study.nulls(records), study.left_over(records)
    if nulls.empty:
        return
    sd = nulls.groupby("protocol")["sd"].mean()
    draws = draws[draws["rule"] == study.RULES["released"]]
    yield (
        f'Between random halves of the normal test images there is nothing to find. There the <a href="study.html">'
        f"released protocol's</a> AUROC scatters by {sd['released']:.1f} points, the paper protocol's by "
        f"{sd['paper']:.1f}; chance alone is {nulls['expected_sd'].mean():.1f} "
        f"({counted(draws['cell'].nunique())} scored both ways)."
    )
    yield (
        "Which latent is left over for the anomalous images moves the released protocol's AUROC on the same weights "
        f"by {(draws['95 %'] - draws['5 %']).mean():.1f} points, from the 5 % to the 95 % quantile of 200 draws."
    )


def question() -> Html:
    """What the study is about: the headline figure beside its family's."""
    table = paper.table(1).set_index(["dataset", "scheme", "model"]).sort_index()
    table = table["auc_percent"]["cifar10", "one-vs-all"]
    others = sorted(table.drop("AD-CGAN"))
    quoted = paper.quoted()["cifar10"]["one-vs-all"]
    family = f"{others[0]:.1f} to {others[-1]:.1f}"
    return Html(
        f"<p>The paper prints a mean AUROC of {table['AD-CGAN']:.1f} % on CIFAR-10, one-vs-all. Other methods that "
        "score by reconstruction and are trained from scratch are published between "
        f"{others[0]:.1f} and {quoted['OCGAN']:.1f} %: ADGAN, ALAD and AE-GAN ({family}) in its own Table 1, "
        f"AnoGAN ({quoted['AnoGAN']:.1f}) and OCGAN ({quoted['OCGAN']:.1f}) as later papers quote them.</p>"
    )


NOTHING = "No recorded run holds the study yet."


def counted(cells: float) -> str:
    """ "1 cell", "3 cells"."""
    return "1 cell" if cells == 1 else f"{cells:.0f} cells"


def kinds(frame: pd.DataFrame) -> list[tuple[tuple[str, str], pd.DataFrame]]:
    """Each (data set, scheme) and its rows; the paper's data sets come first."""
    return sorted(frame.groupby(["dataset", "scheme"], sort=False), key=lambda kind: kind[0][0] not in tables.FORMATS)


def parts(frame: pd.DataFrame, show: Callable[[pd.DataFrame], Html]) -> Html:
    """``show`` of each data set's and scheme's rows, folded but for the first.

    A cell is named by its class and seed alone within its part.
    """
    html = Html("")
    for number, ((dataset, scheme), part) in enumerate(kinds(frame)):
        title = f"{TITLES[dataset]}, {scheme}: {counted(part['cell'].nunique())}"
        inside = show(part.assign(cell=part["name"]))
        html += Html(f"<details{' open' * (not number)}><summary>{title}</summary>{inside.text}</details>")
    return html


def left_over() -> Html:
    """The distribution of AUROC over left-over z's, as a figure and a table for each data set and scheme."""
    frame = study.left_over(committed())
    return parts(frame, _left_over) if len(frame) else note(NOTHING)


def _left_over(frame):
    """One part of it. Published and paper protocol stand once a cell, the draws once for each rule."""
    shown = pd.DataFrame({"cell": frame["cell"], "rule": frame["rule"]})
    for column in ("paper_protocol", *study.QUANTILES):
        shown[column.replace("_", " ").replace(" %", "\N{NO-BREAK SPACE}%")] = frame[column].map("{:.1f}".format)
    shown = shown.assign(**_beside_published(frame))
    where = f"{TITLES[frame['dataset'].iloc[0]]}, {frame['scheme'].iloc[0]}"
    alt = f"AUROC over 200 left-over z's for each cell, beside the paper protocol's and the published figure: {where}"
    caption = f"{where}: AUROC (%) of NS over 200 left-over z's on one set of weights"
    return Html(figures.svg(figures.left_over(frame), alt)) + plain(shown, caption, ("rule",))


def _beside_published(frame):
    """The columns that set the draws beside the published figure, where there is one."""
    return {
        "published": [f"{value:.1f}" if value == value else "none" for value in frame["published"]],
        "draws at or above it": [f"{100 * value:.1f} %" if value == value else "" for value in frame["share"]],
    }


def left_over_means() -> Html:
    """What one left-over z for all classes does to their mean, a line for each data set, scheme, seed and rule."""
    frame = study.left_over_means(committed())
    if frame.empty:
        return note("No two cells of a data set hold the study under one scheme and seed yet.")
    frame = pd.concat([part for _, part in kinds(frame)])
    shown = pd.DataFrame(
        {
            "mean over": [
                f"{TITLES[row['dataset']]}, {row['scheme']}, seed {row['seed']}, {counted(row['cells'])}"
                for _, row in frame.iterrows()
            ],
            "rule": frame["rule"],
        }
    )
    for column in ("paper_protocol", "5 %", "median", "95 %", "sd", "sd_apart"):
        title = {"sd_apart": "sd, a z each"}.get(column, column.replace("_", " "))
        shown[title.replace(" %", "\N{NO-BREAK SPACE}%")] = frame[column].map("{:.1f}".format)
    shown = shown.assign(**_beside_published(frame))
    return plain(shown, "Mean AUROC (%) of NS over the classes, one left-over z for all of them: 200 draws", ("rule",))


def components() -> Html:
    """What each component of the score brings to it and says alone, for each data set and scheme."""
    frame = study.components(committed())
    return parts(frame, _components) if len(frame) else note("No run of AD-CGAN is recorded yet.")


def _components(frame):
    """One part of it: means over the cells."""
    shown = []
    for name, part in frame.groupby("component", sort=False):
        line = {"component": Html(symbol(name)), "terms": f"{part['terms'].iloc[0]:,}"}
        line |= {f"weighted, {kind}": f"{part[kind].mean():.3f}" for kind in ("normal", "anomalous")}
        line |= {"AUROC": f"{part['AUROC'].mean():.1f}", "below 50 % in": counted((part["AUROC"] < 50).sum())}
        shown.append(line)
    where = f"{TITLES[frame['dataset'].iloc[0]]}, {frame['scheme'].iloc[0]}"
    return plain(pd.DataFrame(shown), f"{where}: the weighted terms of NS and each component's own AUROC (%), means")


def symbol(component: str) -> str:
    """A component's name as HTML: L with its index."""
    letter, _, index = component.partition("_")
    return f"<i>{letter}</i><sub>{index}</sub>"


def readings() -> Html:
    """What every reading adds to the paper protocol on the same weights, for each data set and scheme."""
    frame = study.readings(committed())
    if frame.empty:
        return note(NOTHING)
    columns = {}
    for (dataset, scheme), part in kinds(frame):
        cells = part["cell"].nunique()
        by_reading = part.groupby("reading").agg(NS=("NS", "mean"), points=("difference", "mean"), of=("NS", "size"))
        column = {}
        for reading, row in by_reading.iterrows():
            fewer = f" ({counted(row['of'])})" if row["of"] < cells else ""
            column[reading] = f"{row['NS']:.1f}" if reading == "paper" else f"{row['points']:+.1f}{fewer}"
        columns[f"{TITLES[dataset]}, {scheme}, {counted(cells)}"] = column
    wide = pd.DataFrame(columns).fillna("")
    first = ["paper", "released"]
    wide = wide.loc[[*first, *sorted(name for name in wide.index if name not in first)]]
    caption = "AUROC (%) of NS under the paper protocol, and the points that each reading of the same weights adds"
    return plain(wide.rename_axis("reading").reset_index(), caption)


def effects() -> Html:
    """The size of each single change, on the paper's data sets; on digits while nothing else is recorded."""
    frame, on = study.effects(committed(), plan.STUDIED), "Fashion-MNIST and MNIST"
    if frame.empty:
        frame, on = study.effects(committed(), ("digits",)), "digits alone so far: a smoke run, not a result"
    if frame.empty:
        return note(NOTHING)
    shown = pd.DataFrame(
        {
            "change": frame["reading"],
            "row": [f"{value:.0f}" if value == value else "" for value in frame["row"].astype(float)],
            "weights": np.where(frame["retrained"], "trained again", "the same"),
            "cells": frame["cells"],
            "points": [f"{value:+.1f}" for value in frame["mean"]],
            "interval": [f"{a:+.1f} to {b:+.1f}" if a == a else "too few cells" for a, b in
                         zip(frame["low"], frame["high"], strict=True)],
        }
    )  # fmt: skip
    alt = "Change of AUROC for each single change of protocol, ordered by size"
    caption = f"One change at a time against the paper protocol, one-vs-all, {on}"
    return Html(figures.svg(figures.effects(frame), alt)) + plain(shown, caption, ("weights", "interval"))


def explained() -> Html:
    """The share of the distance to the published figures that each reading makes up, by data set and scheme."""
    frame = study.explained(committed())
    if frame.empty:
        return note("No cell of the paper's tables holds the study yet.")
    html = Html("")
    for (dataset, scheme), part in frame.groupby(["dataset", "scheme"], sort=False):
        shown = pd.DataFrame(
            {
                "reading": part["reading"],
                "cells": part["cells"],
                "published": part["published"].map("{:.1f}".format),
                "paper protocol": part["paper_protocol"].map("{:.1f}".format),
                "this reading": part["NS"].map("{:.1f}".format),
                "share of the distance": part["fraction"].map("{:+.2f}".format),
                "interval": [f"{a:+.2f} to {b:+.2f}" if a == a else "too few cells" for a, b in
                             zip(part["low"], part["high"], strict=True)],
            }
        )  # fmt: skip
        caption = f"{TITLES[dataset]}, {scheme}: AUROC (%), means over the cells with that reading"
        html += plain(shown, caption, ("interval",))
    return html


def nulls() -> Html:
    """AUROC between random halves of the normal images, under both protocols, for each data set and scheme."""
    frame = study.nulls(committed())
    return parts(frame, _nulls) if len(frame) else note(NOTHING)


def _nulls(frame):
    """One part of it."""
    shown = frame[["cell", "protocol", "splits"]].copy()
    for column in ("mean", "sd", "expected_sd"):
        shown[column.replace("_", " ")] = [f"{value:.1f}" for value in frame[column]]
    shown["beyond 3 expected sd"] = [f"{100 * value:.0f} %" for value in frame["beyond"]]
    where = f"{TITLES[frame['dataset'].iloc[0]]}, {frame['scheme'].iloc[0]}"
    caption = f"{where}: AUROC (%) of NS between random halves of the normal test images"
    return plain(shown, caption, ("protocol",))


def verdicts() -> Html:
    """Each of AD-CGAN's cells against the published one, by the rule fixed in advance."""
    frame = study.verdicts(committed())
    if frame.empty:
        return note("No cell of the paper is run yet.")
    shown = pd.DataFrame(
        {
            "cell": [
                f"{TITLES[row['dataset']]}, {row['scheme']}, {tables.class_title(row['class'], row['class_name'])}"
                for _, row in frame.iterrows()
            ],
            "paper": frame["paper"].map("{:.1f}".format),
            "ours": frame["ours"].map("{:.1f}".format),
            "difference": [Html(difference(points)) for points in frame["difference"]],
            "interval": [f"{low:.1f} to {high:.1f}" for low, high in zip(frame["low"], frame["high"], strict=True)],
            "seeds": [f"{seeds}/{SEEDS}" for seeds in frame["seeds"]],
            "verdict": [Html(verdict(word)) for word in frame["verdict"]],
        }
    )
    text = (
        f"Reproduced: the whole 95 % interval lies within {statistics.TOLERANCE:g} points of the published figure. Not "
        "reproduced: none of it does. Undecided: between. Incomplete: a planned seed has not been run, whatever the "
        "interval. The interval is over test images (DeLong) and seeds; with one seed it says nothing of others."
    )
    return plain(shown, "AD-CGAN's cells against the published ones (AUROC %)", ("scheme", "class", "verdict")) + note(
        text
    )
