"""The gallery: which run of a class it shows, with the record's own pictures."""

import re

from companion.pages import gallery
from factories import write_format1, write_record
from PIL import Image
from showing import Outline, rows, words

from adcgan.data.datasets import title


def test_the_larger_scale_goes_first_then_the_lowest_seed_and_ablations_are_left_out(tmp_path):
    seeds = [write_record(tmp_path, seed=seed) for seed in (2, 1)]
    laptop = write_record(tmp_path, seed=0, scale="laptop")
    others = [write_record(tmp_path, rho=0.25), write_format1(tmp_path), write_record(tmp_path, method="pca"),
              write_record(tmp_path, label=4, repeat=1)]  # fmt: skip
    assert gallery.chosen([laptop, *seeds, *others]) == {("adcgan-printed", "mnist", "one-vs-all"): [seeds[1]]}
    ((shown,),) = gallery.chosen([laptop, *others]).values()
    assert shown is laptop and not gallery.chosen(others)


def test_a_page_shows_every_class_with_its_result_its_run_and_the_sheets_own_bytes(few):
    pages = {page.name: page for page in gallery.all_pages(few.all)}
    assert {name.removeprefix("gallery/") for name in pages} == {
        "adcgan-printed-mnist-one-vs-all", "adcgan-printed-cifar10-all-vs-one",  # digits: a smoke test
        "adcgan-printed-folder-pets-one-vs-all", "adcgan-script-mnist-one-vs-all", "alad-mnist-one-vs-all",
    }  # fmt: skip
    page = pages["gallery/adcgan-printed-mnist-one-vs-all"]
    outline = Outline(page.body)
    assert re.findall(r'<section class="adcgan-class" id="class-(\d)">', page.body) == ["0", "1"]
    assert {of["href"] for of in outline.all("a")} >= {"#all", "#class-0", "#class-1", "../gallery.html"}
    for record, image in zip((few.paper, few.other), outline.all("img"), strict=True):
        run = record.run
        said = f"scale {run.scale}, seed {run.seed}, AUROC {100 * record.result:.1f} %."
        assert said in words(page.body)
        assert f'href="../cells/adcgan-printed-mnist-one-vs-all-{run.label}.html#{run.scale}-seed-0"' in page.body
        source = page.files[image["src"].removeprefix("../")]
        assert source == record.sheet
        with Image.open(source) as sheet:
            assert (image["width"], image["height"]) == tuple(map(str, sheet.size))
        assert image["loading"] == "lazy" and all(row in image["alt"] for row in record.picture_rows())
    assert len(page.body) < 60_000
    assert 'all-vs-one-class-0-seed-0.jpg"' in pages["gallery/adcgan-printed-cifar10-all-vs-one"].body


def test_the_contents_lead_to_every_page_and_have_the_planned_data_sets_without_one(few):
    text = gallery.contents(few.all).text
    for page in gallery.all_pages(few.all):
        assert f'href="{page.name}.html"' in text
    lines = {line[""]: line for line in rows(text)}
    assert lines["MNIST, one-vs-all"]["AD-CGAN"] == "2 of 10 classes"
    assert lines["MNIST, one-vs-all"]["AD-CGAN, recipe script"] == "1 of 10 classes"
    assert (
        lines[f"{title('folder-pets')}, one-vs-all"]["AD-CGAN"] == "1 class"
        and lines["MNIST, all-vs-one"]["AD-CGAN"] == "–"
    )
