"""The page that follows one image: the run it takes, and that its words and drawings say what the record holds."""

import dataclasses
import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from adcgan.book import walk_charts, walk_pages
from adcgan.config import configure
from adcgan.records import WALK
from adcgan.scores import COMPONENTS

STEPS = "image latent reconstruction latent_again features latent_discriminator components score".split()


@pytest.fixture
def at_settings(record):
    """The finished record as if it were one of the paper's cells, of the given data set, class and seed."""
    config = configure("adcgan", "one-vs-all", 28, 1)

    def make(dataset="digits", **place):
        return dataclasses.replace(
            record, cell=dataclasses.replace(record.cell, dataset=dataset, config=config, **place)
        )

    return make


@pytest.fixture
def page(at_settings, monkeypatch):
    """What a step shows of that record, as text without tags."""
    monkeypatch.setattr(walk_pages, "committed", lambda: (at_settings(),))
    return lambda step: re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", getattr(walk_pages, step)().text))


def test_the_run_shown_is_the_first_with_a_path_by_data_set_class_and_seed(at_settings, record):
    digits, mnist = at_settings(), at_settings("mnist", seed=1)
    later, fashion = at_settings("fashion_mnist", label=3), at_settings("fashion_mnist", label=1)
    assert walk_pages.chosen([digits, mnist]) is mnist
    assert walk_pages.chosen([digits, mnist, later, fashion]) is fashion
    files = {name: sha for name, sha in record.content["files"].items() if name != WALK}
    without = dataclasses.replace(fashion, content=record.content | {"files": files})
    assert walk_pages.chosen([digits, without]) is digits
    assert walk_pages.chosen([record, without]) is None  # the finished record departs from the paper's settings


def test_without_a_run_the_page_says_so_and_shows_nothing_else(monkeypatch):
    monkeypatch.setattr(walk_pages, "committed", lambda: ())
    assert "No recorded run" in walk_pages.run().text
    assert [getattr(walk_pages, step)().text for step in STEPS] == [""] * len(STEPS)


def test_each_component_is_told_as_the_record_has_it(page, record):
    rows = [np.flatnonzero(record.anomalous == flag)[0] for flag in (False, True)]
    told = {"L_GR": "reconstruction", "L_FE": "latent_again", "L_GD": "features", "L_FL": "latent_discriminator"}
    for name, step in told.items():
        normal, anomalous = map(
            float, re.search(r"is (\d\.\d+) for the normal .* and (\d\.\d+) for", page(step)).groups()
        )
        np.testing.assert_allclose([normal, anomalous], record.components[name][rows], atol=1e-3)


def test_the_weighted_components_add_up_to_the_score(page, record):
    rows = [np.flatnonzero(record.anomalous == flag)[0] for flag in (False, True)]
    lines = re.findall(r"L (\w+) : ([\d.]+) × ([\d.]+) = ([\d.]+)", page("components"))
    assert [f"L_{name}" for name, *_ in lines] == [*COMPONENTS, *COMPONENTS]
    weight, value, weighted = np.array([numbers for _, *numbers in lines], float).T
    assert list(weight) == [0.1, 0.9, 0.5, 0.5] * 2
    np.testing.assert_allclose(weight * value, weighted, atol=1e-3)
    np.testing.assert_allclose(weighted.reshape(2, 4).sum(1), record.scores[rows], atol=3e-3)


def test_the_order_of_the_two_images_is_told_with_the_components_that_agree(page, record):
    text = page("score")
    rows = [np.flatnonzero(record.anomalous == flag)[0] for flag in (False, True)]
    normal, anomalous = record.scores[rows].astype(float)
    assert ("the larger score, as it should" in text) == (anomalous > normal)
    right = re.search(r"([^.;]*) (?:alone puts|put) the two in the right order", text)
    named = {part.strip().replace(" ", "_") for part in right[1].split(",")} if right else set()
    values = {name: record.components[name][rows].astype(float) for name in COMPONENTS}
    assert named == {name for name, (first, second) in values.items() if second > first}
    assert f"the AUROC of NS is {100 * record.auroc['NS']:.1f} %" in text


def test_the_score_is_placed_among_those_of_the_normal_images(page, record):
    found = re.findall(r"NS \( x \) = ([\d.]+), larger than that of (\d+) of the (\d+) normal", page("score"))
    normal = record.scores[~record.anomalous]
    for flag, (value, below, count) in zip((False, True), found, strict=True):
        score = record.scores[np.flatnonzero(record.anomalous == flag)[0]]
        assert float(value) == pytest.approx(score, rel=2e-3)
        assert int(count) == len(normal) and abs(int(below) - (normal < score).sum()) <= 1


def test_every_drawing_has_words_that_stand_for_it(page):
    for step in STEPS:
        html = getattr(walk_pages, step)().text
        assert html.count("<svg") == len(re.findall(r'<svg [^>]*role="img" aria-label="[^"]+"', html))
        assert html.count("<img") == len(re.findall(r'<img [^>]*alt="[^"]+"', html))


def paths(svg, **having):
    root = ET.fromstring(svg)
    return [path for path in root.iter("path") if all(path.get(name) == value for name, value in having.items())]


def test_a_map_has_the_ink_of_its_values():
    values = np.random.default_rng(0).random((6, 6)) * 3
    ink = np.zeros((6, 6))
    for path in paths(walk_charts.heat(values, 3, "map")):
        for x, y in re.findall(r"M(\d+) (\d+)h1", path.get("d")):
            ink[int(y), int(x)] += float(path.get("fill-opacity"))
    np.testing.assert_allclose(ink, values / 3, atol=1 / walk_charts.LEVELS)


@pytest.mark.parametrize(("low", "middle"), [(-2.0, 30), (0.0, 60)])
def test_a_strip_has_bars_of_the_height_of_its_numbers(low, middle):
    values = np.random.default_rng(0).uniform(low, 2, 20)
    (bars,) = paths(walk_charts.strip(values, 2, "strip"), **{"class": "bars"})
    tops = np.array(re.findall(rf"M[\d.]+ {middle}V([\d.]+)", bars.get("d")), float)
    np.testing.assert_allclose((middle - tops) / middle, values / 2, atol=0.05 / middle)


def test_dots_and_rings_stand_at_their_values():
    reference, image = np.random.default_rng(0).random((2, 16, 1))
    root = ET.fromstring(walk_charts.dots(reference, image, 0, 1, "dots"))
    for name, values in (("dot", reference), ("ring", image)):
        heights = [float(circle.get("cy")) for circle in root.iter("circle") if circle.get("class") == name]
        slope, _ = np.polyfit(values[:, 0], heights, 1)
        assert slope < 0 and np.corrcoef(values[:, 0], heights)[0, 1] == pytest.approx(-1, abs=1e-3)
