"""Epochs, checkpoints, resume: how any method is trained. Nothing here knows which method it is.

A run is reproducible to the bit on a CPU (same thread count): the order of the images depends on (seed, epoch)
alone, everything else on torch's generators, which the checkpoint of every epoch carries.
"""

import math
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from .errors import AdcganError
from .methods.base import Baseline, Method
from .stepping import Eager, stepper


class Diverged(AdcganError):
    """A loss that is not finite: the training stops and leaves no result."""


class OutOfTime(AdcganError):
    """The time box is full: the training stopped at a checkpoint and can be continued."""


@dataclass
class History:
    """``losses``: one dictionary of epoch means per epoch; ``auroc``: one of the AUROCs read after it, empty where none
    was. Over all sittings: ``seconds`` and ``processor_seconds`` of training, ``auroc_seconds`` of reading AUROCs.
    ``codes``: the revisions of the code that trained, in order. ``ended``: why the training ended, see `Training`.
    """

    losses: list[dict[str, float]] = field(default_factory=list)
    auroc: list[dict[str, float]] = field(default_factory=list)
    seconds: float = 0.0
    processor_seconds: float = 0.0
    auroc_seconds: float = 0.0
    resumed: int = 0
    codes: list[str] = field(default_factory=list)
    ended: str = ""


