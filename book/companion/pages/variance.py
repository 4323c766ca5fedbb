"""How far trainings of one class differ, and how far the score moves from epoch to epoch."""

from collections.abc import Sequence

import pandas as pd

from adcgan.experiments.records import Record

from .. import figures
from ..analysis import trainings
from ..html import Html, code, note, number, plain, signed
from ..records import MODEL_OF
from .why import by_place


def spread(records: Sequence[Record]) -> Html:
    """The standard deviation between trainings of one class, by method, scale and change."""
    frame = trainings.spread(records)
    if frame.empty:
        return note("No class is trained more than once yet.")
    shown = pd.DataFrame(
        {
            "method": frame["method"].map(MODEL_OF),
            "scale": frame["scale"],
            "changed": frame["change"].replace("", "nothing"),
            "classes": frame["classes"],
            "trainings": frame["trainings"],
            "standard deviation": frame["sd"].map(number),
            "interval": [
                "too few" if low != low else f"{low:.1f} to {high:.1f}"
                for low, high in zip(frame["low"], frame["high"], strict=True)
            ],
        }
    )
    caption = "AUROC points between trainings of one class, pooled over the classes trained more than once"
    return plain(shown, caption, ("scale", "changed", "interval"))


def again(records: Sequence[Record]) -> Html:
    """Every training of the AD-CGAN classes that were trained more than once."""
    return by_place(trainings.again(records), _again, "No class is trained more than once yet.")


def _again(frame, title):
    shown = pd.DataFrame(
        {
            "run": [
                f"{name}{f', repeat {n}' if n else ''}" for name, n in zip(frame["name"], frame["repeat"], strict=True)
            ],
            "changed": frame["change"].replace("", "nothing"),
            "NS": frame["NS"].map(number),
            "device": frame["device"],
            "threads": frame["threads"],
            "revision": [code(revision[:10]) for revision in frame["revision"]],
            "finished": frame["finished"].str[:10],
        }
    )
    return plain(shown, f"{title}: AUROC (%) of every training", ("changed", "device", "revision", "finished"))


def epochs(records: Sequence[Record]) -> Html:
    """The AUROC after every epoch, and what a choice of the epoch by the test's labels would make of it."""
    frame = trainings.epochs(records)
    if frame.empty:
        return note("No recorded run was read after every epoch yet.")
    chosen = trainings.chosen_epochs(records)
    frame = frame[frame["seed"] == frame["seed"].min()]
    published = chosen.drop_duplicates([*trainings.RUN]).set_index(trainings.RUN)["published"]
    frame = frame.join(published, on=trainings.RUN)
    return by_place(frame, _drawn, "") + by_place(chosen, _chosen, "")


def _drawn(frame, title):
    return figures.svg(figures.epochs(frame), f"AUROC of NS after every epoch, a panel for each class: {title}")


def _chosen(frame, title):
    shown = pd.DataFrame({"run": frame["name"], "epochs": frame["epochs"]})
    for name in ("published", "last", "least", "best"):
        shown[name] = frame[name].map(number)
    shown["best epoch"] = frame["at"]
    shown["best less last"] = (frame["best"] - frame["last"]).map(signed)
    shown["sd of the last five"] = frame["sd"].map(number)
    return plain(shown, f"{title}: AUROC (%) by adversarial epoch, on the images read after each")
