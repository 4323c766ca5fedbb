"""How far trainings of one class differ, and how far the score moves from epoch to epoch."""

from collections.abc import Sequence

import pandas as pd

from adcgan.data.datasets import title
from adcgan.experiments.records import Record

from .. import figures
from ..analysis import tables, trainings
from ..html import Html, code, folded, note, number, plain, signed
from ..records import MODEL_OF, SCALE_TITLE, SCALES
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


def scales(records: Sequence[Record]) -> Html:
    """The classes run at both scales: by method what the smaller one costs, and below each class."""
    frame = trainings.scales(records)
    if frame.empty:
        return note("No class is run at both scales yet.")
    rows = [
        {
            "method": model,
            "classes": len(part),
            **{SCALE_TITLE[scale]: number(part[scale].mean()) for scale in SCALES},
            "paper less laptop": signed(part["difference"].mean()),
            "its sd over classes": number(part["difference"].std(ddof=1)),
            "correlation": number(part["laptop"].corr(part["paper"]) if len(part) > 2 else float("nan"), 2),
        }
        for model, part in frame.groupby("model", sort=False)
    ]
    classes = pd.DataFrame(
        {
            "class": [tables.class_title(*of) for of in zip(frame["class"], frame["class_name"], strict=True)],
            "method": frame["model"],
            "data set": [title(name) for name in frame["dataset"]],
            "scheme": frame["scheme"],
            **{SCALE_TITLE[scale]: frame[scale].map(number) for scale in SCALES},
            "paper less laptop": frame["difference"].map(signed),
        }
    )
    caption = "AUROC (%) at both scales, means over the classes that have both"
    each = plain(classes, "AUROC (%) at both scales, mean over the seeds run", ("method", "data set", "scheme"))
    return plain(pd.DataFrame(rows), caption) + folded("Every class that has both", each)


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
