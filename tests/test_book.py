"""The book, through the real jupyter-book: it builds from records alone, and it fails when something is wrong."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
JUPYTER_BOOK = Path(sys.executable).parent / "jupyter-book"


def build(root):
    return subprocess.run(
        [JUPYTER_BOOK, "build", "book/"], cwd=root, capture_output=True, text=True, env=os.environ | {"NO_COLOR": "1"}
    )


def pages(book):
    return sorted(path for path in book.glob("*.html") if path.stem not in ("genindex", "search"))


def every_page(book):
    return [*pages(book), *sorted(book.glob("cells/*.html"))]


def test_every_page_of_the_contents_is_built(book):
    contents = re.findall(r"(?:file|root): (\S+)", (ROOT / "book/_toc.yml").read_text())
    assert {path.stem for path in pages(book)} == set(contents)


def test_tables_show_the_papers_figures_and_ours(book):
    from adcgan import paper, tables
    from adcgan.records import read_all

    table1 = (book / "table1.html").read_text()
    for value in paper.table(1)["auc_percent"]:
        assert f"<td>{value:.1f}" in table1
    per_class = tables.table3(read_all(ROOT / "runs"))
    table3 = (book / "table3.html").read_text()
    for value in per_class["ours"].dropna():
        assert re.search(f'<a href="cells/[^"]+">{value:.1f}</a>', table3)
    assert table3.count("not run") == int((per_class["seeds"] == 0).sum())


def test_each_of_our_figures_leads_to_the_run_behind_it_and_to_its_record(book):
    """A figure of Table 3 is the mean of the AUROCs on the page it links to, and of the records linked from there."""
    table3 = (book / "table3.html").read_text()
    links = re.findall(r'<a href="(cells/[^"]+)">(\d+\.\d)</a>', table3)
    assert links
    for link, figure in links:
        page = (book / link).read_text()
        sections = re.findall(r'<h2>Seed \d+(.*?)</h2>.*?<th scope="row">NS</th><td>([\d.]+)</td>', page, re.DOTALL)
        stated = [value for departures, value in sections if departures in ("", "<a") or "test_images" in departures]
        records = re.findall(r'href="(records/[^"]+\.json)"', page)
        aurocs = [100 * json.loads((book / "cells" / record).read_text())["auroc"]["NS"] for record in records]
        assert stated and len(records) >= len(stated)
        assert [f"{value:.1f}" for value in aurocs[: len(stated)]] == stated
        assert f"{sum(aurocs[: len(stated)]) / len(stated):.1f}" == figure


def test_pages_ask_no_server_for_anything(book):
    for page in every_page(book):
        text = page.read_text()
        assert not re.search(r'<(?:script|img|iframe|source)[^>]+src="(?:https?:)?//', text), page.name
        assert not re.search(r'<link[^>]+rel="(?:stylesheet|preload|icon)"[^>]+href="(?:https?:)?//', text), page.name
        assert "unpkg.com" not in text and "jsdelivr" not in text and "googleapis" not in text, page.name


def test_no_page_names_this_machine(book):
    for page in every_page(book):
        assert str(ROOT) not in page.read_text() and str(book.parent) not in page.read_text()


@pytest.fixture
def small(tmp_path):
    """A book of one page with the real configuration and extensions; ``page`` writes its code cell and text."""
    (tmp_path / "book").mkdir()
    for name in ("_config.yml", "_ext", "_assets", "_templates", "_vendor"):
        source = ROOT / "book" / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / "book" / name)
    (tmp_path / "book/_toc.yml").write_text("format: jb-book\nroot: index\n")
    head = (ROOT / "book/index.md").read_text().split("---\n\n")[0] + "---\n\n"

    def page(text, code="1"):
        (tmp_path / "book/index.md").write_text(f"{head}# Page\n\n{text}\n\n```{{code-cell}}\n{code}\n```\n")
        return build(tmp_path)

    page.root = tmp_path
    return page


def test_a_failing_page_fails_the_build_every_time_until_it_is_mended(small):
    assert small("text", "1 / 0").returncode != 0
    assert build(small.root).returncode != 0
    assert small("text", "1 / 1").returncode == 0


def test_a_broken_reference_fails_the_build_every_time_until_it_is_mended(small):
    done = small("[](no-such-page.md)")
    assert done.returncode != 0 and "no-such-page" in done.stdout + done.stderr
    assert build(small.root).returncode != 0
    assert small("text").returncode == 0


def test_a_page_is_executed_again_when_what_was_measured_changes_and_only_then(small):
    measured = small.root / "benchmarks/results/x.json"
    measured.parent.mkdir(parents=True)
    measured.write_text("{}")
    log = small.root / "executed"
    code = f"with open({str(log)!r}, 'a') as file: file.write('x')"
    assert small("text", code).returncode == 0
    assert build(small.root).returncode == 0
    assert log.read_text() == "x"
    measured.write_text("{ }")
    assert build(small.root).returncode == 0
    assert log.read_text() == "xx"


@pytest.mark.parametrize(
    ("link", "fails"),
    [("nowhere.html", True), ("#nowhere", True), ("index.html#page", False), ("https://example.org/x", False)],
)
def test_a_link_in_raw_html_that_leads_nowhere_fails_the_build(small, link, fails):
    done = small(f'<a href="{link}">there</a>')
    assert (done.returncode != 0) == fails
    assert not fails or f"the link '{link}' leads nowhere" in done.stdout + done.stderr


@pytest.mark.parametrize("fault", ["missing", "truncated", "edited"])
def test_a_fault_in_a_record_fails_the_build_and_names_the_file(small, record, runs_of, fault):
    runs = small.root / "runs"
    shutil.copytree(runs_of(record), runs)
    path = record.cell.directory(runs) / "record.json"
    if fault == "missing":
        (path.parent / "scores.npz").unlink()
    elif fault == "truncated":
        path.write_text(path.read_text()[:100])
    else:
        path.write_text(path.read_text().replace('"digest": "', '"digest": "0', 1)[:-1])
    done = small("text")
    assert done.returncode != 0 and "record.json" in done.stdout + done.stderr
