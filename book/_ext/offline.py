"""Leave out what the pages do not use: the live-code loader, which names a server, and scripts added twice."""


def tidy(app, pagename, templatename, context, doctree):
    """Filter the page's scripts: none of sphinx-thebe's, and each of the others once."""
    kept, seen = [], set()
    for script in context.get("script_files", []):
        attributes = getattr(script, "attributes", {})
        key = (str(getattr(script, "filename", script)), attributes.get("body"))
        if "thebe" in f"{key}".lower() or key in seen:
            continue
        seen.add(key)
        kept.append(script)
    context["script_files"] = kept


def setup(app):
    """Register with Sphinx, after the extensions that add scripts."""
    app.connect("html-page-context", tidy, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True, "version": "1"}