class Training:
    """One training on uint8 ``images`` (N, H, H, C), to be advanced step by step; `train` does it in one go.

    Continues from ``checkpoint`` where it exists, after checking that its ``identity`` is this run's; ``code``, the
    revision that trains, may be another, and the history says so. ``after_epoch`` reads AUROCs off the networks after
    every epoch and must leave them as they are; the training makes no use of it. With ``repeat`` an epoch has
    ``epoch_images`` also where there are fewer: they come again, in another order; ``quiet`` prints nothing.

    It ends by its "budget" of epochs, by an "early stop", or, where an early stop did not come, by the "cap" on the
    epochs. Raises `Diverged` when a loss is not finite, `OutOfTime` where the next epoch would not end before
    ``deadline`` (`time.monotonic`), AdcganError for a foreign or damaged checkpoint or too few images.
    """

    def __init__(
        self,
        method: Method,
        images: np.ndarray,
        *,
        seed: int,
        checkpoint: Path,
        identity: str,
        title: str,
        eager: bool = False,
        deadline: float | None = None,
        code: str = "",
        after_epoch: Callable[[], dict[str, float]] = dict,
        repeat: bool = False,
        quiet: bool = False,
    ):
        config = method.config
        self.method, self.seed, self.checkpoint, self.identity = method, seed, checkpoint, identity
        self.title, self.deadline, self.after_epoch, self.quiet = title, deadline, after_epoch, quiet
        self.images, self.held_out = _hold_out(images, config.validation_fraction)
        count = config.epoch_images or len(self.images)
        if not repeat:
            count = min(len(self.images), count)
        self.batches, self.rest = divmod(count, config.batch_size)
        if config.last_batch == "drop" or self.rest == 1:  # batch norm and the contrastive loss need two images
            self.rest = 0
        if not len(self.images):
            raise AdcganError(f"{title}: of {len(images)} normal training images all are held out: give a smaller "
                              f"validation_fraction than {config.validation_fraction}")  # fmt: skip
        self.passes = -(-count // len(self.images))
        if config.steps_per_epoch:
            self.batches, self.rest = config.steps_per_epoch, 0
            self.passes = -(-self.batches * config.batch_size // len(self.images))
        if config.patience and not len(self.held_out):
            raise AdcganError(
                f"{title}: of {len(images)} normal training images none is held out to watch the loss that stops the "
                f"training: give a larger validation_fraction than {config.validation_fraction}, or more images"
            )
        if self.batches + bool(self.rest) == 0:
            raise AdcganError(
                f"{title}: {count} normal training images do not fill a batch of {config.batch_size}: "
                "give a smaller batch_size or more images"
            )
        self.history = History()
        self.stepper = stepper(method, torch.as_tensor(self.images).to(method.device), eager)
        if checkpoint.exists():
            self.history = _load(checkpoint, identity, method, self.stepper)
        if not self.finished() and code not in self.history.codes[-1:]:
            self.history.codes.append(code)

    @property
    def images_per_epoch(self) -> int:
        """How many images an epoch's steps see."""
        return self.batches * self.method.config.batch_size + self.rest

    def finished(self) -> bool:
        """Whether the last epoch is done, or an early stop has come; `History.ended` says which."""
        config, history = self.method.config, self.history
        if config.patience and _stalled(history, self.method.monitored, config.patience):
            history.ended = "early stop"
        elif len(history.losses) >= config.total_epochs:
            history.ended = "cap" if config.patience else "budget"
        return bool(history.ended)

    def steps(self) -> Iterator[None]:
        """Train to the end; a pause after every step, a checkpoint after every epoch."""
        config, history = self.method.config, self.history
        count = self.batches + bool(self.rest)
        progress = Progress(self.title, config.total_epochs, count, history, self.quiet)
        try:
            yield from self._epochs(progress, count)
        finally:
            progress.close()

    def _epochs(self, progress, count):
        config, history = self.method.config, self.history
        while not self.finished():
            epoch = len(history.losses)
            self.check_time(1)
            started, processor = time.monotonic(), time.process_time()
            full, last = self.orders(epoch)
            self.method.train()
            self.method.begin_epoch(epoch)
            self.stepper.begin(full, epoch)
            for batch in range(count):
                self.check_time(0)
                self.stepper.step(last if batch == self.batches else None)
                progress.batch(self.stepper.sums, batch + 1)
                yield
            losses = {name: value / count for name, value in self.stepper.sums().items()}
            if len(self.held_out):
                losses |= self.method.validate(self.held_out)
            for name, value in losses.items():
                if not math.isfinite(value):
                    raise Diverged(
                        f"{self.title}: loss {name} is {value} in epoch {epoch + 1} of {config.total_epochs}: "
                        "nothing is recorded; try a lower learning rate, or another seed"
                    )
            history.losses.append(losses)
            history.seconds += time.monotonic() - started
            history.processor_seconds += time.process_time() - processor
            started = time.monotonic()
            history.auroc.append(self.after_epoch())
            history.auroc_seconds += time.monotonic() - started
            _save(self.checkpoint, self.identity, self.method, history, self.stepper)
            progress.epoch(history)

    def orders(self, epoch: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Rows of the images in each full batch, (batches, N * shuffles), and in the incomplete last one."""
        size, full = self.method.config.batch_size, self.batches * self.method.config.batch_size
        orders = [_order(len(self.images), self.passes, self.seed, epoch, n) for n in range(self.method.shuffles)]
        batches = torch.cat([order[:full].view(-1, size) for order in orders], 1)
        return batches, torch.cat([order[full : full + self.rest] for order in orders])

    def check_time(self, epochs: float) -> None:
        """Stop before work as long as ``epochs`` epochs that would cross the deadline, by the epochs' mean time."""
        done = len(self.history.losses)
        each = (self.history.seconds + self.history.auroc_seconds) / done if done else 0.0
        if self.deadline is not None and time.monotonic() + epochs * each > self.deadline:
            raise OutOfTime(f"{self.title}: out of time after epoch {done}; the same command continues from there")


def train(method: Method, images: np.ndarray, **arguments) -> History:
    """Train ``method`` to the end; arguments as in `Training`."""
    training = Training(method, images, **arguments)
    for _ in training.steps():
        pass
    return training.history


def fit(baseline: Baseline, images: np.ndarray, *, seed: int) -> History:
    """Fit ``baseline`` on uint8 ``images`` (N, H, H, C): no epochs, no losses, a time."""
    started, processor = time.monotonic(), time.process_time()
    try:
        baseline.fit(images, seed)
    except ValueError as error:  # scikit-learn's, in one line
        reason = str(error).splitlines()[0]
        raise AdcganError(f"{type(baseline).__name__} cannot learn from {len(images)} images: {reason}") from error
    return History(
        seconds=time.monotonic() - started, processor_seconds=time.process_time() - processor, ended="budget"
    )


def _hold_out(images, fraction):
    """The last ``fraction`` of the images, as stored (open choice: the 10 % for validation)."""
    held = round(len(images) * fraction)
    return images[: len(images) - held], images[len(images) - held :]


def _order(count, passes, seed, epoch, shuffle):
    """Rows of the images, shuffled again in every pass, from (seed, epoch, shuffle) alone."""
    entropy = [seed, epoch, shuffle] if shuffle else [seed, epoch]
    state = int(np.random.SeedSequence(entropy).generate_state(1, np.uint64)[0])
    generator = torch.Generator().manual_seed(state)
    return torch.cat([torch.randperm(count, generator=generator) for _ in range(passes)])


def _stalled(history, name, patience):
    """Whether the watched loss has not fallen for more than ``patience`` epochs."""
    watched = [epoch[name] for epoch in history.losses]
    return bool(watched) and len(watched) - 1 - int(np.argmin(watched)) > patience


def _save(path, identity, method, history, stepper: Eager):
    """The whole state, written aside and renamed: the file is always complete."""
    state = {
        "identity": identity,
        "method": method.state(),
        "random": torch.get_rng_state(),
        "random_cuda": stepper.random_state(),
        "history": asdict(history),
    }
    partial = path.with_name(path.name + ".partial")
    try:
        with open(partial, "wb") as file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except (OSError, RuntimeError) as error:  # torch reports a failed write as RuntimeError
        with suppress(OSError):  # the disk may have become read-only: the error below says so
            partial.unlink(missing_ok=True)
        raise AdcganError(
            f"checkpoint {path} cannot be written ({error}): free space or choose another place"
        ) from error


def _load(path, identity, method, stepper: Eager):
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        found = state["identity"]
        if found == identity:
            method.load_state(state["method"])
            history = History(**state["history"])
    except Exception as error:  # torch raises many kinds for a damaged file, and for weights of other networks
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise AdcganError(f"checkpoint {path} cannot be read ({reason}): remove it to start this run again") from error
    if found != identity:
        raise AdcganError(
            f"checkpoint {path} is of another run ({found}; expected {identity}): remove it to start again"
        )
    torch.set_rng_state(state["random"])
    stepper.set_random_state(state["random_cuda"])
    history.resumed += 1
    return history


class Progress:
    """A bar with the losses on a terminal, a plain line per epoch elsewhere; both with the time left."""

    def __init__(self, title: str, epochs: int, batches: int, history: History, quiet: bool = False):
        self.title, self.epochs, self.batches, self.done = title, epochs, batches, len(history.losses)
        self.started = self.before = time.monotonic()
        self.first, self.shown = len(history.losses), 0.0
        self.bar, self.quiet = None, quiet
        if quiet:
            return
        if self.first:
            print(f"{title}: continues after epoch {self.first} of {epochs}", file=sys.stderr, flush=True)
        if sys.stderr.isatty():
            total, initial = epochs * batches, self.first * batches
            self.bar = tqdm(total=total, initial=initial, desc=title, unit="batch", dynamic_ncols=True)

    def batch(self, sums: Callable[[], dict], count: int) -> None:
        """After each batch, the epoch's ``count``-th; reads the losses off the device at most once a second."""
        if self.bar is None:
            return
        self.bar.update()
        if time.monotonic() - self.shown > 1:
            self.shown = time.monotonic()
            self.bar.set_postfix_str(_losses({name: value / count for name, value in sums().items()}))

    def epoch(self, history: History) -> None:
        """After each epoch; the time left is at its pace, as an adversarial epoch takes several times a warm-up one."""
        self.done += 1
        now = time.monotonic()
        pace, self.before = now - self.before, now
        if self.bar is not None or self.quiet:
            return
        print(
            f"{self.title}: epoch {self.done}/{self.epochs}, {_losses(history.losses[-1])}, "
            f"{now - self.started:.0f} s, about {pace * (self.epochs - self.done):.0f} s left",
            file=sys.stderr,
            flush=True,
        )

    def close(self) -> None:
        """Leave the terminal as it was."""
        if self.bar is not None:
            self.bar.close()


def _losses(values):
    return " ".join(f"{name} {value:.3g}" for name, value in values.items())
