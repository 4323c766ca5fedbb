"""Locks that a killed process cannot leave behind: one per cell in work, one per slot of a GPU."""

import fcntl
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from .errors import AdcganError


@contextmanager
def held(path: Path) -> Iterator[bool]:
    """Whether this process got the lock at ``path``; it is released at the end of the block, or with the process."""
    path.parent.mkdir(parents=True, exist_ok=True)
    while True:
        with open(path, "a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
                return
            if not _is_at(file, path):
                continue  # its last holder removed it after it was opened here: that lock keeps nobody out
            try:
                yield True
            finally:
                path.unlink(missing_ok=True)
            return


@contextmanager
def turn(path: Path) -> Iterator[None]:
    """Wait until no other process is in a block with the same lock at ``path``, which stays there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _is_at(file, path):
    try:
        return os.path.samestat(os.fstat(file.fileno()), os.stat(path))
    except FileNotFoundError:
        return False


def directory() -> Path:
    """Where the slots of this machine's GPUs are kept: `$ADCGAN_LEASES`, or a directory of this user's."""
    return Path(os.environ.get("ADCGAN_LEASES") or Path(tempfile.gettempdir()) / f"adcgan-leases-{os.getuid()}")


@contextmanager
def slot(devices: Sequence[str], slots: int, patience: float = float("inf")) -> Iterator[int]:
    """The place in ``devices`` of a GPU with a free slot, of ``slots`` each; waits until one is free.

    ``devices`` are names that mean the same GPU to every process of the machine (UUIDs; a number would depend on
    CUDA_VISIBLE_DEVICES). Raises AdcganError after ``patience`` seconds without one, or where there is no GPU at all.
    """
    if not devices:
        raise AdcganError("no CUDA device to share: leave --slots out, or run where torch finds one")
    give_up = time.monotonic() + patience
    while True:
        for number in range(slots):  # first slots of all devices, then second ones: the load spreads
            for place, device in enumerate(devices):
                with held(directory() / f"{device}-slot{number}.lock") as mine:
                    if mine:
                        yield place
                        return
        if time.monotonic() > give_up:
            raise AdcganError(f"all {slots} slots of {len(devices)} GPUs are taken: wait, or raise --slots")
        time.sleep(0.2)
