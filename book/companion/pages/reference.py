"""The package's public functions and classes with their docstrings, read from the source without importing it.

`book/_ext/api.py` turns the text of `markdown` into the page "Reference".
"""

import ast
import copy
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
FENCE = "`" * 6


def modules() -> list[str]:
    """The dotted name of every module of the package, sorted; entry points that only start something are left out."""
    names = []
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        names.append(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    return sorted(name for name in names if not name.endswith("__main__"))


def public(module: str) -> list[str]:
    """The dotted names of a module's own public functions and classes, and of the classes' public methods."""
    names = []
    for node in _definitions(_tree(module).body):
        names.append(f"{module}.{node.name}")
        if isinstance(node, ast.ClassDef):
            names += [f"{module}.{node.name}.{inner.name}" for inner in _definitions(node.body)]
    return names


def markdown(module: str) -> str:
    """A module's docstring and public names as MyST text, with directives of Sphinx's Python domain."""
    tree = _tree(module)
    parts = [f"{FENCE}{{py:module}} {module}\n{FENCE}\n", prose(ast.get_docstring(tree) or "", module)]
    parts += [_entry(node, module) for node in _definitions(tree.body)]
    return "\n".join(parts)


def prose(docstring: str, module: str) -> str:
    """A docstring as MyST text: names of the package in backticks become links, the rest is taken literally."""
    pieces = re.split(r"(``.+?``|`[^`]+`)", docstring, flags=re.DOTALL)
    for n, piece in enumerate(pieces):
        if n % 2 == 0:
            pieces[n] = re.sub(r"([$<|^\[])", r"\\\1", re.sub(r"::$", ":", piece, flags=re.MULTILINE))
        elif target := resolve(piece.strip("`"), module):
            pieces[n] = f"{{py:obj}}`{piece.strip('`')} <{target}>`"
    return "".join(pieces)


@cache
def resolve(name: str, module: str) -> str | None:
    """Where the package defines what ``module`` calls ``name``, as a dotted name; None where it does not."""
    if name in modules():
        return name
    first, _, rest = name.partition(".")
    if first == "adcgan":
        home = max((one for one in modules() if name.startswith(f"{one}.")), key=len, default=None)
        return resolve(name.removeprefix(f"{home}."), home) if home else None
    if f"{module}.{name}" in public(module):
        return f"{module}.{name}"
    home, original = _imports(module).get(first, (None, None))
    if home not in modules():
        return None
    inner = f"{home}.{original}"
    if inner in modules():
        return resolve(rest, inner) if rest else inner
    return resolve(f"{original}.{rest}" if rest else original, home)


@cache
def _tree(module):
    path = PACKAGE.parent.joinpath(*module.split("."))
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return ast.parse(path.read_text())


@cache
def _imports(module):
    """The names a module imports from the package: where from, and what they are called there."""
    path = PACKAGE.parent.joinpath(*module.split("."))
    package = module.split(".") if path.is_dir() else module.split(".")[:-1]
    found = {}
    for node in ast.walk(_tree(module)):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = ".".join([*package[: len(package) - node.level + 1], *filter(None, [node.module])])
            found |= {alias.asname or alias.name: (base, alias.name) for alias in node.names}
    return found


def _definitions(body: Iterable[ast.stmt]):
    for node in body:
        if isinstance(node, DEFINITIONS) and not node.name.startswith("_"):
            yield node


def _entry(node, module, inside=False):
    """A directive with the signature, the docstring and, for a class, its fields and methods."""
    decorators = {ast.unparse(decorator).split("(")[0] for decorator in node.decorator_list}
    options, inner = [], []
    if isinstance(node, ast.ClassDef):
        kind = "exception" if any(ast.unparse(base).endswith("Error") for base in node.bases) else "class"
        signature = ""
        inner = [_field(field, module) for field in node.body if _is_field(field)]
        inner += [_entry(method, module, inside=True) for method in _definitions(node.body)]
    elif decorators & {"property", "cached_property"}:
        kind, signature = "property", ""
        options = [f":type: {_type(node.returns, module)}"] if node.returns else []
    else:
        kind = "method" if inside else "function"
        options = [f":{name}:" for name in ("staticmethod", "classmethod") if name in decorators]
        signature = _signature(node, module, bound=inside and "staticmethod" not in decorators)
    lines = [f"{{py:{kind}}} {node.name}{signature}", *options, ""]
    return _fenced(lines, prose(ast.get_docstring(node) or "", module), inner)


def _field(node, module):
    """A field of a class, with the line of help that an option of the configuration has."""
    texts = []
    if isinstance(node.value, ast.Call):
        texts = [one.value for one in node.value.args[1:2] if isinstance(one, ast.Constant)]
    lines = [f"{{py:attribute}} {node.target.id}", f":type: {_type(node.annotation, module)}", ""]
    return _fenced(lines, prose(" ".join(map(str, texts)), module), [])


def _is_field(node):
    return isinstance(node, ast.AnnAssign) and not node.target.id.startswith("_")


def _fenced(lines, text, inner):
    depth = len(max(re.findall(r"`{6,}", "".join(inner)), key=len, default=FENCE)) + bool(inner)
    fence = "`" * depth
    return "\n".join([fence + lines[0], *lines[1:], text, *inner, fence, ""])


def _signature(node, module, bound):
    arguments = _qualified(node.args, module)
    if bound:
        (arguments.posonlyargs or arguments.args).pop(0)
    returns = f" -> {_type(node.returns, module)}" if node.returns else ""
    return f"({ast.unparse(arguments)}){returns}"


def _type(annotation, module):
    return ast.unparse(_qualified(annotation, module))


class _Qualify(ast.NodeTransformer):
    """Names of the package dotted in full, so that they become links."""

    def __init__(self, module):
        self.module = module

    def visit_Name(self, node):
        return ast.Name(resolve(node.id, self.module) or node.id)

    def visit_Attribute(self, node):
        return ast.Name(resolve(ast.unparse(node), self.module) or ast.unparse(node))


def _qualified(node, module):
    return _Qualify(module).visit(copy.deepcopy(node))
