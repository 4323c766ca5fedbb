"""Leave out what a page does not use: the live-code loader, which names a server; scripts added twice; MathJax, a
quarter of the time that a page without mathematics takes to open; and the copy buttons' scripts, which mistake the
clicks that DataTables passes on for theirs. Of the whole site: the theme's source maps, a tenth of its weight.
"""

from pathlib import Path

NEED = {"mathjax": 'class="math', "clipboard": 'class="highlight', "copybutton": 'class="highlight'}


def tidy(app, pagename, templatename, context, doctree):
    """Filter the page's scripts: none of sphinx-thebe's, those of ``NEED`` where they have work, the others once."""
    body = context.get("body", "")
    unused = ["thebe", *(name for name, mark in NEED.items() if mark not in body)]
    kept, seen = [], set()
    for script in context.get("script_files", []):
        attributes = getattr(script, "attributes", {})
        key = (str(getattr(script, "filename", script)), attributes.get("body"))
        if any(name in f"{key}".lower() for name in unused) or key in seen:
            continue
        seen.add(key)
        kept.append(script)
    context["script_files"] = kept


def unmapped(app, exception):
    """Remove the source maps."""
    for path in Path(app.outdir, "_static").rglob("*.map"):
        path.unlink()


def setup(app):
    """Register with Sphinx, after the extensions that add scripts."""
    app.connect("html-page-context", tidy, priority=900)
    app.connect("build-finished", unmapped)
    return {"parallel_read_safe": True, "parallel_write_safe": True, "version": "1"}
