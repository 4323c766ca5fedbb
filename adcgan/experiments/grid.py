"""The order in which the paper's grid is worked through, and what of it is there already. No torch, no data."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from .. import paper
from ..config import COMPARED, METHODS, SCALES, SCHEMES, TrainedConfig, configure, settle
from ..data.datasets import CLASSES, DATASETS
from ..errors import choose
from . import format1
from .records import CHECKPOINT, Record, Run, place

ONE_VS_ALL, ALL_VS_ONE = SCHEMES
SEEDS = tuple(range(paper.settings()["runs_per_cell"]))
TEN_CLASSES = ("fashion_mnist", "mnist", "cifar10")
ALL = (*TEN_CLASSES, "cats_vs_dogs")

LIBRARY = tuple(name for name, about in METHODS.items() if not about.trained)  # they have no scale
PAPER, LAPTOP = SCALES


@dataclass(frozen=True)
class Block:
    """A part of the grid: data set by data set, seed by seed, class by class, so that whole rows come first.

    ``scale`` None: of methods without one. ``classes``: only these, of every data set; empty for all.
    """

    methods: tuple[str, ...]
    datasets: tuple[str, ...]
    schemes: tuple[str, ...]
    seeds: tuple[int, ...] = SEEDS[:1]
    scale: str | None = LAPTOP
    recipe: str | None = None
    classes: tuple[int, ...] = ()


VERDICTS = (0, 1, 2)  # classes that are run at the paper's scale with all seeds first
BLOCKS = (
    Block(("adcgan",), ALL, SCHEMES, recipe="printed"),
    Block((*COMPARED, "autoencoder"), ALL, (ONE_VS_ALL,)),
    Block(("adcgan",), TEN_CLASSES[:2], (ONE_VS_ALL,), SEEDS, PAPER, "printed", VERDICTS),
    Block(("adcgan",), TEN_CLASSES[:2], (ONE_VS_ALL,), SEEDS[:1], PAPER, "printed"),
    Block(("alad", "aegan", "adgan"), ALL, (ALL_VS_ONE,)),
    Block(("adcgan",), ALL, SCHEMES, recipe="script"),
    Block(("adcgan",), ALL, SCHEMES, SEEDS[1:], recipe="printed"),
    Block((*COMPARED, "autoencoder"), ALL, (ONE_VS_ALL,), SEEDS[1:]),
    Block(("alad", "aegan", "adgan"), ALL, (ALL_VS_ONE,), SEEDS[1:]),
    Block(("anogan", "autoencoder"), ALL, (ALL_VS_ONE,), SEEDS),
    Block(LIBRARY, ALL, SCHEMES, scale=None),
    Block(("isolation_forest",), ALL, SCHEMES, SEEDS[1:], scale=None),
    Block(("ocsvm",), ALL, (ALL_VS_ONE,), SEEDS[1:], scale=None),  # it draws some of the many images
    Block(("adcgan",), ("cifar10", "cats_vs_dogs"), SCHEMES, SEEDS, PAPER, "printed"),
    Block(("adcgan",), TEN_CLASSES[:2], SCHEMES, SEEDS, PAPER, "printed"),
    Block((*COMPARED, "autoencoder"), ALL, SCHEMES, SEEDS, PAPER),
    Block(("adcgan",), ALL, SCHEMES, SEEDS, recipe="script"),
    Block(("adcgan",), ALL, SCHEMES, SEEDS, PAPER, "script"),
)

# Trainings of recipe printed at scale laptop with one change each, and what was the default before there were recipes.
ABLATIONS: dict[str, dict] = {
    "no contrastive loss": dict(alpha=0.0, beta=0.0),
    "no D_z": dict(latent_weight=0.0),
    "the autoencoder alone": dict(warm_up_epochs=20, epochs=0),
    "masked denominator": dict(contrastive="masked"),
    "mean in L_AE": dict(reconstruction="mean"),
    "old default": {
        name: value
        for name, value in format1.defaults("adcgan", ONE_VS_ALL, 28).items()
        if name != "width" and value != getattr(configure("adcgan", ONE_VS_ALL, 28, 1), name)
    },
    "script's training": dict(
        contrastive="masked", local_tap="block", projection="local", logit_head="mlp", latent_pair="marginal",
        latent_role="cooperative", generator_optimiser="shared", optimiser="adamw", critic_gradients="accumulated",
        warm_up_count="included", preprocessing="pad-shrink", reconstruction="mean",
    ),
}  # fmt: skip
ABLATED = {"fashion_mnist": (0, 2, 5), "mnist": (0, 2, 8)}  # classes by data set, one-vs-all


def ablations(*, datasets=(), classes=(), seeds=()) -> list[Run]:
    """The ablations' runs, change by change; filters as in `planned`."""
    _check(classes, datasets or ABLATED)
    found = []
    for options in ABLATIONS.values():
        for dataset, labels in ABLATED.items():
            if dataset in (datasets or ABLATED):
                block = Block(("adcgan",), (dataset,), (ONE_VS_ALL,), SEEDS, recipe="printed", classes=labels)
                found += list(_runs(block, datasets=datasets, classes=classes, seeds=seeds, options=options))
    return found


