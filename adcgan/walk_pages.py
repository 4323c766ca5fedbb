"""What the page "One image, step by step" shows: one normal and one anomalous test image on the way to their score.

Everything comes from a record (`walk.npz`, and the pictures and scores beside it); each function fills one step.
"""

from collections.abc import Callable, Iterable
from functools import wraps
from html import escape

import numpy as np
import pandas as pd

from . import charts, walk_charts
from .config import SCHEMES
from .data import CLASSES, TITLES
from .html import Html, note, plain
from .pages import committed
from .records import Record
from .scores import COMPONENTS, normality_score, terms
from .tables import address

DATASETS = ("fashion_mnist", "mnist", "cifar10", "cats_vs_dogs", "digits")  # whose run is shown, the first that has one
KINDS = ("normal", "anomalous")
SYMBOLS = {"L_GD": r"\(L_{GD}\)", "L_GR": r"\(L_{GR}\)", "L_FE": r"\(L_{FE}\)", "L_FL": r"\(L_{FL}\)"}


def chosen(records: Iterable[Record]) -> Record | None:
    """The first AD-CGAN record at the paper's settings that keeps the path, by `DATASETS`, then by class and seed."""
    kept = [r for r in records if r.cell.dataset in DATASETS and r.walk and not r.cell.departures]

    def place(record):
        cell = record.cell
        return DATASETS.index(cell.dataset), cell.scheme != SCHEMES[0], cell.label, cell.seed

    return min(kept, key=place, default=None)


def _step(fill: Callable[[Record], Html]) -> Callable[[], Html]:
    """``fill`` for the run shown, or nothing where no run keeps the path."""

    @wraps(fill)
    def filled():
        record = chosen(committed())
        return Html("") if record is None else fill(record)

    return filled


def run() -> Html:
    """Which run is shown, with a link to its page, and the place where the script puts the list of steps."""
    record = chosen(committed())
    if record is None:
        return note("No recorded run keeps the path of its images yet.")
    cell = record.cell
    name = record.content["cell"]["class_name"]
    what = f"{TITLES.get(cell.dataset, cell.dataset)}, {cell.scheme}, class {name}, seed {cell.seed}"
    link = f"{address('adcgan', cell.dataset, cell.scheme, cell.label)}.html#seed-{cell.seed}"
    return Html(
        f'<p>The run shown: <a href="{link}">{escape(what)}</a>, networks trained for '
        f"{len(record.content['losses'])} epochs. The images are the first normal and the first anomalous one of its "
        'test split; nothing was picked by its score.</p><div id="adcgan-steps"></div>'
    )


@_step
def image(record: Record) -> Html:
    """The two images."""

    def side(n):
        picture = _picture(record, n)
        height, width = picture.shape[:2]
        low, high = _range(record)
        caption = f"Number {_rows(record)[n]} of the test split: {height} × {width} pixels, from {low} to {high}."
        return [(walk_charts.picture(picture, f"The {KINDS[n]} test image"), caption)]

    return _sides(record, side)


@_step
def latent(record: Record) -> Html:
    """E(x) as a strip."""
    return _sides(record, lambda n: [_strip(record, n, "E_x", "E(x)")])


@_step
def reconstruction(record: Record) -> Html:
    """G(E(x)), and where it differs from x."""
    gaps = [_pixel_gap(record, n) for n in (0, 1)]
    most = max(gap.max() for gap in gaps)

    def side(n):
        picture = _picture(record, n, ", reconstructed")
        kept = ", from the JPEG pictures of the record" if picture.ndim == 3 else ""
        drawn = walk_charts.heat(gaps[n], most, f"Where the {KINDS[n]} image and its reconstruction differ")
        caption = rf"\(|x - G(E(x))|\){kept}: largest {gaps[n].max():.2f}, full ink at {most:.2f}."
        return [
            (walk_charts.picture(picture, f"Reconstruction of the {KINDS[n]} image"), r"\(G(E(x))\)"),
            (drawn, caption),
        ]

    return _sides(record, side) + _compared(record, "L_GR", "The mean over pixels")


@_step
def latent_again(record: Record) -> Html:
    """E(G(E(x))), and its difference from E(x)."""
    gaps = np.abs(_values(record, "E_x") - _values(record, "E_G_E_x"))

    def side(n):
        drawn = walk_charts.strip(gaps[n], gaps.max(), f"Difference of the latents of the {KINDS[n]} image")
        caption = rf"\(|E(x) - E(G(E(x)))|\): largest {gaps[n].max():.2f}, full height at {gaps.max():.2f}."
        return [_strip(record, n, "E_G_E_x", "E(G(E(x)))"), (drawn, caption)]

    return _sides(record, side) + _compared(record, "L_FE", "The mean over the latent's numbers")


@_step
def features(record: Record) -> Html:
    """The critic's features of x, of G(E(x)), and their difference."""
    maps = {
        r"f_D(x)": _values(record, "f_D_x"),
        r"f_D(G(E(x)))": _values(record, "f_D_G_E_x"),
        r"f_D(x) - f_D(G(E(x)))": _values(record, "f_D_gap"),
    }
    most = max(values.max() for values in maps.values())
    places = _values(record, "f_D_x").shape[-1]
    channels = terms(record.cell.config)["L_GD"] // places**2

    def side(n):
        return [
            (
                walk_charts.heat(values[n], most, f"Mean size of {symbol} over channels, {KINDS[n]} image"),
                rf"\(|{symbol}|\): mean {values[n].mean():.3f}, full ink at {most:.2f}.",
            )
            for symbol, values in maps.items()
        ]

    text = note(f"Each square is the mean over {channels} channels at one of {places} × {places} places.")
    return text + _sides(record, side) + _compared(record, "L_GD", "The mean of the difference")


