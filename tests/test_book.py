"""The book, through the real jupyter-book: it builds from records alone, and it fails when something is wrong."""

import ast
import importlib.util
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
    return sorted(path for path in book.glob("*.html") if path.stem not in ("genindex", "py-modindex", "search"))


def records_of(book):
    """The records that the book was built from: others may have come since."""
    from adcgan.experiments.records import read_all

    return read_all(book.parents[2] / "runs")


def every_page(book):
    return [*pages(book), *sorted(book.glob("cells/*.html")), *sorted(book.glob("gallery/*.html"))]


def test_every_page_of_the_contents_is_built(book):
    contents = re.findall(r"(?:file|root): (\S+)", (ROOT / "book/_toc.yml").read_text())
    assert {path.stem for path in pages(book)} == set(contents)


def test_equations_carry_the_papers_numbers(book):
    method = (book / "method.html").read_text()
    numbers = re.findall(r'<div class="math[^>]*id="equation-eq-(\d)">\s*<span class="eqno">\((\d)\)', method)
    assert numbers == [(n, n) for n in "123456"]


def test_the_steps_of_one_image_are_all_on_their_page_and_name_their_run(book):
    walk = (book / "walk.html").read_text()
    assert walk.count('<div class="adcgan-sides">') == 7 and "adcgan-away" not in walk
    run = re.search(r'The run shown: <a href="(cells/adcgan-printed-[^"#]+)#((?:laptop|paper)-seed-\d[^"]*)">', walk)
    assert f'id="{run[2]}"' in (book / run[1]).read_text()
    assert 'src="_static/steps.js"' in walk and (book / "_static/steps.js").exists()


def test_tables_show_the_papers_figures_and_ours_at_both_scales(book):
    from companion.analysis import tables

    from adcgan import paper

    table1 = (book / "table1.html").read_text()
    for value in paper.table(1)["auc_percent"]:
        assert f"<td>{value:.1f}" in table1
    records = records_of(book)
    per_class = {scale: tables.table3(records, scale) for scale in ("laptop", "paper")}
    parts = of_table3(book)
    for scale, frame in per_class.items():
        for value in frame["ours"].dropna():
            assert re.search(f'<a href="cells/[^"]+">{value:.1f}</a>', parts[scale])
        assert len(re.findall(r"<td[^>]*>not run</td>", parts[scale])) == int((frame["seeds"] == 0).sum())


def of_table3(book):
    """The tables of the page of Table 3 by scale, without its heat maps and what there is to sort."""
    tables = re.findall(r"<table.*?</table>", (book / "table3.html").read_text(), re.DOTALL)
    parts = {"laptop": "", "paper": ""}
    for table in tables:
        if caption := re.search(r"<caption>(?:Table 3|Methods that).*?scale (laptop|paper): .*?</caption>", table):
            parts[caption[1]] += table
    return parts


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_each_tables_files_are_linked_under_it_and_hold_its_records(book, number):
    from companion.analysis import results

    page = (book / f"table{number}.html").read_text()
    for kind in ("csv", "json"):
        assert f'href="downloads/table{number}.{kind}"' in page and (book / f"downloads/table{number}.{kind}").is_file()
    held = json.loads((book / f"downloads/table{number}.json").read_text())
    assert held == results.content(number, records_of(book))


def test_the_script_that_sorts_is_loaded_where_a_table_needs_it_and_nowhere_else(book):
    for page in every_page(book):
        text = page.read_text()
        scripts = re.findall(r'src="([^"?]*(?:dataTables|explore)[^"?]*)', text)
        assert bool(scripts) == ('class="adcgan-explore"' in text) == (page.stem in ("table1", "table3"))
        assert all((page.parent / script).is_file() for script in scripts)
    assert (book / "_static/datatables/LICENSE").is_file()


def test_each_of_our_figures_leads_to_the_run_behind_it_and_to_its_record(book):
    """A figure of Table 3 is the mean over the runs at its scale on the page it links to, and over their records."""
    found = [(scale, *link) for scale, part in of_table3(book).items()
             for link in re.findall(r'<a href="(cells/[^"]+)">(\d+\.\d)</a>', part)]  # fmt: skip
    assert found
    for scale, link, figure in found:
        page, values = (book / link).read_text(), []
        for anchor, body in re.findall(r'<section id="([^"]+)">(.*?)</section>', page, re.DOTALL):
            heading = re.search(r"<h2>(Seed.*?)<", body)
            if not (heading and re.fullmatch(rf"Seed \d(, scale {scale})?(, test_images=\d+)?", heading[1])):
                continue  # at another scale, or an ablation
            assert anchor.startswith((f"{scale}-seed-", "seed-"))
            record = json.loads((book / "cells" / re.search(r'href="(records/[^"]+\.json)"', body)[1]).read_text())
            assert f'<th scope="row">NS</th><td>{100 * record["auroc"]["NS"]:.1f}</td>' in body
            stale = record.get("stale_noise")
            values.append(100 * (stale["NS"]["mean"] if stale else record["auroc"]["NS"]))
            assert not stale or f"<td>{values[-1]:.1f}</td>" in body.partition("Stale noise")[2]
        assert f"{sum(values) / len(values):.1f}" == figure, (scale, link)


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
    for name in ("_config.yml", "_ext", "_assets", "_templates", "_vendor", "references.bib"):
        source = ROOT / "book" / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / "book" / name)
    (tmp_path / "book/_toc.yml").write_text("format: jb-book\nroot: index\n")
    head = (ROOT / "book/index.md").read_text().split("---\n\n")[0] + "---\n\n"

    def page(text, code="1", rests_on=""):
        stated = re.sub("rests_on:.*", f"rests_on: {rests_on}", head)
        (tmp_path / "book/index.md").write_text(f"{stated}# Page\n\n{text}\n\n```{{code-cell}}\n{code}\n```\n")
        return build(tmp_path)

    page.root = tmp_path
    return page


