"""One cell from data to record, and lists of cells as users name them."""

import os
import platform
import resource
import subprocess
import time
from collections.abc import Generator
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch

from . import __version__, data, methods, training
from .config import configure
from .data import CANONICAL, Dataset
from .errors import AdcganError
from .evaluation import auroc
from .images import pad_shrink
from .lease import held
from .records import CHECKPOINT, Cell, Record, find, write
from .scores import normality_score

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
        data.make_split(loaded, scheme, cell.label, config.test_set)
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
    done = find(cell, runs)
    if done is not None:
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
    split = data.make_split(dataset, cell.scheme, cell.label, cell.config.test_set)
    if cell.config.test_images:
        split = data.subsample(split, cell.config.test_images)
    train, test, left_out = split.train, split.test, dataset.train_images[split.left_out]
    if cell.config.preprocessing == "pad-shrink":
        train, test, left_out = pad_shrink(train), pad_shrink(test), pad_shrink(left_out)
    checkpoint = cell.directory(runs) / CHECKPOINT
    identity = f"{cell} {cell.digest[:8]} data {dataset.fingerprint[:8]}"
    if where.type == "cuda":
        torch.cuda.reset_peak_memory_stats(where)
    path = None
    with torch.random.fork_rng(devices=[where] if where.type == "cuda" else []):
        torch.manual_seed(cell.seed)
        method = methods.build(cell.method, cell.config, where)
        if isinstance(method, methods.Yardstick):
            history = training.fit(method, train, seed=cell.seed)
        else:
            session = training.Training(
                method, train, seed=cell.seed, checkpoint=checkpoint, identity=identity, title=str(cell),
                eager=eager, deadline=deadline,
            )  # fmt: skip
            yield from session.steps()
            session.check_time(method.scoring_cost * len(test) / session.images_per_epoch)
            history, path = session.history, session.stepper.name
        started = time.monotonic()
        components = method.score(test, split.anomalous)
        score_seconds = time.monotonic() - started
        started = time.monotonic()
        study = method.study(test, split.test_labels, split.anomalous, left_out)
        study_seconds = time.monotonic() - started
        walk = method.walk(test[[split.anomalous.argmin(), split.anomalous.argmax()]])  # the first of each kind
        # Everything below is computed from the half-precision values that are stored: exactly traceable.
        components = {name: _half(name, values, cell) for name, values in components.items()}
        scores = normality_score(cell.config, components).astype(np.float32)
        rows = _pictures(method, test, split.anomalous, scores, FEW_COLUMNS if cell.seed else COLUMNS)
    content = {
        "cell": {
            "method": cell.method, "dataset": cell.dataset, "scheme": cell.scheme, "label": cell.label,
            "class_name": dataset.classes[cell.label], "seed": cell.seed,
        },
        "config": cell.config.to_dict(),
        "departures": cell.departures,
        "digest": cell.digest,
        "auroc": {name: auroc(split.anomalous, values) for name, values in {"NS": scores, **components}.items()},
        "images": {
            "train": len(train),
            "test_normal": int((~split.anomalous).sum()),
            "test_anomalous": int(split.anomalous.sum()),
        },
        "losses": history.losses,
        "data": {
            "fingerprint": dataset.fingerprint,
            "canonical": dataset.provenance == CANONICAL,
            "provenance": dataset.provenance,
        },
        "code": code,
        "environment": {"python": platform.python_version(), "platform": f"{platform.system()} {platform.machine()}"}
        | {name: version(name) for name in LIBRARIES},
        "device": device_description(where) | ({"path": path} if path else {}),
        "cost": {
            "train_seconds": round(history.seconds, 2),
            "score_seconds": round(score_seconds, 2),
            "peak_memory_bytes": _peak_memory(where),
            "resumed": history.resumed,
        },
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
    }  # fmt: skip
    arrays = {"labels": split.test_labels.astype(np.uint16), "anomalous": split.anomalous, **components}
    if study is not None:
        content["study"] = study.readings
        content["cost"]["study_seconds"] = round(study_seconds, 2)
        study = study.draws | {name: _half(name, values, cell) for name, values in study.images.items()}
    if walk is not None:
        walk = {name: values.astype(np.float16) for name, values in walk.items()}
    record = write(cell, runs, content, arrays, rows, study, walk)
    checkpoint.unlink(missing_ok=True)
    return record


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
