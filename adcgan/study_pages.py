"""What the book's study and audit pages show; each function fills one part of a page."""

import numpy as np
import pandas as pd

from . import audit, figures, paper, plan, statistics, study
from .data import TITLES
from .html import Html, difference, note, plain, verdict
from .pages import SEEDS, committed


def question() -> Html:
    """What the study is about: the headline figure beside its family's."""
    table = paper.table(1).set_index(["dataset", "scheme", "model"]).sort_index()
    table = table["auc_percent"]["cifar10", "one-vs-all"]
    others = sorted(table.drop("AD-CGAN"))
    quoted = paper.quoted()["cifar10"]["one-vs-all"]
    family = f"{others[0]:.1f} to {others[-1]:.1f}"
    return Html(
        f"<p>The paper prints a mean AUROC of {table['AD-CGAN']:.1f} % on CIFAR-10, one-vs-all. Other methods that "
        "score by reconstruction and are trained from scratch are published between "
        f"{others[0]:.1f} and {quoted['OCGAN']:.1f} %: ADGAN, ALAD and AE-GAN ({family}) in its own Table 1, "
        f"AnoGAN ({quoted['AnoGAN']:.1f}) and OCGAN ({quoted['OCGAN']:.1f}) as later papers quote them.</p>"
    )


def left_over() -> Html:
    """The distribution of AUROC over left-over z's, as a figure and a table."""
    frame = study.left_over(committed())
    if frame.empty:
        return note("No recorded run holds the study yet.")
    shown = frame[["cell"]].copy()
    for column in ("paper_protocol", "least", "5 %", "median", "95 %", "most"):
        shown[column] = [f"{value:.1f}" for value in frame[column]]
    shown["published"] = [f"{value:.1f}" if value == value else "none" for value in frame["published"]]
    shown["draws at or above it"] = [f"{100 * value:.0f} %" if value == value else "" for value in frame["share"]]
    shown.insert(1, "rule", frame["rule"])
    alt = "AUROC over 200 left-over z's for each cell, beside the paper protocol's and the published figure"
    caption = "AUROC (%) of NS over 200 left-over z's on one set of weights"
    return Html(figures.svg(figures.left_over(frame), alt)) + plain(shown, caption, ("rule",))


def readings() -> Html:
    """Every reading of every studied cell."""
    frame = study.readings(committed())
    if frame.empty:
        return note("No recorded run holds the study yet.")
    wide = frame.pivot(index="reading", columns="cell", values="NS")
    first = ["paper", "released"]
    wide = wide.loc[[*first, *(name for name in wide.index if name not in first)]]
    wide = wide.map(lambda value: f"{value:.1f}" if value == value else "")
    return plain(wide.reset_index(), "AUROC (%) of NS on the same weights, by what is read differently", ())


def effects() -> Html:
    """The size of each single change, on the paper's data sets; on digits while nothing else is recorded."""
    frame, on = study.effects(committed(), plan.STUDIED), "Fashion-MNIST and MNIST"
    if frame.empty:
        frame, on = study.effects(committed(), ("digits",)), "digits alone so far: a smoke run, not a result"
    if frame.empty:
        return note("No recorded run holds the study yet.")
    shown = pd.DataFrame(
        {
            "change": frame["reading"],
            "row": [f"{value:.0f}" if value == value else "" for value in frame["row"].astype(float)],
            "weights": np.where(frame["retrained"], "trained again", "the same"),
            "cells": frame["cells"],
            "points": [f"{value:+.1f}" for value in frame["mean"]],
            "interval": [f"{a:+.1f} to {b:+.1f}" if a == a else "too few cells" for a, b in
                         zip(frame["low"], frame["high"], strict=True)],
        }
    )  # fmt: skip
    alt = "Change of AUROC for each single change of protocol, ordered by size"
    caption = f"One change at a time against the paper protocol, one-vs-all, {on}"
    return Html(figures.svg(figures.effects(frame), alt)) + plain(shown, caption, ("weights", "interval"))


