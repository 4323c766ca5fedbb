"""What the study's page shows of protocols and of the distance to the published figures; a function for each part."""

import numpy as np
import pandas as pd

from adcgan import paper
from adcgan.data.datasets import title
from adcgan.experiments import grid

from .. import figures
from ..analysis import statistics, study, tables
from ..analysis.study.cells import CELL, CHANGES
from .common import SEEDS, committed, place
from .html import Html, counted, difference, interval, note, plain, signed, verdict
from .study_parts import NOTHING, kinds, parts


def question() -> Html:
    """What the study is about: the headline figure beside its family's."""
    table = paper.table(1).set_index(["dataset", "scheme", "model"]).sort_index()
    table = table["auc_percent"]["cifar10", "one-vs-all"]
    others = table.drop("AD-CGAN")
    quoted = pd.DataFrame(paper.quoted()["cifar10"]["one-vs-all"]).T
    plain_, more = (quoted[quoted["self_supervised"] == flag] for flag in (False, True))
    of_all = [*others, *plain_["auc_percent"]]
    return Html(
        f"<p>The paper prints a mean AUROC of {table['AD-CGAN']:.1f} % on CIFAR-10, one-vs-all. The figures collected "
        "here of other methods that score by reconstruction and are trained from scratch, and by nothing else, are "
        f"{min(of_all):.1f} to {max(of_all):.1f} %: {', '.join(others.index)} ({min(others):.1f} to "
        f"{max(others):.1f}) in its own Table 1, {_quoted(plain_)}. Higher, with a "
        f"self-supervised task besides: {_quoted(more)}.</p>"
    )


def _quoted(methods):
    return " and ".join(f"{name} ({row['auc_percent']:.1f}, as in {row['source']})" for name, row in methods.iterrows())


def covered() -> Html:
    """How many of AD-CGAN's cells hold the study, and which of its readings fewer do."""
    records = [r for r in committed() if r.run.method == "adcgan" and r.former == {}]
    studied = [record for record in records if record.readings]
    frame = study.readings(studied)
    of = frame.groupby("reading")["cell"].nunique()
    fewer = [f"<code>{name}</code> ({counted(count)})" for name, count in of.items() if count < len(studied)]
    others = "; the others were scored before it existed" if len(studied) < len(records) else ""
    some = f" Some readings fewer hold: {', '.join(fewer)}." if fewer else ""
    sets = [name for name in tables.FORMATS if name in set(frame["dataset"])]
    none = [title(name) for name in tables.FORMATS if name not in sets]
    seeds = ", ".join(map(str, sorted(frame["seed"].unique())))
    scope = (
        f" Measured are {', '.join(title(name) for name in sets)}; seeds: {seeds}. What is measured there need not "
        f"hold on {' or '.join(none)}."
        if sets and none
        else ""
    )
    return Html(
        f"<p>{len(studied)} of the {counted(len(records))} recorded under the old default hold it{others}.{some}"
        f"{scope}</p>"
    )


def readings() -> Html:
    """What every reading adds to the paper protocol on the same weights, for each data set and scheme.

    Means over classes, a class's seeds averaged first, as in the tables.
    """
    frame = study.readings(committed())
    if frame.empty:
        return note(NOTHING)
    columns = {}
    for (dataset, scheme), part in kinds(frame):
        cells = part["cell"].nunique()
        sizes = part.groupby("reading").size()
        by_class = part.groupby(["reading", "class"])[["NS", "difference"]].mean()
        column = {}
        for reading, row in by_class.groupby("reading").mean().iterrows():
            fewer = f" ({counted(sizes[reading])})" if sizes[reading] < cells else ""
            column[reading] = f"{row['NS']:.1f}" if reading == "paper" else f"{signed(row['difference'])}{fewer}"
        columns[f"{title(dataset)}, {scheme}, {counted(cells)}"] = column
    wide = pd.DataFrame(columns).fillna("")
    first = [name for name in ("paper", "released") if name in wide.index]
    wide = wide.loc[[*first, *sorted(name for name in wide.index if name not in first)]]
    caption = "AUROC (%) of NS under the paper protocol, and the points that each reading of the same weights adds"
    return plain(wide.rename_axis("reading").reset_index(), caption)


