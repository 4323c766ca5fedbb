"""What `benchmarks/` measured, as data frames, and the paper's grid in hours."""

import json
from pathlib import Path

import pandas as pd

from adcgan.config import RECIPES
from adcgan.errors import AdcganError
from adcgan.experiments import grid


def results(directory: Path, kind: str = "throughput") -> list[dict]:
    """The results of a kind under ``directory``, by file name: "throughput" or "parity", as the scripts are named.

    Raises AdcganError for a file that is none.
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


def training(result: dict) -> pd.DataFrame:
    """Training rows: method, image_size, architecture, path, jobs, steps_per_second, tflops, ratio_to_eager, ..."""
    return pd.DataFrame([row for row in result["rows"] if row["path"] != "scoring"])


def scoring(result: dict) -> pd.DataFrame:
    """Scoring rows: method, image_size, architecture, batch_size, images_per_second."""
    columns = ["method", "image_size", "architecture", "batch_size", "images_per_second"]
    return pd.DataFrame([row for row in result["rows"] if row["path"] == "scoring"], columns=columns)


def projection(result: dict, method: str = "adcgan", architecture: str | None = "t2r") -> pd.DataFrame:
    """Hours for a method's grid at scale paper, at the best rate measured for its image size: dataset, scheme, runs,
    steps, steps_per_second, hours. An upper bound for training: a warm-up step counts as a full one; scoring is not in.
    """
    rates = training(result)
    rates = rates[
        (rates["method"] == method) & (rates["architecture"].isna() | (rates["architecture"] == architecture))
    ]
    best = rates.groupby("image_size")["steps_per_second"].max()
    rows = []
    kinds: dict[tuple[str, str], list] = {}
    for run in grid.planned(methods=[method], scales=["paper"], recipes=[RECIPES[0]] if method == "adcgan" else []):
        kinds.setdefault((run.dataset, run.scheme), []).append(run)
    for (dataset, scheme), runs in kinds.items():
        rate = best.get(runs[0].config.image_size, float("nan"))
        count = sum(map(grid.steps, runs))
        rows.append((dataset, scheme, len(runs), count, rate, count / rate / 3600))
    return pd.DataFrame(rows, columns=["dataset", "scheme", "runs", "steps", "steps_per_second", "hours"])
