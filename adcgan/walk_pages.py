"""What the page "One image, step by step" shows: one normal and one anomalous test image on the way to their score.

Everything comes from a record (`walk.npz`, and the pictures and scores beside it); each function fills one step.
"""

from collections.abc import Callable, Iterable
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


def image() -> Html:
    """The two images."""

    def side(record, n):
        picture = _picture(record, n)
        low, high = _range(record)
        what = f"Test image {_rows(record)[n]}, class {_class(record, n)}: {' × '.join(map(str, picture.shape))} pixels"
        return [(walk_charts.picture(picture, f"The {KINDS[n]} test image"), f"{what}, read as {low} to {high}.")]

    return _sides(side)


def latent() -> Html:
    """E(x) as a strip."""
    return _sides(lambda record, n: [_strip(record, n, "E_x", "E(x)", ("E_x", "E_G_E_x"))])


def reconstruction() -> Html:
    """G(E(x)), and where it differs from x."""

    def side(record, n):
        gaps = [_pixel_gap(record, k) for k in (0, 1)]
        most = max(gap.max() for gap in gaps)
        stored = ", from the pictures as the record stores them (JPEG)" if _picture(record, n).ndim == 3 else ""
        return [
            (walk_charts.picture(_picture(record, n, ", reconstructed"), f"Reconstruction of the {KINDS[n]} image"),
             r"\(G(E(x))\)"),
            (walk_charts.heat(gaps[n], most, f"Where the {KINDS[n]} image and its reconstruction differ"),
             rf"\(|x - G(E(x))|\){stored}: largest {gaps[n].max():.2f}, full ink at {most:.2f}."),
        ]  # fmt: skip

    return _sides(side) + _compared("L_GR", "The mean over pixels")


def latent_again() -> Html:
    """E(G(E(x))), and its difference from E(x)."""

    def side(record, n):
        again = _strip(record, n, "E_G_E_x", "E(G(E(x)))", ("E_x", "E_G_E_x"))
        gaps = np.abs(_values(record, "E_x") - _values(record, "E_G_E_x"))
        drawn = walk_charts.strip(gaps[n], gaps.max(), f"Difference of the latents of the {KINDS[n]} image")
        caption = rf"\(|E(x) - E(G(E(x)))|\): largest {gaps[n].max():.2f}, full height at {gaps.max():.2f}."
        return [again, (drawn, caption)]

    return _sides(side) + _compared("L_FE", "The mean over the latent's numbers")


def features() -> Html:
    """The critic's features of x, of G(E(x)), and their difference."""
    names = {"f_D_x": r"f_D(x)", "f_D_G_E_x": r"f_D(G(E(x)))", "f_D_gap": r"f_D(x) - f_D(G(E(x)))"}

    def side(record, n):
        most = max(_values(record, name).max() for name in names)
        found = []
        for name, symbol in names.items():
            values = _values(record, name)[n]
            drawn = walk_charts.heat(values, most, f"{name} of the {KINDS[n]} image, mean size over channels")
            found.append((drawn, rf"\(|{symbol}|\): mean {values.mean():.3f}, full ink at {most:.2f}."))
        return found

    record = chosen(committed())
    if record is None:
        return Html("")
    side_length = _values(record, "f_D_x").shape[-1]
    channels = terms(record.cell.config)["L_GD"] // side_length**2
    text = f"Each square is the mean over {channels} channels at one of {side_length} × {side_length} places."
    return note(text) + _sides(side) + _compared("L_GD", "The mean of the difference over channels and places")


def latent_discriminator() -> Html:
    """D_z's two outputs for each z."""

    def side(record, n):
        reference, image = _values(record, "D_z_reference"), _values(record, "D_z_image")
        low, high = (fold(np.concatenate([reference, image])) for fold in (np.min, np.max))
        drawn = walk_charts.dots(
            reference[n], image[n], low, high, f"D_z's outputs for {len(reference[n])} latents, {KINDS[n]} image"
        )
        gap = np.abs(reference[n] - image[n]).sum(1)
        caption = (
            r"● \(D_z(z, E(G(z)))\), ○ \(D_z(E(G(z)), E(x))\), "
            f"from {low:.2f} below to {high:.2f} above; distances from {gap.min():.2f} to {gap.max():.2f}."
        )
        return [(drawn, caption)]

    return _sides(side) + _compared("L_FL", "The mean distance between dot and ring")


