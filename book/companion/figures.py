"""Everything that is drawn: curves of a run and of one image as small inline SVG, the study's figures by matplotlib.

The curves have no script and no picture file, and take the page's colours; outside the site they have colours of their
own. Figures have a transparent background and mid-grey text, legible on light and dark pages. Okabe and Ito's colours.
"""

import base64
import io
import re
import textwrap
from html import escape

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from PIL import Image
from sklearn.metrics import roc_curve

from adcgan.config import METHODS
from adcgan.data.datasets import CLASSES
from adcgan.experiments.records import Record
from adcgan.models.architectures import chance_L_cgan
from adcgan.scoring import VARIANTS

from .html import Html

NORMAL, ANOMALOUS = "#0072B2", "#D55E00"
COMPONENTS = {"L_GD": "#0072B2", "L_GR": "#D55E00", "L_FE": "#009E73", "L_FL": "#B8659A"}
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


# --- A run's curves, inline SVG ------------------------------------------------------------------------------

WIDE = 5  # inches from which on a telephone would make a figure's labels too small
POINTS = 80  # of a curve, evenly along it, so that a steep start keeps its shape: more is weight without detail
# The curves' look where the site's style sheet is not: a notebook shows it once, before them.
SHEET = Html(f"""<style>
.adcgan-chart text {{ fill: currentColor; font-size: 11px; }} .adcgan-chart .normal {{ stroke: {NORMAL}; }}
.adcgan-chart polyline, .adcgan-chart rect {{ fill: none; }} .adcgan-chart .whole {{ stroke-width: 2.4; }}
.adcgan-chart .faint, .adcgan-chart .component {{ stroke: {INK}; }}
</style>""")


def _chart(width, height, label, body):
    """The common frame of a chart; ``label`` says what it shows to those who cannot see it."""
    head = f'<svg class="adcgan-chart" viewBox="0 0 {width} {height}" width="{width}"'
    return Html(f'{head} role="img" aria-label="{escape(label)}">{body}</svg>')


def _line(x1, y1, x2, y2, more='class="faint"'):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" {more}/>'


def losses(record: Record) -> Html:
    """Every loss against the epoch, a panel each; dotted: the end of the warm-up; dashed: L_cgan by chance."""
    epochs = record.content["losses"]
    names = {name for epoch in epochs for name in epoch}
    chance = {name: chance_L_cgan(record.run.config) for name in names if name.startswith("L_cgan")}
    return _panels(record, epochs, sorted(names, key=lambda name: (name != "L_AE", name)), chance)


def per_epoch(record: Record) -> Html:
    """The AUROC (%) after every epoch (`Record.per_epoch`), a panel for each score and component; dashed: 50 %."""
    epochs = [{name: 100 * value for name, value in epoch.items()} for epoch in record.per_epoch]
    names = list(dict.fromkeys(["NS", *sorted({name for epoch in epochs for name in epoch})]))
    if len(names) == 2:  # a single component is the score
        names = names[:1]
    return _panels(record, epochs, names, dict.fromkeys(names, 50.0))


def _panels(record, epochs, names, chance):
    """A panel for each name's values by epoch."""
    warm_up = getattr(record.run.config, "warm_up_epochs", 0)
    lines = {name: np.array([epoch.get(name, np.nan) for epoch in epochs]) for name in names}
    panels = "".join(_panel(name, values, warm_up, chance.get(name)).text for name, values in lines.items())
    return Html(f'<div class="adcgan-panels">{panels}</div>')


