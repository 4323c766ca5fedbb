"""The page that follows one image: the run it takes, and that its words and drawings say what the record holds."""

import dataclasses
import re
import shutil
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from companion.pages import walk_charts, walk_pages
from factories import write_format1

from adcgan.config import configure
from adcgan.diagnostics import null_control, stale_noise
from adcgan.experiments import records, run
from adcgan.scoring import COMPONENTS

STEPS = "image latent reconstruction latent_again features latent_discriminator components score".split()


@pytest.fixture(scope="module")
def walked(record, runs_of, digits, tmp_path_factory):
    """The finished record with what `adcgan diagnose` writes beside it."""
    runs = tmp_path_factory.mktemp("walked") / "runs"
    shutil.copytree(runs_of(record), runs)
    copy = records.find(record.run, runs)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stale_noise, "draws", lambda *_: {})  # they take long, and the page shows none
        patch.setattr(null_control, "draws", lambda *_: {})
        run.diagnose(copy, "cpu", dataset=digits)
    return records.find(record.run, runs)


@pytest.fixture
def at_settings(walked):
    """That record as if it were a run of the tables, at the given scale, of the given data set, class and seed."""

    def make(dataset="digits", scale="paper", **place):
        config = configure("adcgan", "one-vs-all", 28, 1, scale=scale)
        cell = dataclasses.replace(walked.run, dataset=dataset, config=config, scale=scale, **place)
        return dataclasses.replace(walked, cell=cell)

    return make


@pytest.fixture
def shown(at_settings):
    """That record as the page shows it: its score is that of the tables' networks, with as many terms as they have."""
    return at_settings()


@pytest.fixture
def page(shown, monkeypatch):
    """What a step shows of that record, as text without tags."""
    monkeypatch.setattr(walk_pages, "committed", lambda: (shown,))
    return lambda step: re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", getattr(walk_pages, step)().text))


def test_the_run_shown_is_the_first_with_a_path_by_scale_data_set_class_and_seed(at_settings, walked, record, tmp_path):
    digits, mnist = at_settings(), at_settings("mnist", seed=1)
    later, fashion = at_settings("fashion_mnist", label=3), at_settings("fashion_mnist", label=1)
    laptop = at_settings("fashion_mnist", "laptop", label=0)
    assert walk_pages.chosen([digits, mnist]) is mnist
    assert walk_pages.chosen([laptop, digits, mnist, later, fashion]) is fashion
    assert walk_pages.chosen([laptop, digits]) is digits and walk_pages.chosen([laptop]) is laptop
    without = dataclasses.replace(record, run=fashion.run)
    assert walk_pages.chosen([digits, without]) is digits
    assert walk_pages.chosen([walked, without]) is None, "the finished record is an ablation"
    old, changed = write_format1(tmp_path, "fashion_mnist"), write_format1(tmp_path, "fashion_mnist", rho=0.25)
    assert walk_pages.chosen([old, laptop]) is laptop, "one of today goes before one under the old default"
    assert walk_pages.chosen([changed, old, without]) is old and walk_pages.chosen([changed]) is None
    script = dataclasses.replace(fashion, run=dataclasses.replace(fashion.run, recipe="script"))
    assert walk_pages.chosen([script]) is None


def test_without_a_run_the_page_says_so_and_shows_nothing_else(monkeypatch):
    monkeypatch.setattr(walk_pages, "committed", lambda: ())
    assert "No recorded run" in walk_pages.run().text
    assert [getattr(walk_pages, step)().text for step in STEPS] == [""] * len(STEPS)


def test_each_component_is_told_as_the_record_has_it(page, shown):
    rows = [np.flatnonzero(shown.anomalous == flag)[0] for flag in (False, True)]
    told = {"L_GR": "reconstruction", "L_FE": "latent_again", "L_GD": "features", "L_FL": "latent_discriminator"}
    for name, step in told.items():
        normal, anomalous = map(
            float, re.search(r"is (\d\.\d+) for the normal .* and (\d\.\d+) for", page(step)).groups()
        )
        np.testing.assert_allclose([normal, anomalous], shown.components[name][rows], atol=1e-3)


def test_the_weighted_components_add_up_to_the_score(page, shown):
    rows = [np.flatnonzero(shown.anomalous == flag)[0] for flag in (False, True)]
    lines = re.findall(r"L (\w+) : ([\d.]+) × ([\d.]+) = ([\d.]+)", page("components"))
    assert [f"L_{name}" for name, *_ in lines] == [*COMPONENTS, *COMPONENTS]
    weight, value, weighted = np.array([numbers for _, *numbers in lines], float).T
    np.testing.assert_allclose(weight, [0.1 * 4096, 0.9 * 784, 0.5 * 100, 0.5] * 2)  # recipe printed's sums
    assert (np.abs(weight * value - weighted) <= 0.0006 * np.maximum(weight, 1)).all(), "up to the digits shown"
    np.testing.assert_allclose(weighted.reshape(2, 4).sum(1), shown.scores[rows], rtol=2e-3)


def test_the_order_of_the_two_images_is_told_with_the_components_that_agree(page, shown):
    text = page("score")
    rows = [np.flatnonzero(shown.anomalous == flag)[0] for flag in (False, True)]
    normal, anomalous = shown.scores[rows].astype(float)
    assert ("the larger score, as it should" in text) == (anomalous > normal)
    right = re.search(r"([^.;]*) (?:alone puts|put) the two in the right order", text)
    named = {part.strip().replace(" ", "_") for part in right[1].split(",")} if right else set()
    values = {name: shown.components[name][rows].astype(float) for name in COMPONENTS}
    assert named == {name for name, (first, second) in values.items() if second > first}
    assert f"the AUROC of NS is {100 * shown.auroc['NS']:.1f} %" in text


def test_the_score_is_placed_among_those_of_the_normal_images(page, shown):
    found = re.findall(r"NS \( x \) = ([\d.]+), larger than that of (\d+) of the (\d+) normal", page("score"))
    normal = shown.scores[~shown.anomalous]
    for flag, (value, below, count) in zip((False, True), found, strict=True):
        score = shown.scores[np.flatnonzero(shown.anomalous == flag)[0]]
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
