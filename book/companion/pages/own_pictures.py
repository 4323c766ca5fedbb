"""What was measured about detectors of own pictures: how many pictures are enough, and whether the threshold holds."""

from pathlib import Path

import pandas as pd

from adcgan.config import METHODS

from .. import figures
from ..analysis import speed
from ..html import Html, note, number, plain

NOTHING = "Nothing was measured yet."


def how_many(directory: Path | str) -> Html:
    """AUROC against the number of normal pictures given, as a figure and a table: means over the classes measured."""
    results = speed.results(Path(directory), "how-many")
    if not results:
        return note(NOTHING)
    frame = pd.DataFrame(results[0]["rows"])
    whole = frame.groupby("label")["given"].transform("nunique") == frame["given"].nunique()
    frame = frame[whole] if whole.any() else frame
    names = list(dict.fromkeys(frame["class_name"]))
    table = frame.pivot_table("auroc", "given", "method", sort=False).sort_index() * 100
    label = "AUROC against the number of pictures; " + "; ".join(
        f"{METHODS[name].title} {table[name].iloc[0]:.0f} to {table[name].iloc[-1]:.0f}" for name in table
    )
    shown = table.map(number).rename(columns={name: METHODS[name].title for name in table})
    shown.insert(0, "pictures given", [f"{count:,}" for count in table.index])
    shown.insert(1, "held out", frame.groupby("given")["held_out"].first().values)
    shown.insert(2, "classes", frame.groupby("given")["label"].nunique().values)
    caption = f"AUROC in percent on Fashion-MNIST's test images, mean over the classes: {', '.join(names)}"
    return figures.svg(figures.by_count(frame), label) + plain(shown, caption)


def false_alarms(directory: Path | str) -> Html:
    """False alarms beside the rate that was asked for, and how many images of other classes are detected."""
    results = speed.results(Path(directory), "false-alarms")
    if not results:
        return note(NOTHING)
    frame = pd.DataFrame(results[0]["rows"])

    def percent(share):
        return number(100 * share)

    expected = [f"{percent(low)} to {percent(high)}" for low, high in frame["expected"]]
    shown = pd.DataFrame(
        {
            "normal class": frame["class_name"],
            "method": [METHODS[name].title for name in frame["method"]],
            "false alarms": frame["false_alarms"].map(percent),
            "expected": expected,
            "detected": frame["detected"].map(percent),
            "hardest class": [
                f"{min(shares, key=shares.get)} {percent(min(shares.values()))}"
                for shares in frame["detected_by_class"]
            ],
            "AUROC": frame["auroc"].map(percent),
        }
    )
    rate = percent(frame["rate"].iloc[0])
    return plain(
        shown, f"At a stated rate of {rate} %: shares of the test images in percent", ("method", "hardest class")
    )
