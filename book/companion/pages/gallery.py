"""A page of pictures for every GAN method, data set and scheme that was run: one seed's sheet and curves a class.

`book/_ext/cells.py` hands these pages to Sphinx, with the records' own sheets as files beside them.
"""

from collections.abc import Iterable
from html import escape
from pathlib import Path

import pandas as pd
from PIL import Image

from adcgan.config import COMPARED
from adcgan.data.datasets import CLASSES, title
from adcgan.experiments.records import PICTURES, Record

from ..analysis.tables import address, standing
from . import charts
from .cell_pages import Page, anchor, class_title, group_title
from .common import MODEL_OF, SCALE_TITLE, SCALES, committed
from .html import Html, counted, note, plain

METHODS = ("adcgan-printed", "adcgan-script", *COMPARED)


def chosen(records: Iterable[Record]) -> dict[tuple[str, str, str], list[Record]]:
    """By (method, data set, scheme) the record of each class with the lowest seed, at the larger scale that has one."""
    kinds: dict[tuple, dict[int, Record]] = {}
    records = list(records)
    for record in [record for scale in SCALES[::-1] for record in standing(records, scale)]:  # the paper's first
        cell = record.run
        if cell.name in METHODS:
            kinds.setdefault((cell.name, cell.dataset, cell.scheme), {}).setdefault(cell.label, record)
    return {kind: list(classes.values()) for kind, classes in kinds.items()}


def all_pages(records: Iterable[Record]) -> Iterable[Page]:
    """A page for each (method, data set, scheme), one class after another; a class's link shows that class alone."""
    for kind, some in chosen(records).items():
        heading = f"Gallery: {group_title(*kind)}"
        what = "normal" if kind[2] == "one-vs-all" else "anomalous"
        lead = note(
            f"The class named is the {what} one. Shown is the lowest seed "
            "recorded: the first test images, and those that the score finds most normal and most anomalous, over "
            "their reconstructions."
        )
        links = {"all": "all classes"} | {f"class-{one.run.label}": class_title(one) for one in some}
        items = "".join(f'<li><a href="#{target}">{escape(text)}</a></li>' for target, text in links.items())
        body = f'<h1 id="all">{escape(heading)}</h1>{lead.text}<ul class="adcgan-classes">{items}</ul>'
        body += "".join(map(section, some)) + '<p><a href="../gallery.html">Back to the gallery</a></p>'
        yield Page(place(*kind), heading, body, {sheet(record): source(record) for record in some})


def section(record: Record) -> str:
    """One class: its sheet, the histogram of scores and the curves of training."""
    cell = record.run
    run = f"../{address(cell.name, cell.dataset, cell.scheme, cell.label)}.html#{anchor(record)}"
    auroc = f"{100 * record.result:.1f}"
    html = f'<section class="adcgan-class" id="class-{cell.label}"><h2>{escape(class_title(record))}</h2>'
    html += f"<p>{SCALE_TITLE[cell.scale]}, seed {cell.seed}, AUROC {auroc} %. "
    html += f'<a href="{escape(run)}">Everything of this run</a></p>'
    html += picture(record) + f'<div class="adcgan-panels">{charts.histogram(record)}</div>'
    return html + (charts.losses(record) if record.content["losses"] else "") + "</section>"


def picture(record: Record) -> str:
    """The record's sheet as a picture that loads when it comes into view, a label beside each row."""
    rows = record.content["pictures"]["rows"]
    with Image.open(source(record)) as image:
        width, height = image.size
    labels = "".join(f"<li>{escape(row)}</li>" for row in rows)
    alt = escape("Rows of test images from top to bottom: " + "; ".join(rows))
    copy = escape(str(Path(sheet(record)).relative_to("gallery")))
    return (
        f'<div class="adcgan-rows"><ol>{labels}</ol><img src="{copy}" '
        f'width="{width}" height="{height}" loading="lazy" alt="{alt}"></div>'
    )


def contents() -> Html:
    """Where pictures are: a row for each data set and scheme, a column for each method."""
    kinds = chosen(committed())
    planned = [(cell.dataset, cell.scheme) for cell in grid.planned(methods=["adcgan"])]
    rows = []
    for dataset, scheme in dict.fromkeys([*planned, *(kind[1:] for kind in kinds)]):
        row = {"": f"{title(dataset)}, {scheme}"}
        for method in METHODS:
            some = kinds.get((method, dataset, scheme))
            text = counted(len(some or ()), "class", "classes")
            if dataset in CLASSES:
                text = f"{len(some or ())} of {len(CLASSES[dataset])} classes"
            row[MODEL_OF[method]] = Html(
                f'<a href="{escape(place(method, dataset, scheme))}.html">{text}</a>' if some else "not run"
            )
        rows.append(row)
    return plain(pd.DataFrame(rows), "Pictures of the recorded runs")


def place(method: str, dataset: str, scheme: str) -> str:
    """The address of a page, without its ending."""
    return f"gallery/{method}-{dataset}-{scheme}"


def source(record: Record) -> Path:
    """The record's sheet of pictures."""
    return record.directory / next(name for name in PICTURES.values() if name in record.content["files"])


def sheet(record: Record) -> str:
    """The address of the sheet's copy in the site."""
    cell = record.run
    return f"{place(cell.name, cell.dataset, cell.scheme)}-{cell.label}-{cell.seed}{source(record).suffix}"
