"""The whole book, built without torch from the committed records: its pages, figures, files, and their weight."""

import json
import re
from pathlib import Path

import pytest
from companion.analysis import results, tables
from companion.pages import gallery
from companion.records import load

from adcgan import paper

ROOT = Path(__file__).resolve().parents[2]
MEGABYTE = 10**6


@pytest.fixture(scope="module")
def records(book):
    """The records that the book was built from: others may have come since."""
    return load(book.parents[2] / "runs")


@pytest.fixture(scope="module")
def pages(book):
    """The text of every page by its address; not the theme's own pieces in _static."""
    paths = [path for path in sorted(book.rglob("*.html")) if "_static" not in path.relative_to(book).parts]
    return {str(path.relative_to(book)): path.read_text() for path in paths}


def test_every_page_of_the_contents_and_of_the_records_is_there_with_a_title_of_its_own(book, pages, records):
    contents = re.findall(r"(?:file|root): (\S+)", (book.parents[1] / "_toc.yml").read_text())
    kinds = {(run.name, run.dataset, run.scheme) for run in (record.run for record in records)}
    made = {tables.address(*kind) for kind in kinds} | {gallery.place(*kind) for kind in gallery.chosen(records)}
    made |= {tables.address(run.name, run.dataset, run.scheme, run.label) for run in (record.run for record in records)}
    assert len(made) > 100 and {f"{name}.html" for name in (*contents, *made)} <= set(pages)
    others = {name for name in pages if not name.startswith(("api/", "cells/", "gallery/"))}
    assert others == {f"{name}.html" for name in (*contents, "genindex", "py-modindex", "search")} & set(pages)
    titles = [re.search("<title>(.*?)</title>", text, re.DOTALL)[1] for text in pages.values()]
    assert len(set(titles)) == len(titles) and all(
        text.count("<h1") == 1 or "onlyprint" in text for text in pages.values()
    )


def test_pages_ask_no_server_for_anything_and_name_no_machine(book, pages):
    for name, text in pages.items():
        assert not re.search(r'<(?:script|img|iframe|source)[^>]+src="(?:https?:)?//', text), name
        assert not re.search(r'<link[^>]+rel="(?:stylesheet|preload|icon)"[^>]+href="(?:https?:)?//', text), name
        assert not re.search(r"unpkg\.com|jsdelivr|googleapis", text), name
        assert str(ROOT) not in text and str(book.parents[2]) not in text, name


def test_equations_carry_the_papers_numbers_and_the_steps_of_one_image_name_their_run(pages):
    method = pages["method.html"]
    numbers = re.findall(r'<div class="math[^>]*id="equation-eq-(\d)">\s*<span class="eqno">\((\d)\)', method)
    assert numbers == [(n, n) for n in "123456"]
    assert method.count('<div class="adcgan-sides">') == 7 and "adcgan-away" not in method
    page, anchor = re.search(r'The run shown: <a href="(cells/adcgan-printed-[^"#]+)#([^"]+)">', method).groups()
    assert f'id="{anchor}"' in pages[page] and 'src="_static/steps.js"' in method


def part(text, name, scale):
    """What stands on a page for a scale of the switch ``name``."""
    within = text[text.index(f'name="{name}"') :]
    start = within.index(f'<div class="adcgan-scale-{scale}">')
    ends = [
        at for mark in ('<div class="adcgan-scale-', "adcgan-downloads") if (at := within.find(mark, start + 9)) > 0
    ]
    return within[start : min(ends)]


@pytest.mark.parametrize("scale", ["laptop", "paper"])
def test_every_figure_of_tables_1_and_3_is_its_records(book, pages, records, scale):
    frames = {"table1": tables.table1(records, scale), "table3": tables.table3(records, scale)}
    for name, frame in frames.items():
        shown = part(pages["results.html"], name, scale)
        found = re.findall(r'<td class="ours"><a href="([^"]+)">([\d.]+)</a>', shown)
        label = [None] * len(frame) if name == "table1" else frame["class"]
        expected = [
            (f"{tables.address((tables.MODELS | tables.OTHERS)[row.model], row.dataset, row.scheme, of)}.html",
             f"{row.ours:.1f}") for row, of in zip(frame.itertuples(), label, strict=True) if row.ours == row.ours
        ]  # fmt: skip
        assert sorted(found) == sorted(expected)
        assert expected or (name, scale) == ("table1", "paper")
    copied = {link: of_copies(book, pages, link, scale) for link, _ in found}  # and Table 3's its records' own copies'
    assert sorted(found) == sorted((link, figure) for link, figures in copied.items() for figure in figures)


def of_copies(book, pages, link, scale):
    """The mean over the seeds of each class on a page of runs, from the copies of its records."""
    classes = {}
    for body in re.findall(r'<section id="[^"]+">(.*?)</section>', pages[link], re.DOTALL):  # a trained method's class
        heading = re.search(r"<h2>(Seed.*?)<", body)
        if heading and re.fullmatch(rf"Seed [012](, scale {scale})?(, test_images=[\d,]+)?", heading[1]):
            classes.setdefault("", []).append(re.search(r'href="(records/[^"]+\.json)"', body)[1])
    for name, copy in re.findall(r'<tr><th[^>]*>(class \d.*?)</th>.*?href="(records/[^"]+\.json)"', pages[link]):
        classes.setdefault(name, []).append(copy)
    for copies in classes.values():
        held = [json.loads((book / "cells" / copy).read_text()) for copy in copies]
        means = [(of["stale_noise"]["NS"]["mean"] if "stale_noise" in of else of["auroc"]["NS"]) for of in held]
        yield f"{100 * sum(means) / len(means):.1f}"


def test_the_papers_figures_are_on_the_page(pages):
    for value in paper.table(1)["auc_percent"]:
        assert f"<td>{value:.1f}" in pages["results.html"]
    for value in paper.table(4)["auc_percent"]:
        assert f"<td>{value:.1f}" in pages["ablation.html"]


def test_each_tables_files_are_linked_under_it_and_hold_its_records(book, pages, records):
    for number, page in ((1, "results"), (2, "method"), (3, "results"), (4, "ablation")):
        for kind in ("csv", "json"):
            assert f'href="downloads/table{number}.{kind}"' in pages[f"{page}.html"]
        held = json.loads((book / f"downloads/table{number}.json").read_text())
        assert held == results.content(number, records)


def test_scripts_are_loaded_where_a_page_needs_them_and_nowhere_else(book, pages):
    for name, text in pages.items():
        scripts = [script for script in re.findall(r'src="([^"?]+)', text) if not script.startswith("data:")]
        assert all((book / name).parent.joinpath(script).is_file() for script in scripts), name
        assert any("dataTables" in script for script in scripts) == ('adcgan-sortable"' in text), name
        assert any("mathjax" in script for script in scripts) == ('class="math' in text), name
    assert 'adcgan-sortable"' in pages["appendix.html"] and (book / "_static/datatables/LICENSE").is_file()


def test_no_page_is_heavy_and_the_site_light_enough_to_hand_on(book, pages):
    assert {name: len(text) for name, text in pages.items() if len(text) > MEGABYTE} == {}
    assert sum(path.stat().st_size for path in book.rglob("*") if path.is_file()) < 40 * MEGABYTE
