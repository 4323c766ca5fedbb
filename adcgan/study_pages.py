"""What the book's study pages show; each function fills one part of a page."""

from collections.abc import Callable
from dataclasses import fields
from html import escape

import numpy as np
import pandas as pd

from . import figures, paper, plan, statistics, study, tables, weights
from .config import CONFIGS
from .data import title
from .html import Html, counted, difference, interval, note, plain, signed, symbol, verdict
from .pages import SEEDS, committed


def question() -> Html:
    """What the study is about: the headline figure beside its family's."""
    table = paper.table(1).set_index(["dataset", "scheme", "model"]).sort_index()
    table = table["auc_percent"]["cifar10", "one-vs-all"]
    others = table.drop("AD-CGAN")
    quoted = pd.DataFrame(paper.quoted()["cifar10"]["one-vs-all"]).T
    plain_, more = (quoted[quoted["self_supervised"] == flag] for flag in (False, True))
    of_all = [*others, *plain_["auc_percent"]]
    return Html(
        f"<p>The paper prints a mean AUROC of {table['AD-CGAN']:.1f} % on CIFAR-10, one-vs-all. Other methods that "
        "score by reconstruction and are trained from scratch, and by nothing else, are published between "
        f"{min(of_all):.1f} and {max(of_all):.1f} %: {', '.join(others.index)} ({min(others):.1f} to "
        f"{max(others):.1f}) in its own Table 1, {_quoted(plain_)}. With a self-supervised task besides, two more are "
        f"published higher: {_quoted(more)}.</p>"
    )


def _quoted(methods):
    return " and ".join(f"{name} ({row['auc_percent']:.1f}, as in {row['source']})" for name, row in methods.iterrows())


def covered() -> Html:
    """How many of AD-CGAN's cells hold the study, and which of its readings fewer do."""
    records = [record for record in committed() if record.cell.method == "adcgan" and not record.cell.departures]
    studied = [record for record in records if record.readings]
    frame = study.readings(studied)
    of = frame.groupby("reading")["cell"].nunique()
    fewer = [f"<code>{name}</code> {counted(count)}" for name, count in of.items() if count < len(studied)]
    others = "; the others were scored before it existed" if len(studied) < len(records) else ""
    some = f" Not every one of them holds these readings: {', '.join(fewer)}." if fewer else ""
    sets = [name for name in tables.FORMATS if name in set(frame["dataset"])]
    none = [title(name) for name in tables.FORMATS if name not in sets]
    seeds = ", ".join(map(str, sorted(frame["seed"].unique())))
    scope = (
        f" Measured are {', '.join(title(name) for name in sets)}; seeds: {seeds}. What is measured there need not "
        f"hold on {' or '.join(none)}."
        if sets and none
        else ""
    )
    return Html(
        f"<p>{len(studied)} of the {counted(len(records))} recorded at the paper's settings hold it{others}.{some}"
        f"{scope}</p>"
    )


NOTHING = "No recorded run holds the study yet."


def kinds(frame: pd.DataFrame) -> list[tuple[tuple[str, str], pd.DataFrame]]:
    """Each (data set, scheme) and its rows; the paper's data sets come first."""
    return sorted(frame.groupby(["dataset", "scheme"], sort=False), key=lambda kind: kind[0][0] not in tables.FORMATS)


def parts(frame: pd.DataFrame, show: Callable[[pd.DataFrame], Html]) -> Html:
    """``show`` of each data set's and scheme's rows, folded but for the first.

    A cell is named by its class and seed alone within its part.
    """
    html = Html("")
    for number, ((dataset, scheme), part) in enumerate(kinds(frame)):
        summary = escape(f"{title(dataset)}, {scheme}: {counted(part['cell'].nunique())}")
        inside = show(part.assign(cell=part["name"]))
        html += Html(f"<details{' open' * (not number)}><summary>{summary}</summary>{inside.text}</details>")
    return html


def left_over() -> Html:
    """The distribution of AUROC over left-over z's, as a figure and a table for each data set and scheme."""
    frame = study.left_over(committed())
    return parts(frame, _left_over) if len(frame) else note(NOTHING)


def released_training() -> Html:
    """As `left_over`, of the cells trained with the script's differences together."""
    frame = study.left_over(committed(), plan.CHANGES["released training"])
    return parts(frame, _left_over) if len(frame) else note("No run with the script's training is recorded yet.")


