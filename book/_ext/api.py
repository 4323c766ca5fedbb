"""The directive ``{api} module``: a module's docstrings, read from the source without importing it."""

from docutils import nodes
from docutils.parsers.rst import Directive
from docutils.statemachine import StringList


class Api(Directive):
    """Entries of Sphinx's Python domain, made by `companion.pages.reference`; each can be linked by its dotted name."""

    required_arguments = 1

    def run(self):
        """The nodes of one module."""
        from companion.pages.reference import markdown

        name = self.arguments[0]
        container = nodes.container()
        self.state.nested_parse(StringList(markdown(name).splitlines(), name), self.content_offset, container)
        return container.children


def setup(app):
    """Register with Sphinx."""
    app.add_directive("api", Api)
    return {"parallel_read_safe": True, "parallel_write_safe": True, "version": "1"}
