"""Roles that docutils writes and screen readers cannot use, and buttons that the theme leaves without a name."""

LIST = '<div role="list" class="citation-list">'


def mend(app, pagename, templatename, context, doctree):
    """Take the role of a list from the citations: none of them has the role of a list's item. Name the buttons."""
    if "body" in context:
        context["body"] = context["body"].replace(LIST, LIST.replace(' role="list"', ""))
    if "generate_toctree_html" in context:
        context["generate_toctree_html"] = _named(context["generate_toctree_html"])


def _named(make):
    def named(*arguments, **options):
        made = make(*arguments, **options)
        for button in made("summary") if made else ():
            button["aria-label"] = f"Pages of {button.find_parent('li').find('a').get_text(strip=True)}"
        return made

    return named


def setup(app):
    """Register with Sphinx, after the theme."""
    app.connect("html-page-context", mend, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True, "version": "1"}
