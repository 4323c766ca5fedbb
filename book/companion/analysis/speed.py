"""What `benchmarks/` measured, as data frames, against what is asked of the fast path; the paper's grid in hours."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from adcgan.config import RECIPES
from adcgan.errors import AdcganError
from adcgan.experiments import grid


def results(directory: Path, kind: str = "throughput") -> list[dict]:
    """The results of a kind under ``directory``, by file name: "throughput", "parity" or "agreement", as the scripts
    are named. Raises AdcganError for a file that is none.
    """
    found = []
    for path in sorted(directory.glob("*.json")):
        try:
            result = json.loads(path.read_text())
            result["rows"], result["device"]["name"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise AdcganError(f"{path} is no result of benchmarks/ ({error!r}): measure it again") from error
        if result.get("kind", "throughput") == kind:
            found.append(result | {"file": path.name})
    return found


class Target(NamedTuple):
    """What is asked of the fast path: ``value`` of the results of a ``kind`` shall be ``bound`` or more, or less."""

    asked: str
    device: str
    kind: str
    value: Callable[[dict], float]
    bound: float
    most: bool = False  # bound is the most, not the least


def speed_up(result: dict, size: int) -> float:
    """Steps a second of AD-CGAN T2-R, the best over the step as written; NaN where one was not measured."""
    return _best(result, size, "ratio_to_eager")


def share(result: dict) -> float:
    """Of the measured matrix product, what AD-CGAN T2-R's training reaches at 32 pixels at best, in percent."""
    return 100 * _best(result, 32, "share_of_matmul")


def batch_gain(result: dict) -> float:
    """Images a second scored by AD-CGAN T2-R at 28 pixels, the best batch over batches of one."""
    rows = [row for row in result["rows"] if _default(row, 28) and row["path"] == "scoring"]
    rates = {row["batch_size"]: row["images_per_second"] for row in rows}
    return max(rates.values()) / rates[1] if 1 in rates else math.nan


def departure(result: dict) -> float:
    """The largest relative difference of a captured loss to the one as written, AD-CGAN in float32."""
    rows = [row for row in result["rows"] if row["method"] == "adcgan" and not row["tf32"]]
    return max((row["captured_against_written"] for row in rows), default=math.nan)


TARGETS = (
    Target("28 pixels, times the step as written", "cuda", "throughput", lambda r: speed_up(r, 28), 10),
    Target("32 pixels, times the step as written", "cuda", "throughput", lambda r: speed_up(r, 32), 3),
    Target("64 pixels, times the step as written", "cuda", "throughput", lambda r: speed_up(r, 64), 1.5),
    Target("32 pixels, percent of the measured matrix product", "cuda", "throughput", share, 35),
    Target("losses, captured against as written, relative", "cuda", "parity", departure, 1e-3, most=True),
    Target("share of classes with AUROC in the seeds' range", "cuda", "agreement", lambda r: r["inside"], 1),
    Target("scoring in batches, times one by one", "cuda", "throughput", batch_gain, 50),
    Target("scoring in batches, times one by one", "cpu", "throughput", batch_gain, 5),
)


def targets(directory: Path) -> pd.DataFrame:
    """Each of `TARGETS` against the results under ``directory``: asked, device, bound, measured, on, met.

    ``measured`` is the best among the results, NaN where there is none; ``met`` "yes", "no" or "not measured".
    """
    rows = []
    for target in TARGETS:
        found = [
            (target.value(result), result["device"]["name"])
            for result in results(directory, target.kind)
            if result["device"]["type"] == target.device
        ]
        found = [(value, name) for value, name in found if not math.isnan(value)]
        measured, on = (min if target.most else max)(found, default=(math.nan, ""))
        enough = measured <= target.bound if target.most else measured >= target.bound
        met = ("yes" if enough else "no") if found else "not measured"
        bound = f"{'at most' if target.most else 'at least'} {target.bound:g}"
        rows.append((target.asked, target.device, bound, measured, on, met))
    return pd.DataFrame(rows, columns=["asked", "device", "bound", "measured", "on", "met"])


def _default(row, size):
    return row["method"] == "adcgan" and row["architecture"] == "t2r" and row["image_size"] == size


def _best(result, size, column):
    rows = [row for row in result["rows"] if _default(row, size) and row["path"] != "scoring"]
    return max((row[column] for row in rows), default=math.nan)


def training(result: dict) -> pd.DataFrame:
    """Training rows: method, image_size, architecture, path, jobs, steps_per_second, tflops, ratio_to_eager, ..."""
    return pd.DataFrame([row for row in result["rows"] if row["path"] != "scoring"])


def scoring(result: dict) -> pd.DataFrame:
    """Scoring rows: method, image_size, architecture, batch_size, images_per_second."""
    columns = ["method", "image_size", "architecture", "batch_size", "images_per_second"]
    return pd.DataFrame([row for row in result["rows"] if row["path"] == "scoring"], columns=columns)


def projection(result: dict, method: str = "adcgan", architecture: str | None = "t2r") -> pd.DataFrame:
    """Hours for a method's grid at scale paper, at the best rate measured for its image size: dataset, scheme, cells,
    steps, steps_per_second, hours. An upper bound for training: a warm-up step counts as a full one; scoring is not in.
    """
    rates = training(result)
    rates = rates[
        (rates["method"] == method) & (rates["architecture"].isna() | (rates["architecture"] == architecture))
    ]
    best = rates.groupby("image_size")["steps_per_second"].max()
    rows = []
    kinds: dict[tuple[str, str], list] = {}
    for cell in grid.planned(methods=[method], scales=["paper"], recipes=[RECIPES[0]] if method == "adcgan" else []):
        kinds.setdefault((cell.dataset, cell.scheme), []).append(cell)
    for (dataset, scheme), cells in kinds.items():
        rate = best.get(cells[0].config.image_size, float("nan"))
        count = sum(map(grid.steps, cells))
        rows.append((dataset, scheme, len(cells), count, rate, count / rate / 3600))
    return pd.DataFrame(rows, columns=["dataset", "scheme", "cells", "steps", "steps_per_second", "hours"])
