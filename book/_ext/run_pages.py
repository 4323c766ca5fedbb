"""Pages made from records, with files beside them: of classes (`companion.pages.runs`) and of the gallery.

A page is written where what it says, or the frame around it, changed; pages of runs that are gone are removed.
"""

import hashlib
import shutil
from pathlib import Path

from fresh import records


def collect(app):
    """Give Sphinx the pages that are not as they should be."""
    from companion.pages import gallery, runs

    out = Path(app.outdir)
    frames = ("_config.yml", "_toc.yml", "_templates/*", "_ext/*.py")
    framing = [path for pattern in frames for path in Path(app.srcdir).glob(pattern)]
    frame = "".join(path.read_text() for path in sorted(framing))
    frame += "".join(title.astext() for title in app.env.titles.values())  # of the side bar
    known = set()
    for page in [*runs.all_pages(records()), *gallery.all_pages(records())]:
        target = out / f"{page.name}.html"
        known.add(target)
        for place, source in page.files.items():
            copy = out / place
            known.add(copy)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, copy)
        mark = f"<!-- adcgan {hashlib.sha256((frame + page.body).encode()).hexdigest()[:16]} -->"
        if not target.exists() or mark not in target.read_text():
            yield page.name, {"title": page.title, "body": page.body + mark}, "page.html"
    for path in [*(out / "cells").rglob("*.*"), *(out / "gallery").rglob("*.*")]:
        if path not in known:
            path.unlink()


def setup(app):
    """Register with Sphinx."""
    app.connect("html-collect-pages", collect)
    return {"parallel_read_safe": True, "parallel_write_safe": True, "version": "1"}
