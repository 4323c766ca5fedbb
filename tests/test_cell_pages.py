"""The page of a cell, made from a record alone, and the charts on it."""

import json
import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from PIL import Image

from adcgan.book import cell_pages, charts, html


@pytest.fixture(scope="module")
def page(record, runs_of):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cell_pages, "ROOT", runs_of(record))
        return {page.name: page for page in cell_pages.all_pages([record])}


def test_a_cell_has_a_page_and_its_group_another(page):
    assert set(page) == {"cells/adcgan-digits-one-vs-all", "cells/adcgan-digits-one-vs-all-0"}
    assert 'href="adcgan-digits-one-vs-all-0.html"' in page["cells/adcgan-digits-one-vs-all"].body


def test_a_cells_page_shows_what_the_record_holds(page, record):
    text = page["cells/adcgan-digits-one-vs-all-0"].body
    for name, value in record.auroc.items():
        assert f'<th scope="row">{name}</th><td>{100 * value:.1f}</td>' in text
    for name in record.readings:
        long = ' class="long"' if len(name) > html.LONG else ""
        assert f'<th scope="row"{long}>{name}</th>' in text
    content = record.content
    for shown in (
        content["data"]["fingerprint"],
        content["finished"],
        content["device"]["name"],
        record.cell.digest[:16],
    ):
        assert shown in text
    assert "0 of 3 planned seeds are recorded" in text  # its settings are not the paper's
    for name in content["config"]:
        assert f'<th scope="row">{name}</th>' in text
    assert text.count(">yes<") == len(record.cell.departures)


def test_the_command_on_the_page_is_one_that_the_command_line_takes(page, record):
    from adcgan import cli

    command = re.search(r"<code>adcgan (run [^<]+)</code>", page["cells/adcgan-digits-one-vs-all-0"].body)[1]
    given = cli._parser().parse_args(command.split())
    assert (given.dataset, given.classes, given.seeds) == ("digits", ["0"], [0])
    assert {name: str(value) for name, value in record.cell.departures.items()} == {
        name: getattr(given, name) for name in record.cell.departures
    }


def test_headings_are_in_order_and_pictures_have_a_text(page):
    for one in page.values():
        levels = [int(level) for level in re.findall(r"<h(\d)", one.body)]
        assert levels[0] == 1 and levels.count(1) == 1
        assert all(after - before <= 1 for before, after in zip(levels, levels[1:], strict=False))
        for image in re.findall(r"<img [^>]+>", one.body):
            assert re.search(r'alt="[^"]{10,}"', image)


def test_a_sheet_is_as_wide_as_its_columns(page, record):
    with Image.open(next(record.directory.glob("pictures.*"))) as image:
        columns = image.width * len(record.content["pictures"]["rows"]) // image.height  # squares
    body = page["cells/adcgan-digits-one-vs-all-0"].body
    assert f'<div class="adcgan-sheet" style="--columns: {columns}">' in body


@pytest.mark.parametrize("draw", [charts.histogram, charts.roc, charts.losses])
def test_a_chart_is_well_formed_says_what_it_shows_and_stays_inside_its_frame(record, draw):
    charts_found = re.findall(r"<svg.*?</svg>", draw(record), re.DOTALL)
    assert charts_found
    for text in charts_found:
        svg = ET.fromstring(text)
        assert svg.get("role") == "img" and len(svg.get("aria-label")) > 10
        _, _, width, height = map(float, svg.get("viewBox").split())
        for line in svg.iter("polyline"):
            points = np.array([point.split(",") for point in line.get("points").split()], float)
            assert (points >= 0).all() and (points <= [width, height]).all()


def test_the_roc_chart_goes_through_the_curves_of_the_record(record):
    svg = ET.fromstring(charts.roc(record))
    first = next(svg.iter("polyline"))
    points = np.array([point.split(",") for point in first.get("points").split()], float) - 1
    area = np.trapezoid(1 - points[:, 1] / 190, points[:, 0] / 190)
    assert area == pytest.approx(record.auroc["NS"], abs=0.02)


def test_the_losses_charts_are_those_of_the_record_one_panel_each(record):
    labels = re.findall(r'aria-label="(\S+) by epoch: first \S+, last (\S+)"', charts.losses(record))
    last = record.content["losses"][-1]
    assert {name: value for name, value in labels} == {name: f"{value:.3g}" for name, value in last.items()}


def test_a_panel_of_losses_has_its_scale_and_the_page_says_what_its_lines_are(page, record):
    for panel in re.findall("<svg.*?</svg>", charts.losses(record), re.DOTALL):
        svg = ET.fromstring(panel)
        name, last, high, low = [text.text for text in svg.iter("text")]
        values = [epoch[name] for epoch in record.content["losses"] if name in epoch]
        assert last == f"last {values[-1]:.3g}"
        for text in list(svg.iter("text"))[2:]:
            assert float(text.get("x")) >= 6.2 * len("0.00012"), "two digits and zeros before them fit"
        assert float(low) <= 1.06 * min(values) and float(high) >= 0.94 * max(values)
    text = page["cells/adcgan-digits-one-vs-all-0"].body
    assert "Means over an epoch" in text and "Dashed: the contrastive loss" in text
    assert f"Dotted: the end of the {record.cell.config.warm_up_epochs} warm-up" in text


def test_a_page_leads_to_the_executed_notebook_that_shows_its_class():
    from adcgan.records import read_all

    given = {}  # by papermill, class by class
    for executed in (cell_pages.ROOT / "runs/notebooks").glob("*.ipynb"):
        classes = json.loads(executed.read_text())["metadata"]["papermill"]["parameters"]["classes"]
        given |= {f"cells/{executed.stem}-{label}": executed for label in json.loads(classes)}
    linked = {}
    for page in cell_pages.all_pages(read_all(cell_pages.ROOT / "runs")):
        kept = [source for place, source in page.files.items() if place.startswith("cells/notebooks/")]
        assert ("executed notebook" in page.body) == bool(kept)
        if kept:
            (linked[page.name],) = kept
    assert linked == given != {}
