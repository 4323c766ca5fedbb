"""What sphinx-autoapi's pages need here: our own code alone, docstrings as they are written, and links by short names.

The pages are made in book/api/ from the source, which is not imported, and made again only where the source changed.
"""

import re
import sys
from pathlib import Path

from astroid.manager import AstroidManager
from sphinx.util.docutils import SphinxDirective

OURS = "adcgan"
CODE = re.compile(r"(``.+?``|`[^`]+`)", re.DOTALL)
FIRST_SENTENCE = re.compile(r".+?(?:\.(?=\s)|(?=\n\n)|\Z)", re.DOTALL)


class NotOurs(set):
    """The modules that are not read: reading PyTorch takes longer than all else, and would add its docstrings."""

    def __contains__(self, name):
        return name.partition(".")[0] not in sys.stdlib_module_names.union([OURS])


def prepare(app, config):
    """Before the source is read. Pages of the last build stay pages, though the table of contents has none of them."""
    AstroidManager.brain["module_denylist"] = NotOurs()
    root = f"{config.autoapi_root}/"
    config.exclude_patterns = [name for name in config.exclude_patterns if not name.startswith(root)]


def remake(app):
    """Make the pages again where somebody removed them: autoapi compares the source alone."""
    if not Path(app.srcdir, app.config.autoapi_root).exists():
        app.env.autoapi_source_hashes = None


def sweep(app):
    """Remove the pages of modules that are gone."""
    root = Path(app.srcdir, app.config.autoapi_root)
    for page in root.rglob("index.rst"):
        if ".".join(page.parent.relative_to(root).parts) not in app.env.autoapi_objects:
            page.unlink()
            Path(app.outdir, page.relative_to(app.srcdir)).with_suffix(".html").unlink(missing_ok=True)


def escape(app, what, name, obj, options, lines):
    """Take a docstring literally where reStructuredText would read more into it: |x|, *args, name_."""
    pieces = CODE.split("\n".join(lines))
    pieces[::2] = [re.sub(r"([|*\\]|(?<=\w)_(?!\w))", r"\\\1", piece) for piece in pieces[::2]]
    lines[:] = "".join(pieces).split("\n")


def index(app, env):
    """The names of all entries by their last part, once all pages are read."""
    env.adcgan_names = {}
    for name in env.get_domain("py").objects:
        env.adcgan_names.setdefault(name.rpartition(".")[2], []).append(name)


def resolve(app, env, node, content):
    """Where a name leads that Sphinx does not find: of a type, from another module, or without its module."""
    if node.get("refdomain") != "py":
        return None
    name = node["reftarget"]
    if name.startswith(f"{OURS}."):
        entry = env.autoapi_all_objects.get(name)
        found = [entry.obj.get("original_path", name)] if entry else []
    else:
        found = [one for one in env.adcgan_names.get(name.rpartition(".")[2], []) if one.endswith(f".{name}")]
    if len(found) != 1:
        return None
    return env.get_domain("py").resolve_xref(env, node["refdoc"], app.builder, "obj", found[0], node, content)


class Modules(SphinxDirective):
    """``{modules}``: the package and its modules, each linked, with its docstring's first sentence."""

    def run(self):
        """The nodes of a list."""
        lines = []
        for name, module in sorted(self.env.autoapi_objects.items()):
            if module.type in ("package", "module"):
                sentence = FIRST_SENTENCE.match(module.docstring.strip() or ".")[0]
                lines.append(f"- {{py:mod}}`{name}`: {' '.join(sentence.split())}")
        return self.parse_text_to_nodes("\n".join(lines))


def setup(app):
    """Register with Sphinx: after sphinx-external-toc, which excludes what its table of contents does not name."""
    app.connect("config-inited", prepare, priority=950)
    app.connect("builder-inited", remake, priority=400)
    app.connect("builder-inited", sweep, priority=600)
    app.connect("autodoc-process-docstring", escape)
    app.connect("env-check-consistency", index)
    app.connect("missing-reference", resolve)
    app.add_directive("modules", Modules)
    return {"parallel_read_safe": True, "parallel_write_safe": True, "version": "1"}
