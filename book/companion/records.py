"""Records for the pages: read once, handed on as an argument."""

from functools import cache
from pathlib import Path

from adcgan.data.datasets import DATASETS
from adcgan.experiments.records import Record, read_all

from .analysis import runs, tables

SEEDS = tables.SEEDS
SCALES = ("laptop", "paper")  # as the pages show them, one after the other
SCALE_TITLE = {"laptop": "scale laptop", "paper": "scale paper"}
METHOD_OF = tables.MODELS | tables.OTHERS  # a model as the tables name it -> `Run.name`
MODEL_OF = {method: model for model, method in METHOD_OF.items()}


@cache  # every file of every record is checked, and more than one page of a build asks
def load(directory: Path | str = "../runs") -> tuple[Record, ...]:
    """The records under a directory of runs, by path; none where it does not exist.

    Raises AdcganError at the first that is damaged or edited.
    """
    directory = Path(directory).resolve()
    return tuple(read_all(directory)) if directory.is_dir() else ()


def place(record: Record) -> str:
    """Where a record lies, from the directory that holds ``runs``."""
    return f"runs/{'/'.join(record.directory.parts[-6:])}/record.json"


def settings(record: Record) -> str:
    """The scale of a run, what an ablation changes, which repeat it is: "scale laptop, no D_z"; maybe empty."""
    repeat = f"repeat {record.run.repeat}" if record.run.repeat else ""
    return ", ".join(filter(None, (SCALE_TITLE.get(record.run.scale), runs.change(record), repeat)))


def command(record: Record) -> str:
    """The command line that repeats a record's run, in a directory of its own so that it is not read from `runs/`."""
    cell = record.run
    options = "".join(f" --{name} {value}" for name in ("recipe", "scale") if (value := getattr(cell, name)))
    options += "".join(f" --{name.strip('_').replace('_', '-')} {value}" for name, value in cell.changes.items())
    dataset = cell.dataset
    if dataset not in DATASETS:  # a directory of pictures, of which the record has the name alone
        dataset = f"PATH/{dataset.removeprefix('folder-')}"
        options += f" --image-size {cell.config.image_size} --channels {cell.config.channels}"
    return (
        f"adcgan run --method {cell.method} --dataset {dataset} --scheme {cell.scheme} "
        f"--classes {cell.label} --seeds {cell.seed}{options} --runs my-runs"
    )
