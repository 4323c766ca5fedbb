"""What the opening page shows of the recorded runs; `findings` says it in sentences."""

import pandas as pd

from .. import figures, reweighting, tables
from ..config import SCHEMES
from ..data import TITLES
from .common import METHOD_OF, SEEDS, committed, notes
from .html import Html, counted, difference, note, plain


def measured() -> Html:
    """What was reproduced so far: cells measured of those planned, the paper's figure and ours on the same classes."""
    frame = tables.table3(committed())
    frame = frame[frame["model"] == "AD-CGAN"]
    sums = reweighting.printed_sums(committed())
    rows = []
    for (scheme, dataset), part in frame.groupby(["scheme", "dataset"], sort=False):
        done = part[part["seeds"] > 0]
        rows.append(
            {
                "scheme": scheme,
                "data set": dataset,
                "runs": f"{part['seeds'].sum()} of {SEEDS * len(part)}",
                "classes": ", ".join(done["class_name"]) or "none",
                "paper, these classes": f"{done['paper'].mean():.1f}" if len(done) else "",
                "ours": f"{done['ours'].mean():.1f}" if len(done) else "not run",
                "difference": Html(difference(done["ours"].mean() - done["paper"].mean())) if len(done) else "",
                "ours, printed sums": f"{sums[dataset, scheme].mean():.1f}" if len(done) else "",
            }
        )
    shown = pd.DataFrame(rows).sort_values("scheme", ascending=False, kind="stable")
    shown.insert(
        0,
        "",
        [f"{TITLES[dataset]}, {scheme}" for dataset, scheme in zip(shown["data set"], shown["scheme"], strict=True)],
    )
    shown = shown.drop(columns=["scheme", "data set"])
    caption = "AD-CGAN at the paper's settings: mean AUROC (%) over the classes run so far"
    return plain(shown, caption, ("classes",)) + notes("adcgan")


def picture() -> Html:
    """Every class that AD-CGAN is run on: the published AUROC, ours, and where the yardsticks lie."""
    frame = _beside()
    if frame.empty:
        return note("No class is run yet.")
    alt = "AUROC of every class that AD-CGAN is run on: " + "; ".join(
        f"{place}, {counted(len(part), 'class', 'classes')}, mean published {part['paper'].mean():.1f}, "
        f"ours {part['ours'].mean():.1f}, with the printed sums {part['sums'].mean():.1f}"
        for place, part in frame.groupby("place", sort=False)
    )
    return Html(figures.svg(figures.classes(frame), alt))


def _beside():
    """A row for each class that AD-CGAN is run on, as `figures.classes` draws it."""
    frame, sums = tables.table3(committed()), reweighting.printed_sums(committed())
    cell = ["dataset", "scheme", "class"]
    others = frame[frame["model"].isin(tables.YARDSTICK_NAMES)].groupby(cell)["ours"].agg(least="min", most="max")
    ours = frame[(frame["model"] == "AD-CGAN") & (frame["seeds"] > 0)]
    ours = ours.join(sums.rename("sums"), on=cell).join(others, on=cell)
    ours["place"] = [f"{TITLES[row.dataset]}, {row.scheme}" for row in ours.itertuples()]
    return ours.rename(columns={"class_name": "name"})[["place", "name", "paper", "ours", "sums", "least", "most"]]


def yardsticks() -> Html:
    """AD-CGAN's published and measured means beside those of the yardsticks, over the classes that AD-CGAN is run on.

    Over all classes where it is run on none.
    """
    frame, sums = tables.table3(committed()), reweighting.printed_sums(committed())
    rows = []
    for scheme in SCHEMES:
        for dataset in [name for name in TITLES if name in set(frame.loc[frame["scheme"] == scheme, "dataset"])]:
            part = frame[(frame["dataset"] == dataset) & (frame["scheme"] == scheme)]
            ours = part[part["model"] == "AD-CGAN"].set_index("class")
            done = ours.index[ours["seeds"] > 0]
            classes = done if len(done) else ours.index
            cell = {
                "": f"{TITLES[dataset]}, {scheme}",
                "classes": f"{len(classes)} of {len(ours)}",
                "AD-CGAN, paper": f"{ours.loc[classes, 'paper'].mean():.1f}",
                "AD-CGAN, ours": f"{ours.loc[done, 'ours'].mean():.1f}" if len(done) else "not run",
                "ours, printed sums": f"{sums[dataset, scheme].mean():.1f}" if len(done) else "not run",
            }
            for name in tables.YARDSTICK_NAMES:
                of = part[part["model"] == name].set_index("class").loc[classes, "ours"]
                some = f"{of.notna().sum()} of {len(classes)}" if of.notna().any() else "not run"
                cell[name] = f"{of.mean():.1f}" if of.notna().all() else some
            rows.append(cell)
    caption = "AD-CGAN and methods without a GAN: mean AUROC (%) over the classes that AD-CGAN is run on, else over all"
    return plain(pd.DataFrame(rows), caption) + notes()


def coverage() -> Html:
    """How far the tables are filled: runs recorded of those planned, a class and a seed each, by model and scheme."""
    frame = tables.table3(committed()).set_index(["model", "scheme"])
    rows = []
    for model in METHOD_OF:
        row = {"": model}
        for scheme in SCHEMES:
            part = frame.loc[(model, scheme)]
            row[scheme] = f"{part['seeds'].sum()} of {part['of_seeds'].sum()}"
        rows.append(row)
    return plain(pd.DataFrame(rows), "Runs recorded of those planned: one for each class and seed")
