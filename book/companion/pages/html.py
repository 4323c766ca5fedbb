"""Tables of AUROC as plain HTML: headed rows and columns, no script, styled by the book's adcgan.css."""

from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from statistics import stdev

import pandas as pd

ORIGINS = {"reimplemented": "†", "quoted": "*"}  # the paper's marks
LONG = 40  # letters of a row's heading from which on it may break
VERDICTS = {"reproduced": "✓", "not reproduced": "✗", "undecided": "?", "incomplete": "…"}


@dataclass(frozen=True)
class Html:
    """A piece of a page; a notebook shows it as such."""

    text: str

    def _repr_html_(self) -> str:
        return self.text

    def __add__(self, other: "Html") -> "Html":
        return Html(self.text + "\n" + other.text)


def paper_cell(row, attributes: str = "") -> str:
    """The published figure as printed, with its plus/minus and its mark."""
    if pd.isna(row["paper"]):
        return f'<td class="none"{attributes}>not given</td>'
    origin = ORIGINS.get(row.get("origin"), "")
    spread = "" if pd.isna(row.get("plus_minus")) else f" <small>±{row['plus_minus']:.2f}</small>"
    return f"<td{attributes}>{row['paper']:.1f}{origin}{spread}</td>"


def seeds_text(row, planned: int) -> str:
    """What each seed gave and which are missing: "seed 0: 79.9, seed 2: 80.4; sd 0.4 points; seed 1 not run".

    The row has a column ``seed_N`` for each seed, AUROC in percent; that of a mean over classes (it has ``classes``)
    is NaN while one of them is missing.
    """
    values = {int(name.removeprefix("seed_")): row[name] for name in row.index if str(name).startswith("seed_")}
    known = {seed: value for seed, value in values.items() if not pd.isna(value)}
    missing = [str(seed) for seed in range(planned) if seed not in known]
    parts = [", ".join(f"seed {seed}: {value:.1f}" for seed, value in known.items())] if known else []
    if len(known) > 1:
        parts.append(f"sd {stdev(known.values()):.1f} points")
    if missing:
        what = "not run for every class" if "classes" in row else "not run"
        parts.append(f"seed{'s' * (len(missing) > 1)} {', '.join(missing)} {what}")
    if row.get("share"):
        parts.append(f"on {row['share']:,} test images")
    return "; ".join(parts)


def tip(text: str) -> str:
    """A note that its cell shows while it is pointed at or focused, and that is read out with it."""
    return f'<span class="adcgan-tip"> {escape(text)}</span>'


def counted(cells: float, one: str = "cell", many: str = "cells") -> str:
    """A number and what it counts: "1 cell", "3 cells"."""
    return f"{cells:.0f} {one if cells == 1 else many}"


def duration(seconds: float) -> str:
    """A time for people: in the largest unit of hours, minutes and seconds of which it has one."""
    if seconds < 0.05:
        return "<\N{NO-BREAK SPACE}0.1\N{NO-BREAK SPACE}s"
    unit, length = next((kind for kind in (("h", 3600), ("min", 60)) if seconds >= kind[1]), ("s", 1))
    return f"{seconds / length:,.1f}\N{NO-BREAK SPACE}{unit}"


def code(text: str) -> Html:
    """A command in a table, its words whole as in the text: a line does not break after an option's hyphens."""
    words = (f'<span class="pre">{escape(word)}</span>' for word in text.split())
    return Html(f"<code>{' '.join(words)}</code>")


def symbol(component: str) -> str:
    """A component's name as HTML: L with its index, or the word that it is."""
    letter, _, index = component.partition("_")
    return f"<i>{escape(letter)}</i><sub>{escape(index)}</sub>" if index else escape(component)


def signed(value: float, digits: int = 1) -> str:
    """A difference with its sign, a proper minus; what rounds to nothing has a plus."""
    return f"{round(value, digits) + 0.0:+.{digits}f}".replace("-", "−")


def interval(low: float, high: float, digits: int = 1, none: str = "") -> str:
    """The ends of an interval of differences, on one line; ``none`` where there is no interval."""
    return none if low != low else f"{signed(low, digits)} to {signed(high, digits)}".replace(" ", "\N{NO-BREAK SPACE}")


def difference(points: float) -> str:
    """Ours less the paper's, AUROC points: the sign and a colour say which is higher."""
    kind = "equal" if round(points, 1) == 0 else "higher" if points > 0 else "lower"
    arrow = {"equal": "=", "higher": "▲", "lower": "▼"}[kind]
    figure = "0.0" if kind == "equal" else signed(points)
    return f'<span class="adcgan-{kind}"><span aria-hidden="true">{arrow}</span> {figure}</span>'


