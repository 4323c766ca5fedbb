"""What the page "One image, step by step" shows: one normal and one anomalous test image on the way to their score.

Everything comes from a record (`walk.npz`, and the pictures and scores beside it); each function fills one step.
"""

import re
from collections.abc import Callable, Iterable
from functools import wraps
from html import escape

import numpy as np

from adcgan.config import SCHEMES
from adcgan.data.datasets import CLASSES, title
from adcgan.experiments.records import Record
from adcgan.scoring import COMPONENTS, normality_score, terms

from ..analysis.tables import address
from . import charts, walk_charts
from .cell_pages import anchor
from .common import committed
from .html import Html, note

DATASETS = ("fashion_mnist", "mnist", "cifar10", "cats_vs_dogs", "digits")  # whose run is shown, the first that has one
KINDS = ("normal", "anomalous")


def chosen(records: Iterable[Record]) -> Record | None:
    """The first AD-CGAN run of recipe printed that keeps the path, by scale, `DATASETS`, class and seed.

    Where none does, the first under the old default.
    """
    kept = [r for r in records if r.run.dataset in DATASETS and r.walk and (r.former == {} or not r.run.changes)]

    def place(record):
        cell = record.run
        return (
            record.former is not None,
            cell.scale == "laptop",
            DATASETS.index(cell.dataset),
            cell.scheme != SCHEMES[0],
            cell.label,
            cell.seed,
        )

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
    cell = record.run
    name = record.content["run"]["class_name"]
    what = f"{title(cell.dataset)}, {cell.scheme}, class {name}, seed {cell.seed}"
    link = f"{address(cell.name, cell.dataset, cell.scheme, cell.label)}.html#{anchor(record)}"
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
        caption = f"{_math('|x - G(E(x))|')}{kept}: largest {gaps[n].max():.2f}, full ink at {most:.2f}."
        return [
            (walk_charts.picture(picture, f"Reconstruction of the {KINDS[n]} image"), _math("G(E(x))")),
            (drawn, caption),
        ]

    return _sides(record, side) + _compared(record, "L_GR", "The mean over pixels")


@_step
def latent_again(record: Record) -> Html:
    """E(G(E(x))), and its difference from E(x)."""
    gaps = np.abs(_values(record, "E_x") - _values(record, "E_G_E_x"))

    def side(n):
        drawn = walk_charts.strip(gaps[n], gaps.max(), f"Difference of the latents of the {KINDS[n]} image")
        caption = f"{_math('|E(x) - E(G(E(x)))|')}: largest {gaps[n].max():.2f}, full height at {gaps.max():.2f}."
        return [_strip(record, n, "E_G_E_x", "E(G(E(x)))"), (drawn, caption)]

    return _sides(record, side) + _compared(record, "L_FE", "The mean over the latent's numbers")


