"""The method's page: every equation, in the paper's numbering, with the functions that name it."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "book/method.md").read_text()
FILES = ("losses", "scores")


def functions():
    """(module, name) -> docstring of every public function of `FILES`."""
    return {
        (name, node.name): ast.get_docstring(node) or ""
        for name in FILES
        for node in ast.parse((ROOT / f"adcgan/{name}.py").read_text()).body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
    }


def naming(number):
    """The functions whose docstring names an equation and its place on the page."""
    place = re.compile(rf"Equation {number}, book/method\.md#equation-eq-{number}\b")
    return [function for function, text in functions().items() if place.search(" ".join(text.split()))]


def test_the_equations_are_labelled_in_the_papers_order_so_that_their_numbers_are_the_papers():
    assert re.findall(r"^\$\$ \(eq:(\d)\)$", PAGE, re.MULTILINE) == list("123456")
    assert "\\tag" not in PAGE


@pytest.mark.parametrize("number", range(1, 7))
def test_an_equation_stands_beside_the_functions_that_name_it(number):
    assert naming(number)
    beside = re.findall(r"^::::\{div\} adcgan-beside$(.*?)^::::$", PAGE, re.MULTILINE | re.DOTALL)
    (part,) = [part for part in beside if f"(eq:{number})" in part]
    shown = re.findall(r"\{literalinclude\} \.\./adcgan/(\w+)\.py\n:language: python\n:pyobject: (\w+)", part)
    assert shown and set(shown) == set(naming(number))


def test_every_place_that_a_docstring_names_is_on_the_page():
    named = {n for text in functions().values() for n in re.findall(r"method\.md#equation-eq-(\d+)", text)}
    assert named == set("123456")
