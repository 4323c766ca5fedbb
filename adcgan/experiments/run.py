"""One run from data to record, and lists of runs as users name them."""

import glob
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch
from filelock import FileLock, Timeout

from .. import methods, training
from ..config import configure, settle
from ..data import datasets, schemes
from ..data.datasets import CANONICAL, Dataset
from ..data.preprocessing import pad_shrink
from ..errors import AdcganError
from ..methods.base import Baseline, Method
from ..scoring import auroc, normality_score, with_scores
from . import model_file
from .provenance import choose_device, code_revision, device_description, environment, peak_memory, revision_label
from .records import (
    CHECKPOINT,
    LOCK,
    MODEL,
    RECORD,
    Record,
    Run,
    find,
    read,
    stale_noise,
    write,
)

COLUMNS = 8  # pictures in a row of a record's sheet: of seed 0, which the gallery shows
FEW_COLUMNS = 2  # of other seeds: a whole sheet for each would fill the repository
PER_EPOCH = 1000  # test images of either kind, at most, that are scored after each epoch
SPREAD = 256  # test images whose spread is measured; of a method that searches, those of the sheet of pictures


class Busy(AdcganError):
    """Another process is running it."""


def requested(
    method: str,
    dataset: str,
    scheme: str,
    classes: list,
    seeds: list[int],
    options: dict | None = None,
    *,
    recipe: str | None = None,
    scale: str | None = None,
    repeat: int = 0,
) -> tuple[Dataset, list[Run]]:
    """The data set and the runs of (classes x seeds), everything checked before any work.

    ``classes`` by number or name, empty for all; ``options``, ``recipe`` and ``scale`` as `adcgan.config.configure`
    takes them.
    """
    recipe, scale = settle(method, recipe, scale)
    options = dict(options or {})
    format = {name: _integer(name, options.pop(name)) for name in ("image_size", "channels") if name in options}
    # The names first: a misspelt option should not wait for a download.
    given = dict(recipe=recipe, scale=scale) | options
    configure(method, scheme, format.get("image_size", 28), format.get("channels", 1), **given)
    loaded = datasets.load(dataset, **format)
    config = configure(method, scheme, loaded.image_size, loaded.channels, **given)
    labels = [loaded.class_index(name) for name in classes] or list(range(len(loaded.classes)))
    for seed in seeds:
        if type(seed) is not int or not 0 <= seed < 2**32:  # scikit-learn's bound, the lowest
            raise AdcganError(f"seed {seed!r}: expected a whole number from 0 to {2**32 - 1}")
    if not seeds:
        raise AdcganError("no seed given: expected at least one, as in seeds 0 1 2")
    places = ((label, seed) for label in labels for seed in seeds)
    planned = [Run(method, loaded.name, scheme, *place, config, recipe, scale, repeat) for place in places]
    for run in planned:
        schemes.make_split(loaded, scheme, run.label, config.test_set)
    return loaded, planned


def execute(run: Run, dataset: Dataset, runs: Path, device: str = "auto", **how) -> Record:
    """The run's record: read where it exists, otherwise trained (or resumed), scored and written.

    ``how`` is as in `work`.
    """
    steps = work(run, dataset, runs, device, **how)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def work(
    run: Run,
    dataset: Dataset,
    runs: Path,
    device: str = "auto",
    *,
    eager: bool = False,
    deadline: float | None = None,
) -> Generator[None, None, Record]:
    """What `execute` does, a training step at a time: the record is the generator's return value.

    ``eager`` keeps a CUDA training from being captured (`adcgan.stepping`); ``deadline`` is a time of
    `time.monotonic` that no epoch should cross (`adcgan.training.OutOfTime`). Raises `Busy` where another process
    has the run in work, AdcganError where its record is of other data.
    """
    directory = run.directory(runs)
    if (done := _existing(run, dataset, runs)) is not None:
        return done
    _refuse_namesake(run, dataset, runs)
    with held(run, directory):
        if (done := _existing(run, dataset, runs)) is not None:  # ended elsewhere just before
            return done
        return (yield from _measure(run, dataset, runs, choose_device(device), eager, deadline))


@contextmanager
def held(run: Run, directory: Path) -> Iterator[None]:
    """Have the run's directory to oneself. Raises `Busy` where another process has it."""
    _make_writable(directory)
    try:
        lock = FileLock(directory / LOCK).acquire(timeout=0)  # a killed process does not keep it
    except Timeout:
        raise Busy(f"{run} is already running ({directory / LOCK} is held): wait for its end") from None
    with lock:
        yield


