"""The page of a class and its runs, made from records alone, the list of runs, and what runs cost."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from companion.pages import runs, speed
from companion.records import load
from factories import DEVICE, write_format1, write_record
from showing import rows, tables, words

from adcgan import cli
from adcgan.experiments import notebook
from adcgan.experiments.records import read_all

ONE = "cells/adcgan-printed-mnist-one-vs-all"


@pytest.fixture(scope="module")
def pages(few):
    return {page.name: page for page in runs.all_pages(few.all)}


def section(page, anchor):
    return re.search(rf'<section id="{anchor}">.*?</section>', page.body, re.DOTALL)[0]


def test_every_class_of_a_trained_method_has_a_page_and_every_group_one_that_leads_to_them(few, pages):
    cells = [record.run for record in few.all if record.run.method not in ("pca", "knn")]
    names = {(run.name, run.dataset, run.scheme, run.label) for run in cells}
    assert {page for page in pages if re.search(r"-\d$", page)} == {"cells/" + "-".join(map(str, n)) for n in names}
    for name, page in pages.items():
        group = re.sub(r"-\d$", "", name)
        if group != name:
            assert f'href="{name.removeprefix("cells/")}.html"' in pages[group].body
            assert 'href="../results.html"' in page.body
    line = rows(pages[ONE].body)[0]
    both = [100 * few.laptop.result, 100 * few.second.result]
    assert line["AUROC %, scale laptop"] == f"{np.mean(both):.1f}"
    assert line["seeds, scale laptop"] == ", ".join(f"{value:.1f}" for value in both)
    assert (line["AUROC %, scale paper"], line["other runs"]) == (f"{100 * few.paper.result:.1f}", "2")


def test_a_class_has_its_runs_by_scale_and_seed_ablations_and_repeats_last(few, pages):
    found = re.findall(r'<section id="([^"]+)"><h2>(.*?)</h2>', pages[f"{ONE}-0"].body)
    assert found == [
        ("laptop-seed-0", "Seed 0, scale laptop"), ("laptop-seed-1", "Seed 1, scale laptop"),
        ("paper-seed-0", "Seed 0, scale paper"), ("laptop-seed-0-repeat-1", "Seed 0, scale laptop, repeat 1"),
        (f"laptop-seed-0-{few.ablation.run.variant}", "Seed 0, scale laptop, no contrastive loss"),
    ]  # fmt: skip
    files = [Path(name) for name in pages[f"{ONE}-0"].files]
    assert sum(file.suffix == ".json" for file in files) == 5, "a copy of each record"
    pictures = [file.stem.partition("class-0-")[2] for file in files if file.suffix == ".png"]
    assert sorted(pictures) == sorted(["seed-0", "seed-0", f"seed-0-{few.ablation.run.variant}"]), "seed 0's alone"
    assert all(f'src="records/{file.name}"' in pages[f"{ONE}-0"].body for file in files if file.suffix == ".png")


def test_a_method_that_a_library_fits_has_one_page_with_a_line_for_each_run(tmp_path):
    some = [write_record(tmp_path, method="ocsvm", scheme="all-vs-one", label=n, seed=m, seconds=90)
            for n, m in ((1, 0), (0, 1), (0, 0))]  # fmt: skip
    (page,) = runs.all_pages(read_all(tmp_path))
    lines = rows(page.body)
    assert page.name == "cells/ocsvm-mnist-all-vs-one" and "the anomalous one" in words(page.body)
    assert [(line["class"], line["seed"], line["fitting"]) for line in lines] == [
        ("class 0", "0", "1.5 min"), ("class 0", "1", "1.5 min"), ("class 1", "0", "1.5 min"),
    ]  # fmt: skip
    assert [line["AUROC %"] for line in lines] == [f"{100 * record.result:.1f}" for record in some[::-1]]
    copies = [f"cells/{address}" for address in re.findall(r'href="(records/[^"]+)"', page.body)]
    assert [page.files[copy] for copy in copies] == [record.directory / "record.json" for record in some[::-1]]
    assert len(page.files) == 3, "no pictures"
    again = cli._parser().parse_args(re.search("adcgan (run .* my-runs)", words(page.body))[1].split())
    assert (again.dataset, again.scheme) == ("mnist", "all-vs-one")


@pytest.mark.parametrize("name", ["laptop", "script", "ablation", "paper", "alad", "old", "hard"])
def test_a_section_shows_what_the_record_holds(few, pages, name):
    record, run = getattr(few, name), getattr(few, name).run
    page = pages[f"cells/{run.name}-{run.dataset}-{run.scheme}-{run.label}"]
    text = section(page, runs.anchor(record))
    of = tables(text)
    images = record.content["images"]
    aurocs = of[f"AUROC on {images['test_normal']} normal and {images['test_anomalous']} anomalous test images"]
    assert {row[""]: row["AUROC %"] for row in rows(aurocs)} == {
        part: f"{100 * value:.1f}" for part, value in record.auroc.items()
    }
    shown = rows(of[f"Configuration, digest {record.content['digest'][:16]}"])
    assert {row["option"]: json.loads(row["value"]) for row in shown} == record.content["config"]
    assert {row["option"] for row in shown if row["changed"]} == set(run.changes)
    origin = {row[""]: row["value"] for row in rows(of["Origin of this run"])}
    assert record.content["data"]["fingerprint"] in origin["data"] and origin["finished"] == record.content["finished"]
    assert origin["ended by"] == record.content.get("ended", "not recorded")
    assert "revision abc" in origin["code"] and origin["device"].startswith("test, threads: 1")
    assert cli._parser().parse_args(origin["again"].split()[1:]).dataset == run.dataset
    (address,) = re.findall(r'href="(records/[^"]+)"', text)
    assert page.files[f"cells/{address}"] == record.directory / "record.json"
    variants = [caption for caption in of if "scoring variant" in caption]
    assert bool(variants) == bool(record.variants)
    for row in rows(of[variants[0]]) if variants else ():
        expected = record.variants[row.pop("")]
        assert {part: value for part, value in row.items() if value} == {
            part: f"{100 * value:.1f}" for part, value in expected.items()
        }
    assert ("Stale noise" in text) == (name == "script") and ("AUROC by epoch" in text) == (name == "laptop")
    assert ("Losses by epoch" in text) == bool(record.content["losses"])


def test_recipe_scripts_section_has_the_range_over_the_stale_noise(few, pages):
    text = section(pages["cells/adcgan-script-mnist-one-vs-all-0"], "laptop-seed-0")
    found = {row.pop(""): row for row in rows(tables(text)["AUROC (%) over 200 draws of stale noise"])}
    assert found == {name: {part: f"{100 * value:.1f}" for part, value in of.items()}
                     for name, of in few.script.content["stale_noise"].items()}  # fmt: skip


def test_earlier_revisions_and_a_changed_checkout_are_said(tmp_path):
    record = write_record(tmp_path, earlier=["a" * 40 + "+changed"])
    assert f"after {'a' * 40}+changed" in words(runs.section(record))


def test_a_page_leads_to_the_executed_notebook_that_shows_its_class(tmp_path):
    shown, other = write_record(tmp_path), write_record(tmp_path, label=1)
    old = write_format1(tmp_path, "fashion_mnist")
    for more in (dict(seed=1), dict(rho=0.25)):
        write_record(tmp_path, **more)  # these have none
    places = [
        notebook.place(shown.run, tmp_path),
        tmp_path / "format-1/notebooks/adcgan-fashion_mnist-one-vs-all.ipynb",
    ]
    for place in places:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text("### Class 0 (0)")
    pages = {page.name: page for page in runs.all_pages(read_all(tmp_path))}
    for record, place in ((shown, places[0]), (old, places[1])):
        page = pages[f"cells/adcgan-printed-{record.run.dataset}-one-vs-all-0"]
        assert page.body.count("executed notebook") == 1 and f'href="notebooks/{place.name}"' in page.body
        assert page.files[f"cells/notebooks/{place.name}"] == place
    assert "executed notebook" not in pages[f"{ONE}-{other.run.label}"].body


def test_the_list_has_every_run_with_its_settings_and_leads_to_its_section(few, pages):
    text = runs.listed(few.all).text
    lines = rows(text)
    listed = [record for record in few.all if record.run.dataset != "digits"]  # the smoke test is no result
    assert "adcgan-sortable" in text and len(lines) == len(listed) < len(few.all)
    for record, line, address in zip(listed, lines, re.findall(r'href="(cells/[^"]+)"', text), strict=True):
        name, _, anchor = address.partition(".html")
        assert anchor == ("" if record.run.method in ("pca", "knn") else f"#{runs.anchor(record)}")
        assert not anchor or f'id="{anchor[1:]}"' in pages[name].body
        assert line["AUROC %"] == f"{100 * record.result:.1f}"
    assert sorted({line["settings"] for line in lines}) == [
        "", "scale laptop", "scale laptop, no contrastive loss", "scale laptop, repeat 1", "scale paper",
        "scale paper, old default",
    ]  # fmt: skip


def test_what_runs_cost_has_a_table_for_each_device_and_medians_of_the_tables_runs(tmp_path):
    two = DEVICE | {"threads": 2}
    for label, (seconds, device) in enumerate([(60, DEVICE), (120, DEVICE), (7200, two)]):
        write_record(tmp_path, label=label, seconds=seconds, device=device)
    for more in (dict(label=5, seconds=180, test_images=2000), dict(seconds=30, scale="laptop"), dict(width=0.5),
                 dict(seconds=40, recipe="script", scale="laptop"), dict(seconds=4, method="pca")):  # fmt: skip
        write_record(tmp_path, device=two, **more)
    parts = tables(speed.costs(read_all(tmp_path)))
    one, other = (parts[f"What a run cost, training + scoring, medians: test, {n}"] for n in ("1 thread", "2 threads"))
    (line,) = rows(one)
    assert tuple(line.values()) == ("AD-CGAN", "one-vs-all, scale paper", "1.5 min + 1.0 s")
    assert {tuple(line.values()) for line in rows(other)} == {
        ("AD-CGAN", "one-vs-all, scale paper", "2.0 h + 1.0 s"),
        ("AD-CGAN", "one-vs-all, scale paper, 2,000 test images", "3.0 min + 1.0 s"),
        ("AD-CGAN", "one-vs-all, scale laptop", "30.0 s + 1.0 s"),
        ("AD-CGAN, recipe script", "one-vs-all, scale laptop", "40.0 s + 1.0 s"),
        ("PCA reconstruction", "one-vs-all", "4.0 s + 1.0 s"),
    }


def test_the_newcomers_run_is_compared_with_ours_to_the_bit(few, tmp_path):
    (line,) = rows(speed.local_run(few.all, ()))
    assert line["this machine, AUROC %"] == "not run" and not speed.local_run([few.laptop], ())
    same = write_record(tmp_path, "digits", scale="laptop")
    (line,) = rows(speed.local_run(few.all, load(tmp_path)))
    assert line["scores"] == "the same to the bit" and line["this machine, AUROC %"] == f"{100 * same.result:.1f}"
