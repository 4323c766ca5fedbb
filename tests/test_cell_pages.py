"""The page of a cell, made from a record alone, and the charts on it."""

import json
import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from companion.pages import cell_pages, charts
from factories import write_format1, write_record
from PIL import Image
from test_study import rows_of

from adcgan.experiments import grid, notebook, records
from adcgan.experiments.records import read_all


@pytest.fixture(scope="module")
def page(record, runs_of):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cell_pages, "ROOT", runs_of(record))
        return {page.name: page for page in cell_pages.all_pages([record])}


def test_a_cell_has_a_page_and_its_group_another(page):
    assert set(page) == {"cells/adcgan-printed-digits-one-vs-all", "cells/adcgan-printed-digits-one-vs-all-0"}
    assert 'href="adcgan-printed-digits-one-vs-all-0.html"' in page["cells/adcgan-printed-digits-one-vs-all"].body


def test_a_cells_page_shows_what_the_record_holds(page, record):
    text = page["cells/adcgan-printed-digits-one-vs-all-0"].body
    for name, value in record.auroc.items():
        assert f'<th scope="row">{name}</th><td>{100 * value:.1f}</td>' in text
    content = record.content
    for shown in (
        content["data"]["fingerprint"],
        content["finished"],
        content["device"]["name"],
        record.run.digest[:16],
    ):
        assert shown in text
    assert "Planned seeds recorded: none." in text  # it is an ablation
    for kind, value in content["spread"].items():
        assert f"{kind} {value:.3f}" in text
    for name in content["config"]:
        assert f'<th scope="row">{name}</th>' in text
    assert text.count(">yes<") == len(record.run.changes)


