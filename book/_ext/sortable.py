"""The script that sorts and filters, on the pages that have a table for it and on no other."""


def add(app, pagename, templatename, context, doctree):
    """Add DataTables and what starts it."""
    if 'adcgan-sortable"' in context.get("body", ""):
        app.add_js_file("datatables/dataTables.min.js", loading_method="defer")
        app.add_js_file("sortable.js", loading_method="defer")


def setup(app):
    """Register with Sphinx."""
    app.connect("html-page-context", add)
    return {"parallel_read_safe": True, "parallel_write_safe": True, "version": "1"}
