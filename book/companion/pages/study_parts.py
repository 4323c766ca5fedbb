"""How the study's page is folded: a part for each data set and scheme."""

from collections.abc import Callable
from html import escape

import pandas as pd

from adcgan.data.datasets import title

from ..analysis import tables
from .html import Html, counted

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
