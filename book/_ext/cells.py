"""A page for every cell that was run (`adcgan.cell_pages`), and the records beside them.

A page is written where what it says, or the frame around it, changed; pages of cells that are gone are removed.
"""

import hashlib
import shutil
from pathlib import Path

from fresh import records


def collect(app):
    """Give Sphinx the pages that are not as they should be."""
    from adcgan import cell_pages

    out = Path(app.outdir)
    source = Path(app.srcdir)
    templates = sorted(source.glob("_templates/*.html"))
    frame = "".join(path.read_text() for path in (source / "_config.yml", source / "_toc.yml", *templates))
    known = set()
    for page in cell_pages.all_pages(records()):
        target = out / f"{page.name}.html"
        known.add(target)
        for record in page.records:
            copy = out / cell_pages.file_name(record)
            known.add(copy)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(record.directory / "record.json", copy)
        mark = f"<!-- adcgan {hashlib.sha256((frame + page.body).encode()).hexdigest()[:16]} -->"
        if not target.exists() or mark not in target.read_text():
            yield page.name, {"title": page.title, "body": page.body + mark}, "page.html"
    for path in [*(out / "cells").glob("*.html"), *(out / "cells" / "records").glob("*.json")]:
        if path not in known:
            path.unlink()


def setup(app):
    """Register with Sphinx."""
    app.connect("html-collect-pages", collect)
    return {"parallel_read_safe": True, "parallel_write_safe": True, "version": "1"}
