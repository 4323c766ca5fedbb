"""Places on this machine's GPUs, so that processes started apart share them."""

import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from ..errors import AdcganError


def directory() -> Path:
    """Where the locks are: `$ADCGAN_LEASES`, or a directory of this user's."""
    return Path(os.environ.get("ADCGAN_LEASES") or Path(tempfile.gettempdir()) / f"adcgan-leases-{os.getuid()}")


@contextmanager
def slot(devices: Sequence[str], slots: int, patience: float = float("inf")) -> Iterator[int]:
    """Wait for a GPU with a free slot, of ``slots`` each; the place of that GPU in ``devices``.

    ``devices`` are names that mean the same GPU to every process of the machine (UUIDs; a number would depend on
    CUDA_VISIBLE_DEVICES). A killed process frees its slot. Raises AdcganError after ``patience`` seconds without one,
    or where there is no GPU at all.
    """
    if not devices:
        raise AdcganError("no CUDA device to share: leave --slots out, or run where torch finds one")
    give_up = time.monotonic() + patience
    while True:
        for number in range(slots):  # first slots of all devices, then second ones: the load spreads
            for place, device in enumerate(devices):
                try:
                    with FileLock(directory() / f"{device}-slot{number}.lock", timeout=0):
                        yield place
                        return
                except Timeout:
                    pass
        if time.monotonic() > give_up:
            raise AdcganError(f"all {slots} slots of {len(devices)} GPUs are taken: wait, or raise --slots")
        time.sleep(0.2)
