"""The gallery shows what the records hold."""

import hashlib
from html.parser import HTMLParser
from pathlib import Path

import pytest
from companion.pages import gallery
from factories import write_format1, write_record
from PIL import Image

from adcgan.experiments.records import read_all

ROOT = Path(__file__).resolve().parent.parent


class Tags(HTMLParser):
    """Start and end tags, and the attributes of pictures."""

    def __init__(self, text):
        super().__init__()
        self.open, self.images = [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        if tag == "img":
            self.images.append(dict(attributes))
        elif tag not in ("br", "hr", "path", "line", "polyline", "rect"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in ("path", "line", "polyline", "rect"):
            assert self.open.pop() == tag


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    """Those of the repository, and runs of today: AD-CGAN by both recipes at both scales, a compared method."""
    runs = tmp_path_factory.mktemp("runs")
    for recipe in ("printed", "script"):
        for seed in (1, 0):
            for scale in ("laptop", "paper")[: 2 - seed]:
                write_record(runs, label=3, seed=seed, recipe=recipe, scale=scale, pixels=10 * seed + len(scale))
    write_record(runs, "cifar10", label=5, method="alad", scale="laptop")
    write_record(runs, label=4, scheme="all-vs-one", scale="laptop", seed=2)
    write_record(runs, label=4, method="pca")
    write_record(runs, label=4, rho=0.25)
    return [*read_all(ROOT / "runs"), *read_all(runs)]


def test_the_gallery_shows_every_class_recorded_with_the_records_own_bytes(records):
    pages = {page.name: page for page in gallery.all_pages(records)}
    wanted = {}
    for record in records:
        if record.run.name in gallery.METHODS and set(record.run.changes) <= {"test_images"}:
            cell = record.run
            wanted.setdefault((cell.name, cell.dataset, cell.scheme, cell.label), []).append(record)
    assert {name for name, *_ in wanted} >= {"adcgan-printed", "adcgan-script", "alad", "anogan"}
    assert sum(page.body.count('<section class="adcgan-class"') for page in pages.values()) == len(wanted)
    for (method, dataset, scheme, label), some in wanted.items():
        page = pages[f"gallery/{method}-{dataset}-{scheme}"]
        assert f'id="class-{label}"' in page.body and f'href="#class-{label}"' in page.body
        (place,) = [place for place in page.files if place.startswith(f"{page.name}-{label}-")]
        assert f'src="{place.removeprefix("gallery/")}"' in page.body
        best = min(some, key=lambda record: (record.run.scale != "paper", record.run.seed))
        assert int(Path(place).stem.rpartition("-")[2]) == best.run.seed
        assert hashlib.sha256(page.files[place].read_bytes()).hexdigest() in best.content["files"].values()


def test_a_gallery_page_is_whole_and_light(records):
    record = next(record for record in records if record.run.name == "anogan")
    (page,) = gallery.all_pages([record])
    tags = Tags(page.body)
    assert not tags.open
    (image,) = tags.images
    with Image.open(gallery.source(record)) as sheet:
        assert (image["width"], image["height"]) == tuple(map(str, sheet.size))
    assert image["loading"] == "lazy" and all(row in image["alt"] for row in record.picture_rows())
    assert page.body.count("<li>") == 2 + len(record.picture_rows())
    assert len(page.body) < 30_000  # so that ten classes stay well under a page's 1.5 MB


def test_a_class_names_its_scale_its_result_and_leads_to_its_run(tmp_path):
    script, laptop = write_record(tmp_path, recipe="script"), write_record(tmp_path, label=1, scale="laptop")
    for record, scale in ((script, "paper"), (laptop, "laptop")):
        body = gallery.section(record)
        assert f"scale {scale}, seed 0, AUROC {100 * record.result:.1f} %" in body
        name = record.run.name
        assert f'href="../cells/{name}-mnist-one-vs-all-{record.run.label}.html#{scale}-seed-0"' in body


def test_the_gallery_shows_the_larger_scale_then_the_lowest_seed_and_leaves_ablations_out(tmp_path):
    seeds = [write_record(tmp_path, seed=seed) for seed in (2, 1)]
    laptop = write_record(tmp_path, seed=0, scale="laptop")
    others = [write_record(tmp_path, rho=0.25), write_format1(tmp_path), write_record(tmp_path, method="pca")]
    ((shown,),) = gallery.chosen([laptop, *seeds, *others]).values()
    assert (shown.run.scale, shown.run.seed) == ("paper", 1)
    ((shown,),) = gallery.chosen([laptop, *others]).values()
    assert shown.run.scale == "laptop"
    assert not gallery.chosen(others)


def test_the_contents_lead_to_the_page_of_every_method_recipe_and_data_set(records, monkeypatch):
    monkeypatch.setattr(gallery, "committed", lambda: tuple(records))
    text = gallery.contents().text
    for page in gallery.all_pages(records):
        assert f'href="{page.name}.html"' in text
    assert text.count(">AD-CGAN<") == text.count(">AD-CGAN, recipe script<") == 1
    assert '<a href="gallery/adcgan-script-mnist-one-vs-all.html">1 of 10 classes</a>' in text