def effects() -> Html:
    """The size of each single change, on the paper's data sets; on digits while nothing else is recorded."""
    frame, on = study.effects(committed(), grid.STUDIED), "Fashion-MNIST and MNIST"
    if frame.empty:
        frame, on = study.effects(committed(), ("digits",)), "digits alone so far: a smoke run, not a result"
    if frame.empty:
        return note(NOTHING)
    shown = pd.DataFrame(
        {
            "change": frame["reading"],
            "row": [f"{value:.0f}" if value == value else "" for value in frame["row"].astype(float)],
            "weights": np.where(frame["retrained"], "trained again", "the same"),
            "classes": frame["classes"],
            "cells": frame["cells"],
            "points": frame["mean"].map(signed),
            "interval": [interval(*ends, none="too few classes") for ends in frame[["low", "high"]].to_numpy()],
        }
    )  # fmt: skip
    alt = "Change of AUROC for each single change of protocol, ordered by size"
    caption = f"One change at a time (released: its two) against the paper protocol, one-vs-all, {on}: AUROC points"
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
                "classes": part["classes"],
                "published": part["published"].map("{:.1f}".format),
                "paper protocol": part["paper_protocol"].map("{:.1f}".format),
                "this reading": part["NS"].map("{:.1f}".format),
                "share of the distance": [signed(value, 2) for value in part["fraction"]],
                "interval": [interval(*ends, 2) for ends in part[["low", "high"]].to_numpy()],
                "over left-over z's": [interval(*ends, 2).replace("\N{NO-BREAK SPACE}", " ")  # may break: a wide table
                                       for ends in part[["draws_low", "draws_high"]].to_numpy()],
            }
        )  # fmt: skip
        caption = f"{title(dataset)}, {scheme}: AUROC (%), means over the classes with that reading"
        html += plain(shown, caption, ("interval", "over left-over z's"))
    return html


def retrained() -> Html:
    """Every cell that was trained again with a change beside the same cell without, on the paper's data sets."""
    frame = study.retrained(committed())
    frame = frame[frame["dataset"].isin(grid.STUDIED)].sort_values(["reading", *CELL], kind="stable")
    if frame.empty:
        return note("No cell is trained again with a change yet.")
    shown = pd.DataFrame({"change": frame["reading"], "cell": frame["cell"]})
    for heading, value, moved in (("NS", "NS", "difference"), ("printed sums", "sums", "sums_difference")):
        shown[f"{heading}, the defaults"] = (frame[value] - frame[moved]).map("{:.1f}".format)
        shown[f"{heading}, changed"] = frame[value].map("{:.1f}".format)
        shown[f"{heading}, points"] = frame[moved].map(signed)
    for heading, value in (("averaged anew", "anew"), ("both", "both")):
        shown[f"{heading}, changed"] = [f"{auroc:.1f}" if auroc == auroc else "" for auroc in frame[value]]
    caption = "Trained again with a change, beside the same cell without (AUROC %)"
    return plain(shown, caption, ("change", "cell"))


def untrained() -> Html:
    """How far the changes that need a training of their own have been run, each with its row of the register."""
    done = study.retrained(committed()).groupby("reading")["cell"].nunique()
    rows = [
        {
            "change": name,
            "rows": ", ".join(str(row) for row in sorted({study.ROW_OF[option] for option in options} - {None})),
            "trainings": done.get(name, 0),
        }
        for name, options in CHANGES.items()
    ]
    return plain(pd.DataFrame(rows), "Changes that are trained again, and how many of their trainings are recorded")


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
    where = place(frame)
    caption = f"{where}: AUROC (%) of NS between random halves of the normal test images"
    return plain(shown, caption, ("protocol",))


def verdicts() -> Html:
    """Each class of AD-CGAN, recipe printed at scale paper, against the published figure by the one rule."""
    frame = study.verdicts(committed())
    if frame.empty:
        return note("No class is run with recipe printed at scale paper yet.")
    shown = pd.DataFrame(
        {
            "class": [
                f"{title(row['dataset'])}, {row['scheme']}, {tables.class_title(row['class'], row['class_name'])}"
                for _, row in frame.iterrows()
            ],
            "paper": frame["paper"].map("{:.1f}".format),
            "ours": frame["ours"].map("{:.1f}".format),
            "difference": [Html(difference(points)) for points in frame["difference"]],
            "interval": [f"{low:.1f} to {high:.1f}" for low, high in zip(frame["low"], frame["high"], strict=True)],
            "paper's ±": [f"{100 * value:.1f}" if value == value else "" for value in frame["plus_minus"]],
            "seeds": [f"{seeds}/{SEEDS}" for seeds in frame["seeds"]],
            "verdict": [Html(verdict(word)) for word in frame["verdict"]],
        }
    )
    text = (
        f"Reproduced: the whole {statistics.LEVEL:.0%} interval lies within {statistics.TOLERANCE:g} points of the "
        "published figure. Not "
        "reproduced: none of it does. Undecided: between. Incomplete: a planned seed has not been run, whatever the "
        "interval. The interval is over test images (DeLong) and seeds; with one seed it says nothing of others. With "
        f"{SEEDS} it is wide: each point of their standard deviation is {statistics.half_width(SEEDS):.1f} points to "
        "either side, so that a cell whose seeds differ much stays undecided however near its mean. The rule takes the "
        "published figure as exact; the ± that Table 3 prints beside it, whose meaning the paper does not state, is "
        "given in points."
    )
    caption = "AD-CGAN against the published figures, class by class (AUROC %)"
    return plain(shown, caption, ("class", "verdict")) + note(text)
