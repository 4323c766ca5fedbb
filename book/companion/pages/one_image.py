"""One image, step by step: one normal and one anomalous test image on the way to their score.

Everything comes from one record: its diagnostics, and the pictures and scores beside it. Each function fills one step.
"""

import re
from collections.abc import Callable, Iterable

import numpy as np

from adcgan.config import SCHEMES
from adcgan.data.datasets import CLASSES, title
from adcgan.experiments.records import Record
from adcgan.scoring import COMPONENTS, normality_score, terms

from .. import figures
from ..analysis.tables import address
from ..html import Html, link, note, render
from .runs import anchor

DATASETS = ("fashion_mnist", "mnist", "cifar10", "cats_vs_dogs", "digits")  # whose run is shown, the first that has one
KINDS = ("normal", "anomalous")


def chosen(records: Iterable[Record]) -> Record | None:
    """The first run of recipe printed that keeps the path, by scale, `DATASETS`, class and seed."""
    kept = [r for r in records if r.run.name == "adcgan-printed" and not r.run.changes and r.one_image]
    kept = [r for r in kept if r.run.dataset in DATASETS]

    def place(record):
        run = record.run
        return (run.scale == "laptop", DATASETS.index(run.dataset), run.scheme != SCHEMES[0], run.label, run.seed)

    return min(kept, key=place, default=None)


def run(record: Record | None) -> Html:
    """Which run is shown, with a link to its page, and the place where the script puts the list of steps."""
    if record is None:
        return note("No recorded run keeps the path of its images yet.")
    of = record.run
    what = f"{title(of.dataset)}, {of.scheme}, class {record.content['run']['class_name']}, seed {of.seed}"
    page = f"{address(of.name, of.dataset, of.scheme, of.label)}.html#{anchor(record)}"
    return render("one_run.html", run=link(page, what), epochs=len(record.content["losses"]), scale=of.scale)


def _step(fill: Callable[[Record], Html]) -> Callable[[Record | None], Html]:
    """``fill`` for the run shown, or nothing where no run keeps the path."""

    def filled(record: Record | None) -> Html:
        return Html() if record is None else fill(record)

    filled.__doc__ = fill.__doc__
    return filled


@_step
def image(record: Record) -> Html:
    """The two images."""

    def side(n):
        picture = _picture(record, n)
        height, width = picture.shape[:2]
        low, high = _range(record)
        caption = f"Number {_rows(record)[n]} of the test split: {height} × {width} pixels, from {low} to {high}."
        return [(figures.picture(picture, f"The {KINDS[n]} test image"), caption)]

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
        drawn = figures.heat(gaps[n], most, f"Where the {KINDS[n]} image and its reconstruction differ")
        caption = f"{_math('|x - G(E(x))|')}{kept}: largest {gaps[n].max():.2f}, full ink at {most:.2f}."
        return [
            (figures.picture(picture, f"Reconstruction of the {KINDS[n]} image"), _math("G(E(x))")),
            (drawn, caption),
        ]

    return _sides(record, side) + _compared(record, "L_GR", "The mean over pixels")


@_step
def latent_again(record: Record) -> Html:
    """E(G(E(x))), and its difference from E(x)."""
    gaps = np.abs(_values(record, "E_x") - _values(record, "E_G_E_x"))

    def side(n):
        drawn = figures.strip(gaps[n], gaps.max(), f"Difference of the latents of the {KINDS[n]} image")
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
                figures.heat(values[n], most, f"Mean size of {symbol} over channels, {KINDS[n]} image"),
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
        return [(figures.dots(reference[n], image[n], low, high, what), caption)]

    return _sides(record, side) + _compared(record, "L_FL", "The mean distance between dot and ring")


@_step
def components(record: Record) -> Html:
    """The four components, and what each adds to the score."""
    weights = {name: _weight(record, name) for name in COMPONENTS}
    most = max((weight * _values(record, name)).max() for name, weight in weights.items())

    def side(n):
        drawn = []
        for name, weight in weights.items():
            value = _values(record, name)[n]
            level = figures.bar(weight * value / most, f"{name} weighted, {KINDS[n]} image")
            drawn.append((level, f"{_math(name)}: {weight:g} × {value:.3f} = {weight * value:.3f}"))
        return drawn

    return _sides(record, side) + note(f"A full bar is {most:.3f}.")


@_step
def score(record: Record) -> Html:
    """NS of both images, among those of all test images."""
    values = normality_score(record.run.config, {name: _values(record, name) for name in COMPONENTS})
    normal = record.scores[~record.anomalous]
    lines = [
        (kind, f"{value:.3f}", f"{(normal < value.astype(np.float32)).sum():,}")
        for kind, value in zip(KINDS, values, strict=True)
    ]
    return render(
        "one_score.html", lines=lines, normal=f"{len(normal):,}", NS=_math("NS(x)"),
        histogram=figures.histogram(record, dict(zip(KINDS, values, strict=True))),
        right=[_math(name) for name in COMPONENTS if np.diff(_values(record, name))[0] > 0],
        larger=KINDS[int(values[1] > values[0])], auroc=f"{100 * record.auroc['NS']:.1f}",
    )  # fmt: skip


def _sides(record: Record, side: Callable[[int], list[tuple[Html, Html]]]) -> Html:
    """What ``side`` draws of each image as (drawing, caption), the normal one beside the anomalous one."""
    columns = [
        (kind, _class(record, n), [(drawing, Html(str(caption))) for drawing, caption in side(n)])
        for n, kind in enumerate(KINDS)
    ]
    return render("sides.html", columns=columns)


def _strip(record, n, name, symbol):
    """A latent as a strip and its caption; all latents of both images share their scale."""
    values = _values(record, name)[n]
    most = max(np.abs(_values(record, other)).max() for other in ("E_x", "E_G_E_x"))
    drawn = figures.strip(values, most, f"{symbol} of the {KINDS[n]} image")
    caption = f"{_math(symbol)}: {len(values)} numbers from {_number(values.min())} to {_number(values.max())}"
    return drawn, f"{caption}; full height at ±{most:.2f}."


def _compared(record, name, what):
    """One component of both images."""
    normal, anomalous = _values(record, name)
    text = "<p>{}, {}, is {:.3f} for the normal image and {:.3f} for the anomalous one, {:.2f} times as much.</p>"
    return Html(text).format(what, _math(name), normal, anomalous, anomalous / normal)


def _math(text):
    """A formula as HTML, which needs no script: letters in italics, what follows an underscore lowered."""
    letters = re.sub(r"([A-Za-z]+)(?:_([A-Za-z]+))?", r"<i>\1</i><sub>\2</sub>", text)
    return Html(f'<span class="adcgan-math">{letters.replace("<sub></sub>", "").replace("-", "−")}</span>')


def _number(value):
    return f"{value:.2f}".replace("-", "−")


def _weight(record, name):
    """What equation 4 multiplies a component by."""
    one = {other: np.array([float(other == name)]) for other in COMPONENTS}
    return float(normality_score(record.run.config, one)[0])


def _values(record, name):
    return record.one_image[name].astype(float)


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
