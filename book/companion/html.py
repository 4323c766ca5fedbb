"""Pieces of pages: numbers as text, tables, and the templates that hold all the HTML."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

VERDICTS = {"reproduced": "✓", "not reproduced": "✗", "undecided": "?", "incomplete": "…"}
NONE = "–"  # where nothing was run, or the paper gives nothing


@dataclass(frozen=True)
class Html:
    """HTML that is safe as it is; a notebook and a template show it so. No string: a data frame would make it one."""

    text: str = ""

    def _repr_html_(self) -> str:
        return self.text

    __str__ = _repr_html_

    def __html__(self) -> Markup:
        return Markup(self.text)

    def __add__(self, other: "Html") -> "Html":
        return Html(self.text + other.text)

    def __bool__(self) -> bool:
        return bool(self.text)

    def format(self, *values: object) -> "Html":
        """With ``values`` in the places of its braces, escaped unless they are `Html`."""
        return Html(str(Markup(self.text).format(*values)))


def render(template: str, **values) -> Html:
    """A template of `templates/` filled in; every value is escaped unless it is `Html`."""
    return Html(_templates.get_template(template).render(**values))


def joined(parts: Iterable) -> Html:
    """Pieces one below the other."""
    return Html("\n".join(part.text for part in parts))


@dataclass(frozen=True)
class Cell:
    """A cell; ``kind`` are its classes, ``head`` makes it a heading over ``across`` columns and ``down`` rows."""

    text: object
    kind: str = ""
    head: str = ""  # "col", "colgroup" or "row"
    across: int = 1
    down: int = 1
    style: str = ""


def table(caption: str, head: Sequence[Sequence], body: Sequence[Sequence], *, rules: Sequence[int] = (),
          kind: str = "") -> Html:  # fmt: skip
    """A table of cells, each a `Cell` or a plain value; it scrolls sideways where the page is narrow.

    The first cell of a line heads it. ``rules``: lines that have one above them.
    """
    head = [[cell if isinstance(cell, Cell) else Cell(cell, head="col") for cell in line] for line in head]
    body = [
        [cell if isinstance(cell, Cell) else Cell(cell, head="row" if n == 0 else "") for n, cell in enumerate(line)]
        for line in body
    ]
    return render("table.html", caption=caption, head=head, body=body, rules=set(rules), kind=kind)


def plain(frame: pd.DataFrame, caption: str, text: tuple[str, ...] = (), kind: str = "") -> Html:
    """A data frame as it is; the columns named in ``text`` are set left."""
    names = list(frame.columns)
    kinds = ["text" if name in text else "" for name in names]
    head = [Cell(name, kinds[n], "col") for n, name in enumerate(names)]
    body = [
        [Cell(value, kinds[n], "row" if n == 0 else "") for n, value in enumerate(values)]
        for values in frame.itertuples(index=False)
    ]
    return table(caption, [head], body, kind=kind)


def folded(summary: str, inside: Html, open: bool = False) -> Html:
    """Something that opens at a click."""
    return render("folded.html", summary=summary, inside=inside, open=open)


def by_scale(name: str, parts: dict[str, Html]) -> Html:
    """The same for each scale (its name -> what is shown), one at a time; ``name`` is the switch's on its page."""
    return render("by_scale.html", name=name, parts={scale: part for scale, part in parts.items() if part})


def note(text: str) -> Html:
    """A line under a table."""
    return Html('<p class="adcgan-note">{}</p>').format(text)


def number(value: float, digits: int = 1) -> str:
    """A figure with its decimals, a proper minus; a dash where there is none."""
    return NONE if pd.isna(value) else f"{value:.{digits}f}".replace("-", "−")


def signed(value: float, digits: int = 1) -> str:
    """A difference with its sign, a proper minus; what rounds to nothing has a plus."""
    return NONE if pd.isna(value) else f"{round(value, digits) + 0.0:+.{digits}f}".replace("-", "−")


def interval(low: float, high: float, digits: int = 1) -> str:
    """The ends of an interval of differences, on one line; a dash where there is none."""
    ends = f"{signed(low, digits)} to {signed(high, digits)}"
    return NONE if pd.isna(low) else ends.replace(" ", "\N{NO-BREAK SPACE}")


def counted(count: float, one: str = "run", many: str = "runs") -> str:
    """A number and what it counts: "1 run", "3 runs"."""
    return f"{count:,.0f} {one if count == 1 else many}"


def duration(seconds: float) -> str:
    """A time for people: in the largest unit of hours, minutes and seconds of which it has one."""
    unit, length = next((kind for kind in (("h", 3600), ("min", 60)) if seconds >= kind[1]), ("s", 1))
    return f"{seconds / length:,.1f}\N{NO-BREAK SPACE}{unit}"


def symbol(component: str) -> Html:
    """A component's name: L with its index, or the word that it is."""
    letter, _, index = component.partition("_")
    return Html("<i>{}</i><sub>{}</sub>").format(letter, index) if index else Html("{}").format(component)


def difference(points: float) -> Html:
    """Ours less the paper's, AUROC points: a sign and a colour say which is higher."""
    kind = "equal" if round(points, 1) == 0 else "higher" if points > 0 else "lower"
    return render("marked.html", kind=kind, sign={"equal": "=", "higher": "▲", "lower": "▼"}[kind], text=signed(points))


def verdict(word: str) -> Html:
    """A verdict of `companion.analysis.statistics` with its sign and colour."""
    return render("marked.html", kind=word.replace(" ", "-"), sign=VERDICTS[word], text=word)


def link(address: str, text: object) -> Html:
    """A link."""
    return Html('<a href="{}">{}</a>').format(address, text)


def code(text: str) -> Html:
    """A command, its words whole: a line does not break after an option's hyphens."""
    words = (Html('<span class="pre">{}</span>').format(word) for word in text.split())
    return Html(f"<code>{' '.join(word.text for word in words)}</code>")


_templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True, undefined=StrictUndefined,
    trim_blocks=True, lstrip_blocks=True,
)  # fmt: skip
_templates.filters |= {"symbol": symbol, "number": number, "duration": duration}