def _panel(name, values, warm_up, chance):
    width, height, left, right, top = 224, 92, 50, 4, 18
    known = values[np.isfinite(values)]
    low, high = known.min(), known.max()
    if chance is not None:
        low, high = min(low, chance), max(high, chance)
    span = (high - low) or 1

    def x(epoch):
        return left + (width - left - right) * (epoch / max(1, len(values) - 1))

    def y(value):
        return top + (height - top - 6) * (1 - (value - low) / span)

    line = " ".join(f"{x(n):.1f},{y(value):.1f}" for n, value in enumerate(values) if np.isfinite(value))
    marks = ""
    if warm_up and warm_up < len(values):
        marks += _line(x(warm_up - 0.5), top, x(warm_up - 0.5), height - 6, 'class="faint" stroke-dasharray="1 3"')
    if chance is not None:
        marks += _line(left, y(chance), width - right, y(chance), 'class="faint" stroke-dasharray="5 3"')
    body = f'<text x="{left}" y="12">{escape(name)}</text>{marks}'
    body += f'<text x="{width - right}" y="12" text-anchor="end" class="faint-text">last {known[-1]:.3g}</text>'
    for value, at in ((high, top + 6), (low, height - 4)):
        body += f'<text x="{left - 5}" y="{at}" text-anchor="end" class="faint-text">{_short(value)}</text>'
    body += f'<polyline points="{line}" class="curve normal"/>'
    return _chart(width, height, f"{name} by epoch: first {known[0]:.3g}, last {known[-1]:.3g}", body)


def _short(value):
    """Two digits, and a hundred as 100."""
    text = f"{value:.2g}"
    return f"{value:.0f}" if "e+0" in text else text


def histogram(record: Record, marks: dict[str, float] | None = None) -> Html:
    """The score NS of every test image, normal against anomalous, each with area one.

    ``marks`` maps "normal" or "anomalous" to the score of one such image, drawn as a line.
    """
    scores, anomalous = record.scores.astype(float), record.anomalous
    low, high = np.quantile(scores, [0, 0.995])
    edges = np.linspace(low, high if high > low else low + 1, 61)
    width, height, base = 460, 190, 165
    counts = {
        flag: np.histogram(np.clip(scores[anomalous == flag], edges[0], edges[-1]), edges, density=True)[0]
        for flag in (False, True)
    }
    top = max(values.max() for values in counts.values()) or 1
    body = ""
    for flag, name in ((False, "normal"), (True, "anomalous")):
        steps = [f"M10,{base}"]
        for n, value in enumerate(counts[flag]):
            x0, x1 = (10 + 440 * (n + k) / 60 for k in (0, 1))
            y = base - 150 * value / top
            steps.append(f"L{x0:.1f},{y:.1f}L{x1:.1f},{y:.1f}")
        body += f'<path d="{"".join(steps)}L450,{base}Z" class="area {name}"/>'
    body += _line(10, base, 450, base)
    for name, value in (marks or {}).items():
        x = 10 + 440 * (min(max(value, edges[0]), edges[-1]) - edges[0]) / (edges[-1] - edges[0])
        body += f'<path d="M{x:.1f},{base}V8" class="mark {name}"/>'
    for share, anchor in ((0, "start"), (0.5, "middle"), (1, "end")):
        value = low + share * (edges[-1] - low)
        body += f'<text x="{10 + 440 * share:.0f}" y="{base + 18}" text-anchor="{anchor}">{value:.3g}</text>'
    for y, name in ((14, "normal"), (30, "anomalous")):
        body += f'<text x="450" y="{y}" text-anchor="end" class="key {name}">{name}</text>'
    medians = [np.median(scores[anomalous == flag]) for flag in (False, True)]
    label = "Histogram of the score: median {:.3g} of normal, {:.3g} of anomalous images".format(*medians)
    label += "".join(f"; a line at the {name} image's {value:.3g}" for name, value in (marks or {}).items())
    return _chart(width, height, label, body)


def roc(record: Record) -> Html:
    """ROC curves of the score (bold) and of each component."""
    side = 190
    curves = {"NS": record.scores, **(record.components if len(record.components) > 1 else {})}
    body = f'<rect x="1" y="1" width="{side}" height="{side}" class="faint"/>'
    body += _line(1, side + 1, side + 1, 1, 'class="faint" stroke-dasharray="2 3"')
    dashes = ("", "6 3", "2 2", "8 3 2 3", "1 4")
    along = np.linspace(0, 2, POINTS)  # false plus true positive rate, from (0, 0) to (1, 1)
    for n, (name, values) in enumerate(curves.items()):
        false, true, _ = roc_curve(record.anomalous, values)
        x, y = (np.interp(along, false + true, rate) for rate in (false, true))
        points = zip(1 + side * x, 1 + side * (1 - y), strict=True)
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        style = f'class="component" stroke-dasharray="{dashes[n]}"' if n else 'class="whole normal"'
        body += f'<polyline points="{line}" {style}/>'
        body += _line(side + 14, 12 + 18 * n, side + 44, 12 + 18 * n, style)
        body += f'<text x="{side + 50}" y="{16 + 18 * n}">{escape(name)} {100 * record.auroc[name]:.1f}</text>'
    label = "ROC curves; AUROC % " + ", ".join(f"{name} {100 * record.auroc[name]:.1f}" for name in curves)
    return _chart(side + 170, side + 2, label, body)