def _left_over(frame):
    """One part of it. Published and paper protocol stand once a cell, the draws once for each rule."""
    shown = frame[["cell", "rule"]].assign(**_points(frame, *study.QUANTILES), **_beside_published(frame))
    if frame["against_rest"].notna().any():
        ratios = frame["against_rest"]
        shown["z against the rest"] = [f"{value:.2f}" if value == value else "" for value in ratios]
    where = f"{title(frame['dataset'].iloc[0])}, {frame['scheme'].iloc[0]}"
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
    frame = study.left_over_means(committed())
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
    frame = study.other_latents(committed())
    return parts(frame, _other_latents) if len(frame) else note("No recorded run holds it yet: it comes with the next.")


def _other_latents(frame):
    """One part of it."""
    shown = frame[["cell", "latents", "draws"]].assign(**_points(frame, *study.QUANTILES))
    where = f"{title(frame['dataset'].iloc[0])}, {frame['scheme'].iloc[0]}"
    return plain(shown, f"{where}: AUROC (%) of NS under other z's that all images share", ("latents",))


def components() -> Html:
    """What each component of the score brings to it and says alone, for each data set and scheme."""
    frame = study.components(committed())
    return parts(frame, _components) if len(frame) else note("No run of AD-CGAN is recorded yet.")


def _components(frame):
    """One part of it: means over the cells."""
    shown = []
    for name, part in frame.groupby("component", sort=False):
        line = {"component": Html(symbol(name)), "terms": f"{part['terms'].iloc[0]:,}"}
        line |= {f"weighted, {kind}": f"{part[kind].mean():.3f}" for kind in ("normal", "anomalous")}
        line |= {"AUROC": f"{part['AUROC'].mean():.1f}", "below 50 % in": counted((part["AUROC"] < 50).sum())}
        shown.append(line)
    where = f"{title(frame['dataset'].iloc[0])}, {frame['scheme'].iloc[0]}"
    return plain(pd.DataFrame(shown), f"{where}: the weighted terms of NS and each component's own AUROC (%), means")


def latent_terms() -> Html:
    """Which of L_FL's two terms is the lower one, in the images whose walk is recorded."""
    frame = study.latent_terms(committed())
    frame = frame[frame["dataset"].isin(list(tables.FORMATS))]
    if frame.empty:
        return note("No run of the paper's cells has its two terms recorded yet.")
    first = " to ".join(signed(value, 2) for value in (frame["first"].min(), frame["first"].max()))
    return Html(
        f"<p>Two images of a cell have both terms recorded, one normal and one anomalous ({counted(len(frame))}). "
        f"There the first term's mean over the sixteen z's is {first}, as a logit. It is below the second for either "
        f"image and every z in {(frame['lower'] == 1).sum()} of the cells.</p>"
    )


def autoencoder() -> Html:
    """What the adversarial epochs do to the reconstruction that they are trained with, for each data set and scheme."""
    frame = study.autoencoder(committed())
    return parts(frame, _autoencoder) if len(frame) else note("No run of AD-CGAN is recorded yet.")


def _autoencoder(frame):
    """One part of it."""
    shown = pd.DataFrame(
        {
            "cell": frame["cell"],
            "trained with": np.where(frame["change"] == "", "the defaults", frame["change"]),
            "end of the warm-up": frame["warm_up"].map("{:.4f}".format),
            "last epoch": frame["last"].map("{:.4f}".format),
            "ratio": frame["ratio"].map("{:.1f}".format),
        }
    )
    where = f"{title(frame['dataset'].iloc[0])}, {frame['scheme'].iloc[0]}"
    return plain(shown, f"{where}: squared error per pixel, mean over an epoch's training images", ("trained with",))


def readings() -> Html:
    """What every reading adds to the paper protocol on the same weights, for each data set and scheme."""
    frame = study.readings(committed())
    if frame.empty:
        return note(NOTHING)
    columns = {}
    for (dataset, scheme), part in kinds(frame):
        cells = part["cell"].nunique()
        by_reading = part.groupby("reading").agg(NS=("NS", "mean"), points=("difference", "mean"), of=("NS", "size"))
        column = {}
        for reading, row in by_reading.iterrows():
            fewer = f" ({counted(row['of'])})" if row["of"] < cells else ""
            column[reading] = f"{row['NS']:.1f}" if reading == "paper" else f"{signed(row['points'])}{fewer}"
        columns[f"{title(dataset)}, {scheme}, {counted(cells)}"] = column
    wide = pd.DataFrame(columns).fillna("")
    first = [name for name in ("paper", "released") if name in wide.index]
    wide = wide.loc[[*first, *sorted(name for name in wide.index if name not in first)]]
    caption = "AUROC (%) of NS under the paper protocol, and the points that each reading of the same weights adds"
    return plain(wide.rename_axis("reading").reset_index(), caption)


