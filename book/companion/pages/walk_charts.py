"""Small drawings of pictures, latents and maps for the page that follows one image; inline, in the page's colours.

None writes its numbers: the caption beside does, as text that keeps its size where the drawing shrinks.
"""

import base64
import io
from html import escape

import numpy as np

LEVELS = 16  # shades of a map


def picture(image: np.ndarray, label: str) -> str:
    """A uint8 picture (H, H) or (H, H, 3) with its pixels as squares."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG", optimize=True)
    data = base64.b64encode(buffer.getvalue()).decode()
    # The theme's name for a picture that its dark mode leaves as it is.
    return f'<img class="adcgan-pixels dark-light" src="data:image/png;base64,{data}" alt="{escape(label)}">'


def heat(values: np.ndarray, most: float, label: str) -> str:
    """A map (M, M) of values from 0 to ``most``, the more ink the larger; one path for each shade."""
    levels = np.ceil(LEVELS * np.clip(values / (most or 1), 0, 1)).astype(int)
    paths = []
    for level in range(1, LEVELS + 1):
        cells = "".join(f"M{x} {y}h1v1h-1z" for y, x in np.argwhere(levels == level))
        if cells:
            paths.append(f'<path d="{cells}" fill-opacity="{level / LEVELS:.3g}"/>')
    height, width = values.shape
    frame = f'<rect width="{width}" height="{height}" class="frame"/>'
    return _svg("adcgan-heat", width, height, label, "".join(paths) + frame)


def strip(values: np.ndarray, most: float, label: str) -> str:
    """A vector (L,) as upright bars, full height at ``most``; from the middle where some are below 0."""
    height = 60
    middle = height / 2 if values.min() < 0 else height
    tops = middle - middle * values / (most or 1)
    bars = "".join(f"M{3 * n + 1.5:g} {middle:g}V{top:.1f}" for n, top in enumerate(tops))
    axis = f'<path d="M0 {middle:g}H{3 * len(values)}" class="axis"/>'
    return _svg("adcgan-strip", 3 * len(values), height, label, f'{axis}<path d="{bars}" class="bars"/>')


def dots(reference: np.ndarray, image: np.ndarray, low: float, high: float, label: str) -> str:
    """Two values for each of k places: ``reference`` as a filled dot, ``image`` as a ring, and a line between them.

    Both are (k, outputs), drawn between ``low`` (below) and ``high``.
    """
    width, height, edge = 18 * len(reference), 130, 8

    def y(value):
        return edge + (height - 2 * edge) * (high - value) / ((high - low) or 1)

    marks = []
    for n, places in enumerate(zip(reference, image, strict=True)):
        x = 18 * n + 9
        for a, b in zip(*places, strict=True):
            marks.append(f'<path d="M{x} {y(a):.1f}V{y(b):.1f}" class="between"/>')
            marks.append(f'<circle cx="{x}" cy="{y(a):.1f}" r="4" class="dot"/>')
            marks.append(f'<circle cx="{x}" cy="{y(b):.1f}" r="4.6" class="ring"/>')
    zero = f'<path d="M0 {y(0):.1f}H{width}" class="axis"/>' if low <= 0 <= high else ""
    return _svg("adcgan-dots", width, height, label, zero + "".join(marks))


def bar(share: float, label: str) -> str:
    """A level bar that fills ``share`` of its length."""
    filled = f'<rect width="{100 * share:.1f}" height="10" class="filled"/>'
    return _svg("adcgan-bar", 100, 10, label, f'{filled}<rect width="100" height="10" class="frame"/>')


def _svg(name, width, height, label, body):
    head = f'<svg class="{name}" viewBox="0 0 {width} {height}" preserveAspectRatio="none" role="img"'
    return f'{head} aria-label="{escape(label)}">{body}</svg>'
