"""Which cells the study reads, what they are called in its frames, and which change a cell was trained with."""

from collections.abc import Iterable

from .. import tables
from ..data import title
from ..records import Record

CELL = ["dataset", "scheme", "class", "seed"]
STUDIED_CLASSES = 3  # of each data set, the first
NOT_RETRAINED = {
    "epochs", "warm_up_epochs", "width", "test_set", "test_images", "reduction", "feature_tap", "latent_feature",
    "test_latents", "test_latent_count", "latent_output", "test_mode", "test_batch_size", "lambda_", "rho",
}  # fmt: skip

# The protocol study's trainings: what is changed against the defaults, one register row at a time, and the released
# script's training as a whole (specification A.8: what of it is not scoring). The dropout of row 39 is not among them:
# the networks for 28 pixels, the size of the data sets studied, have none.
CHANGES: dict[str, dict] = {
    "released training": dict(
        optimiser="adamw", critic_gradients="accumulated", latent_draws="shared", latent_role="cooperative",
        latent_pair="marginal", warm_up_count="included", preprocessing="pad-shrink",
    ),
    "alpha=0, beta=0": dict(alpha=0.0, beta=0.0),
    "alpha=0.2, beta=0.2": dict(alpha=0.2, beta=0.2),  # InfoMax-GAN's
} | {
    f"{name}={value}": {name: value}
    for name, value in (
        ("reconstruction", "sum"),
        ("latent_weight", 0.0), ("latent_role", "cooperative"), ("latent_pair", "alad"), ("latent_pair", "marginal"),
        ("contrastive", "literal"), ("architecture", "t2p"), ("preprocessing", "pad-shrink"), ("optimiser", "adamw"),
        ("encoder_output", "none"), ("critic_norm", "spectral"), ("critic_steps", 1),
        ("critic_steps", 5), ("critic_gradients", "accumulated"), ("generator_optimiser", "separate"),
        ("latent_draws", "shared"), ("adversarial", "rasgan"), ("projection", "global"), ("projection", "both"),
        ("logit_head", "linear"), ("local_tap", "layer"), ("initialisation", "xavier"), ("prior", "uniform"),
        ("warm_up", "with-discriminators"), ("warm_up", "learning-rate"), ("pixel_range", "symmetric"),
        ("validation_fraction", 0.1), ("last_batch", "keep"),
        ("warm_up_count", "included"),  # last: the default's trainings are read after that epoch too
    )
}  # fmt: skip


def changed(departures: dict) -> str:
    """What a run of format 1 changed: a change of `CHANGES` by its name, else option by option."""
    planned = (name for name, options in CHANGES.items() if options == departures)
    return next(planned, ", ".join(f"{name}={value}" for name, value in departures.items()))


def studied(records: Iterable[Record], departures: dict | None = None) -> list[Record]:
    """AD-CGAN's records of format 1 that hold the study, of the old default or with these ``departures`` from it."""
    return [r for r in records if r.cell.method == "adcgan" and r.former == (departures or {}) and r.readings]


def default(records: Iterable[Record]) -> list[Record]:
    """AD-CGAN's records under the old default, on the paper's data sets, of the planned seeds."""
    known = [r for r in records if r.cell.method == "adcgan" and r.former == {}]
    return [r for r in known if r.cell.dataset in tables.FORMATS and r.cell.seed < tables.SEEDS]


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
    """Which change of `CHANGES` was made, or which one option; None where it is neither, or none that trains.

    Runs that change the budget, the width, or only the scoring (`NOT_RETRAINED`) are none that train.
    """
    for name, options in CHANGES.items():
        if departures == options:
            return name
    if len(departures) != 1 or set(departures) & NOT_RETRAINED:
        return None
    ((name, value),) = departures.items()
    return f"{name}={value}"
