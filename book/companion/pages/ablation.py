"""The ablations by training beside the same runs without."""

from collections.abc import Sequence

import pandas as pd

from adcgan.data.datasets import TITLES
from adcgan.experiments import grid
from adcgan.experiments.records import Record

from ..analysis import variants
from ..checks import checked
from ..html import Html, joined, note, number, plain, signed
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


def compared(records: Sequence[Record]) -> Html:
    """The other methods' runs with an option changed, class by class, and the mean over the classes."""
    frame = variants.compared(records)
    if frame.empty:
        return note("No run of a compared method has an option changed yet.")
    return joined(
        plain(_compared(part), f"{method} with {change}: mean AUROC (%), scale laptop", ("class",))
        for (method, change), part in frame.groupby(["method", "change"], sort=False)
    )


def checks(records: Sequence[Record]) -> Html:
    """The claims of the page's text."""
    frame = variants.compared(records)
    none = frame[(frame["method"] == "AE-GAN") & (frame["change"] == "weight_decay=0.0")]
    return checked(
        records,
        without_weight_decay_the_mean_is_higher=none["with"].mean() > none["without"].mean(),
        with_and_without_weight_decay_every_run_reconstructs_worse_than_a_mean_picture=(
            (none[["blind_without", "blind_with"]].to_numpy() == none[["seeds"]].to_numpy()).all()
        ),
    )


def _compared(frame):
    classes = [f"{TITLES[row.dataset]} {row['class']}" for _, row in frame.iterrows()]
    shown = frame.assign(**{"class": classes})[["class", "without", "with", "seeds"]]
    shown.loc[len(shown)] = ["mean", frame["without"].mean(), frame["with"].mean(), frame["seeds"].min()]
    points = (shown["with"] - shown["without"]).map(signed)
    blind = [f"{row.blind_without} and {row.blind_with} of {row.seeds}" for row in frame.itertuples()]
    return pd.DataFrame(
        {
            "class": shown["class"], "as it is": shown["without"].map(number), "changed": shown["with"].map(number),
            "points": points, "seeds": shown["seeds"].astype(int), "worse than a mean picture in": [*blind, ""],
        }
    )  # fmt: skip


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
