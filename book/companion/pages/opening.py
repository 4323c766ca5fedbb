"""What the opening page shows of the recorded runs."""

import pandas as pd

from adcgan.config import SCHEMES
from adcgan.data.datasets import TITLES

from .. import figures
from ..analysis import tables
from .common import METHOD_OF, SCALE_TITLE, SCALES, SEEDS, committed, notes
from .html import Html, counted, difference, note, plain


def measured() -> Html:
    """For each scale, data set and scheme: how much is recorded, the paper's mean and ours on the classes run."""
    rows = []
    for scale in SCALES:
        frame = tables.table3(committed(), scale)
        for model, recipe in (("AD-CGAN", "printed"), ("AD-CGAN, recipe script", "script")):
            of = frame[frame["model"] == model].drop(columns="paper")
            of = of.merge(frame[frame["model"] == "AD-CGAN"][[*CLASS, "paper"]], on=CLASS)
            for scheme in SCHEMES:
                for dataset, part in of[of["scheme"] == scheme].groupby("dataset", sort=False):
                    done = part[part["seeds"] > 0]
                    if len(done):
                        rows.append(_line(scale, recipe, dataset, scheme, part, done))
    if not rows:
        return note("No class is run yet.")
    caption = "AD-CGAN: mean AUROC (%) over the classes run so far, the paper's figure beside it"
    return plain(pd.DataFrame(rows), caption, ("scale", "recipe")) + notes("adcgan")


CLASS = ["dataset", "scheme", "class"]


def _line(scale, recipe, dataset, scheme, part, done):
    return {
        "": f"{TITLES[dataset]}, {scheme}",
        "scale": scale,
        "recipe": recipe,
        "classes": f"{len(done)} of {len(part)}",
        "seeds": f"{done['seeds'].min()} to {done['seeds'].max()} of {SEEDS}",
        "paper": f"{done['paper'].mean():.1f}",
        "ours": f"{done['ours'].mean():.1f}",
        "difference": Html(difference(done["ours"].mean() - done["paper"].mean())),
    }


def picture() -> Html:
    """Every class that AD-CGAN is run on: published, printed, script, and the baselines' range; a picture a scale."""
    html = Html("")
    for scale in SCALES:
        frame = _beside(scale)
        if frame.empty:
            continue
        alt = f"AUROC of every class that AD-CGAN is run on at scale {scale}: " + "; ".join(
            f"{place}, {counted(len(part), 'class', 'classes')}, mean published {part['paper'].mean():.1f}, "
            f"recipe printed {part['ours'].mean():.1f}"
            for place, part in frame.groupby("place", sort=False)
        )
        html += Html(
            f"<p><strong>{SCALE_TITLE[scale].capitalize()}</strong></p>" + figures.svg(figures.classes(frame), alt)
        )
    return html if html.text else note("No class is run yet.")


def _beside(scale):
    """A row for each class that AD-CGAN is run on at a scale, as `figures.classes` draws it."""
    frame = tables.table3(committed(), scale)
    others = frame[frame["model"].isin(tables.BASELINES)].groupby(CLASS)["ours"].agg(least="min", most="max")
    script = frame[frame["model"] == "AD-CGAN, recipe script"].set_index(CLASS)["ours"].rename("script")
    ours = frame[(frame["model"] == "AD-CGAN") & (frame["seeds"] > 0)]
    ours = ours.join(script, on=CLASS).join(others, on=CLASS)
    ours["place"] = [f"{TITLES[row.dataset]}, {row.scheme}" for row in ours.itertuples()]
    return ours.rename(columns={"class_name": "name"})[["place", "name", "paper", "ours", "script", "least", "most"]]


def baselines() -> Html:
    """AD-CGAN's published and measured means beside those of the baselines, over the classes that AD-CGAN is run on.

    At scale laptop; over all classes where it is run on none.
    """
    frame = tables.table3(committed(), SCALES[0])
    rows = []
    for scheme in SCHEMES:
        for dataset in [name for name in TITLES if name in set(frame.loc[frame["scheme"] == scheme, "dataset"])]:
            part = frame[(frame["dataset"] == dataset) & (frame["scheme"] == scheme)]
            ours = part[part["model"] == "AD-CGAN"].set_index("class")
            done = ours.index[ours["seeds"] > 0]
            classes = done if len(done) else ours.index
            row = {
                "": f"{TITLES[dataset]}, {scheme}",
                "classes": f"{len(classes)} of {len(ours)}",
                "AD-CGAN, paper": f"{ours.loc[classes, 'paper'].mean():.1f}",
                "AD-CGAN, ours": f"{ours.loc[done, 'ours'].mean():.1f}" if len(done) else "not run",
            }
            for name in tables.BASELINES:
                of = part[part["model"] == name].set_index("class").loc[classes, "ours"]
                some = f"{of.notna().sum()} of {len(classes)}" if of.notna().any() else "not run"
                row[name] = f"{of.mean():.1f}" if of.notna().all() else some
            rows.append(row)
    caption = (
        "AD-CGAN and baselines, scale laptop: mean AUROC (%) over the classes that AD-CGAN is run on, else over all"
    )
    return plain(pd.DataFrame(rows), caption) + notes()


def coverage() -> Html:
    """How far the tables are filled: runs recorded of those planned, a class and a seed each, by model and scheme."""
    frames = {scale: tables.table3(committed(), scale).set_index(["model", "scheme"]) for scale in SCALES}
    rows = []
    for model in METHOD_OF:
        row = {"": model}
        for scale, frame in frames.items():
            for scheme in SCHEMES:
                part = frame.loc[(model, scheme)]
                row[f"{scheme}, {scale}"] = f"{part['seeds'].sum()} of {part['of_seeds'].sum()}"
        rows.append(row)
    return plain(pd.DataFrame(rows), "Runs recorded of those planned: one for each class and seed")
