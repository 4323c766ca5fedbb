"""A run's curves as small inline SVG: no picture files, no scripts, legible in both themes and when enlarged.

Text and axes take the page's own colour; the page's style gives normal images a blue and anomalous ones an orange that
suit the theme.
"""

from html import escape

import numpy as np
from sklearn.metrics import roc_curve

from adcgan.experiments.records import Record
from adcgan.models.architectures import chance_L_cgan
from adcgan.scoring import SCORE

POINTS = 160  # of a curve: more than its pixels is weight without detail


def _svg(width, height, label, body):
    """The common frame of a chart; ``label`` says what it shows to those who cannot see it."""
    head = f'<svg class="adcgan-chart" viewBox="0 0 {width} {height}" width="{width}"'
    return f'{head} role="img" aria-label="{escape(label)}">{body}</svg>'


def _line(x1, y1, x2, y2, more='class="faint"'):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" {more}/>'


def losses(record: Record) -> str:
    """Every loss against the epoch, a panel each; dotted: the end of the warm-up; dashed: L_cgan by chance."""
    epochs = record.content["losses"]
    names = {name for epoch in epochs for name in epoch}
    chance = {name: chance_L_cgan(record.run.config) for name in names if name.startswith("L_cgan")}
    return _panels(record, epochs, sorted(names, key=lambda name: (name != "L_AE", name)), chance)


def watched(record: Record) -> str:
    """The AUROC (%) after every epoch (`Record.watched`), a panel for each score and component; dashed: 50 %."""
    titles = {"reduction=sum": "printed sums", "reduction=mean": "means"}
    epochs = [
        {titles.get(name, name): 100 * value for name, value in epoch.get(SCORE, {}).items()}
        for epoch in record.watched
    ]
    names = list(dict.fromkeys(["NS", *sorted({name for epoch in epochs for name in epoch})]))
    if len(names) == 2:  # a single component is the score
        names = names[:1]
    return _panels(record, epochs, names, dict.fromkeys(names, 50.0))


def _panels(record, epochs, names, chance):
    """A panel for each name's values by epoch."""
    warm_up = getattr(record.run.config, "warm_up_epochs", 0)
    lines = {name: np.array([epoch.get(name, np.nan) for epoch in epochs]) for name in names}
    panels = "".join(_panel(name, values, warm_up, chance.get(name)) for name, values in lines.items())
    return f'<div class="adcgan-panels">{panels}</div>'


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
    return _svg(width, height, f"{name} by epoch: first {known[0]:.3g}, last {known[-1]:.3g}", body)


def _short(value):
    """Two digits, and a hundred as 100."""
    text = f"{value:.2g}"
    return f"{value:.0f}" if "e+0" in text else text


def histogram(record: Record, marks: dict[str, float] | None = None) -> str:
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
    return _svg(width, height, label, body)


def roc(record: Record) -> str:
    """ROC curves of the score (bold) and of each component."""
    side = 190
    curves = {"NS": record.scores, **(record.components if len(record.components) > 1 else {})}
    body = f'<rect x="1" y="1" width="{side}" height="{side}" class="faint"/>'
    body += _line(1, side + 1, side + 1, 1, 'class="faint" stroke-dasharray="2 3"')
    dashes = ("", "6 3", "2 2", "8 3 2 3", "1 4")
    at = np.linspace(0, 1, POINTS)
    for n, (name, values) in enumerate(curves.items()):
        false, true, _ = roc_curve(record.anomalous, values)
        points = zip(1 + side * at, 1 + side * (1 - np.interp(at, false, true)), strict=True)
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        style = f'class="component" stroke-dasharray="{dashes[n]}"' if n else 'class="whole normal"'
        body += f'<polyline points="{line}" {style}/>'
        body += _line(side + 14, 12 + 18 * n, side + 44, 12 + 18 * n, style)
        body += f'<text x="{side + 50}" y="{16 + 18 * n}">{escape(name)} {100 * record.auroc[name]:.1f}</text>'
    label = "ROC curves; AUROC % " + ", ".join(f"{name} {100 * record.auroc[name]:.1f}" for name in curves)
    return _svg(side + 170, side + 2, label, body)
