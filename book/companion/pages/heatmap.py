"""Table 3 as heat maps: the paper's figures and ours on one scale of colours, with the figures in the cells.

The colours are cividis, which reads the same with the common colour blindnesses, and do not change with the theme;
each cell's text is black or white, whichever stands out more.
"""

from html import escape

import pandas as pd
from matplotlib import colormaps
from matplotlib.colors import to_hex, to_rgb

from adcgan.config import SCHEMES
from adcgan.experiments.grid import LIBRARY

from ..analysis import tables
from .common import METHOD_OF, SCALE_TITLE, SCALES, committed, place
from .html import Html, seeds_text, table, tip

TRAINED = [name for name, method in METHOD_OF.items() if method not in LIBRARY]  # those that have a scale
LOW, HIGH, CHANCE = 20, 100, 50  # AUROC in percent; below LOW the colour is that of LOW
BELOW = '<span aria-hidden="true">▾</span><span class="adcgan-hidden">, below chance</span>'


def heat_maps() -> Html:
    """A legend, and a heat map for each scale, scheme and data set where something was run."""
    html = legend()
    for scale in SCALES:
        frame = tables.table3(committed(), scale)
        for scheme in SCHEMES:
            for _, part in frame[frame["scheme"] == scheme].groupby("dataset", sort=False):
                if part.loc[part["model"].isin(TRAINED), "seeds"].any():
                    html += heat_map(part, scale)
    return html


def heat_map(part: pd.DataFrame, scale: str) -> Html:
    """One data set and scheme (rows of `tables.table3`), a line per class: the paper's figures, then ours."""
    published = [name for name in tables.MODELS if part.loc[part["model"] == name, "paper"].notna().any()]
    run = set(part.loc[part["seeds"] > 0, "model"])
    ours = [*tables.MODELS, *(name for name in tables.OTHERS if name in run)]
    head = '<tr><th scope="col" rowspan="2">class</th>'
    for title, models in (("paper", published), ("ours", ours)):
        head += f'<th scope="colgroup" class="group" colspan="{len(models)}">{title}</th>'
    head += (
        "</tr><tr>"
        + "".join(f'<th scope="col"><span>{escape(name)}</span></th>' for name in [*published, *ours])
        + "</tr>"
    )
    body = []
    for (label, name), cells in part.groupby(["class", "class_name"], sort=False):
        rows = {row["model"]: row for _, row in cells.iterrows()}
        line = "".join(_cell(rows[model]["paper"], "not given") for model in published)
        line += "".join(_our_cell(rows[model]) for model in ours)
        body.append(f'<tr><th scope="row">{escape(tables.class_title(label, name))}</th>{line}</tr>')
    shown = table(head, body, f"{place(part)}, {SCALE_TITLE[scale]}: AUROC (%) per class")
    return Html(f'<div class="adcgan-heat">{shown.text}</div>')


def legend() -> Html:
    """What the colours and marks stand for."""
    steps = range(LOW, HIGH + 1, 10)
    scale = "".join(f'<span style="{style(value)}">{"≤ " if value == LOW else ""}{value}</span>' for value in steps)
    return Html(
        f'<p class="adcgan-legend">AUROC %: <span class="adcgan-scale">{scale}</span> '
        f'<span aria-hidden="true">▾</span> below {CHANCE}, what chance gives; '
        '<span class="adcgan-hatched" aria-hidden="true"></span> hatched: not given or not run</p>'
    )


def style(percent: float) -> str:
    """Background and text colour of an AUROC in percent, as CSS."""
    background = to_hex(colormaps["cividis"]((percent - LOW) / (HIGH - LOW)))
    text = max("#000000", "#ffffff", key=lambda colour: contrast(colour, background))
    return f"background-color:{background};color:{text}"


def contrast(first: str, second: str) -> float:
    """The contrast ratio of two colours, 1 to 21 (WCAG 2.2, relative luminance)."""
    lighter, darker = sorted(map(_luminance, (first, second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour):
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def _our_cell(row):
    link = f"{tables.address(METHOD_OF[row['model']], row['dataset'], row['scheme'], row['class'])}.html"
    return _cell(row["ours"], "not run", link, tip(seeds_text(row, row["of_seeds"])))


def _cell(value, missing, link=None, more=""):
    if pd.isna(value):
        return f'<td class="adcgan-hatched"><span class="adcgan-hidden">{missing}</span></td>'
    figure = f"{value:.1f}"
    if link:
        figure = f'<a href="{escape(link)}">{figure}</a>'
    return f'<td style="{style(value)}">{figure}{BELOW if value < CHANCE else ""}{more}</td>'
