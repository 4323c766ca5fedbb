"""What a run was done with: device, code, environment."""

import os
import platform
import resource
import subprocess
from functools import cache
from importlib.metadata import version
from pathlib import Path

import torch

from .. import __version__
from ..errors import AdcganError

LIBRARIES = ("torch", "numpy", "scipy", "scikit-learn", "pillow")


def choose_device(name: str) -> torch.device:
    """ "auto" is CUDA where there is one, else the CPU; the other names are taken at their word.

    "mps" is Apple's GPU: the step as written, in float32. It has never been run.
    """
    count = torch.cuda.device_count()
    if name == "mps":
        if not torch.backends.mps.is_available():
            raise AdcganError("device mps: torch finds no GPU of Apple here; use auto")
        return torch.device("mps")
    if name == "auto":
        return torch.device("cuda", 0) if count else torch.device("cpu")
    kind, colon, number = name.partition(":")
    if kind not in ("cpu", "cuda") or colon and not (kind == "cuda" and number.isdecimal()):
        raise AdcganError(f"unknown device {name!r}: expected auto, cpu, cuda, cuda:N or mps")
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
    package = Path(__file__).parents[1]

    def git(*arguments):
        done = subprocess.run(["git", "-C", str(package), *arguments], capture_output=True, text=True, timeout=60)
        return done.stdout.strip() if done.returncode == 0 else None

    try:
        tracked = git("ls-files", "--error-unmatch", "__init__.py")  # not merely inside somebody's repository
        revision, status = tracked and git("rev-parse", "HEAD"), git("status", "--porcelain", "--", ".")
    except (OSError, subprocess.TimeoutExpired):
        revision = status = None
    if revision is None:
        return {"version": __version__, "revision": os.environ.get("ADCGAN_REVISION"), "dirty": None}
    return {"version": __version__, "revision": revision, "dirty": bool(status)}


def revision_label(code: dict) -> str:
    """A revision in one word."""
    return f"{code['revision'] or code['version']}{'+changed' * bool(code['dirty'])}"


def environment() -> dict[str, str]:
    """Versions of Python and of the libraries that move a number, and the platform."""
    return {"python": platform.python_version(), "platform": f"{platform.system()} {platform.machine()}"} | {
        name: version(name) for name in LIBRARIES
    }


def _processor():
    try:
        with open("/proc/cpuinfo") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def peak_memory(device: torch.device) -> int:
    """Bytes at this process's peak, on a GPU of its memory."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    unit = 1 if platform.system() == "Darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
