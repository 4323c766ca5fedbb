"""A page of pictures for every GAN method, data set and scheme that was run: one seed's sheet and curves a class.

`book/_ext/from_records.py` hands these pages to Sphinx, with the records' own sheets as files beside them.
"""

from collections.abc import Iterable, Sequence

import pandas as pd
from PIL import Image

from adcgan.config import COMPARED
from adcgan.data.datasets import CLASSES, title
from adcgan.experiments import grid
from adcgan.experiments.records import Record

from .. import figures
from ..analysis.tables import address, standing
from ..html import NONE, Html, counted, link, number, plain, render
from ..records import MODEL_OF, SCALE_TITLE, SCALES
from .runs import Page, anchor, class_title, copy_of, group_title, named

METHODS = ("adcgan-printed", "adcgan-script", *COMPARED)


def chosen(records: Iterable[Record]) -> dict[tuple[str, str, str], list[Record]]:
    """By (method, data set, scheme) the record of each class with the lowest seed, at the larger scale that has one."""
    kinds: dict[tuple, dict[int, Record]] = {}
    records = list(records)
    for record in [record for scale in SCALES[::-1] for record in standing(records, scale)]:  # the paper's first
        run = record.run
        if run.name in METHODS and run.dataset != "digits":  # the smoke test is no result
            kinds.setdefault((run.name, run.dataset, run.scheme), {}).setdefault(run.label, record)
    return {kind: list(classes.values()) for kind, classes in kinds.items()}


def all_pages(records: Iterable[Record]) -> Iterable[Page]:
    """A page for each (method, data set, scheme), one class after another; a class's link shows that class alone."""
    for kind, some in chosen(records).items():
        heading = f"Gallery: {group_title(*kind)}"
        body = render(
            "gallery.html",
            heading=heading,
            what=named(kind[2]),
            classes=[_shown(record) for record in some],
        )
        yield Page(place(*kind), heading, body.text, {copy_of(record.sheet): record.sheet for record in some})


def _shown(record):
    """What the template says of one class."""
    run = record.run
    with Image.open(record.sheet) as image:
        width, height = image.size
    return {
        "target": f"class-{run.label}", "title": class_title(record), "scale": SCALE_TITLE[run.scale],
        "seed": run.seed, "auroc": number(100 * record.result),
        "page": f"../{address(run.name, run.dataset, run.scheme, run.label)}.html#{anchor(record)}",
        "rows": record.content["pictures"]["rows"], "sheet": f"../{copy_of(record.sheet)}", "width": width,
        "height": height, "histogram": figures.histogram(record),
        "losses": figures.losses(record) if record.content["losses"] else "",
    }  # fmt: skip


def contents(records: Sequence[Record]) -> Html:
    """Where pictures are: a row for each data set and scheme, a column for each method."""
    kinds = chosen(records)
    planned = [(run.dataset, run.scheme) for run in grid.planned(methods=["adcgan"])]
    rows = []
    for dataset, scheme in dict.fromkeys([*planned, *(kind[1:] for kind in kinds)]):
        row = {"": f"{title(dataset)}, {scheme}"}
        for method in METHODS:
            some = kinds.get((method, dataset, scheme))
            of = f" of {len(CLASSES[dataset])}" if dataset in CLASSES else ""
            text = f"{len(some)}{of} classes" if some and of else counted(len(some or ()), "class", "classes")
            row[MODEL_OF[method]] = link(f"{place(method, dataset, scheme)}.html", text) if some else NONE
        rows.append(row)
    return plain(pd.DataFrame(rows), "Pictures of the recorded runs")


def place(method: str, dataset: str, scheme: str) -> str:
    """The address of a page, without its ending."""
    return f"gallery/{method}-{dataset}-{scheme}"
