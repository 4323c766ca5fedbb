"""What most pages are made from: the committed records, the models' names, notes on the data."""

from functools import cache
from pathlib import Path

import pandas as pd

from .. import plan, tables
from ..config import CONFIGS
from ..data import TITLES, title
from ..records import Record, read_all
from ..study.cells import changed
from .html import Html, note

ROOT = Path(__file__).resolve().parents[2]
RUNS = ROOT / "runs"  # measured and committed
REPEATS = ROOT / "repeats"  # other trainings of cells in runs/, in one directory of runs after another
SEEDS = tables.SEEDS
SCALES = ("laptop", "paper")  # as the pages show them, one after the other
SCALE_TITLE = {"laptop": "scale laptop", "paper": "scale paper"}
METHOD_OF = tables.MODELS | tables.OTHERS  # a model as the tables name it -> `Cell.name`
MODEL_OF = {method: model for model, method in METHOD_OF.items()}


@cache
def committed() -> tuple[Record, ...]:
    """The records in runs/."""
    return tuple(read_all(RUNS))


@cache
def repeated() -> tuple[Record, ...]:
    """The records in repeats/: with the settings and the seed of one in runs/, trained another time."""
    return tuple(record for runs in sorted(REPEATS.glob("*/")) for record in read_all(runs))


def place(part: pd.DataFrame) -> str:
    """The data set and scheme of rows that are all of one: "Fashion-MNIST, one-vs-all"."""
    return f"{title(part['dataset'].iloc[0])}, {part['scheme'].iloc[0]}"


def settings(record: Record) -> str:
    """The scale of a run and, of an ablation, what it changes: "scale laptop, no D_z"; maybe empty."""
    cell, change = record.cell, plan.named(record.cell.changes)
    if cell.method == "adcgan" and record.former is not None:
        change = ", ".join(filter(None, ("old default", changed(record.former))))
    return ", ".join(filter(None, (SCALE_TITLE.get(cell.scale), change)))


def command(record: Record) -> str:
    """The command line that repeats a record's run, in a directory of its own so that it is not read from `runs/`."""
    cell = record.cell
    options = "".join(f" --{name} {value}" for name in ("recipe", "scale") if (value := getattr(cell, name)))
    options += "".join(f" --{name.strip('_').replace('_', '-')} {value}" for name, value in cell.changes.items())
    dataset = cell.dataset
    if dataset not in TITLES:  # a directory of pictures, of which the record has the name alone
        dataset = f"PATH/{dataset.removeprefix('folder-')}"
        options += f" --image-size {cell.config.image_size} --channels {cell.config.channels}"
    return (
        f"adcgan run --method {cell.method} --dataset {dataset} --scheme {cell.scheme} "
        f"--classes {cell.label} --seeds {cell.seed}{options} --runs my-runs"
    )


def notes(*methods: str) -> Html:
    """On the data that were not canonical, in runs of ``methods`` (of any where none is named)."""
    html = Html("")
    for line in tables.notes(record for record in committed() if record.cell.method in (methods or CONFIGS)):
        html += note(f"Not the canonical data. {line}.")
    return html
