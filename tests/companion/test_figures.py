"""Curves and figures from a record: valid, labelled, at the right places, legible on light and dark pages."""

import io
import re
import xml.etree.ElementTree as ET

import numpy as np
import pandas as pd
import pytest
from companion import figures
from companion.analysis import trainings, variants
from PIL import Image

SVG = "{http://www.w3.org/2000/svg}"


def drawings(html):
    """The SVGs in ``html``, each parsed: so it is valid XML. None says nan."""
    assert not re.search(r"\bnan\b", html.text, re.IGNORECASE)
    found = [ET.fromstring(text) for text in re.findall(r"<svg.*?</svg>", html.text, re.DOTALL)]
    assert found and all(svg.get("role") == "img" and len(svg.get("aria-label")) > 10 for svg in found)
    return found


def points(line):
    return np.array([point.split(",") for point in line.get("points").split()], float)


@pytest.mark.parametrize("name", ["laptop", "script", "alad", "pca", "old", "hard"])
@pytest.mark.parametrize("draw", [figures.histogram, figures.roc, figures.losses, figures.per_epoch])
def test_a_chart_is_valid_says_what_it_shows_and_stays_inside_its_frame(few, name, draw):
    record = getattr(few, name)
    if (draw is figures.losses and not record.content["losses"]) or (
        draw is figures.per_epoch and not any(record.per_epoch)
    ):
        return  # the pages do not draw them then
    for svg in drawings(draw(record)):
        size = list(map(float, svg.get("viewBox").split()))[2:]
        for line in svg.iter("polyline"):
            assert (points(line) >= 0).all() and (points(line) <= size).all()
        for x, y in re.findall(r"[ML](-?[\d.]+),(-?[\d.]+)", "".join(p.get("d") for p in svg.iter("path"))):
            assert 0 <= float(x) <= size[0] and 0 <= float(y) <= size[1]


def test_the_roc_curves_have_the_areas_of_the_record(few):
    (svg,) = drawings(figures.roc(few.laptop))
    lines = list(svg.iter("polyline"))
    names = [text.text for text in svg.iter("text")]
    assert names == [f"{name} {100 * few.laptop.auroc[name]:.1f}" for name in ("NS", *few.laptop.components)]
    for line, name in zip(lines, names, strict=True):
        x, y = ((points(line) - 1) / 190).T
        assert np.trapezoid(1 - y, x) == pytest.approx(few.laptop.auroc[name.split()[0]], abs=0.02)


def test_the_histogram_has_its_bars_and_marks_at_the_scores(few):
    record = few.laptop
    low, high = np.quantile(record.scores, [0, 0.995])
    (svg,) = drawings(figures.histogram(record, {"normal": float(low), "anomalous": float(high)}))
    areas = {path.get("class"): path.get("d") for path in svg.iter("path")}
    assert areas["mark normal"].startswith("M10.0,") and areas["mark anomalous"].startswith("M450.0,")
    for flag, name in ((False, "normal"), (True, "anomalous")):
        scores = np.clip(record.scores[record.anomalous == flag].astype(float), low, high)
        steps = re.findall(r"L([\d.]+),([\d.]+)L([\d.]+),[\d.]+", areas[f"area {name}"])
        heights = 165 - np.array([y for _, y, _ in steps], float)
        filled = np.histogram(scores, np.linspace(low, high, 61))[0]
        np.testing.assert_allclose(heights / heights.sum(), filled / filled.sum(), atol=0.001)
        assert (float(steps[0][0]), float(steps[-1][2])) == (10, 450)


def test_a_panel_has_its_name_scale_and_last_value_and_chance_for_the_contrastive_loss(few):
    record = few.laptop
    assert [svg.find("text").text for svg in drawings(figures.losses(record))] == ["L_AE"]
    (panel,) = drawings(figures.losses(record))
    values = [epoch["L_AE"] for epoch in record.content["losses"]]
    name, last, high, low = [text.text for text in panel.iter("text")]
    assert last == f"last {values[-1]:.3g}" and (high, low) == (f"{max(values):.2g}", f"{min(values):.2g}")
    assert len(list(panel.iter("line"))) == 1, "where the warm-up ends"
    first = drawings(figures.per_epoch(record))[0]
    assert first.find("text").text == "NS" and len(list(first.iter("line"))) == 2, "and chance, 50 %"
    (line,) = first.iter("polyline")
    read = [value["NS"] for value in record.per_epoch if value]
    assert len(points(line)) == len(read) and np.argmin(points(line)[:, 1]) == np.argmax(read)


