"""What the book's page on the published tables shows; each function fills one part of it. No record of ours enters."""

import numpy as np
import pandas as pd

from adcgan.data.datasets import TITLES

from ..analysis import audit
from ..html import Html, joined, note, plain, signed


def published_means() -> Html:
    """Table 1 against the means of Table 3."""
    frame = audit.means()
    frame = frame.assign(
        dataset=frame["dataset"].map(TITLES),
        printed=frame["printed"].map("{:.1f}".format),
        recomputed=frame["recomputed"].map("{:.2f}".format),
        difference=[signed(value, 2) for value in frame["difference"]],
        agrees=np.where(frame["agrees"], "yes", "no"),
    ).rename(columns={"dataset": "data set"})
    caption = "Table 1's means and those of Table 3's cells (%); agrees: to the rounding of 0.1"
    return plain(frame, caption, ("scheme", "model"))


def _two(value):
    return signed(value, 2)


def published_spread() -> Html:
    """What Table 1's plus/minus equals."""
    frame = audit.plus_minus()
    population, sample = frame["population_fits"].sum(), frame["sample_fits"].sum()
    shown = pd.DataFrame(
        {
            "data set": frame["dataset"].map(TITLES),
            "scheme": frame["scheme"],
            "model": frame["model"],
            "printed ±": frame["printed"].map("{:.2f}".format),
            "population sd": frame["population"].map("{:.4f}".format),
            "rounded, fits": np.where(frame["population_fits"], "yes", "no"),
            "sample sd": frame["sample"].map("{:.4f}".format),
            "cut, fits": np.where(frame["sample_fits"], "yes", "no"),
        }
    )
    text = (
        f"The population deviation over classes, rounded to two places, gives {population} of {len(frame)} printed "
        f"values; the sample deviation, cut to two places, {sample} of {len(frame)}. Both are spreads over classes, as "
        "fractions, beside means in percent."
    )
    return plain(
        shown, "Table 1's ± and the deviation over the classes of Table 3 (fractions)", ("scheme", "model")
    ) + note(text)


def published_statements() -> Html:
    """Statements of the text against the tables."""
    frame = audit.statements()
    shown = frame.assign(
        printed=[f"{value:.1f}" if value == value else "no figure" for value in frame["printed"]],
        computed=frame["computed"].map("{:.1f}".format),
        agrees=np.where(frame["agrees"], np.where(frame["printed"].isna(), "in sign", "yes"), "no"),
    )
    text = (
        "Points of AUROC. Agrees: to the tables' rounding of 0.1; “around” is taken as within 1 point, and a statement "
        "without a figure is compared in sign alone. On what the training's components bring the paper has "
        "no table."
    )
    return plain(shown, "Statements of the text and what the tables give", ()) + note(text)


def published_profiles() -> Html:
    """Sums over the schemes, and correlations between schemes and between the models' profiles over classes."""
    sums = audit.scheme_sums().map("{:.1f}".format).reset_index()
    sums["dataset"] = sums["dataset"].map(TITLES)
    parts = [plain(sums.rename(columns={"dataset": "data set"}), "One-vs-all plus all-vs-one, Table 1 (points)")]
    trades = audit.trades()
    trades = trades.assign(dataset=trades["dataset"].map(TITLES), **trades[audit.COMPARISON].map(_two))
    caption = "Correlation of one-vs-all and all-vs-one AUROC over the ten classes, Table 3"
    parts.append(plain(trades.rename(columns={"dataset": "data set"}), caption))
    for dataset in ("cifar10", "fashion_mnist", "mnist"):
        for scheme in ("one-vs-all", "all-vs-one"):
            correlations = audit.profiles(dataset, scheme).map(_two).reset_index()
            caption = f"Correlation of AUROC over the ten classes of {TITLES[dataset]}, {scheme}, Table 3"
            parts.append(plain(correlations, caption))
    return joined(parts)


def published_ahead() -> Html:
    """Where Table 3 has another model ahead of AD-CGAN."""
    frame = audit.ahead()
    shown = pd.DataFrame(
        {
            "data set": frame["dataset"].map(TITLES),
            "scheme": frame["scheme"],
            "classes with another model ahead": [f"{row.ahead} of {row.classes}" for row in frame.itertuples()],
            "which": frame["models"],
        }
    )
    return plain(shown, "Classes of Table 3 in which another model is ahead of AD-CGAN", ("scheme", "which"))
