"""The pages' sources: equations beside their functions, terms that are defined, sources that are cited, `rests_on`."""

import ast
import importlib.util
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = {path.stem: path.read_text() for path in (ROOT / "book").glob("*.md")}
METHOD = PAGES["method"]


def naming(number):
    """The functions whose docstring names an equation and its place on the page."""
    place = re.compile(rf"Equation {number}, book/method\.md#equation-eq-{number}\b")
    trees = [ast.parse((ROOT / f"adcgan/{name}.py").read_text()) for name in ("models/losses", "scoring")]
    functions = [node for tree in trees for node in tree.body if isinstance(node, ast.FunctionDef)]
    return {node.name for node in functions if place.search(" ".join((ast.get_docstring(node) or "").split()))}


def test_equations_have_the_papers_numbers_and_stand_beside_the_functions_that_name_them():
    assert re.findall(r"^\$\$ \(eq:(\d)\)$", METHOD, re.MULTILINE) == list("123456") and "\\tag" not in METHOD
    beside = re.findall(r"^::::\{div\} adcgan-beside$(.*?)^::::$", METHOD, re.MULTILINE | re.DOTALL)
    for number in range(1, 7):
        (part,) = [part for part in beside if f"(eq:{number})" in part]
        shown = re.findall(r":pyobject: (\w+)", part)
        assert shown and set(shown) == naming(number), number


def test_terms_that_are_used_are_defined():
    defined = set(re.findall(r"^(\S.*)\n  \S", PAGES["glossary"].split("{glossary}")[1], re.MULTILINE))
    used = {term for text in PAGES.values() for term in re.findall(r"\{term\}`(?:[^`<]*<)?([^`>]+)>?`", text)}
    assert used and used <= defined
    assert {"AUROC", "one-vs-all", "all-vs-one", "NS", "run", "record", "recipe", "scale", "verdict"} <= defined


def test_sources_that_are_cited_exist_and_are_whole():
    text = (ROOT / "book/references.bib").read_text()
    sources = dict(re.findall(r"^@\w+\{([^,]+),\n(.*?)^\}", text, re.MULTILINE | re.DOTALL))
    cited = {key.strip() for text in PAGES.values() for keys in re.findall(r"\{cite(?::\w+)?\}`([^`]+)`", text)
             for key in keys.split(",")}  # fmt: skip
    assert cited <= set(sources)
    for key, fields in sources.items():
        names = set(re.findall(r"^  (\w+) = \{.+\},$", fields, re.MULTILINE))
        assert {"author", "title", "year"} <= names, key
        assert names & {"booktitle", "journal", "howpublished", "institution"}, key


def test_a_page_cannot_rest_on_a_place_that_is_not_watched():
    spec = importlib.util.spec_from_file_location("fresh", ROOT / "book/_ext/fresh.py")
    spec.loader.exec_module(fresh := importlib.util.module_from_spec(spec))
    assert fresh.patterns("---\na: b\nrests_on: runs/knn\n---\n") == ("runs/knn/**/*.json",)
    assert fresh.patterns("---\nrests_on:\n---\n") == () and len(fresh.patterns("# Page")) == 3
    with pytest.raises(ValueError, match="runsx: expected runs, build/runs"):
        fresh.patterns("---\nrests_on: runsx\n---\n")
    for page, text in PAGES.items():
        stated = fresh.patterns(text)
        assert ("load()" not in text and "downloads" not in text) or "runs/**/*.json" in stated, page
        assert 'load("../build/runs")' not in text or "build/runs/**/*.json" in stated, page
        assert "benchmarks" not in text or "code-cell" not in text or "make bench" in text or page in (
            "run-one-class", "appendix", "own-pictures"), page  # fmt: skip
