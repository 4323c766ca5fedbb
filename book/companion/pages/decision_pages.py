"""What the page of decisions shows: the register with what each choice was measured to move, and every option."""

import dataclasses
from html import escape

import pandas as pd

from adcgan.config import RECIPES, Config, configure, open_choices
from adcgan.experiments import grid
from adcgan.scoring import SCORE

from ..analysis import statistics, study
from ..analysis.study import trainings
from .common import METHOD_OF, committed
from .html import Html, counted, interval, note, plain, signed

NAMES = {"adcgan": "AD-CGAN"} | {method: model for model, method in METHOD_OF.items()}
EPOCHS = {  # rows of which epoch is scored, read in the same training: their column of `trainings.chosen_epochs`, name
    18: ("included", "warm_up_count=included, read after that epoch"),
    33: ("best", "the best by the test's labels, no result"),
}
SOURCES = "open choice, and what its sources say"


def decisions() -> Html:
    """The open choices: what the paper prints, what the script does, what each recipe takes, what a change moves.

    The figures are AUROC points of NS against the old default, means over the classes of the study's data sets.
    """
    effects = study.effects(committed(), grid.STUDIED)
    rows = []
    for number, row in open_choices().items():
        measured = [_measured(effect) for _, effect in effects[effects["row"].astype(float) == number].iterrows()]
        if number in EPOCHS:
            measured += _other_epoch(*EPOCHS[number])
        said = [f"<strong>{escape(row['choice'])}</strong>"]
        for title, key in (
            ("Paper", "paper"),
            ("Script", "script"),
            ("Others", "elsewhere"),
            ("Exception", "exception"),
        ):
            if key in row:
                said.append(f"<em>{title}:</em> {escape(row[key])}")
        shown = {"no.": number, SOURCES: Html(f'<div class="adcgan-said">{"<br>".join(said)}</div>')}
        for recipe in RECIPES:
            values = row.get("recipes", {}).get(recipe)
            shown[f"recipe {recipe}"] = Html(_values(values) if values else escape(row["settled"]))
        rows.append(shown | {"measured": Html("<br>".join(measured))})
    texts = (SOURCES, "recipe printed", "recipe script", "measured")
    return plain(pd.DataFrame(rows), "The open choices", texts) + note(
        "Measured, in points: change of the AUROC (%) of NS against the default before there were recipes, one-vs-all, "
        "mean over the classes of Fashion-MNIST and MNIST that have both, with a 95 % interval over classes where "
        "there are at least three, not corrected for the number of variants; nothing where no run has measured it."
    )


def _values(values):
    """Options and their values, one a line; a value by image size as it is."""
    lines = []
    for name, value in values.items():
        said = ", ".join(f"{one} at {size}" for size, one in value.items()) if isinstance(value, dict) else value
        lines.append(f"<code>{escape(name.rstrip('_'))}={escape(str(said))}</code>")
    return "<br>".join(lines)


def _measured(effect):
    ends = interval(effect["low"], effect["high"])
    ends = f" ({ends})" if ends else ""
    cells = counted(effect["cells"]) + (", trained again" if effect["retrained"] else "")
    return f"<small>{escape(effect['reading'])}: {signed(effect['mean'])}{ends} points, {cells}</small>"


def _other_epoch(column, name):
    """What another epoch than the last would move, where the epochs were read."""
    frame = trainings.chosen_epochs(committed())
    frame = frame[frame["dataset"].isin(grid.STUDIED) & (frame["scheme"] == "one-vs-all")]
    frame = frame[(frame["reading"] == SCORE) & (frame["score"] == "NS") & frame[column].notna()]
    if len(frame):
        by_class = (frame[column] - frame["last"]).groupby([frame["dataset"], frame["class"]]).mean()
        mean, low, high = statistics.mean_interval(by_class.to_numpy())
        yield _measured(
            {"reading": name, "mean": mean, "low": low, "high": high, "cells": len(frame), "retrained": False}
        )


def options(method: str) -> Html:
    """Every option of a method: its default (AD-CGAN's: recipe printed), other values, what it is, its open choice."""
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
                "open choice": field.metadata["row"] or "",
            }
        )
    caption = f"Options of {NAMES[method]}, with the defaults for 28-pixel images, one-vs-all"
    return plain(pd.DataFrame(rows), caption, ("default", "instead", "what it decides"))
