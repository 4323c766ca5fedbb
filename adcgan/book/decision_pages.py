"""What the page of decisions shows: the register with what each choice was measured to move, and every option."""

import dataclasses
from html import escape

import pandas as pd

from .. import plan, statistics, study
from ..config import Config, configure, register
from ..scores import SCORE
from ..study import trainings
from .common import MODEL_OF, committed
from .html import Html, counted, interval, note, plain, signed

EPOCHS = {  # rows of which epoch is scored, read in the same training: their column of `trainings.chosen_epochs`, name
    18: ("included", "warm_up_count=included, read after that epoch"),
    33: ("best", "the best by the test's labels, no result"),
}
SOURCES, SETTLED = "choice, and what its sources say", "settled, or default and what another value moved"


def decisions() -> Html:
    """The register of open choices: what its sources say, what is settled, what each other choice was measured to move.

    The figures are AUROC points of NS against the default, means over the classes of the study's data sets.
    """
    effects = study.effects(committed(), plan.STUDIED)
    config, options = configure("adcgan", "one-vs-all", 28, 1), {}
    for field in dataclasses.fields(config):
        line = f'<code class="adcgan-whole">{field.name.rstrip("_")}={getattr(config, field.name)}</code>'
        options.setdefault(field.metadata["row"], []).append(line)
    rows = []
    for number, row in register().items():
        defaults = options.get(number)
        measured = [_measured(effect) for _, effect in effects[effects["row"].astype(float) == number].iterrows()]
        if number in EPOCHS:
            measured += _other_epoch(*EPOCHS[number])
        rows.append(
            {
                "row": number,
                SOURCES: Html(f"<strong>{escape(row['choice'])}</strong><br>{escape(row['evidence'])}"),
                SETTLED: Html("<br>".join([*(defaults or [escape(row["settled"])]), *measured])),
            }
        )
    return plain(pd.DataFrame(rows), "The register of open choices", (SOURCES, SETTLED)) + note(
        "Points: change of the AUROC (%) of NS against the default, one-vs-all, mean over the classes of Fashion-MNIST "
        "and MNIST that have both, with a 95 % interval over classes where there are at least three, not corrected for "
        "the number of readings; nothing where no run has measured it."
    )


def _measured(effect):
    ends = interval(effect["low"], effect["high"])
    ends = f" ({ends})" if ends else ""
    cells = counted(effect["cells"]) + (", trained again" if effect["retrained"] else "")
    return f"<small>{escape(effect['reading'])}: {signed(effect['mean'])}{ends} points, {cells}</small>"


def _other_epoch(column, name):
    """What another epoch than the last would move, where the epochs were read."""
    frame = trainings.chosen_epochs(committed())
    frame = frame[frame["dataset"].isin(plan.STUDIED) & (frame["scheme"] == "one-vs-all")]
    frame = frame[(frame["reading"] == SCORE) & (frame["score"] == "NS") & frame[column].notna()]
    if len(frame):
        by_class = (frame[column] - frame["last"]).groupby([frame["dataset"], frame["class"]]).mean()
        mean, low, high = statistics.mean_interval(by_class.to_numpy())
        yield _measured(
            {"reading": name, "mean": mean, "low": low, "high": high, "cells": len(frame), "retrained": False}
        )


def options(method: str) -> Html:
    """Every option of a method: default at the paper's settings, other values, what it is, the register's row."""
    config = configure(method, "one-vs-all", 28, 1)
    shared = set() if method == "adcgan" else {field.name for field in dataclasses.fields(Config)}
    rows = []
    for field in dataclasses.fields(config):
        if field.name in shared:
            continue  # said once, with AD-CGAN
        default = getattr(config, field.name)
        others = [f"<code>{choice}</code>" for choice in field.metadata["choices"] or () if choice != default]
        rows.append(
            {
                "option": field.name.rstrip("_"),
                "default": Html(f"<code>{default}</code>"),
                "instead": Html(", ".join(others) or "another value"),
                "what it decides": field.metadata["help"],
                "row": field.metadata["row"] or "",
            }
        )
    caption = f"Options of {MODEL_OF[method]}, with the defaults for 28-pixel images, one-vs-all"
    return plain(pd.DataFrame(rows), caption, ("default", "instead", "what it decides"))