@_step
def features(record: Record) -> Html:
    """The critic's features of x, of G(E(x)), and their difference."""
    maps = {
        "f_D(x)": _values(record, "f_D_x"),
        "f_D(G(E(x)))": _values(record, "f_D_G_E_x"),
        "f_D(x) - f_D(G(E(x)))": _values(record, "f_D_gap"),
    }
    most = max(values.max() for values in maps.values())
    places = _values(record, "f_D_x").shape[-1]
    channels = terms(record.run.config)["L_GD"] // places**2

    def side(n):
        return [
            (
                walk_charts.heat(values[n], most, f"Mean size of {symbol} over channels, {KINDS[n]} image"),
                f"{_math(f'|{symbol}|')}: mean {values[n].mean():.3f}, full ink at {most:.2f}.",
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
            f"● {_math('D_z(z, E(G(z)))')}, ○ {_math('D_z(E(G(z)), E(x))')}, drawn from "
            f"{_number(low)} to {_number(high)}; distances from {gap.min():.2f} to {gap.max():.2f}."
        )
        return [(walk_charts.dots(reference[n], image[n], low, high, what), caption)]

    return _sides(record, side) + _compared(record, "L_FL", "The mean distance between dot and ring")


@_step
def components(record: Record) -> Html:
    """The four components, and what each adds to the score."""
    weights = {name: _weight(record, name) for name in COMPONENTS}
    most = max((weight * _values(record, name)).max() for name, weight in weights.items())

    def side(n):
        figures = []
        for name, weight in weights.items():
            value = _values(record, name)[n]
            drawn = walk_charts.bar(weight * value / most, f"{name} weighted, {KINDS[n]} image")
            figures.append((drawn, f"{_math(name)}: {weight:g} × {value:.3f} = {weight * value:.3f}"))
        return figures

    return _sides(record, side) + note(f"A full bar is {most:.3f}.")


@_step
def score(record: Record) -> Html:
    """NS of both images, among those of all test images."""
    values = normality_score(record.run.config, {name: _values(record, name) for name in COMPONENTS})
    normal = record.scores[~record.anomalous]
    lines = ""
    for kind, value in zip(KINDS, values, strict=True):
        among = f"{(normal < value.astype(np.float32)).sum():,} of the {len(normal):,} normal test images"
        lines += f"<li>The {kind} image: {_math('NS(x)')} = {value:.3f}, larger than that of {among}.</li>"
    drawn = charts.histogram(record, dict(zip(KINDS, values, strict=True)))
    return Html(f"<ul>{lines}</ul>{drawn}") + note("The dashed lines are the two images.") + _order(record, values)


def _order(record, values):
    """In which order the score puts the two images, which components agree, and how the run does as a whole."""
    normal, anomalous = values
    right = [name for name in COMPONENTS if np.diff(_values(record, name))[0] > 0]
    wrong = [name for name in COMPONENTS if name not in right]
    said = (
        "the larger score, as it should" if anomalous > normal else "the smaller score: NS takes it for the more normal"
    )
    parts = [
        f"{', '.join(map(_math, names))} {'alone puts' if len(names) == 1 else 'put'} the two in {which} order"
        for names, which in ((right, "the right"), (wrong, "the wrong"))
        if names
    ]
    return Html(
        f"<p>Of these two the anomalous image has {said}. {'; '.join(parts)}. Over all test images of this run the "
        f"AUROC of NS is {100 * record.auroc['NS']:.1f} %.</p>"
    )


def _sides(record: Record, side: Callable[[int], list[tuple[str, str]]]) -> Html:
    """What ``side`` draws of each image as (drawing, caption), the normal one beside the anomalous one."""
    columns = ""
    for n, kind in enumerate(KINDS):
        drawn = side(n)
        figures = "".join(f"<figure>{drawing}<figcaption>{caption}</figcaption></figure>" for drawing, caption in drawn)
        title = f"{kind}, class {escape(_class(record, n))}"
        columns += f'<div class="{kind}" style="grid-row: span {1 + len(drawn)}"><p>{title}</p>{figures}</div>'
    return Html(f'<div class="adcgan-sides">{columns}</div>')


def _strip(record, n, name, symbol):
    """A latent as a strip and its caption; all latents of both images share their scale."""
    values = _values(record, name)[n]
    most = max(np.abs(_values(record, other)).max() for other in ("E_x", "E_G_E_x"))
    drawn = walk_charts.strip(values, most, f"{symbol} of the {KINDS[n]} image")
    caption = f"{_math(symbol)}: {len(values)} numbers from {_number(values.min())} to {_number(values.max())}"
    return drawn, f"{caption}; full height at ±{most:.2f}."


def _compared(record, name, what):
    """A sentence on one component of both images."""
    normal, anomalous = _values(record, name)
    return Html(
        f"<p>{what}, {_math(name)}, is {normal:.3f} for the normal image and {anomalous:.3f} for the "
        f"anomalous one, {anomalous / normal:.2f} times as much.</p>"
    )


def _math(text):
    """A formula as HTML, which needs no script: letters in italics, what follows an underscore lowered."""
    letters = re.sub(r"([A-Za-z]+)(?:_([A-Za-z]+))?", r"<i>\1</i><sub>\2</sub>", text)
    return f'<span class="adcgan-math">{letters.replace("<sub></sub>", "").replace("-", "−")}</span>'


def _number(value):
    return f"{value:.2f}".replace("-", "−")


def _weight(record, name):
    """What equation 4 multiplies a component by."""
    one = {other: np.array([float(other == name)]) for other in COMPONENTS}
    return float(normality_score(record.run.config, one)[0])


def _values(record, name):
    return record.walk[name].astype(float)


def _rows(record):
    """Where in the test split the two images stand."""
    return record.anomalous.argmin(), record.anomalous.argmax()


def _class(record, n):
    return CLASSES[record.run.dataset][record.labels[_rows(record)[n]]]


def _picture(record, n, what=""):
    return record.picture_rows()[KINDS[n] + what][0]


def _range(record):
    return (0, 1) if record.run.config.pixel_range == "unit" else (-1, 1)


def _pixel_gap(record, n):
    """|x - G(E(x))| of every pixel, the mean over channels, in the range that the networks read."""
    low, high = _range(record)
    gap = np.abs(_picture(record, n).astype(float) - _picture(record, n, ", reconstructed")) * (high - low) / 255
    return gap.mean(2) if gap.ndim == 3 else gap
