"""What the pages call, with records of every kind and with none: whole, without a missing figure, links that lead."""

import dataclasses
import json
import re
from pathlib import Path

import numpy as np
import pytest
from companion import html
from companion.pages import (  # isort: split
    ablation,
    audit,
    choices,
    citation,
    gallery,
    networks,
    one_image,
    own_pictures,
    result,
    results,
    runs,
    script,
    speed,
    variance,
    why,
)

from companion.records import MODEL_OF
from showing import Outline, words

from adcgan.config import METHODS

MEASURED = {
    f"{function.__module__.rpartition('.')[2]}.{function.__name__}": function
    for function in (
        result.claims, result.measured, result.picture, result.coverage, result.reasons, result.checks,
        results.table1, results.table3, results.table4, results.verdicts, results.comparisons, results.heat_maps,
        ablation.planned, ablation.trained, ablation.compared, ablation.checks, choices.choices,
        script.stale_noise, script.nulls, gallery.contents,
        why.adversarial, why.alone, why.ladder, why.drift, why.effects, why.effects_table, why.checks, why.scoring,
        why.parts, why.reconstruction, why.reductions, variance.spread, variance.again, variance.scales,
        variance.epochs, runs.listed, speed.costs,
    )
}  # fmt: skip
STATED = [results.table2, networks.figure1, networks.parameters, networks.layers,
          lambda: citation.entries(ROOT / "CITATION.cff"),
          audit.published_means, audit.published_spread, audit.published_statements, audit.published_profiles,
          audit.published_ahead, *(lambda n=n: results.downloads(n) for n in (1, 2, 3, 4)),
          *(lambda method=method: choices.options(method) for method in METHODS)]  # fmt: skip
ROOT = Path(__file__).resolve().parents[3]
NAME = '<script>alert("1")</script>'


@pytest.fixture(scope="session")
def made(few):
    """The pages made from those records, by name."""
    return {page.name: page for page in (*runs.all_pages(few.all), *gallery.all_pages(few.all))}


def check(text, pages, here=""):
    """Balanced tags, texts for pictures, labels for controls, no failed figure, and links to pages that are made."""
    outline = Outline(text)
    ids = [of["id"] for _, of in outline.tags if "id" in of]
    assert len(set(ids)) == len(ids)
    assert not re.search(r"\b(nan|None|inf|dtype|<NA>)\b", words(re.sub(r"<code>.*?</code>", "", str(text))))
    assert all(len(of["alt"]) > 3 for of in outline.all("img")) and text.count("<input") <= text.count("<label>")
    for address in (of["href"] for of in outline.all("a")):
        place, _, anchor = address.partition("#")
        if address.startswith(("cells/", "gallery/", "../", "adcgan-", "alad-", "pca-", "knn-")) and ".html" in place:
            name = place.removeprefix("../") if place.startswith("../") or not here else f"{here}/{place}"
            if "/" in name:
                page = pages[name.removesuffix(".html")]
                assert not anchor or f'id="{anchor}"' in page.body, address


@pytest.mark.parametrize("name", MEASURED)
def test_what_is_measured_is_shown_for_records_of_every_kind_and_for_none(few, made, name):
    for records in (few.all, ()):
        shown = MEASURED[name](records)
        assert isinstance(shown, html.Html)
        check(shown.text, made)


def test_what_is_stated_is_shown():
    for shown in [of() for of in STATED] + [speed.speeds("no such place"), one_image.run(None), one_image.score(None)]:
        check(re.sub(r"(?s)<style>.*?</style>", "", shown.text), {})
    assert "make bench" in speed.speeds("no such place").text and "No recorded run" in one_image.run(None).text
    assert "Nothing was measured" in own_pictures.how_many("no such place").text
    for shown in (
        own_pictures.how_many(ROOT / "benchmarks/results"),
        own_pictures.false_alarms(ROOT / "benchmarks/results"),
    ):
        check(shown.text, {})
        assert "Fashion-MNIST" in shown.text or "At a stated rate of 5.0 %" in shown.text
    assert not one_image.score(None) and not one_image.components(None)


def test_every_page_made_from_a_record_is_whole_and_leads_to_pages_that_are_made(made):
    assert len(made) == len({page.title for page in made.values()}) > 20
    for page in made.values():
        check(page.body, made, here=page.name.partition("/")[0])
        levels = [int(level) for level in re.findall(r"<h(\d)", page.body)]
        assert levels[0] == 1 and levels.count(1) == 1
        assert all(after - before <= 1 for before, after in zip(levels, levels[1:], strict=False))


def test_names_in_a_record_are_text_wherever_they_are_shown(few):
    def renamed(record):
        content = record.content
        device = content["device"] | {"name": NAME}
        data = content["data"] | {"provenance": NAME, "canonical": False}
        run = content["run"] | {"class_name": NAME}
        return dataclasses.replace(record, content=content | {"run": run, "device": device, "data": data})

    records = tuple(map(renamed, few.all))
    shown = [function(records).text for function in MEASURED.values()]
    shown += [page.body for page in (*runs.all_pages(records), *gallery.all_pages(records))]
    shown.append(speed.local_run(records, records).text)
    assert sum("alert(" in text for text in shown) > 20
    for text in shown:
        assert "<script" not in text.lower()
    assert set(MODEL_OF) >= {record.run.name for record in records}


def test_what_the_page_on_own_pictures_says_of_its_measurements_holds():
    rows = json.loads((ROOT / "benchmarks/results/how-many.json").read_text())["rows"]
    mean = {key: 100 * np.mean([row["auroc"] for row in rows if (row["method"], row["given"]) == key])
            for key in {(row["method"], row["given"]) for row in rows}}  # fmt: skip
    assert 1.5 < mean["adcgan", 100] - mean["adcgan", 50] < 2.5, "two points from 50 to 100"
    assert max(mean["adcgan", count] for count in (200, 500, 1000, 2000, 6000)) < mean["adcgan", 100] + 0.1, "no more"
    assert 0.5 < mean["knn", 6000] - mean["knn", 50] < 1.5, "one point"
    assert mean["pca", 6000] <= mean["pca", 50], "none"
    alarms = json.loads((ROOT / "benchmarks/results/false-alarms.json").read_text())["rows"]
    below = [row["method"] for row in alarms if row["false_alarms"] < row["expected"][0]]
    assert len(below) == 2 and "adcgan" not in below and all(r["false_alarms"] <= r["expected"][1] for r in alarms)
    assert max(row["detected_by_class"]["sneaker"] for row in alarms if row["class_name"] == "sandal") < 0.2