def explained() -> Html:
    """The share of the distance to the published figures that each reading makes up."""
    frame = study.explained(committed())
    if frame.empty:
        return note("No cell of the paper's tables holds the study yet.")
    shown = pd.DataFrame(
        {
            "data set": frame["dataset"].map(TITLES),
            "scheme": frame["scheme"],
            "reading": frame["reading"],
            "cells": frame["cells"],
            "published": frame["published"].map("{:.1f}".format),
            "paper protocol": frame["paper_protocol"].map("{:.1f}".format),
            "this reading": frame["NS"].map("{:.1f}".format),
            "share of the distance": frame["fraction"].map("{:+.2f}".format),
            "interval": [f"{a:+.2f} to {b:+.2f}" if a == a else "too few cells" for a, b in
                         zip(frame["low"], frame["high"], strict=True)],
        }
    )  # fmt: skip
    caption = "Means over the cells studied (AUROC %) and the share of the distance to the published mean"
    return plain(shown, caption, ("scheme", "reading", "interval"))


def nulls() -> Html:
    """AUROC between random halves of the normal images, under both protocols."""
    frame = study.nulls(committed())
    if frame.empty:
        return note("No recorded run holds the study yet.")
    shown = frame[["cell"]].copy()
    shown["protocol"] = frame["protocol"]
    for column in ("mean", "sd", "expected_sd"):
        shown[column.replace("_", " ")] = [f"{value:.1f}" for value in frame[column]]
    shown["beyond 3 expected sd"] = [f"{100 * value:.0f} %" for value in frame["beyond"]]
    return plain(shown, "AUROC (%) of NS between 200 random halves of the normal test images", ("protocol",))


def verdicts() -> Html:
    """Each of AD-CGAN's cells against the published one, by the rule fixed in advance."""
    frame = study.verdicts(committed())
    if frame.empty:
        return note("No cell of the paper is run yet.")
    shown = pd.DataFrame(
        {
            "cell": [
                f"{TITLES[r['dataset']]}, {r['scheme']}, {r['class']} {r['class_name']}" for _, r in frame.iterrows()
            ],
            "paper": frame["paper"].map("{:.1f}".format),
            "ours": frame["ours"].map("{:.1f}".format),
            "difference": [Html(difference(points)) for points in frame["difference"]],
            "interval": [f"{low:.1f} to {high:.1f}" for low, high in zip(frame["low"], frame["high"], strict=True)],
            "seeds": [f"{seeds}/{SEEDS}" for seeds in frame["seeds"]],
            "verdict": [Html(verdict(word)) for word in frame["verdict"]],
        }
    )
    text = (
        f"Reproduced: the whole 95 % interval lies within {statistics.TOLERANCE:g} points of the published figure. Not "
        "reproduced: none of it does. Undecided: between. Incomplete: a planned seed has not been run, whatever the "
        "interval. The interval is over test images (DeLong) and seeds; with one seed it says nothing of others."
    )
    return plain(shown, "AD-CGAN's cells against the published ones (AUROC %)", ("scheme", "class", "verdict")) + note(
        text
    )


def published_means() -> Html:
    """Table 1 against the means of Table 3."""
    frame = audit.means()
    frame = frame.assign(
        dataset=frame["dataset"].map(TITLES),
        printed=frame["printed"].map("{:.1f}".format),
        recomputed=frame["recomputed"].map("{:.2f}".format),
        difference=frame["difference"].map("{:+.2f}".format),
        agrees=np.where(frame["agrees"], "yes", "no"),
    ).rename(columns={"dataset": "data set"})
    return plain(frame, "Table 1's means and those of Table 3's cells (%)", ("scheme", "model"))


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
        printed=frame["printed"].map("{:.1f}".format),
        computed=frame["computed"].map("{:.1f}".format),
        agrees=np.where(frame["agrees"], "yes", "no"),
    )
    return plain(shown, "Statements of the text and what the tables give", ())


def published_profiles() -> Html:
    """Sums over the schemes, and correlations between the models' profiles over classes."""
    sums = audit.scheme_sums().map("{:.1f}".format).reset_index()
    sums["dataset"] = sums["dataset"].map(TITLES)
    html = plain(sums.rename(columns={"dataset": "data set"}), "One-vs-all plus all-vs-one, Table 1 (points)")
    for scheme in ("one-vs-all", "all-vs-one"):
        correlations = audit.profiles("cifar10", scheme).map("{:.2f}".format).reset_index()
        caption = f"Correlation of AUROC over the ten classes of CIFAR-10, {scheme}, Table 3"
        html += plain(correlations, caption)
    return html
