"""What the study's page shows of the z's that scoring draws; a function for each part."""

from functools import partial

import pandas as pd

from adcgan.data.datasets import title

from .. import figures
from ..analysis.study import latents
from ..analysis.study.cells import CHANGES
from .common import committed, place
from .html import Html, counted, note, plain
from .study_parts import NOTHING, kinds, parts


def left_over() -> Html:
    """The distribution of AUROC over left-over z's, as a figure and a table for each data set and scheme."""
    frame = latents.left_over(committed())
    return parts(frame, _left_over) if len(frame) else note(NOTHING)


def released_training() -> Html:
    """As `left_over`, of the cells trained with the script's differences together."""
    frame = latents.left_over(committed(), CHANGES["released training"])
    part = partial(_left_over, trained=", the script's training")
    return parts(frame, part) if len(frame) else note("No run with the script's training is recorded yet.")


def _left_over(frame, trained=""):
    """One part of it. Published and paper protocol stand once a cell, the draws once for each rule.

    The label is the salt of the picture's identifiers (`figures.svg`), so two pictures of a page need two.
    """
    shown = frame[["cell", "rule"]].assign(**_points(frame, *latents.QUANTILES), **_beside_published(frame))
    if frame["against_rest"].notna().any():
        ratios = frame["against_rest"]
        shown["z against the rest"] = [f"{value:.2f}" if value == value else "" for value in ratios]
    where = place(frame) + trained
    alt = f"AUROC over 200 left-over z's for each cell, beside the paper protocol's and the published figure: {where}"
    caption = f"{where}: AUROC (%) of NS over 200 left-over z's on one set of weights"
    return Html(figures.svg(figures.left_over(frame), alt)) + plain(shown, caption, ("rule",))


def _points(frame, *columns):
    """The AUROC of the paper protocol and the named quantiles of the draws, one decimal each."""
    shown = frame[["paper_protocol", *columns]].map("{:.1f}".format)
    titles = {"sd_apart": "sd, a z each"}
    return {
        titles.get(name, name.replace("_", " ").replace(" %", "\N{NO-BREAK SPACE}%")): shown[name] for name in shown
    }


def _beside_published(frame):
    """The columns that set the draws beside the published figure, where there is one."""
    return {
        "published": [f"{value:.1f}" if value == value else "none" for value in frame["published"]],
        "draws at or above it": [f"{100 * value:.1f} %" if value == value else "" for value in frame["share"]],
    }


def left_over_means() -> Html:
    """What one left-over z for all classes does to their mean, a line for each data set, scheme, seed and rule."""
    frame = latents.left_over_means(committed())
    if frame.empty:
        return note("No two cells of a data set hold the study under one scheme and seed yet.")
    frame = pd.concat([part for _, part in kinds(frame)])
    shown = pd.DataFrame(
        {
            "mean over": [
                f"{title(row['dataset'])}, {row['scheme']}, seed {row['seed']}, {counted(row['cells'])}"
                for _, row in frame.iterrows()
            ],
            "rule": frame["rule"],
        }
    )
    shown = shown.assign(**_points(frame, "5 %", "median", "95 %", "sd", "sd_apart"), **_beside_published(frame))
    return plain(shown, "Mean AUROC (%) of NS over the classes, one left-over z for all of them: 200 draws", ("rule",))


def other_latents() -> Html:
    """What other z's would give that all images share, for each data set and scheme."""
    frame = latents.other_latents(committed())
    return parts(frame, _other_latents) if len(frame) else note("No recorded run holds it yet: it comes with the next.")


def _other_latents(frame):
    """One part of it."""
    shown = frame[["cell", "latents", "draws"]].assign(**_points(frame, *latents.QUANTILES))
    where = place(frame)
    return plain(shown, f"{where}: AUROC (%) of NS under other z's that all images share", ("latents",))
