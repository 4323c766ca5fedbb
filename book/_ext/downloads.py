"""Tables 1 to 4 as CSV and JSON beside the pages (`companion.analysis.results`)."""

from pathlib import Path

from fresh import records


def write(app, exception):
    """Write the files into the site's downloads/."""
    if exception is None and app.builder.format == "html":
        from companion.analysis import results

        results.write(Path(app.outdir) / "downloads", records())


def setup(app):
    """Register with Sphinx, before the links are checked."""
    app.connect("build-finished", write, priority=600)
    return {"parallel_read_safe": True, "parallel_write_safe": True, "version": "1"}
