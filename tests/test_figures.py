"""Figures from a record: drawn, labelled, and legible on light and dark pages."""

import io

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from PIL import Image

from adcgan import figures


@pytest.mark.parametrize("draw", [figures.losses, figures.histograms, figures.roc, figures.pictures])
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


@pytest.mark.parametrize("draw", [figures.histograms, figures.pictures])
def test_notebook_pictures_are_small_and_look_the_same(draw, record):
    buffer = io.BytesIO()
    figure = draw(record)
    figure.savefig(buffer, format="png", bbox_inches="tight")
    small = figures.png(figure)
    assert len(small) < len(buffer.getvalue()) / 2
    before, after = (np.asarray(Image.open(data).convert("RGBA"), float) for data in (buffer, io.BytesIO(small)))
    opaque = before[..., 3] > 128
    assert before.shape == after.shape and np.abs(before - after)[opaque].mean() < 8
