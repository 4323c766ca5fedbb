"""The gallery shows what the records hold."""

import hashlib
import json
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from PIL import Image

from adcgan.book import gallery
from adcgan.records import read_all

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
def records():
    return read_all(ROOT / "runs")


def test_the_gallery_shows_every_class_recorded_with_the_records_own_bytes(records):
    pages = {page.name: page for page in gallery.all_pages(records)}
    wanted = {
        (record.cell.method, record.cell.dataset, record.cell.scheme, record.cell.label)
        for record in records
        if record.cell.method in gallery.METHODS and not record.cell.departures
    }
    assert wanted
    for method, dataset, scheme, label in wanted:
        page = pages[f"gallery/{method}-{dataset}-{scheme}"]
        assert f'id="class-{label}"' in page.body and f'href="#class-{label}"' in page.body
        (place,) = [place for place in page.files if place.startswith(f"{page.name}-{label}-")]
        assert f'src="{place.removeprefix("gallery/")}"' in page.body
        seed = int(Path(place).stem.rpartition("-")[2])
        record = json.loads(
            (ROOT / f"runs/{method}/{dataset}/{scheme}/class-{label}/seed-{seed}/record.json").read_text()
        )
        assert hashlib.sha256(page.files[place].read_bytes()).hexdigest() in record["files"].values()


def test_a_gallery_page_is_whole_and_light(records):
    record = next(record for record in records if record.cell.method == "adcgan")
    (page,) = gallery.all_pages([record])
    tags = Tags(page.body)
    assert not tags.open
    (image,) = tags.images
    with Image.open(gallery.source(record)) as sheet:
        assert (image["width"], image["height"]) == tuple(map(str, sheet.size))
    assert image["loading"] == "lazy" and all(row in image["alt"] for row in record.picture_rows())
    assert page.body.count("<li>") == 2 + len(record.picture_rows())
    assert len(page.body) < 30_000  # so that ten classes stay well under a page's 1.5 MB


def test_the_gallery_shows_the_lowest_seed_and_leaves_runs_at_other_settings_out(records):
    first = next(record for record in records if record.cell.method == "adcgan")
    seeds = [replace(first, cell=replace(first.cell, seed=seed)) for seed in (2, 1)]
    other = replace(first, cell=replace(first.cell, config=replace(first.cell.config, rho=0.25)))
    ((shown,),) = gallery.chosen([*seeds, other]).values()
    assert shown.cell.seed == 1
    assert not gallery.chosen([other])