def _existing(run, dataset, runs):
    """The run's record, None where there is none. Raises AdcganError where it is of other data."""
    if (done := find(run, runs)) is not None:
        check_data(done, dataset)
        if (checkpoint := done.directory / CHECKPOINT).exists():  # of a process killed between the two
            checkpoint.unlink(missing_ok=True)
    return done


def _refuse_namesake(run, dataset, runs):
    """Raise AdcganError where ``runs`` has a record of another folder of this name: both would be one data set."""
    if dataset.name in datasets.DATASETS:
        return
    for path in sorted(runs.glob(f"*/*/{glob.escape(dataset.name)}/*/*/*/{RECORD}")):
        record = read(path, runs)
        if (record.run.config.image_size, record.run.config.channels) == (dataset.image_size, dataset.channels):
            return check_data(record, dataset)


def check_data(record: Record, dataset: Dataset) -> None:
    """Raise AdcganError where ``record`` was measured on other bytes than ``dataset``'s."""
    if (measured_on := record.content["data"]["fingerprint"]) != dataset.fingerprint:
        raise AdcganError(
            f"{record.directory} was measured on other data (fingerprint {measured_on[:8]}, now "
            f"{dataset.fingerprint[:8]}): name another directory for runs, or use that data"
        )


def _measure(run, dataset, runs, where, eager, deadline):
    """Train, score and record: a step at a time, the record is the generator's return value."""
    code = code_revision()
    split = images_of(run, dataset)
    checkpoint = run.directory(runs) / CHECKPOINT
    identity = f"{run} {run.digest[:8]} data {dataset.fingerprint[:8]}"
    if where.type == "cuda":
        torch.cuda.reset_peak_memory_stats(where)
    content, path = {}, None
    with torch.random.fork_rng(devices=[where] if where.type == "cuda" else []):
        torch.manual_seed(run.seed)
        method = methods.build(run.method, run.config, where)
        if isinstance(method, Baseline):
            history = training.fit(method, split.train, seed=run.seed)
        else:
            few = PerEpoch(method, split)
            session = training.Training(
                method, split.train, seed=run.seed, checkpoint=checkpoint, identity=identity, title=str(run),
                eager=eager, deadline=deadline, code=revision_label(code), after_epoch=few.auroc,
            )  # fmt: skip
            few.limit(session.images_per_epoch)
            yield from session.steps()
            session.check_time(method.scoring_cost * len(split.test) / session.images_per_epoch)
            history, path = session.history, session.stepper.name
            steps = len(history.losses) * (session.batches + bool(session.rest))
            if few.count:
                content["per_epoch"] = {"images": few.count, "auroc": history.auroc}
        found = _score(run, method, split)
    content |= _content(run, dataset, split, history, found)
    if isinstance(method, Method):
        content["cost"]["steps"] = steps
        sha = model_file.save(run.directory(runs) / MODEL, method, content["run"], content["data"])
        content["model"] = {"file": MODEL, "sha256": sha}
    if earlier := [label for label in history.codes if label != revision_label(code)]:
        code = code | {"earlier": earlier}
    content["code"], content["device"] = code, device_description(where) | ({"path": path} if path else {})
    content["cost"]["peak_memory_bytes"] = peak_memory(where)
    arrays = {"labels": split.test_labels.astype(np.uint16), "anomalous": split.anomalous, **found.arrays}
    record = write(run, runs, content, arrays, found.pictures)
    checkpoint.unlink(missing_ok=True)
    return record


def images_of(run: Run, dataset: Dataset) -> schemes.Split:
    """The run's split, prepared as its options say."""
    split = schemes.make_split(dataset, run.scheme, run.label, run.config.test_set)
    if run.config.test_images:
        split = schemes.subsample(split, run.config.test_images)
    if run.config.test_order == "normal-first":
        split = schemes.normal_first(split)
    if run.config.preprocessing == "pad-shrink":
        split = replace(split, train=pad_shrink(split.train), test=pad_shrink(split.test))
    return split


