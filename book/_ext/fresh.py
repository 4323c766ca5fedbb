"""Re-execute a page when the records or the code behind it changed, and only then.

Sphinx rereads a page when its own text changed; the numbers here come from records. A page says in its head what it
rests on besides the package (``rests_on: runs/adcgan build/runs``, directories from the repository's root); one that
says nothing rests on everything.
"""

import hashlib
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CODE = (
    "adcgan/**/*.py",
    "adcgan/**/*.csv",
    "adcgan/**/*.yaml",
    "book/companion/**/*.py",
    "book/companion/templates/*",
    "book/_ext/*.py",
    "CITATION.cff",
)
MEASURED = ("runs", "build/runs", "benchmarks/results")  # records, and diagnostics beside them
SOURCES = (*(f"{directory}/**/*.json" for directory in MEASURED), *CODE)
RESTS_ON = re.compile(r"\A---\n(?:.*\n)*?rests_on: *(.*)\n(?:.*\n)*?---\n")


@cache
def digest(patterns: tuple[str, ...] = SOURCES) -> str:
    """SHA-256 over the names and bytes of the files under the root that ``patterns`` give."""
    sha = hashlib.sha256()
    for pattern in patterns:
        for path in sorted(ROOT.glob(pattern)):
            sha.update(f"{path.relative_to(ROOT)}\0".encode())
            sha.update(path.read_bytes())
    return sha.hexdigest()


def patterns(text: str) -> tuple[str, ...]:
    """The files that a page with this source rests on, the package apart. Raises ValueError for an unknown place."""
    stated = RESTS_ON.match(text)
    directories = stated[1].split() if stated else MEASURED
    for directory in directories:
        if not any(f"{directory}/".startswith(f"{root}/") for root in MEASURED):
            raise ValueError(f"rests_on: {directory}: expected {', '.join(MEASURED)} or a directory below one")
    return tuple(f"{directory}/**/*.json" for directory in directories)


def records() -> tuple:
    """The records in runs/."""
    from companion.records import load

    return load(ROOT / "runs")


def outdated(app, env, added, changed, removed):
    """The pages whose digest is not the one of the last build."""
    digest.cache_clear()
    pages = [name for name in env.found_docs if not name.startswith("api/")]  # of the Reference: the source alone
    now = {name: digest((*CODE, *patterns(Path(env.doc2path(name)).read_text()))) for name in pages}
    before, env.adcgan_digests = getattr(env, "adcgan_digests", {}), now
    return sorted(name for name, value in now.items() if before.get(name) != value)


def setup(app):
    """Register with Sphinx."""
    app.connect("env-get-outdated", outdated)
    return {"parallel_read_safe": True, "parallel_write_safe": True, "version": "2"}
