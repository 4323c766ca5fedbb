"""Which cells the study reads, what they are called in its frames, and which change a cell was trained with."""

from collections.abc import Iterable

from .. import plan, tables
from ..config.adcgan import ARCHITECTURES
from ..data import title
from ..records import Record

CELL = ["dataset", "scheme", "class", "seed"]
NOT_RETRAINED = {
    "epochs", "warm_up_epochs", "width", "test_set", "test_images", "reduction", "feature_tap", "latent_feature",
    "test_latents", "test_latent_count", "latent_output", "test_mode", "test_batch_size", "lambda_", "rho",
}  # fmt: skip


def studied(records: Iterable[Record], departures: dict | None = None) -> list[Record]:
    """AD-CGAN's records that hold the study, of the cells at the paper's settings or with these ``departures``."""
    return [r for r in records if r.cell.method == "adcgan" and r.readings and r.cell.departures == (departures or {})]


def key(record: Record) -> tuple[str, str, int, int]:
    """The values of a cell's columns `CELL`."""
    return record.cell.dataset, record.cell.scheme, record.cell.label, record.cell.seed


def described(record: Record) -> dict:
    """A cell's columns: `CELL`, ``cell`` (its whole name in a text) and ``name`` (class and seed)."""
    cell = record.cell
    name = tables.seed_title(record)
    whole = f"{title(cell.dataset)}, {cell.scheme}, {name}"
    return dict(zip(CELL, key(record), strict=True)) | {"cell": whole, "name": name}


def groups(records: Iterable[Record]) -> dict[tuple[str, str, int], list[Record]]:
    """The cells that hold the study, by data set, scheme and seed."""
    found: dict[tuple, list[Record]] = {}
    for record in studied(records):
        found.setdefault((record.cell.dataset, record.cell.scheme, record.cell.seed), []).append(record)
    return found


def one_for_all(records: Iterable[Record]) -> bool:
    """Would the script leave the same z over for all these cells: with equally many images it draws equally often."""
    images = [record.content["images"] for record in records]
    return len({(counts["train"], counts["test_normal"]) for counts in images}) == 1


def single_change(departures: dict) -> str | None:
    """Which change of `plan.CHANGES` was made, or which one option; None where it is neither, or none that trains.

    Runs that change the budget, the width, or only the scoring (`NOT_RETRAINED`) are none that train.
    """
    for name, options in plan.CHANGES.items():
        if departures == options:
            return name
    if "architecture" in departures:  # settles other options too: one change
        settled = ARCHITECTURES[departures["architecture"]]
        departures = {name: value for name, value in departures.items() if settled.get(name) != value}
    if len(departures) != 1 or set(departures) & NOT_RETRAINED:
        return None
    ((name, value),) = departures.items()
    return f"{name}={value}"
