"""What each page takes to make again, and the book on paper."""

import importlib.util
import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from companion.pages import effort, walk_pages
from factories import write_format1, write_record

from adcgan.experiments import grid
from adcgan.experiments.records import read_all, write_diagnostics

ROOT = Path(__file__).resolve().parent.parent


def test_the_matrix_lists_every_page_of_the_contents():
    contents = re.findall(r"(?:file|root): (\S+)", (ROOT / "book/_toc.yml").read_text())
    assert [line.page for line in effort.LINES] == contents


def test_the_time_of_recorded_cells_is_that_of_their_records_and_the_rest_is_their_median(tmp_path):
    places = [(label, seed) for label in range(4) for seed in (0, 1)][:7]
    runs = [write_record(tmp_path, *("mnist", *place), scale="laptop", seconds=10 + place[0]) for place in places]
    others = [
        write_record(tmp_path, label=5, seconds=9e9),
        write_record(tmp_path, label=5, recipe="script", seconds=9e9),
    ]
    others += [write_record(tmp_path, label=6, scale="laptop", rho=0.25, seconds=9e9), write_format1(tmp_path)]
    cells = grid.planned(
        methods=["adcgan"], datasets=["mnist"], schemes=["one-vs-all"], scales=["laptop"], recipes=["printed"]
    )
    found = effort.effort(cells, [*runs, *others])
    assert (found.cells, found.recorded, found.without_rate) == (30, 7, 0)
    costs = [10 + label + 1 for label, _ in places]  # and a second of scoring
    assert found.spent == pytest.approx(sum(costs))
    assert found.estimated == pytest.approx(np.median(costs) * 23)


def test_a_recorded_cell_of_the_repository_costs_what_its_record_says():
    records = read_all(ROOT / "runs")
    known = {record.run: record for record in records}
    cells = grid.planned(methods=["isolation_forest"], datasets=["mnist"])
    costs = []
    for cell in cells:
        path = known[cell].directory / "record.json" if cell in known else None
        if path:
            cost = json.loads(path.read_text())["cost"]
            costs.append(
                sum(cost.get(f"{part}_seconds", 0) for part in ("train", "score", "study", "watch", "per_epoch"))
            )
    found = effort.effort(cells, records)
    assert (found.cells, found.recorded) == (len(cells), len(costs)) and costs
    assert found.spent == pytest.approx(sum(costs))


def test_the_sentence_accounts_for_every_cell():
    behind = effort.Effort(cells=10, recorded=3, spent=7200.0, estimated=1800.0, without_rate=5)
    words = effort.sentence(behind).replace("\N{NO-BREAK SPACE}", " ")
    assert words == "3 of 10 cells recorded, 2.0 h; 2 more: 30.0 min, estimated; 5 more: not measured"
    assert effort.sentence(effort.Effort(2, 0, 0, 0, 2)) == "0 of 2 cells recorded; 2 more: not measured"


def test_nothing_is_estimated_where_nothing_is_recorded():
    cells = grid.planned(methods=["adcgan"], datasets=["mnist"], schemes=["all-vs-one"])
    assert effort.effort(cells, []) == effort.Effort(len(cells), 0, 0, 0, len(cells))


def test_every_command_of_the_matrix_is_one_that_the_command_line_takes():
    from adcgan import cli

    records = read_all(ROOT / "runs")
    lines = [line.of(records) for line in effort.LINES]
    lines = [line for line in lines if line.cells is not None]
    assert lines
    for line in lines:
        (command,) = line.commands
        given = cli._parser().parse_args(command.split()[1:])
        assert all(list(getattr(given, name)) == list(values) for name, values in line.cells.items())


def test_the_training_behind_a_page_is_said_for_each_scale_and_for_none_without_training(tmp_path):
    record = write_record(tmp_path, scale="laptop")
    line = effort.Line("", "", "", {"methods": ["adcgan"], "datasets": ["mnist"], "schemes": ["one-vs-all"]})
    laptop, paper = effort.behind(line, [record])
    count = {scale: len(grid.planned(**line.cells, scales=[scale])) for scale in ("laptop", "paper")}
    assert laptop.startswith(f"scale laptop: 1 of {count['laptop']} cells recorded")
    assert paper.startswith(f"scale paper: 0 of {count['paper']} cells recorded") and "not measured" in paper
    (alone,) = effort.behind(replace(line, cells=line.cells | {"scales": ["paper"]}), [record])
    assert alone == paper
    assert effort.behind(effort.Line("", "", ""), [record]) == []


def test_the_page_of_one_image_rests_on_the_one_run_that_it_shows(tmp_path):
    (line,) = (line for line in effort.LINES if line.page == "walk")
    assert line.of([]) == line
    shown, arrays = write_record(tmp_path, label=3, scale="laptop"), {"D_z_image": np.zeros((2, 16, 1), np.float16)}
    write_diagnostics(shown, {"variants": {"score": shown.auroc}, "one_image": list(arrays)}, arrays)
    old = write_format1(tmp_path, label=3)
    records = read_all(tmp_path)
    (cell,) = grid.planned(**line.of(records).cells)
    assert cell == shown.run == walk_pages.chosen(records).run
    assert effort.effort([cell], records).recorded == 1
    (cell,) = grid.planned(**line.of([old]).cells)  # of the old default: behind it is what would take its place
    assert (cell.label, cell.seed, cell.changes) == (3, 0, {}) and effort.effort([cell], [old]).recorded == 0


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