def components() -> Html:
    """The four components with their weights, and what each adds to the score."""
    record = chosen(committed())
    if record is None:
        return Html("")
    parts = {name: _values(record, name) for name in COMPONENTS}
    weights = {name: _weight(record, name) for name in COMPONENTS}
    most = max((weights[name] * values).max() for name, values in parts.items())
    rows = []
    for name, values in parts.items():
        row = {"component": Html(SYMBOLS[name]), "weight": f"{weights[name]:g}"}
        for n, kind in enumerate(KINDS):
            adds = weights[name] * values[n]
            drawn = walk_charts.bar(adds / most, f"{name}, {kind}: adds {adds:.3f}")
            row |= {kind: f"{values[n]:.3f}", f"{kind} adds": Html(f'{adds:.3f} <span class="{kind}">{drawn}</span>')}
        rows.append(row)
    return plain(pd.DataFrame(rows), "The components of the two images, and value times weight")


def score() -> Html:
    """NS of both images, among those of all test images."""
    record = chosen(committed())
    if record is None:
        return Html("")
    values = normality_score(record.cell.config, {name: _values(record, name) for name in COMPONENTS})
    normal = record.scores[~record.anomalous]
    lines = []
    for kind, value in zip(KINDS, values, strict=True):
        below = 100 * np.mean(normal < value.astype(np.float32))
        among = f"above {below:.1f} % of the {len(normal):,} normal test images"
        lines.append(rf"<li>The {kind} image: \(NS(x) = {value:.3f}\), {among}.</li>")
    marks = dict(zip(KINDS, values, strict=True))
    named = note("The dashed lines are the two images.").text
    return Html(f'<ul class="math">{"".join(lines)}</ul>{charts.histogram(record, marks)}{named}')


def _sides(side: Callable[[Record, int], list[tuple[str, str]]]) -> Html:
    """What ``side`` draws of each image as (drawing, caption), the normal one beside the anomalous one."""
    record = chosen(committed())
    if record is None:
        return Html("")
    columns = []
    for n, kind in enumerate(KINDS):
        figures = "".join(
            f'<figure>{drawn}<figcaption class="math">{caption}</figcaption></figure>'
            for drawn, caption in side(record, n)
        )
        columns.append(f'<div class="{kind}"><p>{kind}, class {_class(record, n)}</p>{figures}</div>')
    return Html(f'<div class="adcgan-sides">{"".join(columns)}</div>')


def _strip(record, n, name, symbol, scaled_with):
    """A latent as a strip and its caption; the scale is that of every latent of both images."""
    values = _values(record, name)[n]
    most = max(np.abs(_values(record, other)).max() for other in scaled_with)
    drawn = walk_charts.strip(values, most, f"{symbol} of the {KINDS[n]} image")
    return drawn, (
        rf"\({symbol}\): {len(values)} numbers from {values.min():.2f} to {values.max():.2f}; "
        f"full height at ±{most:.2f}."
    )


def _compared(name, what):
    """A sentence on one component of both images."""
    record = chosen(committed())
    if record is None:
        return Html("")
    normal, anomalous = _values(record, name)
    return Html(
        f'<p class="math">{what}, {SYMBOLS[name]}, is {normal:.3g} for the normal image and {anomalous:.3g} for the '
        f"anomalous one: {anomalous / normal:.2f} times as much.</p>"
    )


def _weight(record, name):
    """What equation 4 multiplies a component by."""
    config = record.cell.config
    one = {other: np.array([float(other == name)]) for other in COMPONENTS}
    return float(normality_score(config, one)[0])


def _values(record, name):
    return record.walk[name].astype(float)


def _rows(record):
    """Where in the test split the two images stand."""
    return record.anomalous.argmin(), record.anomalous.argmax()


def _class(record, n):
    label = record.labels[_rows(record)[n]]
    return CLASSES[record.cell.dataset][label]


def _picture(record, n, what=""):
    return record.picture_rows()[KINDS[n] + what][0]


def _range(record):
    return (0, 1) if record.cell.config.pixel_range == "unit" else (-1, 1)


def _pixel_gap(record, n):
    """|x - G(E(x))| of every pixel, the mean over channels, in the range that the networks read."""
    low, high = _range(record)
    gap = np.abs(_picture(record, n).astype(float) - _picture(record, n, ", reconstructed")) * (high - low) / 255
    return gap.mean(2) if gap.ndim == 3 else gap
