"""Figures from a record: drawn, labelled, and legible on light and dark pages."""

import dataclasses
import io

import numpy as np
import pytest
from companion import figures
from matplotlib.colors import to_rgb
from PIL import Image


def overview(record):
    return figures.overview([record])


@pytest.mark.parametrize("draw", [figures.losses, figures.histograms, figures.roc, figures.pictures, overview])
def test_figure_is_drawn_on_a_transparent_ground(draw, record):
    buffer = io.BytesIO()
    draw(record).savefig(buffer, format="png")
    picture = np.asarray(Image.open(buffer).convert("RGBA"))
    assert picture[0, 0, 3] == 0, "transparent"
    assert (picture[..., 3] > 0).sum() > 1000, "something is drawn"


def test_losses_show_every_loss_of_the_record(record):
    figure = figures.losses(record)
    names = {name for epoch in record.content["losses"] for name in epoch}
    assert {axis.get_title() for axis in figure.axes if axis.get_visible()} == names


def test_roc_legend_gives_the_recorded_auroc(record):
    texts = [text.get_text() for text in figures.roc(record).axes[0].get_legend().get_texts()]
    assert [text.split() for text in texts] == [[name, f"{100 * value:.1f}"] for name, value in sorted_auroc(record)]


def sorted_auroc(record):
    return [("NS", record.auroc["NS"])] + [(name, record.auroc[name]) for name in record.components]


def test_ink_is_legible_on_white_and_on_the_dark_page():
    def luminance(colour):
        parts = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in to_rgb(colour)]
        return np.dot(parts, [0.2126, 0.7152, 0.0722])

    for page in ("#ffffff", "#121212"):
        light, dark = sorted([luminance(figures.INK), luminance(page)], reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4


def test_pictures_can_be_chosen_by_name(record):
    figure = figures.pictures(record, "normal", "normal, reconstructed")
    assert len(figure.axes) == 2
    with pytest.raises(KeyError):
        figures.pictures(record, "no such row")


def test_an_overview_has_a_row_for_each_run_with_its_class_result_scores_and_pictures(record):
    other = dataclasses.replace(record, content=record.content | {"run": record.content["run"] | {"class_name": "b"}})
    figure = figures.overview([record, other])
    rows = np.reshape(figure.axes, (2, 3))
    assert [left.get_ylabel() for left in rows[:, 0]] == ["0", "b"]
    for left, middle, right in rows:
        assert middle.get_title() == f"{100 * record.result:.1f} %"
        assert len(left.patches) == 2 * 39 and len(middle.lines) == 1 + len(record.components)
        tile, shown = record.content["pictures"]["tile"], record.picture_rows()["normal"]
        (image,) = right.images
        assert image.get_array().shape == (2 * tile, 2 * tile * len(shown)), "two kinds, over their reconstructions"
        np.testing.assert_array_equal(image.get_array()[:tile, :tile], shown[0])


@pytest.mark.parametrize("draw", [figures.histograms, figures.pictures, overview])
def test_notebook_pictures_are_small_and_look_the_same(draw, record):
    buffer = io.BytesIO()
    figure = draw(record)
    figure.savefig(buffer, format="png", bbox_inches="tight")
    small = figures.png(figure)
    assert len(small) < len(buffer.getvalue()) / 2
    before, after = (np.asarray(Image.open(data).convert("RGBA"), float) for data in (buffer, io.BytesIO(small)))
    opaque = before[..., 3] > 128
    assert before.shape == after.shape and np.abs(before - after)[opaque].mean() < 8
