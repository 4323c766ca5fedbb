"""A report on scored pictures: one HTML page that needs no other file, the most anomalous picture first."""

import base64
import io
from pathlib import Path

import numpy as np

from . import __version__
from .config import METHODS
from .data.folders import Skipped, shown
from .detector import AnomalyDetector
from .experiments.files import written

LIMIT = 500  # pictures with an image each: 500 of 64 pixels are some 10 MB
HEAT = np.array([[0, 0, 0], [87, 16, 110], [188, 55, 84], [249, 142, 9], [252, 255, 164]])  # brighter is more


def report(
    path: Path, detector: AnomalyDetector, pictures: list[Path], images: np.ndarray, scores: np.ndarray,
    skipped: Skipped,
) -> None:  # fmt: skip
    """Write the page: every picture with its score, p-value and decision, its reconstruction and where the two differ.

    ``images`` uint8 (N, H, H, C) are ``pictures`` as the method read them, ``scores`` (N,) theirs; ``skipped`` could
    not be read.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    order = np.argsort(-scores, kind="stable")
    images, some = images[order[:LIMIT]], scores[order]
    reconstructions = detector.fitted_.reconstruct(images)
    residuals, most = None, 0.0
    if reconstructions is not None:
        residuals = np.abs(images.astype(float) - reconstructions).mean(3)
        most = max(1.0, float(residuals.max()))
    rows = [
        {
            "path": shown(pictures[n]), "score": scores[n], "p": p, "anomalous": scores[n] > detector.threshold_,
            "shown": [] if row >= LIMIT else [
                ("the picture", png(images[row])),
                *([] if residuals is None else [
                    ("its reconstruction", png(reconstructions[row])),
                    ("where they differ", png(heat(residuals[row] / most))),
                ]),
            ],
        }
        for row, (n, p) in enumerate(zip(order, detector.p_value(some), strict=True))
    ]  # fmt: skip
    environment = Environment(loader=PackageLoader("adcgan"), autoescape=True, undefined=StrictUndefined,
                              trim_blocks=True, lstrip_blocks=True)  # fmt: skip
    page = environment.get_template("report.html").render(
        rows=rows, detector=detector, title=METHODS[detector.method].title, most=most, limit=LIMIT,
        side=detector.image_size_, skipped=[(shown(path), reason) for path, reason in skipped], version=__version__,
        called=int((scores > detector.threshold_).sum()), drawn=residuals is not None,
        parts=len(detector.fitted_.score(images[:1])),
    )  # fmt: skip
    written(path, page.encode())


def png(image: np.ndarray) -> str:
    """A uint8 picture (H, W, C) as a data URI."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(image[..., 0] if image.shape[2] == 1 else image).save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def heat(residual: np.ndarray) -> np.ndarray:
    """Values (H, W) from 0 to 1 as colours uint8 (H, W, 3), from black over red to pale yellow."""
    steps = np.linspace(0, 1, len(HEAT))
    return np.stack([np.interp(residual, steps, channel) for channel in HEAT.T], -1).round().astype(np.uint8)
