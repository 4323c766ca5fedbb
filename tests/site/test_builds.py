"""Builds of a small book with the real configuration and extensions: what fails one, and what makes a page again."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def small(tmp_path):
    """A book of two pages; ``page`` writes one with its text, its code and what it rests on."""
    book = tmp_path / "book"
    for source in map((ROOT / "book").joinpath, ("_ext", "_assets", "_templates", "_vendor", "_reference")):
        shutil.copytree(source, book / source.name)
    for name in ("_config.yml", "references.bib"):
        shutil.copy(ROOT / "book" / name, book)
    for package in (tmp_path / "adcgan", book / "companion"):  # what the reference is made of
        package.mkdir()
        (package / "__init__.py").write_text('"""A package."""\n')
    (book / "_toc.yml").write_text("format: jb-book\nroot: index\nchapters:\n- file: other\n")
    head = (ROOT / "book/index.md").read_text().split("---\n\n")[0] + "---\n\n"

    def page(name, text="text", code="1", rests_on=""):
        stated = re.sub("rests_on:.*", f"rests_on: {rests_on}", head)
        (book / f"{name}.md").write_text(f"{stated}# Page {name}\n\n{text}\n\n```{{code-cell}}\n{code}\n```\n")

    page.root = tmp_path
    page("index")
    page("other")
    return page


def build(root):
    """Whether it went well, and what it said."""
    command = [Path(sys.executable).parent / "jupyter-book", "build", "book/"]
    environment = os.environ | {"NO_COLOR": "1", "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'book'}"}
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, env=environment)
    return done.returncode == 0, done.stdout + done.stderr


def test_a_failing_page_and_links_that_lead_nowhere_fail_the_build_until_they_are_mended(small):
    small("index", code="1 / 0")
    well, said = build(small.root)
    assert not well and "ZeroDivisionError" in said
    links = ["nowhere.html", "#nowhere", "index.html#page-index", "https://example.org/x"]
    small("index", "[](no-such-page.md) " + " ".join(f'<a href="{link}">there</a>' for link in links))
    for _ in range(2):  # Sphinx itself would have forgotten its warning
        well, said = build(small.root)
        assert not well and "no-such-page" in said
    dead = re.findall(r"the link '(\S+)' leads nowhere", said)
    assert sorted(set(dead) - {"#no-such-page.md"}) == ["#nowhere", "nowhere.html"]


def test_a_page_is_executed_again_when_what_it_rests_on_changes_and_only_then(small, record, runs_of):
    places = {"index": "build/runs", "other": "benchmarks/results"}
    logs = {name: small.root / f"{name}.log" for name in places}
    for name, place in places.items():
        (small.root / place).mkdir(parents=True)
        small(name, code=f"with open({str(logs[name])!r}, 'a') as file: file.write('x')", rests_on=place)
    well, said = build(small.root)
    assert well, said
    measured = small.root / "build/runs/record.json"
    measured.write_text("{}")
    well, said = build(small.root)
    assert well, said
    assert {name: log.read_text() for name, log in logs.items()} == {"index": "xx", "other": "x"}
    runs = small.root / "runs"
    shutil.copytree(runs_of(record), runs)
    path = record.run.directory(runs) / "record.json"
    path.write_text(path.read_text()[:100])
    well, said = build(small.root)
    assert not well and f"record {path}" in said and "cannot be read" in said
