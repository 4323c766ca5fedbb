"""What moves the score: sums or means, components, BatchNorm, the adversarial epochs, and single changes."""

from collections.abc import Callable, Sequence

import pandas as pd

from adcgan.experiments.records import Record

from .. import figures
from ..analysis import components, runs, variants
from ..html import Html, by_scale, counted, folded, interval, joined, note, number, plain, signed, symbol
from ..records import SCALES

PLACE = ["scale", "dataset", "scheme"]


def by_place(frame: pd.DataFrame, show: Callable[[pd.DataFrame, str], Html], none: str) -> Html:
    """``show`` of the rows of each scale, data set and scheme with their title, folded but for the first."""
    if frame.empty:
        return note(none)
    parts = sorted(frame.groupby(PLACE, sort=False), key=lambda part: SCALES.index(part[0][0]))
    return joined(
        folded(runs.place(*place), show(part, runs.place(*place)), open=n == 0) for n, (place, part) in enumerate(parts)
    )


def scoring(records: Sequence[Record]) -> Html:
    """Every scoring variant of the same weights beside the score: means over the classes diagnosed."""
    return by_place(variants.variants(records), _scoring, "No run is diagnosed yet.")


def _scoring(frame, title):
    means = frame.groupby(["variant", *runs.CLASS], sort=False)[["NS", "difference"]].mean()
    means = means.groupby("variant", sort=False).agg(
        classes=("NS", "size"), NS=("NS", "mean"), difference=("difference", "mean")
    )
    shown = means.reset_index().sort_values("difference", key=abs, ascending=False)
    shown = shown.assign(NS=shown["NS"].map(number), difference=shown["difference"].map(signed))
    shown = shown.rename(columns={"variant": "scoring variant", "difference": "points"})
    return plain(shown, f"{title}: AUROC (%) of NS on the same weights, means over classes")


def effects(records: Sequence[Record]) -> Html:
    """The size of each single change, one-vs-all, MNIST and Fashion-MNIST and what else is run: figure and table."""
    return by_scale("effects", {scale: _effects(variants.effects(records, scale), scale) for scale in SCALES})


def _effects(frame, scale):
    if frame.empty:
        return Html("")
    shown = pd.DataFrame(
        {
            "change": frame["change"],
            "weights": ["trained again" if trained else "the same" for trained in frame["trained"]],
            "classes": frame["classes"],
            "runs": frame["runs"],
            "points": frame["mean"].map(signed),
            "interval": [interval(*ends) for ends in frame[["low", "high"]].to_numpy()],
        }
    )
    drawing = figures.svg(figures.effects(frame), f"Change of AUROC for each single change, ordered by size, {scale}")
    caption = f"One change at a time against recipe printed, scale {scale}, one-vs-all: AUROC points"
    return drawing + plain(shown, caption, ("weights", "interval"))


def parts(records: Sequence[Record]) -> Html:
    """What each component brings to NS, and what it says alone: means over classes."""
    return by_place(components.components(records), _parts, "No run of recipe printed is recorded yet.")


def _parts(frame, title):
    lines = []
    for name, part in frame.groupby("component", sort=False):
        means = part.groupby("class")[["normal", "anomalous", "AUROC"]].mean().mean()
        lines.append(
            {"component": symbol(name), "terms": f"{part['terms'].iloc[0]:,}"}
            | {f"weighted, {kind}": number(means[kind], 3) for kind in ("normal", "anomalous")}
            | {"AUROC": number(means["AUROC"]), "below 50 % in": counted((part["AUROC"] < 50).sum())}
        )
    return plain(pd.DataFrame(lines), f"{title}: the weighted terms of NS and each component's own AUROC (%)")


def reconstruction(records: Sequence[Record]) -> Html:
    """L_AE before and after the adversarial epochs, run by run."""
    return by_place(components.autoencoder(records), _reconstruction, "No run of recipe printed is recorded yet.")


def _reconstruction(frame, title):
    shown = pd.DataFrame(
        {
            "run": frame["name"],
            "changed": frame["change"].replace("", "nothing"),
            "end of the warm-up": [number(value, 4) for value in frame["warm_up"]],
            "last epoch": [number(value, 4) for value in frame["last"]],
            "ratio": [number(value) for value in frame["ratio"]],
        }
    )
    return plain(shown, f"{title}: squared error per pixel, mean over an epoch's training images", ("changed",))


def reductions(records: Sequence[Record]) -> Html:
    """NS with its components as sums and as means, class by class."""
    return by_place(components.reductions(records), _reductions, "No run of recipe printed is recorded yet.")


def _reductions(frame, title):
    shown = pd.DataFrame(
        {"class": frame["name"], "sum": frame["sum"].map(number), "mean": frame["mean"].map(number),
         "mean less sum": (frame["mean"] - frame["sum"]).map(signed), "seeds": frame["seeds"]}
    )  # fmt: skip
    return plain(shown, f"{title}: AUROC (%) of NS, its components as sums and as means")