def effects() -> Html:
    """The size of each single change, on the paper's data sets; on digits while nothing else is recorded."""
    frame, on = study.effects(committed(), plan.STUDIED), "Fashion-MNIST and MNIST"
    if frame.empty:
        frame, on = study.effects(committed(), ("digits",)), "digits alone so far: a smoke run, not a result"
    if frame.empty:
        return note(NOTHING)
    shown = pd.DataFrame(
        {
            "change": frame["reading"],
            "row": [f"{value:.0f}" if value == value else "" for value in frame["row"].astype(float)],
            "weights": np.where(frame["retrained"], "trained again", "the same"),
            "classes": frame["classes"],
            "cells": frame["cells"],
            "points": frame["mean"].map(signed),
            "interval": [interval(*ends, none="too few classes") for ends in frame[["low", "high"]].to_numpy()],
        }
    )  # fmt: skip
    alt = "Change of AUROC for each single change of protocol, ordered by size"
    caption = f"One change at a time (released: its two) against the paper protocol, one-vs-all, {on}: AUROC points"
    return Html(figures.svg(figures.effects(frame), alt)) + plain(shown, caption, ("weights", "interval"))


def explained() -> Html:
    """The share of the distance to the published figures that each reading makes up, by data set and scheme."""
    frame = study.explained(committed())
    if frame.empty:
        return note("No cell of the paper's tables holds the study yet.")
    html = Html("")
    for (dataset, scheme), part in frame.groupby(["dataset", "scheme"], sort=False):
        shown = pd.DataFrame(
            {
                "reading": part["reading"],
                "classes": part["classes"],
                "published": part["published"].map("{:.1f}".format),
                "paper protocol": part["paper_protocol"].map("{:.1f}".format),
                "this reading": part["NS"].map("{:.1f}".format),
                "share of the distance": [signed(value, 2) for value in part["fraction"]],
                "interval": [interval(*ends, 2) for ends in part[["low", "high"]].to_numpy()],
                "over left-over z's": [interval(*ends, 2).replace("\N{NO-BREAK SPACE}", " ")  # may break: a wide table
                                       for ends in part[["draws_low", "draws_high"]].to_numpy()],
            }
        )  # fmt: skip
        caption = f"{title(dataset)}, {scheme}: AUROC (%), means over the classes with that reading"
        html += plain(shown, caption, ("interval", "over left-over z's"))
    return html


def untrained() -> Html:
    """How far the changes that need a training of their own have been run, each with its row of the register."""
    rows_of = {field.name: field.metadata["row"] for field in fields(CONFIGS["adcgan"])}
    done = study.retrained(committed()).groupby("reading")["cell"].nunique()
    planned = len(plan.study_cells()) // len(plan.CHANGES)
    rows = [
        {
            "change": name,
            "rows": ", ".join(str(row) for row in sorted({rows_of[option] for option in options} - {None})),
            "trainings": f"{done.get(name, 0)} of {planned}",
        }
        for name, options in plan.CHANGES.items()
    ]
    return plain(pd.DataFrame(rows), "Changes that are trained again, and how many of their trainings are recorded")


def nulls() -> Html:
    """AUROC between random halves of the normal images, under both protocols, for each data set and scheme."""
    frame = study.nulls(committed())
    return parts(frame, _nulls) if len(frame) else note(NOTHING)


def _nulls(frame):
    """One part of it."""
    shown = frame[["cell", "protocol", "splits"]].copy()
    for column in ("mean", "sd", "expected_sd"):
        shown[column.replace("_", " ")] = [f"{value:.1f}" for value in frame[column]]
    shown["beyond 3 expected sd"] = [f"{100 * value:.0f} %" for value in frame["beyond"]]
    where = f"{title(frame['dataset'].iloc[0])}, {frame['scheme'].iloc[0]}"
    caption = f"{where}: AUROC (%) of NS between random halves of the normal test images"
    return plain(shown, caption, ("protocol",))


