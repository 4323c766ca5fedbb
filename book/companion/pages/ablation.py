"""The ablations by training beside the same runs without."""

from collections.abc import Sequence

import pandas as pd

from adcgan.experiments import grid
from adcgan.experiments.records import Record

from ..analysis import variants
from ..html import Html, number, plain, signed
from .why import by_place


def trained(records: Sequence[Record]) -> Html:
    """Every ablation run, by data set: the AUROC and what the change moves, components as sums and as means."""
    return by_place(variants.ablations(records), _trained, "No ablation of recipe printed is run yet.")


def _trained(frame, title):
    shown = pd.DataFrame({"change": frame["change"], "run": frame["name"]})
    for heading, value, moved in (("NS", "NS", "difference"), ("as means", "mean", "mean_difference")):
        shown[heading] = frame[value].map(number)
        shown[f"{heading}, points"] = frame[moved].map(signed)
    return plain(shown, f"{title}: AUROC (%) with one change of the training", ("change", "run"))


def planned(records: Sequence[Record]) -> Html:
    """The planned ablations, what each changes, and how many of their runs are recorded."""
    done = variants.ablations(records).groupby("change")["name"].size()
    per_change = len(grid.ablations()) // len(grid.ABLATIONS)
    rows = [
        {"change": name, "options": runs_of(options), "runs": f"{done.get(name, 0)} of {per_change}"}
        for name, options in grid.ABLATIONS.items()
    ]
    return plain(pd.DataFrame(rows), "Changes of recipe printed that are trained again", ("options",))


def runs_of(options: dict) -> str:
    """Options as text."""
    return ", ".join(f"{name}={value}" for name, value in options.items())
