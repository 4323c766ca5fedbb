"""Runs of AD-CGAN as rows of a data frame: which run it is, and which runs are alike but for their class and seed."""

from collections.abc import Iterable

from adcgan.data.datasets import title
from adcgan.experiments import grid
from adcgan.experiments.records import Record

from . import tables

CLASS = ["scale", "dataset", "scheme", "class"]
RUN = [*CLASS, "seed"]


def key(record: Record) -> tuple[str, str, str, int, int]:
    """The values of `RUN`."""
    run = record.run
    return run.scale, run.dataset, run.scheme, run.label, run.seed


def row(record: Record) -> dict:
    """`RUN` and ``name``, the class and the seed in words."""
    return dict(zip(RUN, key(record), strict=True)) | {"name": tables.seed_title(record)}


def printed(records: Iterable[Record]) -> list[Record]:
    """AD-CGAN's runs of recipe printed with no option changed, on the paper's data sets; no repeats."""
    return [r for r in of_printed(records) if not (r.run.changes or r.run.repeat)]


def of_printed(records: Iterable[Record]) -> list[Record]:
    """Those, their ablations and the repeats of both."""
    return [r for r in records if r.run.name == "adcgan-printed" and r.run.dataset in tables.FORMATS]


def change(record: Record) -> str:
    """What an ablation changes, by its name in the plan or option by option; empty for a run of the tables."""
    if record.former and record.run.method == "adcgan":  # the other methods' defaults have stayed
        return ", ".join(["old default", *(f"{name}={value}" for name, value in record.former.items())])
    return grid.named(record.run.changes)


def place(scale: str, dataset: str, scheme: str) -> str:
    """A data set, scheme and scale in words."""
    return f"{title(dataset)}, {scheme}, scale {scale}"
