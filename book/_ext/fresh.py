"""Re-execute the pages when the records or the code behind them changed, and only then.

Sphinx rereads a page when its own text changed; the numbers here come from records. A digest of the records, of the
package and of the book's frame (contents, extensions, templates) decides instead.
"""

import hashlib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCES = (
    "runs/**/record.json",
    "build/runs/**/record.json",
    "benchmarks/results/*.json",
    "adcgan/**/*.py",
    "adcgan/**/*.csv",
    "adcgan/**/*.yaml",
    "book/_config.yml",
    "book/_toc.yml",
    "book/_ext/*.py",
    "book/_templates/*.html",
)


def digest() -> str:
    """SHA-256 over the names and bytes of everything the pages are computed from."""
    sha = hashlib.sha256()
    for pattern in SOURCES:
        for path in sorted(ROOT.glob(pattern)):
            sha.update(f"{path.relative_to(ROOT)}\0".encode())
            sha.update(path.read_bytes())
    return sha.hexdigest()


def outdated(app, env, added, changed, removed):
    """Every page, where the digest is not the one of the last build."""
    now = digest()
    before = getattr(env, "adcgan_digest", None)
    env.adcgan_digest = now
    return [] if now == before else sorted(env.found_docs)


def setup(app):
    """Register with Sphinx."""
    app.connect("env-get-outdated", outdated)
    return {"parallel_read_safe": True, "parallel_write_safe": True, "version": "1"}
