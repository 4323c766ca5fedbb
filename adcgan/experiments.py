"""One cell from data to record, and lists of cells as users name them."""

import os
import platform
import resource
import subprocess
import time
from collections.abc import Generator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch

from . import __version__, data, methods, splits, training
from .config import configure
from .data import CANONICAL, Dataset
from .errors import AdcganError
from .evaluation import auroc
from .lease import held
from .preprocessing import pad_shrink
from .records import CHECKPOINT, Cell, Record, find, write
from .scores import normality_score
from .watching import watching

COLUMNS = 8  # pictures in a row of a record's sheet: of seed 0, which the gallery shows
FEW_COLUMNS = 2  # of other seeds: a whole sheet for each would fill the repository
LOCK = "cell.lock"  # held in the cell's directory while it is in work
LIBRARIES = ("torch", "numpy", "scipy", "scikit-learn", "pillow")


class Busy(AdcganError):
    """Another process has the cell in work."""


def plan(
    method: str, dataset: str, scheme: str, classes: list, seeds: list[int], options: dict | None = None
) -> tuple[Dataset, list[Cell]]:
    """The data set and the cells of (classes x seeds), everything checked before any work.

    ``classes`` by number or name, empty for all; ``options`` as `adcgan.config.configure` takes them.
    """
    options = dict(options or {})
    format = {name: _integer(name, options.pop(name)) for name in ("image_size", "channels") if name in options}
    # The names first: a misspelt option should not wait for a download.
    configure(method, scheme, format.get("image_size", 28), format.get("channels", 1), **options)
    loaded = data.load(dataset, **format)
    config = configure(method, scheme, loaded.image_size, loaded.channels, **options)
    labels = [loaded.class_index(name) for name in classes] or list(range(len(loaded.classes)))
    for seed in seeds:
        if type(seed) is not int or not 0 <= seed < 2**32:  # scikit-learn's bound, the lowest
            raise AdcganError(f"seed {seed!r}: expected a whole number from 0 to {2**32 - 1}")
    if not seeds:
        raise AdcganError("no seed given: expected at least one, as in seeds 0 1 2")
    cells = [Cell(method, loaded.name, scheme, label, seed, config) for label in labels for seed in seeds]
    for cell in cells:
        splits.make_split(loaded, scheme, cell.label, config.test_set)
    return loaded, cells


def run(cell: Cell, dataset: Dataset, runs: Path, device: str = "auto", **how) -> Record:
    """The cell's record: read where it exists, otherwise trained (or resumed), scored and written.

    ``how`` is as in `work`.
    """
    steps = work(cell, dataset, runs, device, **how)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def work(
    cell: Cell,
    dataset: Dataset,
    runs: Path,
    device: str = "auto",
    *,
    eager: bool = False,
    deadline: float | None = None,
) -> Generator[None, None, Record]:
    """What `run` does, a training step at a time: the record is the generator's return value.

    ``eager`` keeps a CUDA training from being captured (`adcgan.stepping`); ``deadline`` is a time of
    `time.monotonic` that no epoch should cross (`adcgan.training.OutOfTime`). Raises `Busy` where another process
    has the cell in work, AdcganError where its record is of other data.
    """
    directory = cell.directory(runs)
    if (done := _existing(cell, dataset, runs)) is not None:
        return done
    _make_writable(directory)
    with held(directory / LOCK) as mine:
        if not mine:
            raise Busy(f"{cell} is in work elsewhere ({directory / LOCK} is held): wait for its end")
        if (done := _existing(cell, dataset, runs)) is not None:  # ended elsewhere just before
            return done
        return (yield from _measure(cell, dataset, runs, choose_device(device), eager, deadline))


def _existing(cell, dataset, runs):
    """The cell's record, None where there is none. Raises AdcganError where it is of other data."""
    if (done := find(cell, runs)) is not None:
        check_data(done, dataset)
    return done


def check_data(record: Record, dataset: Dataset) -> None:
    """Raise AdcganError where ``record`` was measured on other bytes than ``dataset``'s."""
    if (measured_on := record.content["data"]["fingerprint"]) != dataset.fingerprint:
        raise AdcganError(
            f"{record.directory} was measured on other data (fingerprint {measured_on[:8]}, now "
            f"{dataset.fingerprint[:8]}): name another directory for runs, or use that data"
        )


