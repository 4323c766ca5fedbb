"""What is made from records: pages of classes (`companion.pages.runs`) and of the gallery, and the tables as files.

Where neither the records, nor the code, nor the frame around the pages changed since they were made, nothing is done.
Else every record is read and verified, a page is written where what it says changed, and pages of runs that are gone
are removed.
"""

import hashlib
import shutil
from pathlib import Path

from fresh import CODE, digest, records

MADE = ".made"  # in the site: what its pages were made from
# Not the models and checkpoints beside them, which are large and stand on no page.
BEHIND = (*(f"runs/**/{name}" for name in ("*.json", "*.npz", "*.png", "*.jpg", "*.ipynb", "SHA256SUMS")), *CODE)


def changed(app, env, added, changed, removed):
    """Read every record where any file of one changed: a damaged one ends the build before a page is executed.

    The first page is given as outdated, for where no page is Sphinx would not come to `collect`.
    """
    if _made(app)[:1] == [digest(BEHIND)]:
        return []
    records()
    return [app.config.root_doc]


def collect(app):
    """Give Sphinx the pages that are not as they should be."""
    out = Path(app.outdir)
    frames = ("_config.yml", "_toc.yml", "_templates/*", "_ext/*.py")
    framing = [path for pattern in frames for path in Path(app.srcdir).glob(pattern)]
    frame = "".join(path.read_text() for path in sorted(framing))
    frame += "".join(title.astext() for title in app.env.titles.values())  # of the side bar
    made = [digest(BEHIND), _hash(frame)]
    if _made(app) == made:
        return

    from companion.analysis import results
    from companion.pages import gallery, runs

    results.write(out / "downloads", records())
    known = set()
    for page in [*runs.all_pages(records()), *gallery.all_pages(records())]:
        target = out / f"{page.name}.html"
        known.add(target)
        for place, source in page.files.items():
            copy = out / place
            known.add(copy)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, copy)
        mark = f"<!-- adcgan {_hash(frame + page.body)[:16]} -->"
        if not target.exists() or mark not in target.read_text():
            yield page.name, {"title": page.title, "body": page.body + mark}, "page.html"
    for path in [*(out / "cells").rglob("*.*"), *(out / "gallery").rglob("*.*")]:
        if path not in known:
            path.unlink()
    (out / MADE).write_text("\n".join(made))


def _made(app):
    path = Path(app.outdir, MADE)
    return path.read_text().split() if path.exists() else []


def _hash(text):
    return hashlib.sha256(text.encode()).hexdigest()


def setup(app):
    """Register with Sphinx."""
    app.connect("env-get-outdated", changed)
    app.connect("html-collect-pages", collect)
    return {"parallel_read_safe": True, "parallel_write_safe": True, "version": "2"}