class PerEpoch:
    """The AUROC after every epoch, on a few test images: a diagnostic that uses labels, so nothing follows from it.

    ``count`` images of either kind at most, so few that reading them costs a small part of the epoch; 0 for a method
    that searches for every image.
    """

    def __init__(self, method: Method, split: schemes.Split):
        self.method, self.split, self.count = method, split, 0

    def limit(self, images_per_epoch: int) -> None:
        """Take at most a fifth as many images of either kind as an epoch trains on: less than a tenth of its time."""
        self.count = 0 if self.method.searches else min(PER_EPOCH, max(1, images_per_epoch // 5))
        rows = schemes.per_epoch_rows(self.split.anomalous, self.count)
        self.images, self.anomalous = self.split.test[rows], self.split.anomalous[rows]

    def auroc(self) -> dict[str, float]:
        """AUROC of NS and of each component, fractions; empty where none is read or a score is not finite."""
        if not self.count:
            return {}
        values = with_scores(self.method.config, self.method.score(self.images))
        if not all(np.isfinite(some).all() for some in values.values()):  # the training ends as without this
            return {}
        return {name: round(auroc(self.anomalous, some), 5) for name, some in values.items()}


@dataclass(frozen=True)
class _Found:
    """What a trained method gives, in the precision that is stored; ``arrays``: components and outputs of D_z."""

    components: dict[str, np.ndarray]
    arrays: dict[str, np.ndarray]
    pictures: dict[str, np.ndarray]
    scores: np.ndarray
    extra: dict
    cost: dict[str, float]


def _score(run, method, split):
    """Scores, pictures and spread; under recipe script the stale noise, which alone is told the labels."""
    started, processor = time.monotonic(), time.process_time()
    components = method.score(split.test)
    # Everything below is computed from the half-precision values that are stored: exactly traceable.
    components = {name: _half(name, values, run) for name, values in components.items()}
    scores = normality_score(run.config, components).astype(np.float32)
    arrays, extra = dict(components), {}
    if run.recipe == "script" and run.config.latent_pair == "marginal":
        from ..diagnostics.stale_noise import outputs

        D_z = {name: _half(name, values, run) for name, values in outputs(method, split.test).items()}
        arrays |= D_z
        extra["stale_noise"] = stale_noise(run.config, components, D_z, split.anomalous)
    cost = {
        "score_seconds": round(time.monotonic() - started, 2),
        "score_processor_seconds": round(time.process_time() - processor, 2),
    }
    pictures = _pictures(method, split.test, split.anomalous, scores, FEW_COLUMNS if run.seed else COLUMNS)
    if spread := _spread(method, split.test, pictures):
        extra["spread"] = spread
    return _Found(components, arrays, pictures, scores, extra, cost)


def _spread(method, images, pictures):
    """How far images differ from each other, and how far their reconstructions do; None without reconstructions."""
    if getattr(method, "searches", False):
        kinds = ("normal", "anomalous")
        images = np.concatenate([pictures[kind] for kind in kinds])
        reconstructions = np.concatenate([pictures[f"{kind}, reconstructed"] for kind in kinds])
    else:
        images = images[np.linspace(0, len(images) - 1, min(SPREAD, len(images))).astype(int)]
        reconstructions = method.reconstruct(images)
    if reconstructions is None:
        return None
    both = {"images": images, "reconstructions": reconstructions}
    return {name: round(float(np.sqrt((some / 255).var(0).mean())), 5) for name, some in both.items()}


def _content(run, dataset, split, history, found):
    """What record.json says of the run, its images, losses, scores and cost; all but the code and the device."""
    return {
        "run": {
            "method": run.method, "recipe": run.recipe, "scale": run.scale, "dataset": run.dataset,
            "scheme": run.scheme, "label": run.label, "class_name": dataset.classes[run.label], "seed": run.seed,
        } | ({"repeat": run.repeat} if run.repeat else {}),
        "config": run.config.to_dict(),
        "changes": run.changes,
        "digest": run.digest,
        "auroc": {
            name: auroc(split.anomalous, values) for name, values in {"NS": found.scores, **found.components}.items()
        },
        "images": {
            "train": len(split.train),
            "test_normal": int((~split.anomalous).sum()),
            "test_anomalous": int(split.anomalous.sum()),
        },
        "losses": history.losses,
        "ended": history.ended,
        "data": {
            "fingerprint": dataset.fingerprint,
            "canonical": dataset.provenance == CANONICAL,
            "provenance": dataset.provenance,
        },
        "environment": environment(),
        "cost": {
            "train_seconds": round(history.seconds, 2), "train_processor_seconds": round(history.processor_seconds, 2),
            "resumed": history.resumed,
        } | found.cost
        | ({"per_epoch_seconds": round(history.auroc_seconds, 2)} if any(history.auroc) else {}),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
    } | found.extra  # fmt: skip


def _half(name, values, run):
    half = values.astype(np.float16)
    if not np.isfinite(half).all():
        raise AdcganError(
            f"{run}: component {name} is not finite for {(~np.isfinite(half)).sum()} test images: not recorded"
        )
    return half


def _make_writable(directory):
    """Fail before hours of training, not after."""
    probe = directory / "probe.partial"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(b"")
        probe.unlink(missing_ok=True)  # another start on the same run may have been as quick
    except OSError as error:
        raise AdcganError(
            f"{directory} cannot be written ({error.strerror or error}): "
            "mend the permissions or name another directory for runs"
        ) from error


def _integer(name, value):
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
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