def _measure(cell, dataset, runs, where, eager, deadline):
    """Train, score and record: a step at a time, the record is the generator's return value."""
    code = code_revision()
    split, left_out = _images(cell, dataset)
    checkpoint = cell.directory(runs) / CHECKPOINT
    identity = f"{cell} {cell.digest[:8]} data {dataset.fingerprint[:8]}"
    if where.type == "cuda":
        torch.cuda.reset_peak_memory_stats(where)
    path = None
    with torch.random.fork_rng(devices=[where] if where.type == "cuda" else []):
        torch.manual_seed(cell.seed)
        method = methods.build(cell.method, cell.config, where)
        if isinstance(method, methods.Yardstick):
            history = training.fit(method, split.train, seed=cell.seed)
        else:
            session = training.Training(
                method, split.train, seed=cell.seed, checkpoint=checkpoint, identity=identity, title=str(cell),
                eager=eager, deadline=deadline, code=_label(code), watch=watching(cell.config, method, split),
            )  # fmt: skip
            yield from session.steps()
            session.check_time(method.scoring_cost * len(split.test) / session.images_per_epoch)
            history, path = session.history, session.stepper.name
        found = _score(cell, method, split, left_out)
    content = _content(cell, dataset, split, history, found)
    if earlier := [label for label in history.codes if label != _label(code)]:
        code = code | {"earlier": earlier}
    content["code"], content["device"] = code, device_description(where) | ({"path": path} if path else {})
    content["cost"]["peak_memory_bytes"] = _peak_memory(where)
    arrays = {"labels": split.test_labels.astype(np.uint16), "anomalous": split.anomalous, **found.components}
    record = write(cell, runs, content, arrays, found.pictures, found.study, found.walk)
    checkpoint.unlink(missing_ok=True)
    return record


def _images(cell, dataset):
    """The cell's split, prepared as its options say, and the anomalies that it leaves out."""
    split = splits.make_split(dataset, cell.scheme, cell.label, cell.config.test_set)
    if cell.config.test_images:
        split = splits.subsample(split, cell.config.test_images)
    left_out = dataset.train_images[split.left_out]
    if cell.config.preprocessing == "pad-shrink":
        split = replace(split, train=pad_shrink(split.train), test=pad_shrink(split.test))
        left_out = pad_shrink(left_out)
    return split, left_out


@dataclass(frozen=True)
class _Found:
    """What a trained method gives, in the precision that is stored; ``seconds``: what the scores and the study took."""

    components: dict[str, np.ndarray]
    readings: dict[str, dict[str, float]] | None
    study: dict[str, np.ndarray] | None
    walk: dict[str, np.ndarray] | None
    pictures: dict[str, np.ndarray]
    scores: np.ndarray
    seconds: dict[str, float]


def _score(cell, method, split, left_out):
    """Score, study, walk and pictures, in this order: they draw from one generator."""
    started = time.monotonic()
    components = method.score(split.test, split.anomalous)
    seconds = {"score_seconds": round(time.monotonic() - started, 2)}
    started = time.monotonic()
    study = method.study(split.test, split.test_labels, split.anomalous, left_out, split.train)
    readings = arrays = None
    if study is not None:
        seconds["study_seconds"] = round(time.monotonic() - started, 2)
        images = {name: _half(name, values, cell) for name, values in study.images.items()}
        readings, arrays = study.readings, study.draws | images
    walk = method.walk(split.test[[split.anomalous.argmin(), split.anomalous.argmax()]])  # the first of each kind
    if walk is not None:
        walk = {name: values.astype(np.float16) for name, values in walk.items()}
    # Everything below is computed from the half-precision values that are stored: exactly traceable.
    components = {name: _half(name, values, cell) for name, values in components.items()}
    scores = normality_score(cell.config, components).astype(np.float32)
    pictures = _pictures(method, split.test, split.anomalous, scores, FEW_COLUMNS if cell.seed else COLUMNS)
    return _Found(components, readings, arrays, walk, pictures, scores, seconds)


def _content(cell, dataset, split, history, found):
    """What record.json says of the cell, its images, losses, scores and cost; all but the code and the device."""
    content = {
        "cell": {
            "method": cell.method, "dataset": cell.dataset, "scheme": cell.scheme, "label": cell.label,
            "class_name": dataset.classes[cell.label], "seed": cell.seed,
        },
        "config": cell.config.to_dict(),
        "departures": cell.departures,
        "digest": cell.digest,
        "auroc": {
            name: auroc(split.anomalous, values) for name, values in {"NS": found.scores, **found.components}.items()
        },
        "images": {
            "train": len(split.train),
            "test_normal": int((~split.anomalous).sum()),
            "test_anomalous": int(split.anomalous.sum()),
        },
        "losses": history.losses,
        **({"watched": history.watched} if any(history.watched) else {}),
        "data": {
            "fingerprint": dataset.fingerprint,
            "canonical": dataset.provenance == CANONICAL,
            "provenance": dataset.provenance,
        },
        "environment": {"python": platform.python_version(), "platform": f"{platform.system()} {platform.machine()}"}
        | {name: version(name) for name in LIBRARIES},
        "cost": {"train_seconds": round(history.seconds, 2), "resumed": history.resumed} | found.seconds
        | ({"watch_seconds": round(history.watch_seconds, 2)} if any(history.watched) else {}),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
    }  # fmt: skip
    return content if found.readings is None else content | {"study": found.readings}


