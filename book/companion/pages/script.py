"""What the authors' script does at the test, on our weights: stale noise and the null control."""

from collections.abc import Sequence

import pandas as pd

from adcgan.experiments.records import Record

from .. import figures
from ..analysis import variants
from ..html import Html, number, plain
from .why import by_place


def stale_noise(records: Sequence[Record]) -> Html:
    """NS over the draws of stale noise, run by run, as a figure and a table."""
    return by_place(variants.stale(records), _stale_noise, "No run is diagnosed yet.")


def _stale_noise(frame, title):
    shown = pd.DataFrame({"run": frame["name"], "without": frame["score"].map(number)})
    for name in variants.QUANTILES:
        shown[name.replace(" ", "\N{NO-BREAK SPACE}")] = frame[name].map(number)
    shown["published"] = frame["published"].map(number)
    shown["draws at or above it"] = [f"{100 * share:.1f} %" if share == share else "" for share in frame["share"]]
    drawing = figures.svg(figures.stale(frame), f"AUROC over 200 draws of stale noise beside the score: {title}")
    return drawing + plain(shown, f"{title}: AUROC (%) of NS over 200 draws of stale noise on one set of weights")


def nulls(records: Sequence[Record]) -> Html:
    """AUROC between random halves of the normal images, with the score and with stale noise."""
    return by_place(variants.nulls(records), _nulls, "No run is diagnosed yet.")


def _nulls(frame, title):
    shown = frame[["name", "score", "splits"]].rename(columns={"name": "run"})
    for column in ("mean", "sd", "expected_sd"):
        shown[column.replace("_", " ")] = frame[column].map(number)
    shown["beyond 3 expected sd"] = [f"{100 * value:.0f} %" for value in frame["beyond"]]
    return plain(shown, f"{title}: AUROC (%) between random halves of the normal test images", ("score",))
