"""What each page of the book is made from, the training behind it, its time, and the command."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from html import escape

import pandas as pd

from adcgan import paper
from adcgan.config import COMPARED
from adcgan.experiments import grid
from adcgan.experiments.records import Record, Run

from . import walk_pages
from .common import SCALES, committed
from .html import Html, code, duration, plain

RECORDS, TEXT = "records", "text and source code"


@dataclass(frozen=True)
class Line:
    """A page (its file's name), what it is made from and, where training is behind it, which cells of the grid."""

    page: str
    title: str
    made_from: str
    cells: dict | None = None  # filters of `adcgan.experiments.grid.cells`

    def of(self, records: Sequence[Record]) -> "Line":
        """The line over ``records``: the page that follows one image rests on the one run that it shows."""
        shown = walk_pages.chosen(records) if self.page == "walk" else None
        if shown is None:
            return self
        cell = shown.run
        one = {"datasets": [cell.dataset], "schemes": [cell.scheme], "classes": [str(cell.label)]}
        one |= {"seeds": [cell.seed], "scales": [cell.scale], "recipes": [cell.recipe]}
        return replace(self, cells=ADCGAN | one)

    @property
    def commands(self) -> list[str]:
        """The commands that train what is missing, or measure again; none where there is nothing to do."""
        if self.page == "speed":
            return ["make bench"]
        if self.cells is None:
            return []
        filters = (f"--{name} {' '.join(map(str, values))}" for name, values in self.cells.items())
        return [" ".join(["adcgan sweep", *filters])]


ADCGAN = {"methods": ["adcgan"]}
LINES = (
    Line("index", "Opening page", RECORDS, {}),
    Line("method", "The method", TEXT),
    Line("walk", "One image, step by step", RECORDS, ADCGAN),
    Line("figure1", "Figure 1", TEXT),
    Line("table1", "Table 1", RECORDS, {}),
    Line("table2", "Table 2", "the networks' layer tables"),
    Line("table3", "Table 3", RECORDS, {}),
    Line("table4", "Table 4", RECORDS, ADCGAN | {"datasets": sorted(paper.table(4)["dataset"].unique())}),
    Line("study", "The protocol study", RECORDS, {"methods": ["adcgan", "autoencoder"]}),
    Line("audit", "The published tables, examined", "the published figures"),
    Line("runs", "The runs, and a page for each cell", RECORDS, {}),
    Line("gallery", "Gallery", RECORDS, {"methods": ["adcgan", *COMPARED]}),
    Line("speed", "Speed", "committed measurements"),
    Line("decisions", "Decisions", RECORDS, ADCGAN),
    Line("run-it-yourself", "Run it yourself", RECORDS),
    Line("reference", "Reference", TEXT),
    Line("glossary", "Glossary", TEXT),
    Line("references", "References", TEXT),
)  # fmt: skip


@dataclass(frozen=True)
class Effort:
    """The cells behind a page: how many, how many recorded, seconds spent, seconds to come, cells without a rate."""

    cells: int
    recorded: int
    spent: float
    estimated: float
    without_rate: int


def effort(cells: Iterable[Run], records: Iterable[Record]) -> Effort:
    """What the records of ``cells`` cost, and what the others would at the median of recorded cells of their kind.

    A kind is a method, recipe, scale, data set and scheme; its rate is a GPU's where one was measured, else a CPU's.
    Where nothing of a kind is recorded nothing is estimated.
    """
    cells, records = list(cells), list(records)
    known = {record.run: record for record in records}
    rates = grid.rates(records, "cpu") | grid.rates(records, "cuda")
    missing = [rates.get(grid.kind(cell)) for cell in cells if cell not in known]
    done = [known[cell] for cell in cells if cell in known]
    return Effort(
        len(cells),
        len(done),
        sum(map(grid.seconds, done)),
        sum(rate.seconds for rate in missing if rate),
        missing.count(None),
    )


def matrix() -> Html:
    """A row for each page of the book."""
    rows = [
        {
            "page": Html(f'<a href="{line.page}.html">{escape(line.title)}</a>'),
            "made from": line.made_from,
            "training behind it": Html("<br>".join(behind(line, committed())) or "none"),
            "command": Html("<br>".join(code(command).text for command in line.commands)),
        }
        for line in (line.of(committed()) for line in LINES)
    ]
    caption = "What each page is made from, and the training behind it"
    return plain(pd.DataFrame(rows), caption, ("made from", "training behind it", "command"))


def behind(line: Line, records: Sequence[Record]) -> list[str]:
    """The training behind a page in a sentence for each scale; none where there is no training behind it."""
    if line.cells is None:
        return []
    scales = line.cells.get("scales") or SCALES
    return [f"scale {s}: {sentence(effort(grid.planned(**line.cells | {'scales': [s]}), records))}" for s in scales]


def sentence(behind: Effort) -> str:
    """An effort in words."""
    parts = [
        f"{behind.recorded:,} of {behind.cells:,} cells recorded" + f", {duration(behind.spent)}" * (behind.spent > 0)
    ]
    with_rate = behind.cells - behind.recorded - behind.without_rate
    if with_rate:
        parts.append(f"{with_rate:,} more: {duration(behind.estimated)}, estimated")
    if behind.without_rate:
        parts.append(f"{behind.without_rate:,} more: not measured")
    return "; ".join(parts)
