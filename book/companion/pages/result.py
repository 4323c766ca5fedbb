"""What the opening page shows of the recorded runs."""

from collections.abc import Sequence

import pandas as pd
from myst_nb import glue

from adcgan.config import SCHEMES
from adcgan.data.datasets import PUBLISHED, TITLES
from adcgan.experiments.records import Record

from .. import figures
from ..analysis import claims as paper_claims
from ..analysis import tables, variants
from ..html import NONE, Html, by_scale, difference, note, number, plain, render, signed
from ..records import METHOD_OF, SCALE_TITLE, SCALES, SEEDS

CLASS = ["dataset", "scheme", "class"]


def values(records: Sequence[Record]) -> dict[str, str]:
    """The figures of the text by name: laptop scale, one-vs-all."""
    frame = tables.table3(records, "laptop")
    frame = frame[(frame["model"] == "AD-CGAN") & (frame["scheme"] == SCHEMES[0]) & (frame["seeds"] > 0)]
    found = {}
    for dataset in PUBLISHED:
        part = frame[frame["dataset"] == dataset]
        found[f"{dataset}_ours"] = number(part["ours"].mean())
        found[f"{dataset}_paper"] = number(part["paper"].mean())
        found[f"{dataset}_classes"] = str(len(part))
    effects = variants.effects(records, "laptop").set_index("change")["mean"]
    return found | {"label_order": number(effects.get("batch statistics, label order, batches of 256"))}


def numbers(records: Sequence[Record]) -> None:
    """Hand `values` to MyST, for ``{glue:text}``."""
    for name, value in values(records).items():
        glue(name, value, display=False)


def claims(records: Sequence[Record]) -> Html:
    """The paper's claims, each with what was measured, at which scale, and whether that supports it."""
    words = {True: "supported", False: "not supported", None: "not tested"}
    rows = [
        {
            "claim": claim.text,
            "measured, points": "; ".join(f"{place} {signed(value)}" for place, value in claim.measured.items())
            or NONE,
            "scale": claim.scale or NONE,
            "": words[claim.supported],
        }
        for claim in paper_claims.claims(records)
    ]
    return plain(pd.DataFrame(rows), "The paper's claims", ("measured, points", "scale", ""), kind="adcgan-claims")


def measured(records: Sequence[Record]) -> Html:
    """A line for each scale, data set and scheme with runs: published mean, ours, the baselines'.

    Means over the classes that AD-CGAN, recipe printed, is run on.
    """
    rows = []
    for scale in SCALES:
        wide = tables.table3(records, scale).pivot(index=CLASS, columns="model", values="ours")
        paper = tables.published().rename("paper")
        done = wide.join(paper)[wide["AD-CGAN"].notna()]
        for scheme in SCHEMES:
            for dataset in PUBLISHED:
                part = done[(done.index.get_level_values(0) == dataset) & (done.index.get_level_values(1) == scheme)]
                if part.empty:
                    continue
                script = part["AD-CGAN, recipe script"]
                rows.append(
                    {
                        "": f"{TITLES[dataset]}, {scheme}",
                        "scale": scale,
                        "classes": len(part),
                        "paper": number(part["paper"].mean()),
                        "printed": number(part["AD-CGAN"].mean()),
                        "difference": difference((part["AD-CGAN"] - part["paper"]).mean()),
                        "script": number(script.mean()) if script.notna().all() else NONE,
                        "nearest neighbours": number(part["nearest neighbours"].mean(skipna=False)),
                        "PCA": number(part["PCA reconstruction"].mean(skipna=False)),
                    }
                )
    if not rows:
        return note("No class is run yet.")
    return plain(pd.DataFrame(rows), "Mean AUROC (%) over the classes that AD-CGAN was run on", ("scale",))


def picture(records: Sequence[Record]) -> Html:
    """Every class that AD-CGAN is run on: published, printed, script, and the baselines' range; a picture a scale."""
    return by_scale("picture", {scale: _picture(records, scale) for scale in SCALES})


def classes(records: Sequence[Record], scale: str) -> pd.DataFrame:
    """A line for each class that AD-CGAN is run on, as `figures.classes` draws it."""
    frame = tables.table3(records, scale)
    others = frame[frame["model"].isin(tables.BASELINES)].groupby(CLASS)["ours"].agg(least="min", most="max")
    script = frame[frame["model"] == "AD-CGAN, recipe script"].set_index(CLASS)["ours"].rename("script")
    frame = frame[(frame["model"] == "AD-CGAN") & (frame["seeds"] > 0)]
    frame = frame.join(script, on=CLASS).join(others, on=CLASS).rename(columns={"class_name": "name"})
    return frame.assign(place=[f"{TITLES[row.dataset]}, {row.scheme}" for row in frame.itertuples()])


def _picture(records, scale):
    frame = classes(records, scale)
    if frame.empty:
        return Html("")
    alt = f"AUROC of every class that AD-CGAN is run on, {SCALE_TITLE[scale]}: " + "; ".join(
        f"{place}, mean published {part['paper'].mean():.1f}, recipe printed {part['ours'].mean():.1f}"
        for place, part in frame.groupby("place", sort=False)
    )
    ways = {2: "side by side", 1: "one below the other"}  # a label of its own gives each names of its own
    wide, narrow = (figures.svg(figures.classes(frame, columns), f"{alt}; {way}") for columns, way in ways.items())
    return render("by_width.html", wide=wide, narrow=narrow)


def coverage(records: Sequence[Record]) -> Html:
    """How far the tables are filled: runs recorded of those planned, a class and a seed each, by method and scheme."""
    frames = {scale: tables.table3(records, scale).set_index(["model", "scheme"]) for scale in SCALES}
    rows = []
    for model in METHOD_OF:
        row = {"": model}
        for scale, frame in frames.items():
            for scheme in SCHEMES:
                part = frame.loc[(model, scheme)]
                row[f"{scheme}, {scale}"] = f"{part['seeds'].sum()} of {part['of_seeds'].sum()}"
        rows.append(row)
    return plain(pd.DataFrame(rows), f"Runs recorded of those planned: up to {SEEDS} seeds of each class")
