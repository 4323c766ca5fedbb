"""What each page takes to make again, and the book on paper."""

import importlib.util
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from adcgan import plan
from adcgan.book import effort, walk_pages
from adcgan.records import read_all

ROOT = Path(__file__).resolve().parent.parent


def test_the_matrix_lists_every_page_of_the_contents():
    contents = re.findall(r"(?:file|root): (\S+)", (ROOT / "book/_toc.yml").read_text())
    assert [line.page for line in effort.LINES] == contents


def test_the_time_of_recorded_cells_is_that_of_their_records_and_the_rest_is_their_median():
    costs = []
    for path in (ROOT / "runs/adcgan/mnist/one-vs-all").rglob("record.json"):
        content = json.loads(path.read_text())
        if not content["departures"]:
            costs.append(sum(value for name, value in content["cost"].items() if name.endswith("_seconds")))
    cells = plan.cells(methods=["adcgan"], datasets=["mnist"], schemes=["one-vs-all"])
    found = effort.effort(cells, read_all(ROOT / "runs"))
    assert (found.cells, found.recorded, found.without_rate) == (30, len(costs), 0)
    assert found.spent == pytest.approx(sum(costs))
    assert found.estimated == pytest.approx(np.median(costs) * (30 - len(costs)))


def test_the_sentence_accounts_for_every_cell():
    behind = effort.Effort(cells=10, recorded=3, spent=7200.0, estimated=1800.0, without_rate=5)
    words = effort.sentence(behind).replace("\N{NO-BREAK SPACE}", " ")
    assert words == "3 of 10 cells recorded, 2.0 h; 2 more: 30.0 min, estimated; 5 more: not measured"
    assert effort.sentence(effort.Effort(2, 0, 0, 0, 2)) == "0 of 2 cells recorded; 2 more: not measured"


def test_nothing_is_estimated_where_nothing_is_recorded():
    cells = plan.cells(methods=["adcgan"], datasets=["mnist"], schemes=["all-vs-one"])
    assert effort.effort(cells, []) == effort.Effort(len(cells), 0, 0, 0, len(cells))


def test_every_command_of_the_matrix_is_one_that_the_command_line_takes():
    from adcgan import cli

    records = read_all(ROOT / "runs")
    lines = [line.of(records) for line in effort.LINES]
    lines = [line for line in lines if line.cells is not None]
    assert any(line.study for line in lines) and not all(line.study for line in lines)
    for line in lines:
        first, *others = (cli._parser().parse_args(command.split()[1:]) for command in line.commands)
        assert all(list(getattr(first, name)) == list(values) for name, values in line.cells.items())
        assert not first.study and [given.study for given in others] == [True] * line.study


def test_the_studys_trainings_are_counted_by_themselves():
    records = read_all(ROOT / "runs")
    (line,) = (line for line in effort.LINES if line.page == "study")
    again = [record for record in records if record.cell in set(plan.study_cells())]
    of_grid, of_study = effort.behind(line, records)
    assert of_study.startswith(f"the study's trainings: {len(again)} of {len(plan.study_cells()):,} cells recorded, ")
    assert of_grid == effort.behind(effort.Line("", "", "", line.cells), records)[0]
    assert effort.behind(effort.Line("", "", ""), records) == []


def test_the_page_of_one_image_rests_on_the_one_run_that_it_shows():
    records = read_all(ROOT / "runs")
    (line,) = (line.of(records) for line in effort.LINES if line.page == "walk")
    (cell,) = plan.cells(**line.cells)
    assert cell == walk_pages.chosen(records).cell
    assert effort.effort([cell], records).recorded == 1
    assert line.of([]) == line


def test_printing_an_unbuilt_book_says_so(tmp_path):
    (tmp_path / "book").mkdir()
    for name in ("pdf.py", "_toc.yml"):
        shutil.copy(ROOT / "book" / name, tmp_path / "book")
    done = subprocess.run([sys.executable, tmp_path / "book/pdf.py"], capture_output=True, text=True)
    assert done.returncode == 1 and "build the book first" in done.stderr


def test_the_pdf_keeps_links_to_the_web_and_none_to_files():
    from pypdf import PdfWriter
    from pypdf.annotations import Link

    spec = importlib.util.spec_from_file_location("pdf", ROOT / "book/pdf.py")
    pdf = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(pdf)
    joined = PdfWriter()
    joined.add_blank_page(100, 100)
    for url in ("file:///somewhere/table1.html", "https://example.org/"):
        joined.add_annotation(0, Link(rect=(0, 0, 50, 50), url=url))
    pdf.drop_file_links(joined)
    (kept,) = joined.pages[0]["/Annots"]
    assert kept.get_object()["/A"]["/URI"] == "https://example.org/"
