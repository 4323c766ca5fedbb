"""Epochs, checkpoints, resume: how any method is trained. Nothing here knows which method it is.

A run is reproducible to the bit on a CPU (same thread count): the order of the images depends on (seed, epoch)
alone, everything else on torch's generators, which the checkpoint of every epoch carries.
"""

import math
import os
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from .errors import AdcganError
from .methods import Method, Yardstick


class Diverged(AdcganError):
    """A loss that is not finite: the training stops and leaves no result."""


@dataclass
class History:
    """``losses``: one dictionary of epoch means per epoch; ``seconds``: training time over all sittings."""

    losses: list[dict[str, float]] = field(default_factory=list)
    seconds: float = 0.0
    resumed: int = 0


def train(method: Method, images: np.ndarray, *, seed: int, checkpoint: Path, identity: str, title: str) -> History:
    """Train ``method`` on uint8 ``images`` (N, H, H, C) to its configured number of epochs.

    Continues from ``checkpoint`` where it exists, after checking that its ``identity`` is this run's. Raises
    `Diverged` when a loss is not finite, AdcganError for a foreign or damaged checkpoint or too few images.
    """
    config = method.config
    images, held_out = _hold_out(images, config.validation_fraction)
    batches, rest = divmod(len(images), config.batch_size)
    if config.last_batch == "keep" and rest > 1:  # batch norm and the contrastive loss need two images
        batches += 1
    if batches == 0:
        raise AdcganError(
            f"{title}: {len(images)} normal training images do not fill a batch of {config.batch_size}: "
            "give a smaller batch_size or more images"
        )
    passes = 1
    if config.steps_per_epoch:
        batches = config.steps_per_epoch
        passes = -(-batches * config.batch_size // len(images))
    history = History()
    if checkpoint.exists():
        history = _load(checkpoint, identity, method)
    store = torch.as_tensor(images).to(method.device)
    progress = Progress(title, config.total_epochs, batches, history)
    for epoch in range(len(history.losses), config.total_epochs):
        if config.patience and _stalled(history, method.monitored, config.patience):
            break
        started = time.monotonic()
        orders = [_order(len(images), passes, seed, epoch, n) for n in range(method.shuffles)]
        sums: dict[str, torch.Tensor] = {}
        method.train()
        method.begin_epoch(epoch)
        for batch in range(batches):
            part = slice(batch * config.batch_size, (batch + 1) * config.batch_size)
            rows = torch.cat([order[part] for order in orders]).to(method.device)
            log = method.step(method.pixels(store[rows]), epoch)
            for name, value in log.items():
                sums[name] = sums[name] + value if name in sums else value.clone()
            progress.batch(log)
        losses = {name: value.item() / batches for name, value in sums.items()}
        for name, value in losses.items():
            if not math.isfinite(value):
                raise Diverged(
                    f"{title}: loss {name} is {value} in epoch {epoch + 1} of {config.total_epochs}: "
                    "nothing is recorded; try a lower learning rate, or another seed"
                )
        if len(held_out):
            losses |= method.validate(held_out)
        history.losses.append(losses)
        history.seconds += time.monotonic() - started
        _save(checkpoint, identity, method, history)
        progress.epoch(history)
    progress.close()
    return history


def fit(yardstick: Yardstick, images: np.ndarray, *, seed: int) -> History:
    """Fit ``yardstick`` on uint8 ``images`` (N, H, H, C): no epochs, no losses, a time."""
    started = time.monotonic()
    yardstick.fit(images, seed)
    return History(seconds=time.monotonic() - started)


def _hold_out(images, fraction):
    """The last ``fraction`` of the images, as stored: register row 32."""
    held = round(len(images) * fraction)
    return images[: len(images) - held], images[len(images) - held :]


def _order(count, passes, seed, epoch, shuffle):
    """Rows of the images, shuffled anew in every pass, from (seed, epoch, shuffle) alone."""
    entropy = [seed, epoch, shuffle] if shuffle else [seed, epoch]
    state = int(np.random.SeedSequence(entropy).generate_state(1, np.uint64)[0])
    generator = torch.Generator().manual_seed(state)
    return torch.cat([torch.randperm(count, generator=generator) for _ in range(passes)])


def _stalled(history, name, patience):
    """Whether the watched loss has not fallen for more than ``patience`` epochs."""
    watched = [epoch[name] for epoch in history.losses]
    return bool(watched) and len(watched) - 1 - int(np.argmin(watched)) > patience


def _save(path, identity, method, history):
    """The whole state, written aside and renamed: the file is always complete."""
    state = {
        "identity": identity,
        "method": method.state(),
        "random": torch.get_rng_state(),
        "random_cuda": torch.cuda.get_rng_state(method.device) if method.device.type == "cuda" else None,
        "losses": history.losses,
        "seconds": history.seconds,
        "resumed": history.resumed,
    }
    partial = path.with_name(path.name + ".partial")
    try:
        with open(partial, "wb") as file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except (OSError, RuntimeError) as error:  # torch reports a failed write as RuntimeError
        partial.unlink(missing_ok=True)
        raise AdcganError(
            f"checkpoint {path} cannot be written ({error}): free space or choose another --runs"
        ) from error


def _load(path, identity, method):
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        found = state["identity"]
        if found == identity:
            method.load_state(state["method"])
    except Exception as error:  # torch raises many kinds for a damaged file, and for weights of other networks
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise AdcganError(f"checkpoint {path} cannot be read ({reason}): remove it to start this cell again") from error
    if found != identity:
        raise AdcganError(
            f"checkpoint {path} is of another run ({found}; expected {identity}): remove it to start again"
        )
    torch.set_rng_state(state["random"])
    if method.device.type == "cuda" and state["random_cuda"] is not None:
        torch.cuda.set_rng_state(state["random_cuda"], method.device)
    return History(state["losses"], state["seconds"], state["resumed"] + 1)


class Progress:
    """A bar with the losses on a terminal, a plain line per epoch elsewhere; both with the time left."""

    def __init__(self, title: str, epochs: int, batches: int, history: History):
        self.title, self.epochs, self.batches, self.done = title, epochs, batches, len(history.losses)
        self.started, self.first = time.monotonic(), len(history.losses)
        self.seen, self.shown = 0, 0.0
        self.bar = None
        if self.first:
            print(f"{title}: continues after epoch {self.first} of {epochs}", file=sys.stderr, flush=True)
        if sys.stderr.isatty():
            total, initial = epochs * batches, self.first * batches
            self.bar = tqdm(total=total, initial=initial, desc=title, unit="batch", dynamic_ncols=True)

    def batch(self, log: dict) -> None:
        """After each batch; reads the losses off the device at most once a second."""
        if self.bar is None:
            return
        self.bar.update()
        if time.monotonic() - self.shown > 1:
            self.shown = time.monotonic()
            self.bar.set_postfix_str(_losses({name: float(value) for name, value in log.items()}))

    def epoch(self, history: History) -> None:
        """After each epoch."""
        self.done += 1
        if self.bar is not None:
            return
        elapsed = time.monotonic() - self.started
        left = elapsed / (self.done - self.first) * (self.epochs - self.done)
        print(
            f"{self.title}: epoch {self.done}/{self.epochs}, {_losses(history.losses[-1])}, "
            f"{elapsed:.0f} s, about {left:.0f} s left",
            file=sys.stderr,
            flush=True,
        )

    def close(self) -> None:
        """Leave the terminal as it was."""
        if self.bar is not None:
            self.bar.close()


def _losses(values):
    return " ".join(f"{name} {value:.3g}" for name, value in values.items())
