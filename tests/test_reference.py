"""The reference covers the package, and its text is that of the source."""

import ast
import re
from pathlib import Path

from companion.pages import reference

ROOT = Path(__file__).resolve().parent.parent


def documented():
    """Every public function, class and method of the package with a docstring, found without the module tested."""
    for path in sorted((ROOT / "adcgan").rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        scopes = [(name, ast.parse(path.read_text()))]
        while scopes:
            prefix, scope = scopes.pop()
            for node in scope.body:
                if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
                    yield f"{prefix}.{node.name}", node
                    if isinstance(node, ast.ClassDef):
                        scopes.append((f"{prefix}.{node.name}", node))


def test_the_reference_page_has_every_module():
    page = (ROOT / "book/reference.md").read_text()
    assert sorted(re.findall(r"^```\{api\} (\S+)$", page, re.MULTILINE)) == reference.modules()


def test_the_reference_covers_every_public_function_class_and_method():
    found = {name for module in reference.modules() for name in reference.public(module)}
    assert found == {name for name, _ in documented()} and len(found) > 300


def test_an_entry_has_the_signature_and_the_docstring():
    text = reference.markdown("adcgan.scoring")
    nodes = {name: node for name, node in documented() if name.startswith("adcgan.scoring.")}
    for name, node in nodes.items():
        (entry,) = re.findall(
            rf"\{{py:function\}} {name.rpartition('.')[2]}\((.*?)\).*?\n\n(.*?)\n`{{6}}", text, re.DOTALL
        )
        for argument in node.args.args:
            assert argument.arg in entry[0]
        assert entry[1].split()[0] == ast.get_docstring(node).split()[0]


def test_names_resolve_to_where_they_are_defined():
    assert reference.resolve("Record", "companion.pages.charts") == "adcgan.experiments.records.Record"
    assert reference.resolve("Config", "adcgan.experiments.records") == "adcgan.config.base.Config"
    assert reference.resolve("adcgan.stepping", "companion.analysis.tables") == "adcgan.stepping"
    assert reference.resolve("plan.Cell", "companion.pages.effort") == "adcgan.experiments.records.Cell"
    assert reference.resolve("Path", "adcgan.experiments.records") is None
    assert reference.resolve("adcgan.experiments.records.nothing", "companion.pages.charts") is None


def test_prose_keeps_code_and_takes_the_rest_literally():
    text = reference.prose("Costs $A or |x| < 1, as ``a|b`` and `Record`.", "companion.pages.charts")
    assert text == r"Costs \$A or \|x\| \< 1, as ``a|b`` and {py:obj}`Record <adcgan.experiments.records.Record>`."