# --- One image: pictures, latents and maps; captions beside them say the numbers --------------------------

LEVELS = 16  # shades of a map


def picture(image: np.ndarray, label: str) -> Html:
    """A uint8 picture (H, H) or (H, H, 3) with its pixels as squares."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG", optimize=True)
    data = base64.b64encode(buffer.getvalue()).decode()
    # The theme's name for a picture that its dark mode leaves as it is.
    return Html(f'<img class="adcgan-pixels dark-light" src="data:image/png;base64,{data}" alt="{escape(label)}">')


def heat(values: np.ndarray, most: float, label: str) -> Html:
    """A map (M, M) of values from 0 to ``most``, the more ink the larger; one path for each shade."""
    levels = np.ceil(LEVELS * np.clip(values / (most or 1), 0, 1)).astype(int)
    paths = []
    for level in range(1, LEVELS + 1):
        cells = "".join(f"M{x} {y}h1v1h-1z" for y, x in np.argwhere(levels == level))
        if cells:
            paths.append(f'<path d="{cells}" fill-opacity="{level / LEVELS:.3g}"/>')
    height, width = values.shape
    frame = f'<rect width="{width}" height="{height}" class="frame"/>'
    return _drawing("adcgan-heat", width, height, label, "".join(paths) + frame)


def strip(values: np.ndarray, most: float, label: str) -> Html:
    """A vector (L,) as upright bars, full height at ``most``; from the middle where some are below 0."""
    height = 60
    middle = height / 2 if values.min() < 0 else height
    tops = middle - middle * values / (most or 1)
    bars = "".join(f"M{3 * n + 1.5:g} {middle:g}V{top:.1f}" for n, top in enumerate(tops))
    axis = f'<path d="M0 {middle:g}H{3 * len(values)}" class="axis"/>'
    return _drawing("adcgan-strip", 3 * len(values), height, label, f'{axis}<path d="{bars}" class="bars"/>')


def dots(reference: np.ndarray, image: np.ndarray, low: float, high: float, label: str) -> Html:
    """Two values for each of k places: ``reference`` as a filled dot, ``image`` as a ring, and a line between them.

    Both are (k, outputs), drawn between ``low`` (below) and ``high``.
    """
    width, height, edge = 18 * len(reference), 130, 8

    def y(value):
        return edge + (height - 2 * edge) * (high - value) / ((high - low) or 1)

    marks = []
    for n, places in enumerate(zip(reference, image, strict=True)):
        x = 18 * n + 9
        for a, b in zip(*places, strict=True):
            marks.append(f'<path d="M{x} {y(a):.1f}V{y(b):.1f}" class="between"/>')
            marks.append(f'<circle cx="{x}" cy="{y(a):.1f}" r="4" class="dot"/>')
            marks.append(f'<circle cx="{x}" cy="{y(b):.1f}" r="4.6" class="ring"/>')
    zero = f'<path d="M0 {y(0):.1f}H{width}" class="axis"/>' if low <= 0 <= high else ""
    return _drawing("adcgan-dots", width, height, label, zero + "".join(marks))


def bar(share: float, label: str) -> Html:
    """A level bar that fills ``share`` of its length."""
    filled = f'<rect width="{100 * share:.1f}" height="10" class="filled"/>'
    return _drawing("adcgan-bar", 100, 10, label, f'{filled}<rect width="100" height="10" class="frame"/>')


def _drawing(name, width, height, label, body):
    head = f'<svg class="{name}" viewBox="0 0 {width} {height}" preserveAspectRatio="none" role="img"'
    return Html(f'{head} aria-label="{escape(label)}">{body}</svg>')


# --- matplotlib ----------------------------------------------------------------------------------------------


def by_class(record: Record) -> Figure:
    """The score NS of every test image by kind, and below it by class."""
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


def by_count(frame: pd.DataFrame) -> Figure:
    """``auroc`` (a fraction) against ``given`` pictures: a line for each ``method``, the mean of its classes' dots."""
    with plt.rc_context(STYLE):
        figure, axis = plt.subplots(figsize=(6, 3))
        for (method, part), mark, colour in zip(
            frame.groupby("method", sort=False), "osD", (NORMAL, ANOMALOUS, INK), strict=False
        ):
            axis.plot(part["given"], 100 * part["auroc"], mark, color=colour, markersize=3, alpha=0.5)
            mean = part.groupby("given")["auroc"].mean()
            axis.plot(mean.index, 100 * mean, f"-{mark}", color=colour, markersize=5, label=METHODS[method].title)
        counts = sorted(set(frame["given"]))
        axis.set_xscale("log")
        axis.set_xticks(counts, [f"{count:,}" for count in counts])
        axis.minorticks_off()
        axis.set(xlabel="normal pictures given", ylabel="AUROC %")
        axis.legend()
        figure.tight_layout()
    return _finish(figure)