def test_a_failing_page_or_a_broken_reference_fails_the_build_every_time_until_it_is_mended(small):
    assert small("text", "1 / 0").returncode != 0
    done = small("[](no-such-page.md)")
    assert done.returncode != 0 and "no-such-page" in done.stdout + done.stderr
    assert build(small.root).returncode != 0  # Sphinx itself would have forgotten it
    assert small("text").returncode == 0


def test_a_page_is_executed_again_when_what_it_rests_on_changes_and_only_then(small):
    other, measured = (small.root / name for name in ("benchmarks/results/x.json", "build/runs/adcgan/x/record.json"))
    for path in (other, measured):
        path.parent.mkdir(parents=True)
        path.write_text("{}")
    diagnosed = measured.with_name("diagnostics.json")
    log = small.root / "executed"
    code = f"with open({str(log)!r}, 'a') as file: file.write('x')"
    assert small("text", code, rests_on="build/runs/adcgan").returncode == 0
    other.write_text("{ }")
    assert build(small.root).returncode == 0
    assert log.read_text() == "x"
    measured.write_text("{ }")
    assert build(small.root).returncode == 0
    assert log.read_text() == "xx"
    diagnosed.write_text("{}")
    assert build(small.root).returncode == 0
    assert log.read_text() == "xxx"


def shown(page, records, monkeypatch):
    """What the code cells of a page give where those are the committed records."""
    from companion.pages import common

    monkeypatch.setattr(common, "committed", lambda: records)
    for name, module in sys.modules.items():
        if name.startswith("adcgan.") and hasattr(module, "committed"):
            monkeypatch.setattr(module, "committed", lambda: records)
    parts, names = [], {}
    for cell in re.findall(r"^```\{code-cell\}.*\n(?::.*\n)*((?:.*\n)*?)```$", page.read_text(), re.MULTILINE):
        *before, last = ast.parse(cell).body
        exec(compile(ast.Module(before, []), page.name, "exec"), names)
        parts.append(eval(compile(ast.Expression(last.value), page.name, "eval"), names).text)
    return parts


def patterns(text):
    """`patterns` of book/_ext/fresh.py, which is no package."""
    spec = importlib.util.spec_from_file_location("fresh", ROOT / "book/_ext/fresh.py")
    spec.loader.exec_module(module := importlib.util.module_from_spec(spec))
    return module.patterns(text)


PAGES = [page for page in sorted((ROOT / "book").glob("*.md")) if "rests_on:" in page.read_text()]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_shows_nothing_of_records_that_it_does_not_say_it_rests_on(page, monkeypatch):
    """Otherwise it would go on showing them after they changed."""
    from adcgan.experiments.records import read_all

    records = read_all(ROOT / "runs")
    stated = {path.parent for pattern in patterns(page.read_text()) for path in ROOT.glob(pattern)}
    some = [record for record in records if record.directory in stated]
    if len(some) < len(records):
        assert shown(page, records, monkeypatch) == shown(page, some, monkeypatch)


def test_a_page_cannot_rest_on_a_place_that_is_not_watched():
    assert patterns("---\na: b\nrests_on: runs/knn\n---\n") == ("runs/knn/**/*.json",)
    assert patterns("---\nrests_on:\n---\n") == () and len(patterns("# Page")) == 4
    with pytest.raises(ValueError, match="runsx: expected runs, repeats, build/runs"):
        patterns("---\nrests_on: runsx\n---\n")


def test_a_link_in_raw_html_that_leads_nowhere_fails_the_build(small):
    links = ["nowhere.html", "#nowhere", "index.html#page", "https://example.org/x"]
    done = small(" ".join(f'<a href="{link}">there</a>' for link in links))
    assert done.returncode != 0
    said = re.findall(r"the link '(\S+)' leads nowhere", done.stdout + done.stderr)
    assert sorted(set(said)) == ["#nowhere", "nowhere.html"]


def test_a_fault_in_a_record_fails_the_build_and_names_the_file(small, record, runs_of):
    """One fault for all of those that test_records.py knows."""
    runs = small.root / "runs"
    shutil.copytree(runs_of(record), runs)
    path = record.run.directory(runs) / "record.json"
    path.write_text(path.read_text()[:100])
    done = small("text")
    said = done.stdout + done.stderr
    assert done.returncode != 0 and f"record {path}" in said and "cannot be read" in said