@_step
def latent_discriminator(record: Record) -> Html:
    """D_z's two outputs for each z."""
    reference, image = _values(record, "D_z_reference"), _values(record, "D_z_image")
    low, high = min(reference.min(), image.min()), max(reference.max(), image.max())

    def side(n):
        what = f"D_z's two outputs for each of {len(image[n])} latents, {KINDS[n]} image"
        gap = np.abs(reference[n] - image[n]).sum(1)
        caption = (
            r"● \(D_z(z, E(G(z)))\), ○ \(D_z(E(G(z)), E(x))\), drawn from "
            f"{_number(low)} to {_number(high)}; distances from {gap.min():.2f} to {gap.max():.2f}."
        )
        return [(walk_charts.dots(reference[n], image[n], low, high, what), caption)]

    return _sides(record, side) + _compared(record, "L_FL", "The mean distance between dot and ring")


@_step
def components(record: Record) -> Html:
    """The four components with their weights, and what each adds to the score."""
    parts = {name: _values(record, name) for name in COMPONENTS}
    adds = {name: _weight(record, name) * values for name, values in parts.items()}
    most = max(values.max() for values in adds.values())
    rows = []
    for name, values in parts.items():
        row = {"component": Html(SYMBOLS[name]), "weight": f"{_weight(record, name):g}"}
        for n, kind in enumerate(KINDS):
            drawn = walk_charts.bar(adds[name][n] / most, f"{name}, {kind} image, weighted: {adds[name][n]:.3f}")
            weighted = Html(f'{adds[name][n]:.3f} <span class="{kind}">{drawn}</span>')
            row |= {kind: f"{values[n]:.3f}", f"{kind}, weighted": weighted}
        rows.append(row)
    table = plain(pd.DataFrame(rows), "The components of the two images, and their share of the score")
    return Html(f'<div class="math">{table.text}</div>')


@_step
def score(record: Record) -> Html:
    """NS of both images, among those of all test images."""
    values = normality_score(record.cell.config, {name: _values(record, name) for name in COMPONENTS})
    normal = record.scores[~record.anomalous]
    lines = ""
    for kind, value in zip(KINDS, values, strict=True):
        below = f"{(normal < value.astype(np.float32)).sum():,} of the {len(normal):,}"
        lines += rf"<li>The {kind} image: \(NS(x) = {value:.3f}\), larger than that of {below} normal test images.</li>"
    drawn = charts.histogram(record, dict(zip(KINDS, values, strict=True)))
    return Html(f'<ul class="math">{lines}</ul>{drawn}') + note("The dashed lines are the two images.")


def _sides(record: Record, side: Callable[[int], list[tuple[str, str]]]) -> Html:
    """What ``side`` draws of each image as (drawing, caption), the normal one beside the anomalous one."""
    columns = ""
    for n, kind in enumerate(KINDS):
        drawn = side(n)
        figures = "".join(
            f'<figure>{drawing}<figcaption class="math">{caption}</figcaption></figure>' for drawing, caption in drawn
        )
        title = f"{kind}, class {escape(_class(record, n))}"
        columns += f'<div class="{kind}" style="grid-row: span {1 + len(drawn)}"><p>{title}</p>{figures}</div>'
    return Html(f'<div class="adcgan-sides">{columns}</div>')


def _strip(record, n, name, symbol):
    """A latent as a strip and its caption; all latents of both images share their scale."""
    values = _values(record, name)[n]
    most = max(np.abs(_values(record, other)).max() for other in ("E_x", "E_G_E_x"))
    drawn = walk_charts.strip(values, most, f"{symbol} of the {KINDS[n]} image")
    caption = rf"\({symbol}\): {len(values)} numbers from {_number(values.min())} to {_number(values.max())}"
    return drawn, f"{caption}; full height at ±{most:.2f}."


def _compared(record, name, what):
    """A sentence on one component of both images."""
    normal, anomalous = _values(record, name)
    return Html(
        f'<p class="math">{what}, {SYMBOLS[name]}, is {normal:.3f} for the normal image and {anomalous:.3f} for the '
        f"anomalous one, {anomalous / normal:.2f} times as much.</p>"
    )


def _number(value):
    return f"{value:.2f}".replace("-", "−")


def _weight(record, name):
    """What equation 4 multiplies a component by."""
    one = {other: np.array([float(other == name)]) for other in COMPONENTS}
    return float(normality_score(record.cell.config, one)[0])


def _values(record, name):
    return record.walk[name].astype(float)


def _rows(record):
    """Where in the test split the two images stand."""
    return record.anomalous.argmin(), record.anomalous.argmax()


def _class(record, n):
    return CLASSES[record.cell.dataset][record.labels[_rows(record)[n]]]


def _picture(record, n, what=""):
    return record.picture_rows()[KINDS[n] + what][0]


def _range(record):
    return (0, 1) if record.cell.config.pixel_range == "unit" else (-1, 1)


def _pixel_gap(record, n):
    """|x - G(E(x))| of every pixel, the mean over channels, in the range that the networks read."""
    low, high = _range(record)
    gap = np.abs(_picture(record, n).astype(float) - _picture(record, n, ", reconstructed")) * (high - low) / 255
    return gap.mean(2) if gap.ndim == 3 else gap