def classes(frame: pd.DataFrame, columns: int = 2) -> Figure:
    """AUROC (%) by class, a panel for each ``place`` (data set and scheme): a line for each row's ``name`` with its
    ``paper``, ``ours`` (recipe printed), ``script`` and a bar from ``least`` to ``most`` of the baselines.
    """
    parts = list(frame.groupby("place", sort=False))
    columns = min(columns, len(parts))
    rows = -(-len(parts) // columns)
    heights = [
        0.9 + 0.24 * max(len(part) for _, part in parts[row * columns : (row + 1) * columns]) for row in range(rows)
    ]
    height = 0.6 + sum(heights)
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(
            rows, columns, figsize=(8 if columns > 1 else 4.2, height), squeeze=False, height_ratios=heights
        )
        for axis, (place, part) in zip(axes.flat, parts, strict=False):
            lines = range(len(part))
            axis.hlines(lines, part["least"], part["most"], color=INK, linewidth=6, alpha=0.35, label="baselines")
            axis.plot(part["paper"], lines, "D", color=INK, markersize=5, label="published")
            if frame["script"].notna().any():
                axis.plot(part["script"], lines, "o", color=ANOMALOUS, markersize=6, markerfacecolor="none",
                          label="ours, script")  # fmt: skip
            axis.plot(part["ours"], lines, "o", color=NORMAL, markersize=6, label="ours, printed")
            axis.axvline(50, color=INK, linewidth=0.7, linestyle=":")
            axis.set(title=place, xlim=(0, 101), ylim=(len(part) - 0.4, -0.6))
            axis.set_yticks(lines, part["name"])
        for axis in axes.flat[len(parts) :]:
            axis.set_visible(False)
        for axis in axes.flat[: len(parts)][-columns:]:
            axis.set_xlabel("AUROC (%); dotted: chance")
        figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="lower center", ncols=4 if columns > 1 else 2)
        figure.tight_layout(rect=(0, (0.35 if columns > 1 else 0.55) / height, 1, 1))
    return _finish(figure)


def stale(frame: pd.DataFrame) -> Figure:
    """NS over the draws of stale noise (`companion.analysis.variants.stale`), a line a run: the range, 90 % of it, the
    median; beside it the score and the published figure.
    """
    with plt.rc_context(STYLE):
        figure, axis = plt.subplots(figsize=(8, 1.2 + 0.26 * len(frame)))
        lines = range(len(frame))
        axis.hlines(lines, frame["least"], frame["most"], color=ANOMALOUS, linewidth=1)
        axis.hlines(lines, frame["5 %"], frame["95 %"], color=ANOMALOUS, linewidth=4)
        axis.plot(frame["median"], lines, "|", color=ANOMALOUS, markersize=11, markeredgewidth=2,
                  label="stale noise: range, 90 %, median")  # fmt: skip
        axis.plot(frame["score"], lines, "o", color=NORMAL, markersize=5, label="score without it")
        axis.plot(frame["published"], lines, "D", color=INK, markersize=5, label="published")
        axis.axvline(50, color=INK, linewidth=0.7, linestyle=":")
        axis.set(xlabel="AUROC of NS (%); dotted: chance", xlim=(0, 101), ylim=(len(frame) - 0.4, -0.6))
        axis.set_yticks(lines, frame["name"])
        axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.15), ncols=3)
        figure.tight_layout()
    return _finish(figure)