def test_maps_strips_dots_and_bars_have_the_size_of_their_values():
    random = np.random.default_rng(0)
    values, ink = random.random((6, 6)) * 3, np.zeros((6, 6))
    for path in drawings(figures.heat(values, 3, "a map of values"))[0].iter("path"):
        for x, y in re.findall(r"M(\d+) (\d+)h1", path.get("d")):
            ink[int(y), int(x)] += float(path.get("fill-opacity"))
    np.testing.assert_allclose(ink, values / 3, atol=1 / figures.LEVELS)
    for low, middle in ((-2.0, 30), (0.0, 60)):
        values = random.uniform(low, 2, 20)
        (bars,) = [p for p in drawings(figures.strip(values, 2, "a strip of bars"))[0] if p.get("class") == "bars"]
        tops = np.array(re.findall(rf"M[\d.]+ {middle}V([-\d.]+)", bars.get("d")), float)
        np.testing.assert_allclose((middle - tops) / middle, values / 2, atol=0.05 / middle)
    reference, image = random.random((2, 16, 1))
    (svg,) = drawings(figures.dots(reference, image, 0, 1, "dots and rings"))
    for name, values in (("dot", reference), ("ring", image)):
        heights = [float(circle.get("cy")) for circle in svg.iter("circle") if circle.get("class") == name]
        np.testing.assert_allclose(heights, 8 + 114 * (1 - values[:, 0]), atol=0.06)
    assert drawings(figures.bar(0.25, "a level bar"))[0].find("rect").get("width") == "25.0"


def frames(few):
    published = trainings.epochs([few.laptop]).assign(published=90.0)
    places = pd.DataFrame({"place": ["MNIST"] * 2, "name": ["0", "1"], "paper": [90.0, 91], "ours": [80.0, 60],
                           "script": [np.nan, 70], "least": [50.0, np.nan], "most": [70.0, np.nan]})  # fmt: skip
    return [(figures.effects, variants.effects(few.all, "laptop")), (figures.stale, variants.stale([few.laptop])),
            (figures.epochs, published), (figures.classes, places)]  # fmt: skip


def test_figures_become_inline_drawings_in_the_pages_colours_with_names_of_their_own(few):
    for draw, frame in frames(few):
        one, other = (figures.svg(draw(frame), f"What it shows, {n}").text for n in (1, 2))
        for text in (one, other):
            root = next(ET.fromstring(text).iter("{http://www.w3.org/2000/svg}svg"))
            assert root.get("role") == "img" and root.get("class") == "adcgan-picture" and "nan" not in text.lower()
            assert "currentColor" in text and "var(--adcgan-normal)" in text and "<style" not in text
        ids = [set(re.findall(r'id="([^"]+)"', text)) for text in (one, other)]
        assert not {name for name in ids[0] & ids[1] if name in re.findall(r"#([\w-]+)", one)}
    panel = figures.classes(frames(few)[-1][1]).axes[0]
    marks = {mark.get_label().split()[-1]: mark.get_xdata() for mark in panel.get_lines()}
    np.testing.assert_array_equal(marks["published"], [90, 91])
    np.testing.assert_array_equal(marks["printed"], [80, 60])
    assert [text.get_text() for text in panel.get_yticklabels()] == ["0", "1"]


@pytest.mark.parametrize("draw", [figures.by_class, figures.pictures, lambda record: figures.overview([record] * 3)])
def test_the_notebooks_pictures_are_transparent_and_small(record, draw):
    buffer = io.BytesIO()
    figure = draw(record)
    figure.savefig(buffer, format="png", bbox_inches="tight")
    small = figures.png(figure)
    picture = np.asarray(Image.open(io.BytesIO(small)).convert("RGBA"))
    assert len(small) < len(buffer.getvalue()) and picture[0, 0, 3] == 0 and (picture[..., 3] > 0).sum() > 1000


def test_a_change_of_many_options_leaves_room_for_the_drawing(recwarn):
    name = "old default, " + ", ".join(f"option_{n}=value" for n in range(12))
    frame = pd.DataFrame([{"change": name, "trained": True, "mean": 1.0, "low": np.nan, "high": np.nan}])
    figures.effects(frame)
    assert not recwarn.list


def test_the_area_under_the_curve_drawn_is_the_auroc(record):
    line = next(line for line in drawings(figures.roc(record))[0].iter("polyline") if "whole" in line.get("class"))
    x, y = np.array([point.split(",") for point in line.get("points").split()], float).T
    side = x.max() - x.min()
    assert np.trapezoid(y.max() - y, x) / side**2 == pytest.approx(record.auroc["NS"], abs=0.005)