def named(changes: dict) -> str:
    """What an ablation changes: by its name in `ABLATIONS`, else option by option."""
    known = (name for name, options in ABLATIONS.items() if options.items() == changes.items())
    return next(known, ", ".join(f"{name}={value}" for name, value in changes.items()))


def planned(
    *, methods=(), datasets=(), schemes=(), classes=(), seeds=(), scales=(), recipes=(), options: dict | None = None
) -> list[Run]:
    """The grid's runs in order; each filter that is not empty keeps what it names, ``options`` apply to all.

    ``scales`` keeps library baselines, which have none. The data set digits, which the paper does not have, is part of
    the grid where it is named. Raises AdcganError for a class or an option that does not exist.
    """
    _check(classes, datasets or ALL)
    given = dict(datasets=datasets, schemes=schemes, classes=classes, seeds=seeds, options=options)
    found: dict[Run, None] = {}
    for block in BLOCKS:
        if scales and block.scale not in (*scales, None) or recipes and block.recipe not in recipes:
            continue
        found |= dict.fromkeys(_runs(block, methods=methods, **given))
    return list(found)


def _check(classes, datasets):
    known = {text for name in datasets for n, title in enumerate(CLASSES[name]) for text in (str(n), title)}
    for name in classes:
        choose(f"class of {', '.join(datasets)}", name, sorted(known))


def _runs(block, *, methods=(), datasets=(), schemes=(), classes=(), seeds=(), options=None):
    for scheme in [name for name in block.schemes if name in (schemes or SCHEMES)]:
        for method in [name for name in block.methods if name in (methods or block.methods)]:
            recipe, scale = settle(method, block.recipe, block.scale)
            for dataset in [name for name in (*block.datasets, "digits") if name in (datasets or block.datasets)]:
                if scheme == ALL_VS_ONE and len(CLASSES[dataset]) == 2:
                    continue
                size, channels = DATASETS[dataset].image_size, DATASETS[dataset].channels
                config = configure(method, scheme, size, channels, recipe=recipe, scale=scale, **options or {})
                for seed in [seed for seed in block.seeds if seed in (seeds or block.seeds)]:
                    for label, name in enumerate(CLASSES[dataset]):
                        if label in (block.classes or (label,)) and {str(label), name} & set(classes or (name,)):
                            yield Run(method, dataset, scheme, label, seed, config, recipe, scale)


def state(run: Run, runs: Path) -> str:
    """ "done", "started" (a checkpoint is there) or "missing"."""
    if place(run, runs):
        return "done"
    return "started" if (run.directory(runs) / CHECKPOINT).exists() else "missing"


Kind = tuple[str, str | None, str | None, str, str]


def kind(run: Run) -> Kind:
    """What runs of about the same cost have in common: method, recipe, scale, data set, scheme."""
    return run.method, run.recipe, run.scale, run.dataset, run.scheme


@dataclass(frozen=True)
class Rate:
    """What a run of a kind took where it was measured: wall and processor seconds, bytes at the peak, runs measured.

    ``processor`` is NaN where no record says it; ``step`` are processor seconds a training step, NaN likewise.
    """

    seconds: float
    processor: float
    step: float
    memory: int
    measured: int


def seconds(record: Record) -> float:
    """What a recorded run took: training, scores, diagnostics within it and what is read by epoch together."""
    cost = record.content["cost"]
    return sum(value for name, value in cost.items() if name.endswith("_seconds") and "processor" not in name)


def processor_seconds(record: Record) -> float:
    """Processor seconds of training and scores; NaN for a record of format 1."""
    cost = record.content["cost"]
    return sum(cost.get(f"{part}_processor_seconds", float("nan")) for part in ("train", "score"))


def rates(records: Iterable[Record], device: str) -> dict[Kind, Rate]:
    """Medians over the records measured on a device type ("cpu", "cuda"), by `kind`."""
    kinds: dict[Kind, list[Record]] = {}
    for record in records:
        if record.content["device"]["type"] == device and not record.run.changes:
            kinds.setdefault(kind(record.run), []).append(record)
    return {
        name: Rate(
            median(map(seconds, some)),
            median(map(processor_seconds, some)),
            median(_step(record) for record in some),
            max(record.content["cost"]["peak_memory_bytes"] for record in some),
            len(some),
        )
        for name, some in kinds.items()
    }


def _step(record):
    cost = record.content["cost"]
    return cost["train_processor_seconds"] / cost["steps"] if cost.get("steps") else float("nan")


def steps(run: Run) -> int:
    """Training steps of a run, at most; 0 for a library baseline."""
    config = run.config
    if not isinstance(config, TrainedConfig):
        return 0
    if config.steps_per_epoch:
        return config.total_epochs * config.steps_per_epoch
    classes = len(CLASSES[run.dataset])
    images = DATASETS[run.dataset].training_images // classes * (1 if run.scheme == ONE_VS_ALL else classes - 1)
    images -= round(images * config.validation_fraction)
    return config.total_epochs * (min(images, config.epoch_images or images) // config.batch_size)
