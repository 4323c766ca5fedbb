"""What the study's page shows of trainings: a cell trained again, and the score by epoch; a function for each part."""

import numpy as np
import pandas as pd

from adcgan.scoring import RECONSTRUCTION_STATISTICS, SCORE

from .. import figures
from ..analysis.study import trainings as frames
from ..analysis.study.cells import STUDIED_CLASSES
from .common import committed, place, repeated
from .html import Html, counted, note, plain, signed, symbol
from .study_parts import parts

READINGS = {SCORE: "as scored", RECONSTRUCTION_STATISTICS: RECONSTRUCTION_STATISTICS}
COLUMNS = {
    "published": "published",
    "last": "last",
    "included": "warm-up included",
    "least": "least",
    "best": "best",
    "sd": "sd of the last five",
}


def again() -> Html:
    """Every training of the classes that were trained more than once, and how far they differ."""
    frame = frames.again(committed(), repeated())
    if frame.empty:
        return note("No class is trained more than once yet.")
    alone = frames.spread_of(committed(), "autoencoder")
    return parts(frame, _again) + _spread(frames.spread(frame), alone)


def _again(frame):
    """One part of it."""
    shown = pd.DataFrame(
        {
            "cell": frame["name"],
            **{_name(score): frame[score].map("{:.1f}".format) for score in (*frames.SCORES, *frames.COMPONENTS)},
            "device": [
                f"{device}, {counted(threads, 'thread', 'threads')}"
                for device, threads in zip(frame["device"], frame["threads"], strict=True)
            ],
            "revision": [
                Html(", ".join(f"<code>{name[:10]}</code>" for name in (*earlier, revision)))
                for earlier, revision in zip(frame["earlier"], frame["revision"], strict=True)
            ],
            "resumed": frame["resumed"],
            "finished": frame["finished"].str[:10],
        }
    )
    return plain(shown, f"{place(frame)}: AUROC (%) of every training", ("device", "revision", "finished"))


def _spread(frame, alone):
    """The standard deviations, the autoencoder's below them, and what they make of two trainings' difference."""
    lines = pd.concat([frame, pd.DataFrame([alone])]) if alone else frame
    shown = pd.DataFrame(
        {
            "score": [
                Html("the baseline autoencoder") if name == "autoencoder" else _name(name) for name in lines["score"]
            ],
            "classes": lines["classes"],
            "trainings": lines["trainings"],
            "standard deviation": lines["sd"].map("{:.1f}".format),
            "interval": [
                "too few" if low != low else f"{low:.1f} to {high:.1f}"
                for low, high in zip(lines["low"], lines["high"], strict=True)
            ],
        }
    )
    sd = frame.set_index("score")["sd"]["NS"]
    caption = "AUROC points between trainings of one class, pooled over the classes trained more than once"
    classes = STUDIED_CLASSES
    text = (
        f"With {sd:.1f} points the difference of two means over {classes} classes, one training each, with nothing "
        f"changed between them has a standard error of {sd * np.sqrt(2 / classes):.1f} points, and a mean over ten "
        f"classes with one seed one of {sd / np.sqrt(10):.1f}. This, and the intervals, take the values as normal with "
        "one standard deviation for all classes; the classes above do not look alike in that."
    )
    return plain(shown, caption, ("interval",)) + note(text)


def epochs() -> Html:
    """The AUROC after every epoch, and what a choice of the epoch by the test's labels would make of it."""
    frame = frames.epochs(committed())
    if frame.empty:
        return note("No recorded run was read after every epoch yet.")
    chosen = frames.chosen_epochs(committed())
    published = chosen.drop_duplicates("cell").set_index("cell")["published"]
    shown = frame.assign(published=frame["cell"].map(published), reading=frame["reading"].map(READINGS))
    alt = "AUROC of NS, as means and as printed sums, after every epoch beside the published one, a panel for each cell"
    return Html(figures.svg(figures.epochs(shown), alt)) + _means(chosen) + parts(chosen, _chosen)


def _means(chosen):
    """The means over the classes of the cells that have each reading."""
    lines, of = [], frames.over_classes(chosen)
    for (reading, score), part in chosen.groupby(["reading", "score"], sort=False):
        means = of.loc[(reading, score)]
        epochs = sorted(set(part["epochs"]))
        line = {"reading": READINGS[reading], "score": _plain(score), "cells": len(part)}
        line["epochs"] = " or ".join(map(str, epochs))
        lines.append(line | _figures(means) | {"best less last": signed(means["best"] - means["last"])})
    caption = "AUROC (%) by adversarial epoch, means over the classes of the cells that were read so"
    return plain(pd.DataFrame(lines), caption, ("score",))


def _chosen(frame):
    """One part of it: lines for each cell."""
    lines = [
        {"cell": row["cell"], "reading": READINGS[row["reading"]], "score": _plain(row["score"])}
        | {"epochs": row["epochs"]}
        | _figures(row)
        | {"best epoch": row["at"]}
        for _, row in frame.iterrows()
    ]
    return plain(pd.DataFrame(lines), f"{place(frame)}: AUROC (%) by adversarial epoch", ("reading", "score"))


def _figures(row):
    """The columns that a cell and a mean have alike."""
    return {heading: f"{row[name]:.1f}" if row[name] == row[name] else "" for name, heading in COLUMNS.items()}


def _name(score):
    """A score or component as a heading."""
    return _plain(score) if score in frames.SCORES else Html(symbol(score))


def _plain(score):
    return "NS" if score == "NS" else "printed sums"
