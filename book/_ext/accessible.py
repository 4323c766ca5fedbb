"""Roles that docutils writes and screen readers cannot use."""

LIST = '<div role="list" class="citation-list">'


def mend(app, pagename, templatename, context, doctree):
    """Take the role of a list from the citations: none of them has the role of a list's item."""
    if "body" in context:
        context["body"] = context["body"].replace(LIST, LIST.replace(' role="list"', ""))


def setup(app):
    """Register with Sphinx."""
    app.connect("html-page-context", mend)
    return {"parallel_read_safe": True, "parallel_write_safe": True, "version": "1"}