def epochs(frame: pd.DataFrame) -> Figure:
    """AUROC (%) after every epoch (`companion.analysis.trainings.epochs`, with ``published``), a panel for each
    ``name``: NS, the published figure as a line, and where the warm-up ends.
    """
    runs = list(frame.groupby("name", sort=False))
    columns = min(3, len(runs))
    rows = -(-len(runs) // columns)
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(rows, columns, figsize=(8, 0.5 + 1.6 * rows), sharex=True, sharey=True,
                                    squeeze=False)  # fmt: skip
        for axis, (name, part) in zip(axes.flat, runs, strict=False):
            axis.axhline(part["published"].iloc[0], color=INK, linewidth=1.5)
            axis.plot(part["epoch"], part["NS"], ".-", color=NORMAL, linewidth=1)
            axis.axvline(part["warm_up"].sum() + 0.5, color=INK, linewidth=0.7, linestyle=":")
            axis.set_title(name, fontsize=9)
            axis.set(ylim=(0, 101))
        for axis in axes.flat[len(runs) :]:
            axis.set_visible(False)
        figure.supxlabel("epoch; dotted: end of the warm-up; grey line: published", fontsize=9)
        figure.supylabel("AUROC of NS (%)", fontsize=9)
        figure.tight_layout()
    return _finish(figure)


def bars(values: dict[str, float], title: str) -> Figure:
    """A thumbnail: a bar for each value that there is, which it ends in."""
    values = {name: value for name, value in values.items() if not pd.isna(value)}
    with plt.rc_context(STYLE):
        figure, axis = plt.subplots(figsize=(3.2, 1.7))
        colours = [INK if name == "paper" else NORMAL for name in values]
        drawn = axis.barh(range(len(values)), list(values.values()), color=colours, height=0.6)
        axis.bar_label(drawn, fmt="%.1f", padding=3, color=INK)
        axis.set_yticks(range(len(values)), list(values))
        axis.invert_yaxis()
        axis.margins(x=0.3)
        axis.set_xticks([])
        axis.spines["bottom"].set_visible(False)
        axis.set_title(title, fontsize=9)
        figure.tight_layout()
    return _finish(figure)


def steps(names: list[str], values: dict[str, list[float]], title: str) -> Figure:
    """A thumbnail: the paper's and our values over the same steps."""
    with plt.rc_context(STYLE):
        figure, axis = plt.subplots(figsize=(3.2, 1.7))
        for (name, line), colour, mark in zip(values.items(), (INK, NORMAL), ("D-", "o-"), strict=True):
            axis.plot(range(len(names)), line, mark, color=colour, label=name, markersize=5)
        axis.set_xticks(range(len(names)), names)
        axis.set_title(title, fontsize=9)
        axis.legend()
        figure.tight_layout()
    return _finish(figure)


def alone(frame: pd.DataFrame) -> Figure:
    """AUROC (%) of each component as a score of its own (`companion.analysis.components`): a dot for each class."""
    with plt.rc_context(STYLE):
        places = frame["place"].nunique()
        figure, axis = plt.subplots(figsize=(8, 1.0 + 0.75 * places))
        order = list(dict.fromkeys(frame["component"]))
        sns.stripplot(frame, x="AUROC", y="place", hue="component", hue_order=order, dodge=True, jitter=False, size=4,
                      palette=COMPONENTS, legend=True, ax=axis)  # fmt: skip
        axis.axvline(50, color=INK, linewidth=0.7, linestyle=":")
        axis.set(
            xlabel="AUROC of the component alone (%), a dot for each class; dotted: chance", ylabel="", xlim=(0, 101)
        )
        axis.legend(loc="center left", bbox_to_anchor=(1, 0.5))
        figure.tight_layout()
    return _finish(figure)


def ladder(frame: pd.DataFrame) -> Figure:
    """Table 4's variants (`companion.analysis.components.ladder`): paper, ours as sums and means, a panel a place."""
    parts = list(frame.groupby("place", sort=False))
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(1, len(parts), figsize=(8, 2.4), sharey=True, squeeze=False)
        for axis, (place, part) in zip(axes[0], parts, strict=True):
            of = part.pivot(index="variant", columns="reduction", values="ours").reindex(VARIANTS)
            published = part.drop_duplicates("variant").set_index("variant")["paper"].reindex(VARIANTS)
            names = [name.removeprefix("AD-CGAN_") for name in VARIANTS]
            axis.plot(names, published, "D-", color=INK, label="paper", markersize=5)
            axis.plot(names, of["sum"], "o-", color=NORMAL, label="ours, sum", markersize=5)
            axis.plot(names, of["mean"], "s--", color=ANOMALOUS, label="ours, mean", markersize=5)
            axis.set_title(place, fontsize=9)
        axes[0, 0].set_ylabel("AUROC (%)")
        figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="lower center", ncols=3)
        figure.tight_layout(rect=(0, 0.12, 1, 1))
    return _finish(figure)


