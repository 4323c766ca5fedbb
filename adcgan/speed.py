"""What `benchmarks/throughput.py` measured, as data frames, and what the paper's grid would take at those rates."""

import json
from pathlib import Path

import pandas as pd

from . import plan
from .errors import AdcganError

# Training images of a class; a data set's other classes together under all-vs-one.
CLASS_SIZES = {"fashion_mnist": 6000, "mnist": 6000, "cifar10": 5000, "cats_vs_dogs": 10000}


def results(directory: Path) -> list[dict]:
    """Every result kept under ``directory``, by file name. Raises AdcganError for a file that is not one."""
    found = []
    for path in sorted(directory.glob("*.json")):
        try:
            result = json.loads(path.read_text())
            result["rows"], result["device"]["name"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise AdcganError(
                f"{path} is no result of benchmarks/throughput.py ({error!r}): measure it again"
            ) from error
        found.append(result | {"file": path.name})
    return found


def training(result: dict) -> pd.DataFrame:
    """Training rows: method, image_size, architecture, path, jobs, steps_per_second, tflops, ratio_to_eager, ..."""
    return pd.DataFrame([row for row in result["rows"] if row["path"] != "scoring"])


def scoring(result: dict) -> pd.DataFrame:
    """Scoring rows: method, image_size, architecture, batch_size, images_per_second."""
    columns = ["method", "image_size", "architecture", "batch_size", "images_per_second"]
    return pd.DataFrame([row for row in result["rows"] if row["path"] == "scoring"], columns=columns)


def steps(cell) -> int:
    """Training steps of a cell at the paper's settings, warm-up among them (as long as the others at most)."""
    classes = {"cats_vs_dogs": 2}.get(cell.dataset, 10)
    images = CLASS_SIZES[cell.dataset] * (classes - 1 if cell.scheme == "all-vs-one" else 1)
    config = cell.config
    return config.total_epochs * (config.steps_per_epoch or images // config.batch_size)


def projection(result: dict, method: str = "adcgan", architecture: str | None = "t2r") -> pd.DataFrame:
    """Hours for a method's whole grid at the best rate measured for its image size: dataset, scheme, cells, steps,
    steps_per_second, hours. An upper bound for training: a warm-up step is counted as a full one; scoring is not in.
    """
    rates = training(result)
    rates = rates[
        (rates["method"] == method) & (rates["architecture"].isna() | (rates["architecture"] == architecture))
    ]
    best = rates.groupby("image_size")["steps_per_second"].max()
    rows = []
    kinds: dict[tuple[str, str], list] = {}
    for cell in plan.cells(methods=[method]):
        kinds.setdefault((cell.dataset, cell.scheme), []).append(cell)
    for (dataset, scheme), cells in kinds.items():
        rate = best.get(cells[0].config.image_size, float("nan"))
        count = sum(map(steps, cells))
        rows.append((dataset, scheme, len(cells), count, rate, count / rate / 3600))
    return pd.DataFrame(rows, columns=["dataset", "scheme", "cells", "steps", "steps_per_second", "hours"])
