"""Pages made from records, with files beside them: each cell's (`adcgan.cell_pages`) and the gallery's.

A page is written where its records or the code changed; pages of cells that are gone are removed.
"""

import hashlib
import shutil
from pathlib import Path

from fresh import ROOT, digest


def collect(app):
    """Give Sphinx the pages that are not as they should be."""
    from adcgan import cell_pages, gallery
    from adcgan.records import read_all

    out, runs = Path(app.outdir), ROOT / "runs"
    stamp = hashlib.sha256(digest().encode()).hexdigest()[:16]
    known = set()
    records = read_all(runs) if runs.is_dir() else []
    for page in [*cell_pages.all_pages(records), *gallery.all_pages(records)]:
        target = out / f"{page.name}.html"
        known.add(target)
        for place, source in page.files.items():
            copy = out / place
            known.add(copy)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, copy)
        mark = f"<!-- adcgan {stamp} -->"
        if not target.exists() or mark not in target.read_text():
            yield page.name, {"title": page.title, "body": page.body + mark}, "page.html"
    for path in [*(out / "cells").rglob("*.*"), *(out / "gallery").rglob("*.*")]:
        if path not in known:
            path.unlink()


def setup(app):
    """Register with Sphinx."""
    app.connect("html-collect-pages", collect)
    return {"parallel_read_safe": True, "parallel_write_safe": True, "version": "1"}