def verdicts() -> Html:
    """Each of AD-CGAN's cells against the published one, by the rule fixed in advance."""
    frame = study.verdicts(committed())
    if frame.empty:
        return note("No cell of the paper is run yet.")
    shown = pd.DataFrame(
        {
            "cell": [
                f"{title(row['dataset'])}, {row['scheme']}, {tables.class_title(row['class'], row['class_name'])}"
                for _, row in frame.iterrows()
            ],
            "paper": frame["paper"].map("{:.1f}".format),
            "ours": frame["ours"].map("{:.1f}".format),
            "difference": [Html(difference(points)) for points in frame["difference"]],
            "interval": [f"{low:.1f} to {high:.1f}" for low, high in zip(frame["low"], frame["high"], strict=True)],
            "paper's ±": [f"{100 * value:.1f}" if value == value else "" for value in frame["plus_minus"]],
            "seeds": [f"{seeds}/{SEEDS}" for seeds in frame["seeds"]],
            "verdict": [Html(verdict(word)) for word in frame["verdict"]],
        }
    )
    text = (
        f"Reproduced: the whole {statistics.LEVEL:.0%} interval lies within {statistics.TOLERANCE:g} points of the "
        "published figure. Not "
        "reproduced: none of it does. Undecided: between. Incomplete: a planned seed has not been run, whatever the "
        "interval. The interval is over test images (DeLong) and seeds; with one seed it says nothing of others. With "
        f"{SEEDS} it is wide: each point of their standard deviation is {statistics.half_width(SEEDS):.1f} points to "
        "either side, so that a cell whose seeds differ much stays undecided however near its mean. The rule takes the "
        "published figure as exact; the ± that Table 3 prints beside it, whose meaning the paper does not state, is "
        "given in points."
    )
    return plain(shown, "AD-CGAN's cells against the published ones (AUROC %)", ("scheme", "class", "verdict")) + note(
        text
    )


def ladder() -> Html:
    """Table 4's variants on the cells run, the components as means and as the printed sums."""
    frame = weights.ladder(committed())
    if frame.empty:
        return note("No cell of the paper is run yet.")
    columns = {}
    for (dataset, scheme), part in frame.groupby(["dataset", "scheme"], sort=False):
        for reduction in weights.REDUCTIONS:
            of = part[part["reduction"] == reduction].set_index("variant")["ours"]
            columns[f"{title(dataset)}, {scheme}, {counted(part['cells'].iloc[0])}: {reduction}s"] = of
        of = part.drop_duplicates("variant").set_index("variant")["paper"]
        if of.notna().any():  # the paper's Table 4 has two data sets
            columns[f"paper, {title(dataset)}, {scheme}, all classes"] = of
    wide = pd.DataFrame(columns).map("{:.1f}".format)
    wide.index = [f"{name.removeprefix('AD-CGAN_')}" for name in wide.index]
    caption = "Table 4's variants: mean AUROC (%) with the components as means (the default) and as the printed sums"
    return plain(wide.rename_axis("variant").reset_index(), caption)


def best() -> Html:
    """What a search over lambda and rho with the test's labels would find, against the published figures."""
    frame = weights.best(committed())
    if frame.empty:
        return note("No cell of the paper is run yet.")
    return parts(frame.assign(cell=frame["name"]), _best)


def _best(frame):
    """One part of it: a line for each cell."""
    lines = []
    for name, part in frame.groupby("name", sort=False):
        line = {"cell": name, "published": f"{part['paper'].iloc[0]:.1f}"}
        for _, row in part.iterrows():
            line[f"{row['reduction']}s, paper's weights"] = f"{row['ours']:.1f}"
            line[f"{row['reduction']}s, best"] = f"{row['best']:.1f}"
            line[f"at \N{GREEK SMALL LETTER LAMDA}, \N{GREEK SMALL LETTER RHO} ({row['reduction']}s)"] = (
                f"{row['lambda_']:g}, {row['rho']:g}"
            )
        lines.append(line)
    where = f"{title(frame['dataset'].iloc[0])}, {frame['scheme'].iloc[0]}"
    return plain(pd.DataFrame(lines), f"{where}: AUROC (%) of NS, at the paper's weights and at the best of a grid")
