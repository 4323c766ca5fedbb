"""One image step by step: the run it takes, and that its words and drawings say what the record holds."""

import dataclasses
import re

import numpy as np
import pytest
from companion.pages import one_image
from showing import words

from adcgan.config import configure
from adcgan.scoring import COMPONENTS, terms

STEPS = (one_image.image, one_image.latent, one_image.reconstruction, one_image.latent_again, one_image.features,
         one_image.latent_discriminator, one_image.components, one_image.score)  # fmt: skip


@pytest.fixture
def at_settings(diagnosed):
    """A diagnosed training as if it were a run of the tables, at the given scale, of the given data set and class."""

    def make(dataset="digits", scale="paper", **place):
        config = configure("adcgan", "one-vs-all", 28, 1, scale=scale)
        run = dataclasses.replace(diagnosed.run, dataset=dataset, config=config, scale=scale, **place)
        return dataclasses.replace(diagnosed, run=run)

    return make


@pytest.fixture
def pair(diagnosed):
    """The values of a component, or of the score, of the first normal and the first anomalous image."""
    at = [np.flatnonzero(diagnosed.anomalous == flag)[0] for flag in (False, True)]
    return lambda name: (diagnosed.scores if name == "NS" else diagnosed.components[name])[at].astype(float)


def test_the_run_shown_is_the_first_with_a_path_by_scale_data_set_class_and_seed(at_settings, diagnosed, record, few):
    digits, mnist = at_settings(), at_settings("mnist", seed=1)
    later, fashion = at_settings("fashion_mnist", label=3), at_settings("fashion_mnist", label=1)
    laptop = at_settings("fashion_mnist", "laptop", label=0)
    assert one_image.chosen([laptop, digits, mnist, later, fashion]) is fashion
    assert one_image.chosen([digits, mnist]) is mnist and one_image.chosen([laptop]) is laptop
    without = dataclasses.replace(record, run=fashion.run)
    script = dataclasses.replace(fashion, run=dataclasses.replace(fashion.run, recipe="script"))
    assert one_image.chosen([diagnosed, without, script]) is None, "an ablation; not diagnosed; of another recipe"
    assert one_image.chosen(few.all).run == few.paper.run


def test_the_run_is_named_and_linked(at_settings):
    text = one_image.run(at_settings("mnist", label=3, seed=2)).text
    assert 'href="cells/adcgan-printed-mnist-one-vs-all-3.html#paper-seed-2"' in text and "adcgan-steps" in text
    assert "MNIST, one-vs-all, class 0, seed 2, scale paper" in words(text), "the class by the record's name"


def test_each_component_is_told_as_the_record_has_it(diagnosed, pair):
    told = dict(L_GR=one_image.reconstruction, L_FE=one_image.latent_again, L_GD=one_image.features,
                L_FL=one_image.latent_discriminator)  # fmt: skip
    for name, step in told.items():
        found = re.search(r"is (\d+\.\d+) for the normal image and (\d+\.\d+) for", words(step(diagnosed))).groups()
        np.testing.assert_allclose(np.array(found, float), pair(name), atol=1e-3)


def test_the_weighted_components_add_up_to_the_score(diagnosed, pair):
    lines = re.findall(r"L(\w+): ([\d.]+) × ([\d.]+) = ([\d.]+)", words(one_image.components(diagnosed)))
    assert [f"L_{name}" for name, *_ in lines] == [*COMPONENTS, *COMPONENTS]
    weight, value, weighted = np.array([numbers for _, *numbers in lines], float).T
    config = diagnosed.run.config
    counts = terms(config) if config.reduction == "sum" else dict.fromkeys(COMPONENTS, 1)
    of = {"L_GD": config.lambda_, "L_GR": 1 - config.lambda_, "L_FE": config.rho, "L_FL": 1 - config.rho}
    np.testing.assert_allclose(weight, [of[name] * counts[name] for name in COMPONENTS] * 2, rtol=1e-5)
    assert (np.abs(weight * value - weighted) <= 0.0006 * np.maximum(weight, 1)).all(), "up to the digits shown"
    np.testing.assert_allclose(weighted.reshape(2, 4).sum(1), pair("NS"), rtol=2e-3)


def test_the_two_scores_are_placed_among_all_with_the_components_that_agree(diagnosed, pair):
    text = words(one_image.score(diagnosed))
    found = re.findall(r"NS\(x\) = ([\d.]+), larger than that of (\d+) of the (\d+) normal", text)
    normal = diagnosed.scores[~diagnosed.anomalous]
    for score, (value, below, count) in zip(pair("NS"), found, strict=True):
        assert float(value) == pytest.approx(score, rel=2e-3)
        assert int(count) == len(normal) and abs(int(below) - (normal < score).sum()) <= 1
    assert f"The larger score is the {('normal', 'anomalous')[int(np.diff(pair('NS'))[0] > 0)]} image" in text
    right = re.search(r"in the right order: (.*?)\. Over all", text)[1]
    expected = [name.replace("_", "") for name in COMPONENTS if np.diff(pair(name))[0] > 0]
    assert right == (", ".join(expected) or "none")
    assert f"the AUROC of NS is {100 * diagnosed.auroc['NS']:.1f} %" in text


def test_every_step_has_both_images_side_by_side_and_words_for_each_drawing(diagnosed):
    for step in STEPS:
        text = step(diagnosed).text
        drawn = re.findall(r"<(?:svg|img) [^>]*>", text)
        assert drawn and all(re.search(r'(?:aria-label|alt)="[^"]{10,}"', tag) for tag in drawn)
        assert step is one_image.score or re.findall("<p>(normal|anomalous), class", text) == ["normal", "anomalous"]
    images = re.findall("Number (\\d+) of the test split", words(one_image.image(diagnosed)))
    assert list(map(int, images)) == [diagnosed.anomalous.argmin(), diagnosed.anomalous.argmax()]
