"""A warning fails the build: this one and the next, until it is mended.

Sphinx forgets a warning once its page is in the environment, so an incremental build would pass; a failed build
therefore removes the environment.
"""

from pathlib import Path

from sphinx.errors import SphinxError


class WarningsFound(SphinxError):
    """Raised at the end of a build that warned."""

    category = "The build warned"


def finish(app, exception):
    """Fail where anything was warned of; leave no environment that would hide it next time."""
    if exception is None and not app._warncount:
        return
    Path(app.doctreedir, "environment.pickle").unlink(missing_ok=True)
    if exception is None:
        raise WarningsFound(f"{app._warncount} warning(s) above; every one fails the book")


def setup(app):
    """Register with Sphinx, after every other extension."""
    app.connect("build-finished", finish, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True, "version": "1"}
