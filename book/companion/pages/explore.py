"""Tables 1 and 3 as one long table to search, filter and sort, and the links to the files of every table.

Without a script the table stands as it is. `book/_assets/explore.js` shows the controls and starts DataTables, which
sorts by each cell's ``data-order`` and searches its ``data-search``.
"""

from html import escape

import pandas as pd

from adcgan.config import SCHEMES
from adcgan.data.datasets import TITLES

from ..analysis import results, tables
from .common import METHOD_OF, SCALES, SEEDS, committed
from .html import Html, difference, note, our_cell, paper_cell, table, verdict


def downloads(number: int) -> Html:
    """Links to the files of a table, and what their columns hold."""
    files = ", ".join(
        f'<a href="downloads/table{number}.{kind}" download>{kind.upper()}</a>' for kind in ("csv", "json")
    )
    described = results.columns(results.frame(number, []))
    listed = "".join(f"<dt><code>{name}</code></dt><dd>{escape(text)}</dd>" for name, text in described.items())
    return Html(
        f'<div class="adcgan-downloads"><p>Download: {files}</p>'
        f"<details><summary>Columns of these files</summary><dl>{listed}</dl></details></div>"
    )


def results_table(number: int) -> Html:
    """Every figure of Table 1 or 3, ours and the paper's, a row each."""
    frame = results.frame(number, committed())
    frame = frame[(frame["scale"] == "paper") | (frame["seeds"] > 0)]  # published figures stand once
    by_class = "class" in frame
    heads = ["data set", "scheme", "scale", *(["class"] if by_class else []), "method", "paper", "ours", "difference"]
    heads += [*(["verdict"] if by_class else []), "seeds"]
    order = [*tables.MODELS, *tables.OTHERS]
    frame = frame.sort_values("model", key=lambda models: models.map(order.index), kind="stable")
    body = [f"<tr>{_row(row)}</tr>" for _, row in frame.iterrows()]
    what = "cells" if by_class else "means over classes"
    head = "<tr>" + "".join(f'<th scope="col">{name}</th>' for name in heads) + "</tr>"
    shown = table(head, body, f"Every figure of Table {number}: {what}, AUROC (%)")
    choices = {
        "data set": [TITLES[name] for name in frame["dataset"].unique()],
        "scheme": list(SCHEMES),
        "scale": list(SCALES),
        "method": [name for name in order if name in set(frame["model"])],
    }
    return Html(f'<div class="adcgan-explore">{_controls(choices, heads)}{shown.text}</div>')


def _row(row):
    """The cells of one row; ``data-order`` is what a column is sorted by, empty where there is nothing."""
    title, label = TITLES[row["dataset"]], row.get("class")
    row["link"] = f"{tables.address(METHOD_OF[row['model']], row['dataset'], row['scheme'], label)}.html"
    cells = f"<td{_sort(title)}>{title}</td><td{_sort(row['scheme'])}>{row['scheme']}</td>"
    cells += f"<td{_sort(row['scale'])}>{row['scale']}</td>"
    if label is not None:
        name = tables.class_title(label, row["class_name"])
        cells += f"<td{_sort(label, name)}>{escape(name)}</td>"
    cells += f'<th scope="row"{_sort(row["model"])}>{escape(row["model"])}</th>'
    cells += paper_cell(row.drop("plus_minus"), _sort(row["paper"]))
    cells += our_cell(row, SEEDS, _sort(row["ours"]), counted=False)
    points = row["difference"]
    cells += _optional(points, "–", lambda: difference(points))
    if label is not None:
        missing = "not run" if row["model"] == "AD-CGAN" else "no rule"
        cells += _optional(row["verdict"], missing, lambda: verdict(row["verdict"]))
    share = f", {row['share']:,} images" if row["share"] else ""
    return cells + f"<td{_sort(row['seeds'])}>{row['seeds']}/{row['of_seeds']}{share}</td>"


def _optional(value, missing, shown):
    if pd.isna(value):
        return f'<td class="none"{_sort(value)}>{missing}</td>'
    return f"<td{_sort(value)}>{shown()}</td>"


def _sort(value, text=None):
    value = "" if pd.isna(value) else value
    return f' data-order="{escape(str(value))}" data-search="{escape(str(value if text is None else text))}"'


def _controls(choices, heads):
    """A search box, a select for each of ``choices`` and a check box; hidden until the script shows them."""
    fields = '<label>Search <input type="search"></label>'
    for name, values in choices.items():
        options = "".join(f"<option>{escape(value)}</option>" for value in values)
        fields += f'<label>{name.capitalize()} <select data-column="{heads.index(name)}">'
        fields += f'<option value="">all</option>{options}</select></label>'
    fields += f'<label><input type="checkbox" data-column="{heads.index("ours")}"> measured only</label>'
    help_text = note("A heading sorts by its column; once more, the other way round. Missing figures stay last.").text
    return f'<form hidden>{fields}<output aria-live="polite"></output>{help_text}</form>'
