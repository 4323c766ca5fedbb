"""The layer tables against the paper's Table 2."""

import pytest

from adcgan import paper
from adcgan.config import RECIPES, configure
from adcgan.models.architectures import LATENT, TABLES, counts, trace

FORMATS = {"mnist": (28, 1), "fashion_mnist": (28, 1), "cifar10": (32, 3), "cats_vs_dogs": (64, 3)}


def printed_counts(dataset):
    rows = paper.table(2).query("dataset == @dataset").set_index("module")
    return rows[["conv", "deconv", "linear"]].to_dict("index")


def our_counts(dataset, architecture, recipe):
    return counts(configure("adcgan", "one-vs-all", *FORMATS[dataset], architecture=architecture, recipe=recipe))


def test_table_2_is_printed_for_the_papers_data_sets():
    assert set(paper.table(2)["dataset"]) == set(FORMATS)


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("dataset", FORMATS)
def test_t2p_meets_every_count_of_table_2(dataset, recipe):
    assert our_counts(dataset, "t2p", recipe) == printed_counts(dataset)


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("dataset", FORMATS)
def test_t2r_differs_from_table_2_by_one_convolution_in_the_28_and_64_pixel_generators(dataset, recipe):
    expected = printed_counts(dataset)
    expected["generator"]["conv"] += dataset != "cifar10"
    assert our_counts(dataset, "t2r", recipe) == expected


@pytest.mark.parametrize(("architecture", "size"), TABLES)
def test_layers_lead_from_image_to_latent_and_from_latent_to_image(architecture, size):
    config = configure("adcgan", "one-vs-all", size, 3, architecture=architecture)
    tables = TABLES[architecture, size]
    assert trace(tables.encoder, 3, size, config)[-1] == (config.latent_size, 1)
    assert trace(tables.generator, config.latent_size, 1, config)[-1] == (3, size)
    assert tables.encoder[-1].out == LATENT
