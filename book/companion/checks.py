"""A claim in words carries a check: the build fails when this repository's records stop supporting it.

On a user's own records, which may say something else, the page shows a note instead.
"""

import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from adcgan.errors import AdcganError
from adcgan.experiments.records import Record

from .html import Html, joined, note


def checked(records: Sequence[Record], **claims: bool) -> Html:
    """Nothing where every claim holds; ``claims`` maps what is said, words joined by underscores, to whether it is so.

    Raises AdcganError for one that does not hold on this repository's records.
    """
    wrong = [name.replace("_", " ") for name, holds in claims.items() if not holds]
    if wrong and records and committed(records[0].directory.parents[5]):
        raise AdcganError(f"the page says {wrong[0]!r}, which runs/ does not support: write what it supports")
    return joined(note(f"On the records that these pages were made from this does not hold: {text}.") for text in wrong)


@cache
def committed(runs: Path) -> bool:
    """Whether ``runs`` holds what is committed beside it and nothing else."""
    try:
        tracked = _git(runs, "ls-files", "--error-unmatch", "format-1/SHA256SUMS")
        return tracked is not None and _git(runs, "status", "--porcelain", "--", ".") == ""
    except (OSError, subprocess.TimeoutExpired):
        return False


def _git(directory, *arguments):
    done = subprocess.run(["git", "-C", str(directory), *arguments], capture_output=True, text=True, timeout=60)
    return done.stdout.strip() if done.returncode == 0 else None
