"""The order in which the paper's grid is worked through, and what of it is there already. No torch, no data."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from . import paper
from .config import COMPARED, SCHEMES, YARDSTICKS, configure
from .data import CLASSES, SHAPES
from .errors import AdcganError
from .records import CHECKPOINT, RECORD, Cell, Record

ONE_VS_ALL, ALL_VS_ONE = SCHEMES
SEEDS = tuple(range(paper.settings()["runs_per_cell"]))
TEN_CLASSES = ("fashion_mnist", "mnist", "cifar10")
ALL = (*TEN_CLASSES, "cats_vs_dogs")

# Methods, data sets, scheme, seeds; within a block data set by data set, seed by seed, class by class, so that whole
# rows of the tables come first.
BLOCKS = (
    (("adcgan",), ALL, ONE_VS_ALL, SEEDS),
    (tuple(COMPARED), ALL, ONE_VS_ALL, SEEDS[:1]),
    (("adcgan",), TEN_CLASSES, ALL_VS_ONE, SEEDS[:1]),
    (tuple(YARDSTICKS), TEN_CLASSES, ONE_VS_ALL, SEEDS[:1]),
    (tuple(YARDSTICKS), TEN_CLASSES, ALL_VS_ONE, SEEDS[:1]),
    (("adcgan",), TEN_CLASSES, ALL_VS_ONE, SEEDS[1:]),
    (tuple(COMPARED), ALL, ONE_VS_ALL, SEEDS[1:]),
    (tuple(COMPARED), TEN_CLASSES, ALL_VS_ONE, SEEDS),
    (("isolation_forest", "autoencoder"), TEN_CLASSES, ONE_VS_ALL, SEEDS[1:]),
    (("isolation_forest", "autoencoder"), TEN_CLASSES, ALL_VS_ONE, SEEDS[1:]),
)

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
STUDIED = TEN_CLASSES[:2]  # data sets of the study
STUDIED_CLASSES = 3  # the first of each


def changed(departures: dict) -> str:
    """What a run departs in from the paper's settings: a change of `CHANGES` by its name, else option by option."""
    planned = (name for name, options in CHANGES.items() if options == departures)
    return next(planned, ", ".join(f"{name}={value}" for name, value in departures.items()))


def study_cells(*, datasets=(), classes=(), seeds=()) -> list[Cell]:
    """The protocol study's trainings in order, change by change; filters as in `cells`."""
    chosen = [dataset for dataset in STUDIED if dataset in (datasets or STUDIED)]
    parts = dict(methods=["adcgan"], datasets=chosen, schemes=[ONE_VS_ALL], classes=classes, seeds=seeds)
    return [
        cell
        for options in CHANGES.values()
        for cell in (cells(options=options, **parts) if chosen else ())
        if cell.label < STUDIED_CLASSES
    ]


def cells(*, methods=(), datasets=(), schemes=(), classes=(), seeds=(), options: dict | None = None) -> list[Cell]:
    """The grid's cells in order; each filter that is not empty keeps what it names, ``options`` apply to all.

    The data set digits, which the paper does not have, is part of the grid where it is named.
    Raises AdcganError for a class or an option that does not exist.
    """
    known = {text for name in datasets or ALL for n, title in enumerate(CLASSES[name]) for text in (str(n), title)}
    for name in classes:
        if name not in known:
            raise AdcganError(f"no class {name!r} in {', '.join(datasets or ALL)}: name one by its number or its name")
    result = []
    for some_methods, some_datasets, scheme, some_seeds in BLOCKS:
        if schemes and scheme not in schemes:
            continue
        for method in [name for name in some_methods if not methods or name in methods]:
            for dataset in [name for name in (*some_datasets, "digits") if name in (datasets or some_datasets)]:
                size, _, channels = SHAPES[dataset]
                config = configure(method, scheme, size, channels, **options or {})
                labels = [n for n, name in enumerate(CLASSES[dataset]) if not classes or {str(n), name} & set(classes)]
                for seed in [seed for seed in some_seeds if not seeds or seed in seeds]:
                    result += [Cell(method, dataset, scheme, label, seed, config) for label in labels]
    return result


def state(cell: Cell, runs: Path) -> str:
    """ "done", "started" (a checkpoint is there) or "missing"."""
    directory = cell.directory(runs)
    if (directory / RECORD).exists():
        return "done"
    return "started" if (directory / CHECKPOINT).exists() else "missing"


@dataclass(frozen=True)
class Rate:
    """What a cell of a kind took where it was measured: seconds (`seconds` of its record) and bytes at the peak."""

    seconds: float
    memory: int
    cells: int


def seconds(record: Record) -> float:
    """What a recorded cell took: training, scores, study and what is read by epoch together."""
    return sum(value for name, value in record.content["cost"].items() if name.endswith("_seconds"))


def rates(records: Iterable[Record], device: str) -> dict[tuple[str, str, str], Rate]:
    """Medians over the records measured on a device type ("cpu", "cuda"), by method, data set and scheme."""
    kinds: dict[tuple[str, str, str], list[Record]] = {}
    for record in records:
        if record.content["device"]["type"] == device and not record.cell.departures:
            kinds.setdefault((record.cell.method, record.cell.dataset, record.cell.scheme), []).append(record)
    return {
        kind: Rate(
            median(map(seconds, some)),
            max(record.content["cost"]["peak_memory_bytes"] for record in some),
            len(some),
        )
        for kind, some in kinds.items()
    }