def verdict(word: str) -> str:
    """A verdict of `companion.analysis.statistics` with its sign and colour."""
    sign = VERDICTS[word]
    return f'<span class="adcgan-{word.replace(" ", "-")}"><span aria-hidden="true">{sign}</span> {word}</span>'


def our_cell(row, seeds: int, attributes: str = "", counted: bool = True) -> str:
    """The measured figure with the seeds behind it; what is missing is said, never averaged over.

    ``seeds`` is how many were planned, unless the row's ``of_seeds`` says. Where the row has a ``link``, the figure
    leads to what is behind it. ``attributes`` are the cell's own, with a blank before them; ``counted`` says
    the number of seeds in the cell.
    """
    some = row.get("classes", row["seeds"])
    if not some:
        return f'<td class="none"{attributes}>not run</td>'
    if pd.isna(row["ours"]):
        some = f"{row['classes']}/{row['of_classes']} classes"
        if link := row.get("link"):
            some = f'<a href="{escape(link)}">{some}</a>'
        return f'<td class="none"{attributes}>{some}</td>'
    share = f", {row['share']:,} images" if row.get("share") else ""
    of_seeds = row.get("of_seeds", seeds)
    behind = f" <small>{row['seeds']}/{of_seeds} seed{'s' if of_seeds > 1 else ''}{share}</small>" if counted else ""
    figure = f"{row['ours']:.1f}"
    if link := row.get("link"):
        figure = f'<a href="{escape(link)}">{figure}</a>'
    note = tip(seeds_text(row, of_seeds))
    return f'<td class="ours"{attributes}>{figure}{behind}{note}</td>'


def paired(frame: pd.DataFrame, *, rows: dict[str, str], groups: Callable, caption: str, seeds: int) -> Html:
    """Paper and ours side by side: a line per distinct value of the ``rows`` columns, a pair of columns per group.

    ``rows`` maps column names to headings; ``groups`` names a row's group of columns, in order of appearance.
    """
    frame = frame.assign(group=[groups(row) for _, row in frame.iterrows()])
    names = list(dict.fromkeys(frame["group"]))
    head = "".join(f'<th scope="col" rowspan="2">{escape(title)}</th>' for title in rows.values())
    head += "".join(f'<th scope="colgroup" class="group" colspan="2">{escape(name)}</th>' for name in names)
    second = '<th scope="col">paper</th><th scope="col">ours</th>' * len(names)
    body, previous = [], None
    for key, part in frame.groupby(list(rows), sort=False):
        by_group = {row["group"]: row for _, row in part.iterrows()}
        cells = "".join(f'<th scope="row">{escape(str(value))}</th>' for value in key)
        for name in names:
            row = by_group.get(name)
            cells += "<td></td><td></td>" if row is None else paper_cell(row) + our_cell(row, seeds)
        first = ' class="first"' if len(key) > 1 and previous not in (None, key[0]) else ""
        previous = key[0]
        body.append(f"<tr{first}>{cells}</tr>")
    return table(f"<tr>{head}</tr><tr>{second}</tr>", body, caption)


def plain(frame: pd.DataFrame, caption: str, text: tuple[str, ...] = ()) -> Html:
    """A data frame as it is; the first column heads its row, the columns named in ``text`` are set left.

    Values and names of columns may be `Html`.
    """
    kinds = {name: ' class="text"' if name in text else "" for name in frame.columns}
    head = "".join(f'<th scope="col"{kinds[name]}>{_text(name)}</th>' for name in frame.columns)
    body = []
    for values in frame.itertuples(index=False):
        texts = list(map(_text, values))
        long = ' class="long"' if isinstance(values[0], str) and len(values[0]) > LONG else ""
        cells = f'<th scope="row"{long}>{texts[0]}</th>'
        cells += "".join(
            f"<td{kinds[name]}>{text}</td>" for name, text in zip(frame.columns[1:], texts[1:], strict=True)
        )
        body.append(f"<tr>{cells}</tr>")
    return table(f"<tr>{head}</tr>", body, caption)


def _text(value):
    return value.text if isinstance(value, Html) else escape(str(value))


def table(head: str, body: list[str], caption: str) -> Html:
    """The common frame of every table: caption, head, body, scrolling sideways where the page is narrow."""
    return Html(
        f'<div class="adcgan-wrap" tabindex="0" role="region" aria-label="{escape(caption)}"><table class="adcgan">'
        f"<caption>{escape(caption)}</caption><thead>{head}</thead><tbody>{''.join(body)}</tbody></table></div>"
    )


def note(text: str) -> Html:
    """A line under a table."""
    return Html(f'<p class="adcgan-note">{escape(text)}</p>')
