"""Data flows one way, and so do the imports; and what the book needs does without torch."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "adcgan"
PARTED = ("study", "book")  # packages whose modules have a place each; the others stand as a whole
# From the ground up; a module imports from its own line or from a lower one.
ORDER = [
    ["errors"],
    ["paper", "write", "schema"],
    ["config"],
    ["format1"],
    ["pictures", "preprocessing"],
    ["lease"],
    ["data"],
    ["splits"],
    ["architectures", "layers"],
    ["networks", "losses", "scores", "sizes"],
    ["evaluation"],
    ["stale"],
    ["methods"],
    ["stepping", "model_file", "diagnostics"],
    ["training"],
    ["records"],
    ["plan"],
    ["experiments"],
    ["costs", "statistics", "audit", "sweep", "tables", "figures", "notebook"],
    ["speed", "reweighting", "study.cells"],
    ["study.latents", "study.components", "study.trainings"],
    ["study"],
    ["results"],
    ["cli"],
    ["__main__"],
    ["book", "book.html", "book.diagram", "book.citation", "book.reference"],
    ["book.common"],
    ["book.charts", "book.walk_charts", "book.study_parts"],
    [
        "book.table_pages",
        "book.study_pages",
        "book.training_pages",
        "book.latent_pages",
        "book.component_pages",
        "book.audit_pages",
        "book.opening",
        "book.decision_pages",
        "book.cell_pages",
        "book.machine_pages",
        "book.network_pages",
        "book.walk_pages",
    ],
    ["book.explore", "book.heatmap", "book.effort"],
    ["book.gallery"],
]
LEVEL = {name: level for level, names in enumerate(ORDER) for name in names}
WITH_TORCH = {
    "layers", "networks", "losses", "methods", "stepping", "training", "model_file", "diagnostics", "experiments",
    "costs", "sweep", "__main__",
}  # fmt: skip
WITHOUT_TORCH = [name for name in LEVEL if name not in WITH_TORCH]
FILES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def module_of(path):
    """What a file is, or belongs to: "data", "methods" for methods/adcgan.py, "book.common" for book/common.py."""
    return place([part for part in path.relative_to(PACKAGE).with_suffix("").parts if part != "__init__"])


def place(names):
    first, *rest = names
    inner = PACKAGE.joinpath(*names[:2]).with_suffix(".py")
    return f"{first}.{rest[0]}" if first in PARTED and rest and inner.exists() else first


def imported_modules(path):
    """What a file imports of the package, at its top or inside its functions; not what it names in types alone."""
    package = ("adcgan", *path.relative_to(PACKAGE).parent.parts)
    found, tree = set(), ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            node.body = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name.split(".") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = list(package[: len(package) - node.level + 1]) if node.level else []
            base += node.module.split(".") if node.module else []
            names = [[*base, alias.name] for alias in node.names]
        else:
            continue
        found |= {place(name[1:]) for name in names if name[0] == "adcgan" and len(name) > 1}
    files = {name: PACKAGE.joinpath(*name.split(".")) for name in found}
    return {name for name, file in files.items() if file.is_dir() or file.with_suffix(".py").exists()}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_import_points_upward(path):
    name = module_of(path)
    assert name in LEVEL, f"{name} has no place in the order yet"
    upward = {other for other in imported_modules(path) if LEVEL[other] > LEVEL[name]}
    assert not upward


def test_imports_are_seen_at_all():
    assert imported_modules(PACKAGE / "methods" / "adcgan.py") == {
        "config",
        "layers",
        "losses",
        "methods",
        "networks",
        "scores",
    }
    assert "experiments" in imported_modules(PACKAGE / "cli.py")
    seen = imported_modules(PACKAGE / "book" / "latent_pages.py")
    assert {"figures", "study.latents", "book.html", "book.common"} <= seen and not seen & set(PARTED)


def test_training_knows_no_method():
    tree = ast.parse((PACKAGE / "training.py").read_text())
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert "Method" in names and not any("adcgan" in name.lower() for name in names - {"AdcganError"})


def test_reading_records_and_making_tables_does_not_import_torch():
    code = f"import sys, importlib\nfor name in {WITHOUT_TORCH}: importlib.import_module('adcgan.' + name)\n"
    code += "print([name for name in sys.modules if name.split('.')[0] in ('torch', 'torchvision')])"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(PACKAGE.parent)},
    )
    assert done.stdout.strip() == "[]", done.stderr