def test_the_command_on_the_page_is_one_that_the_command_line_takes(page, record):
    from adcgan import cli

    command = re.search(r"<code>adcgan (run [^<]+)</code>", page["cells/adcgan-printed-digits-one-vs-all-0"].body)[1]
    given = cli._parser().parse_args(command.split())
    assert (given.dataset, given.classes, given.seeds) == ("digits", ["0"], [0])
    assert (given.recipe, given.scale) == ("printed", "paper")
    assert {name: str(value) for name, value in record.run.changes.items()} == {
        name: getattr(given, name) for name in record.run.changes
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
    body = page["cells/adcgan-printed-digits-one-vs-all-0"].body
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
    text = page["cells/adcgan-printed-digits-one-vs-all-0"].body
    assert "Means over an epoch" in text and "Dashed: the contrastive loss" in text
    assert f"Dotted: the end of the {record.run.config.warm_up_epochs} warm-up" in text


@pytest.fixture
def pages_of(tmp_path, monkeypatch):
    """The pages of some records in a directory of runs, by name."""
    monkeypatch.setattr(cell_pages, "ROOT", tmp_path)
    return lambda records: {page.name: page for page in cell_pages.all_pages(records)}


def test_a_class_has_its_runs_by_scale_and_seed_ablations_last_each_at_its_own_anchor(tmp_path, pages_of):
    runs = dict(runs=tmp_path / "runs")
    paper = [write_record(**runs, seed=seed) for seed in (0, 1)]
    laptop, ablation = write_record(**runs, scale="laptop"), write_record(**runs, scale="laptop", rho=0.25)
    named = write_record(**runs, **grid.ABLATIONS["mean in L_AE"])
    old, script = write_format1(**runs), write_record(**runs, recipe="script")
    former = write_format1(**runs, reconstruction="sum")
    pages = pages_of([old, former, named, ablation, *paper, laptop, script])
    body = pages["cells/adcgan-printed-mnist-one-vs-all-0"].body
    sections = re.findall(r'<section id="([^"]+)"><h2>(.*?)</h2>', body)
    assert sections == [
        ("laptop-seed-0", "Seed 0, scale laptop"),
        ("paper-seed-0", "Seed 0, scale paper"),
        ("paper-seed-1", "Seed 1, scale paper"),
        (f"laptop-seed-0-{ablation.run.variant}", "Seed 0, scale laptop, rho=0.25"),
        *sorted(
            [(f"paper-seed-0-{named.run.variant}", "Seed 0, scale paper, mean in L_AE"),
             (f"paper-seed-0-{old.run.variant}", "Seed 0, scale paper, old default"),
             (f"paper-seed-0-{former.run.variant}", "Seed 0, scale paper, old default, reconstruction=sum")],
            key=lambda pair: pair[0],
        ),
    ]  # fmt: skip
    assert "Planned seeds recorded: 1 of 3 at scale laptop, 2 of 3 at scale paper." in body
    assert len(set(pages["cells/adcgan-printed-mnist-one-vs-all-0"].files)) == 7, "a copy of each record"
    (line,) = rows_of(pages["cells/adcgan-printed-mnist-one-vs-all"].body)
    mean = np.mean([100 * record.result for record in paper])
    assert line["AUROC %, scale paper"] == f"{mean:.1f}"
    assert line["seeds, scale paper"] == ", ".join(f"{100 * record.result:.1f}" for record in paper)
    assert (line["AUROC %, scale laptop"], line["ablations"]) == (f"{100 * laptop.result:.1f}", "4")
    assert 'id="paper-seed-0"' in pages["cells/adcgan-script-mnist-one-vs-all-0"].body


def test_recipe_scripts_page_has_the_range_over_the_stale_noise_and_its_mean_as_the_result(tmp_path, pages_of):
    script = write_record(tmp_path, recipe="script", scale="laptop")
    pages = pages_of([script])
    body = pages["cells/adcgan-script-mnist-one-vs-all-0"].body
    lines = {row[""]: row for row in rows_of(body) if "low" in row}
    for name, of in script.content["stale_noise"].items():
        assert lines[name] == {"": name} | {key: f"{100 * value:.1f}" for key, value in of.items()}
    (line,) = rows_of(pages["cells/adcgan-script-mnist-one-vs-all"].body)
    assert line["AUROC %, scale laptop"] == f"{100 * script.content['stale_noise']['NS']['mean']:.1f}"
    assert "Stale noise" not in cell_pages.section(write_record(tmp_path))


def test_a_library_baselines_page_has_no_scale(tmp_path, pages_of):
    pages = pages_of([write_record(tmp_path, method="pca")])
    body = pages["cells/pca-mnist-one-vs-all-0"].body
    assert '<section id="seed-0"><h2>Seed 0</h2>' in body and "Planned seeds recorded: 1 of 1." in body
    assert not re.search(r"scale (paper|laptop)|--scale|--recipe", body)


def test_a_page_has_the_readings_of_the_same_weights_of_either_format(tmp_path, pages_of):
    old, today = write_format1(tmp_path), write_record(tmp_path)
    assert "scored otherwise" not in cell_pages.section(today)
    variants = {"score": today.auroc, "reduction=mean": today.auroc | {"NS": 0.123}}
    records.write_diagnostics(today, {"variants": variants, "one_image": []}, {})
    for record in (old, records.find(today.run, tmp_path)):
        assert len(record.readings) > 1
        lines = [row for row in rows_of(cell_pages.section(record)) if "scoring variant" in row]
        assert {line.pop("scoring variant"): line for line in lines} == {
            name: {part: f"{100 * value:.1f}" for part, value in of.items()} for name, of in record.readings.items()
        }


def test_a_page_leads_to_the_executed_notebooks_that_show_its_class():
    """Of the records of format 1; a run of today has one of its own."""
    given = {}  # by papermill, class by class
    for executed in (cell_pages.ROOT / "runs/format-1/notebooks").glob("*.ipynb"):
        classes = json.loads(executed.read_text())["metadata"]["papermill"]["parameters"]["classes"]
        name = executed.stem.replace("adcgan-", "adcgan-printed-")
        given |= {f"cells/{name}-{label}": executed for label in json.loads(classes)}
    linked = {}
    for page in cell_pages.all_pages(read_all(cell_pages.ROOT / "runs")):
        kept = [source for place, source in page.files.items() if place.startswith("cells/notebooks/")]
        assert page.body.count(">executed notebook ") == len(kept)
        former = [source for source in kept if "format-1" in source.parts]
        if former:
            (linked[page.name],) = former
    assert linked == given != {}


def test_a_run_of_today_leads_to_its_own_executed_notebook(tmp_path, pages_of):
    shown, other = write_record(tmp_path), write_record(tmp_path, label=1)
    place = notebook.place(shown.run, tmp_path)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text("### Class 0 (0)")
    for more in (dict(seed=1), dict(rho=0.25)):
        write_record(tmp_path, **more)  # these have none
    pages = pages_of(read_all(tmp_path))
    page = pages["cells/adcgan-printed-mnist-one-vs-all-0"]
    assert page.body.count(">executed notebook ") == 1
    (address,) = [address for address, source in page.files.items() if source == place]
    assert f'href="{address.removeprefix("cells/")}"' in page.body
    assert "executed notebook" not in pages[f"cells/adcgan-printed-mnist-one-vs-all-{other.run.label}"].body
