"""What a run looks like: losses, score histograms, ROC curves and pictures, drawn from its record alone.

Every function returns a matplotlib figure with a transparent background and mid-grey text, legible on light and
dark pages. Colours are Okabe and Ito's.
"""

import io
import re
from html import escape

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from sklearn.metrics import roc_curve

from adcgan.data.datasets import CLASSES
from adcgan.experiments.records import Record
from adcgan.models.architectures import chance_L_cgan

NORMAL, ANOMALOUS = "#0072B2", "#D55E00"
INK = "#7a7a7a"  # at least 4:1 against white and against the book's dark background
# The style sheet's, which suit either theme.
PAGE_COLOURS = {NORMAL: "var(--adcgan-normal)", ANOMALOUS: "var(--adcgan-anomalous)", INK: "currentColor"}
STYLE = {
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "font.size": 9,
    "figure.dpi": 110,
}


def _finish(figure):
    plt.close(figure)  # the caller displays it; a second copy from the inline backend is not wanted
    return figure


def losses(record: Record) -> Figure:
    """Every loss against the epoch, one panel each; the vertical line ends the warm-up.

    In the panels of L_cgan the dashed line is the value of a critic that cannot tell images apart.
    """
    epochs = record.content["losses"]
    names = sorted({name for epoch in epochs for name in epoch}, key=lambda name: (name != "L_AE", name))
    columns = 3
    rows = -(-len(names) // columns)
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(rows, columns, figsize=(8, 1.9 * rows), sharex=True, squeeze=False)
        for axis, name in zip(axes.flat, names, strict=False):
            values = [epoch.get(name, np.nan) for epoch in epochs]
            axis.plot(range(1, len(epochs) + 1), values, marker=".", color=NORMAL)
            if warm_up := getattr(record.run.config, "warm_up_epochs", 0):
                axis.axvline(warm_up + 0.5, color=INK, linewidth=0.7, linestyle=":")
            axis.set_title(name, fontsize=9)
            if name.startswith("L_cgan"):
                axis.axhline(chance_L_cgan(record.run.config), color=INK, linewidth=0.9, linestyle="--")
        for axis in axes.flat[len(names) :]:
            axis.set_visible(False)
        for axis in axes[-1]:
            axis.set_xlabel("epoch")
        figure.tight_layout()
    return _finish(figure)


def histograms(record: Record) -> Figure:
    """The score NS of every test image: normal against anomalous, and below it by class."""
    scores, labels, anomalous = record.scores, record.labels, record.anomalous
    low, high = np.quantile(scores, [0, 0.995])
    bins = np.linspace(low, high if high > low else low + 1, 60)
    with plt.rc_context(STYLE):
        figure, (top, bottom) = plt.subplots(2, 1, figsize=(8, 4.8), sharex=True, height_ratios=[1, 1.6])
        for flag, colour, name in ((False, NORMAL, "normal"), (True, ANOMALOUS, "anomalous")):
            top.hist(scores[anomalous == flag], bins, density=True, color=colour, alpha=0.55, label=name)
        top.set_ylabel("density")
        top.legend()
        classes = np.unique(labels)
        order = sorted(classes, key=lambda label: np.median(scores[labels == label]))
        inside = [np.clip(scores[labels == label], low, bins[-1]) for label in order]
        colours = [ANOMALOUS if anomalous[labels == label].any() else NORMAL for label in order]
        sns.violinplot(
            inside, orient="h", cut=0, linewidth=0.6, inner="quart", palette=colours, ax=bottom, density_norm="width"
        )
        names = CLASSES.get(record.run.dataset)
        bottom.set_yticks(range(len(order)), [names[label] if names else f"class {label}" for label in order])
        bottom.set_xlabel("score NS (larger = more anomalous)")
        figure.tight_layout()
    return _finish(figure)


def roc(record: Record) -> Figure:
    """ROC curves of the score and of each component, with their AUROC."""
    with plt.rc_context(STYLE):
        figure, axis = plt.subplots(figsize=(4.6, 4.2))
        for name, values in {"NS": record.scores, **record.components}.items():
            false, true, _ = roc_curve(record.anomalous, values)
            wide = name == "NS"
            label = f"{name}  {100 * record.auroc[name]:.1f}"
            axis.plot(false, true, linewidth=2.2 if wide else 1, color=NORMAL if wide else None, label=label)
        axis.plot([0, 1], [0, 1], color=INK, linewidth=0.7, linestyle=":")
        axis.set(xlabel="normal images called anomalous", ylabel="anomalous images called so", aspect="equal")
        axis.legend(title="AUROC %", loc="lower right")
        figure.tight_layout()
    return _finish(figure)


def overview(records: list[Record]) -> Figure:
    """A row for each run: its class, the score's histogram, ROC curves, and test images over their reconstructions."""
    with plt.rc_context(STYLE | {"font.size": 7}):
        figure, axes = plt.subplots(
            len(records), 3, figsize=(8, 1.15 * len(records)), squeeze=False, width_ratios=[1.4, 1, 2.6]
        )
        for (left, middle, right), record in zip(axes, records, strict=True):
            low, high = np.quantile(record.scores, [0, 0.995])
            bins = np.linspace(low, high if high > low else low + 1, 40)
            for flag, colour in ((False, NORMAL), (True, ANOMALOUS)):
                left.hist(record.scores[record.anomalous == flag], bins, density=True, color=colour, alpha=0.55)
            left.set(yticks=[])
            left.set_ylabel(record.content["run"]["class_name"], rotation=0, ha="right", va="center")
            for name, values in {"NS": record.scores, **record.components}.items():
                false, true, _ = roc_curve(record.anomalous, values)
                main = name == "NS"
                middle.plot(false, true, linewidth=1.6 if main else 0.7, color=NORMAL if main else None)
            middle.set(aspect="equal", xticks=[], yticks=[])
            middle.set_title(f"{100 * record.result:.1f} %", pad=2, fontsize=7)
            rows = record.picture_rows()
            kinds = [name for name in rows if name.split(",")[0] in ("normal", "anomalous")]
            right.imshow(_strip(rows, kinds), cmap="gray", vmin=0, vmax=255, interpolation="nearest")
            right.set(xticks=[], yticks=[])
            right.spines[:].set_visible(False)
        axes[0, 0].set_title("scores: blue normal", fontsize=7)
        axes[0, 2].set_title("normal and anomalous, over their reconstructions", fontsize=7)
        figure.tight_layout(pad=0.3)
    return _finish(figure)


def _strip(rows, kinds):
    """Pairs of rows (images, reconstructions) side by side, as one picture."""
    strips = {name: np.concatenate(list(rows[name]), axis=1) for name in kinds}
    pairs = [[name for name in kinds if name.startswith(kind)] for kind in ("normal", "anomalous")]
    return np.concatenate([np.concatenate([strips[name] for name in pair]) for pair in pairs], axis=1)


def pictures(record: Record, *names: str) -> Figure:
    """Rows of the record's sheet by name, all of them by default; each row labelled."""
    rows = record.picture_rows()
    chosen = names or tuple(rows)
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(len(chosen), 1, figsize=(8, 0.75 * len(chosen)), squeeze=False)
        for axis, name in zip(axes[:, 0], chosen, strict=True):
            strip = np.concatenate(list(rows[name]), axis=1)
            axis.imshow(strip, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
            axis.set(xticks=[], yticks=[])
            axis.spines[:].set_visible(False)
            axis.set_ylabel(name.replace(", ", ",\n"), rotation=0, ha="right", va="center", fontsize=8)
        figure.tight_layout(pad=0.3)
    return _finish(figure)


def classes(frame: pd.DataFrame) -> Figure:
    """AUROC (%) by class, a panel for each ``place`` (data set and scheme): a line for each row's ``name`` with its
    ``paper``, ``ours`` (recipe printed), ``script`` and a bar from ``least`` to ``most`` of the baselines.
    """
    parts = list(frame.groupby("place", sort=False))
    columns = min(2, len(parts))
    rows = -(-len(parts) // columns)
    height = 0.6 + rows * (0.9 + 0.24 * max(len(part) for _, part in parts))
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(rows, columns, figsize=(8, height), sharex=True, squeeze=False)
        for axis, (place, part) in zip(axes.flat, parts, strict=False):
            lines = range(len(part))
            axis.hlines(
                lines, part["least"], part["most"], color=INK, linewidth=6, alpha=0.35, label="baselines, range"
            )
            axis.plot(part["paper"], lines, "D", color=INK, markersize=5, label="published")
            axis.plot(part["script"], lines, "o", color=ANOMALOUS, markersize=6, markerfacecolor="none",
                      label="ours, recipe script")  # fmt: skip
            axis.plot(part["ours"], lines, "o", color=NORMAL, markersize=6, label="ours, recipe printed")
            axis.axvline(50, color=INK, linewidth=0.7, linestyle=":")
            axis.set(title=place, xlabel="AUROC of NS (%); dotted: chance", xlim=(0, 101), ylim=(len(part) - 0.4, -0.6))
            axis.set_yticks(lines, part["name"])
            axis.tick_params(labelbottom=True)
        for axis in axes.flat[len(parts) :]:
            axis.set_visible(False)
        figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="lower center", ncols=4)
        figure.tight_layout(rect=(0, 0.35 / height, 1, 1))
    return _finish(figure)


def left_over(frame: pd.DataFrame) -> Figure:
    """AUROC over left-over z's per cell (`companion.analysis.study.latents.left_over`): the range, 90 % of it, the median; and
    beside it ours under the paper protocol and the published figure.
    """
    rules = list(dict.fromkeys(frame["rule"]))
    cells = list(dict.fromkeys(frame["cell"]))
    with plt.rc_context(STYLE):
        height = 1.2 + 0.28 * len(cells)
        figure, axes = plt.subplots(1, len(rules), figsize=(8, height), sharey=True, squeeze=False)
        for axis, rule in zip(axes[0], rules, strict=True):
            part = frame[frame["rule"] == rule]
            places = [cells.index(cell) for cell in part["cell"]]
            axis.hlines(places, part["least"], part["most"], color=ANOMALOUS, linewidth=1)
            axis.hlines(places, part["5 %"], part["95 %"], color=ANOMALOUS, linewidth=4)
            axis.plot(part["median"], places, "|", color=ANOMALOUS, markersize=11, markeredgewidth=2,
                      label="left-over z: range, 90 %, median")  # fmt: skip
            axis.plot(part["paper_protocol"], places, "o", color=NORMAL, markersize=5, label="paper protocol, ours")
            axis.plot(part["published"], places, "D", color=INK, markersize=5, label="published")
            axis.axvline(50, color=INK, linewidth=0.7, linestyle=":")
            axis.set(title=rule, xlabel="AUROC of NS (%)", xlim=(0, 100))
        axes[0, 0].set_yticks(range(len(cells)), cells)
        axes[0, 0].set_ylim(len(cells) - 0.4, -0.6)
        figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="lower center", ncols=3)
        figure.tight_layout(rect=(0, 0.35 / height, 1, 1))
    return _finish(figure)


def epochs(frame: pd.DataFrame) -> Figure:
    """AUROC (%) after every adversarial epoch (`companion.analysis.study.trainings.epochs`, with ``published``), a panel for each
    ``cell``: a colour for each ``reading``, NS filled, with the printed sums open; the line is the published figure.
    """
    cells = list(frame[~frame["warm_up"].astype(bool)].groupby("cell", sort=False))
    columns = min(2, len(cells))
    rows = -(-len(cells) // columns)
    height = 0.6 + 1.9 * rows
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(rows, columns, figsize=(8, height), sharex=True, sharey=True, squeeze=False)
        for axis, (cell, part) in zip(axes.flat, cells, strict=False):
            axis.axhline(part["published"].iloc[0], color=INK, linewidth=1.5, label="published")
            for colour, (reading, of) in zip((NORMAL, ANOMALOUS), part.groupby("reading", sort=False), strict=False):
                for score, fill in (("NS", colour), ("reduction=sum", "none")):
                    kind = "" if score == "NS" else ", printed sums"
                    axis.plot(of["epoch"], of[score], "o-", color=colour, linewidth=1, markersize=4,
                              markerfacecolor=fill, label=f"{reading}{kind}")  # fmt: skip
            axis.axhline(50, color=INK, linewidth=0.7, linestyle=":")
            axis.set(ylim=(0, 101))
            axis.set_title(cell, fontsize=9)
            axis.tick_params(labelbottom=True)
        for axis in axes.flat[len(cells) :]:
            axis.set_visible(False)
        for axis in axes[:, 0]:
            axis.set_ylabel("AUROC (%)")
        figure.supxlabel("epoch, the warm-up counted; dotted: chance", fontsize=9, y=0.42 / height)
        figure.legend(*_labelled(axes), loc="lower center", ncols=3, fontsize=8)
        figure.tight_layout(rect=(0, 0.3 / height, 1, 1))
    return _finish(figure)


def _labelled(axes):
    """Handles and labels of all axes, each label once."""
    pairs = [pair for axis in axes.flat for pair in zip(*axis.get_legend_handles_labels(), strict=True)]
    once = {label: handle for handle, label in pairs}
    return list(once.values()), list(once)


def effects(frame: pd.DataFrame) -> Figure:
    """Difference that each single change makes to the AUROC (`companion.analysis.study.effects`), the largest on top.

    A mark is the mean over classes, its bar the interval; where there are too few classes there is no bar.
    """
    with plt.rc_context(STYLE):
        figure, axis = plt.subplots(figsize=(8, 1.2 + 0.28 * len(frame)))
        for place, (_, row) in enumerate(frame.iterrows()):
            colour = NORMAL if row["retrained"] else ANOMALOUS
            axis.hlines(place, row["low"], row["high"], color=colour, linewidth=2)
            axis.plot(row["mean"], place, "o" if row["retrained"] else "s", color=colour, markersize=5)
        axis.axvline(0, color=INK, linewidth=0.7)
        labels = [
            f"{r['reading']} ({r['classes']} class{'es' * (r['classes'] > 1)}{', retrained' * bool(r['retrained'])})"
            for _, r in frame.iterrows()
        ]
        axis.set_yticks(range(len(frame)), labels)
        axis.invert_yaxis()
        axis.set_xlabel("change of AUROC against the paper protocol, points; bars: 95 % intervals over classes")
        figure.tight_layout()
    return _finish(figure)


def svg(figure: Figure, label: str) -> str:
    """The figure as inline SVG that takes the page's colours and font; ``label`` stands for it where it is not seen.

    The identifiers in it follow from ``label``: on one page every figure needs its own.
    """
    buffer = io.StringIO()
    with plt.rc_context({"svg.fonttype": "none", "svg.hashsalt": label}):  # text as text; names the same every time
        figure.savefig(buffer, format="svg", bbox_inches="tight", metadata={"Date": None})
    drawing = buffer.getvalue()
    drawing = drawing[drawing.index("<svg") :]
    for part in (
        r"<metadata>.*?</metadata>",
        r"<style.*?</style>",
        r' id="[A-Za-z0-9.]+_\d+"',
    ):  # would meet the page's
        drawing = re.sub(part, "", drawing, flags=re.DOTALL)
    for colour, of_the_page in PAGE_COLOURS.items():
        drawing = drawing.replace(colour.lower(), of_the_page)
    drawing = re.sub(r"font-family: [^;\"]*", "font-family: inherit", drawing)
    return drawing.replace("<svg ", f'<svg class="adcgan-picture" role="img" aria-label="{escape(label)}" ', 1)


def png(figure: Figure, colours: int = 96) -> bytes:
    """The figure as a PNG of few colours, less than half the size: executed notebooks are kept by the hundred."""
    from PIL import Image

    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", bbox_inches="tight")
    small = Image.open(buffer).convert("RGBA").quantize(colours, method=Image.Quantize.FASTOCTREE)
    buffer = io.BytesIO()
    small.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