def choose_device(name: str) -> torch.device:
    """ "auto" is CUDA where there is one, else the CPU; "cpu", "cuda" and "cuda:N" are taken at their word."""
    count = torch.cuda.device_count()
    if name == "auto":
        return torch.device("cuda", 0) if count else torch.device("cpu")
    kind, colon, number = name.partition(":")
    if kind not in ("cpu", "cuda") or colon and not (kind == "cuda" and number.isdecimal()):
        raise AdcganError(f"unknown device {name!r}: expected auto, cpu, cuda or cuda:N")
    if kind == "cuda" and int(number or 0) >= count:
        raise AdcganError(f"device {name}: torch finds {count or 'no'} CUDA device{'s' * (count > 1)} here; use auto")
    return torch.device("cuda", int(number or 0)) if kind == "cuda" else torch.device("cpu")


def device_description(device: torch.device) -> dict:
    """Kind, name and thread count, as recorded."""
    if device.type == "cuda":
        name = torch.cuda.get_device_name(device)
    else:
        name = _processor()
    return {"type": device.type, "name": name, "threads": torch.get_num_threads()}


@cache
def code_revision() -> dict:
    """Package version, Git revision, and whether the package's files differ from it; None outside a checkout.

    As they are at a process's first call, since that is about the code it has loaded: a checkout that changes under a
    long run is not what runs. `$ADCGAN_REVISION` stands in where a copy of the code has no Git beside it.
    """
    here = Path(__file__).parent

    def git(*arguments):
        done = subprocess.run(["git", "-C", str(here), *arguments], capture_output=True, text=True, timeout=60)
        return done.stdout.strip() if done.returncode == 0 else None

    try:
        tracked = git("ls-files", "--error-unmatch", Path(__file__).name)  # not merely inside somebody's repository
        revision, status = tracked and git("rev-parse", "HEAD"), git("status", "--porcelain", "--", ".")
    except (OSError, subprocess.TimeoutExpired):
        revision = status = None
    if revision is None:
        return {"version": __version__, "revision": os.environ.get("ADCGAN_REVISION"), "dirty": None}
    return {"version": __version__, "revision": revision, "dirty": bool(status)}


def _label(code):
    """A revision in one word."""
    return f"{code['revision'] or code['version']}{'+changed' * bool(code['dirty'])}"


def _processor():
    try:
        with open("/proc/cpuinfo") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _peak_memory(device):
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    unit = 1 if platform.system() == "Darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _half(name, values, cell):
    half = values.astype(np.float16)
    if not np.isfinite(half).all():
        raise AdcganError(
            f"{cell}: component {name} is not finite for {(~np.isfinite(half)).sum()} test images: not recorded"
        )
    return half


def _make_writable(directory):
    """Fail before hours of training, not after."""
    probe = directory / "probe.partial"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(b"")
        probe.unlink(missing_ok=True)  # another start on the same cell may have been as quick
    except OSError as error:
        raise AdcganError(
            f"{directory} cannot be written ({error.strerror or error}): "
            "mend the permissions or name another directory for runs"
        ) from error


def _integer(name, value):
    try:
        return int(value)
    except (TypeError, ValueError):
        raise AdcganError(f"option {name} is {value!r}: expected a whole number") from None


def _pictures(method, images, anomalous, scores, columns):
    """Rows of the sheet: the first images of each kind, and the most extreme ones, each over its reconstruction."""
    by_score = np.argsort(scores, kind="stable")
    chosen = {
        "normal": np.flatnonzero(~anomalous)[:columns],
        "anomalous": np.flatnonzero(anomalous)[:columns],
        "most normal": by_score[:columns],
        "most anomalous": by_score[::-1][:columns],
    }
    columns = min(len(rows) for rows in chosen.values())
    sheet = {}
    for name, rows in chosen.items():
        shown = images[rows[:columns]]
        sheet[name] = shown
        reconstruction = method.reconstruct(shown)
        if reconstruction is not None:
            sheet[f"{name}, reconstructed"] = reconstruction
    return sheet