def ratios(frame: pd.DataFrame) -> Figure:
    """L_AE of the last epoch over that of the last warm-up epoch (`components.autoencoder`), a dot for each run."""
    with plt.rc_context(STYLE):
        figure, axis = plt.subplots(figsize=(8, 0.9 + 0.35 * frame["place"].nunique()))
        sns.stripplot(frame, x="ratio", y="place", color=NORMAL, jitter=False, size=5, ax=axis)
        axis.axvline(1, color=INK, linewidth=0.7, linestyle=":")
        axis.set(
            xscale="log",
            xlabel="reconstruction error, last epoch over end of the warm-up; right of 1: worse",
            ylabel="",
        )
        axis.xaxis.set_major_formatter("{x:g}")
        axis.xaxis.set_minor_formatter("{x:g}")
        figure.tight_layout()
    return _finish(figure)


def effects(frame: pd.DataFrame) -> Figure:
    """What each single change does to the AUROC (`companion.analysis.variants.effects`), the largest on top.

    A mark is the mean over classes, its bar the interval; with too few classes there is no bar.
    """
    with plt.rc_context(STYLE):
        figure, axis = plt.subplots(figsize=(8, 1.0 + 0.28 * len(frame)))
        for line, (_, row) in enumerate(frame.iterrows()):
            colour = NORMAL if row["trained"] else ANOMALOUS
            axis.hlines(line, row["low"], row["high"], color=colour, linewidth=2)
            axis.plot(row["mean"], line, "o" if row["trained"] else "s", color=colour, markersize=5)
        axis.axvline(0, color=INK, linewidth=0.7)
        axis.set_yticks(range(len(frame)), [textwrap.shorten(name, 60, placeholder=" …") for name in frame["change"]])
        axis.invert_yaxis()
        axis.set_xlabel("AUROC points against the score as it is; bars: 95 % intervals over classes")
        figure.tight_layout()
    return _finish(figure)


def svg(figure: Figure, label: str) -> Html:
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
    drawing = drawing.replace("<svg ", f'<svg class="adcgan-picture" role="img" aria-label="{escape(label)}" ', 1)
    if figure.get_figwidth() < WIDE:
        return Html(drawing)
    return Html(f'<div class="adcgan-scroll" tabindex="0">{drawing}</div>')  # a telephone scrolls it, labels readable


def standalone(figure: Figure) -> str:
    """The figure as an SVG file of its own, the same bytes every time."""
    buffer = io.StringIO()
    with plt.rc_context({"svg.fonttype": "none", "svg.hashsalt": "adcgan"}):
        figure.savefig(buffer, format="svg", bbox_inches="tight", metadata={"Date": None})
    return buffer.getvalue()


def png(figure: Figure, colours: int = 96) -> bytes:
    """The figure as a PNG of few colours, less than half the size: executed notebooks are kept by the hundred."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", bbox_inches="tight")
    small = Image.open(buffer).convert("RGBA").quantize(colours, method=Image.Quantize.FASTOCTREE)
    buffer = io.BytesIO()
    small.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
