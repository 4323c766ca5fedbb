"""A link within the site that leads nowhere fails the build, raw HTML included; Sphinx checks only its own."""

import os
import re
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

from sphinx.util import logging

LINK = re.compile(r"""<[a-z][^>]*?\s(?:href|src)\s*=\s*["']([^"'<>]*)["']""", re.IGNORECASE)
ANCHOR = re.compile(r"""\s(?:id|name)\s*=\s*["']([^"'<>]*)["']""", re.IGNORECASE)
logger = logging.getLogger(__name__)


def dead_links(out: Path) -> list[tuple[Path, str]]:
    """(page, link) for every link of the site in ``out`` whose file, or place within its page, is not there."""

    @cache  # most links are the frame's, the same on every page
    def file(place):
        found = Path(place, "index.html") if Path(place).is_dir() else Path(place)
        return found if found.exists() else None

    @cache
    def anchors(page):
        return set(ANCHOR.findall(page.read_text()))

    dead = []
    for page in sorted(out.rglob("*.html")):
        if "_static" in page.relative_to(out).parts:
            continue
        for link in dict.fromkeys(LINK.findall(page.read_text())):
            parts = urlsplit(link.replace("&amp;", "&"))
            if parts.scheme or parts.netloc:
                continue
            target = file(os.path.normpath(page.parent / unquote(parts.path)) if parts.path else str(page))
            if target is None:
                dead.append((page.relative_to(out), link))
            elif parts.fragment and target.suffix == ".html" and unquote(parts.fragment) not in anchors(target):
                dead.append((page.relative_to(out), link))
    return dead


def check(app, exception):
    """Warn of each; the build fails on a warning."""
    if exception is None and app.builder.format == "html":
        for page, link in dead_links(Path(app.outdir)):
            logger.warning("%s: the link %r leads nowhere", page, link)


def setup(app):
    """Register with Sphinx, before the warnings are counted."""
    app.connect("build-finished", check, priority=800)
    return {"parallel_read_safe": True, "parallel_write_safe": True, "version": "1"}
