"""The layer tables against the paper's Table 2."""

import pytest

from adcgan import paper
from adcgan.config import RECIPES, configure
from adcgan.data.datasets import DATASETS, PUBLISHED
from adcgan.models.architectures import LATENT, TABLES, counts, trace


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("dataset", PUBLISHED)
def test_t2p_meets_every_count_of_table_2_and_t2r_has_one_more_convolution_in_two_generators(dataset, recipe):
    rows = paper.table(2).query("dataset == @dataset").set_index("module")
    expected = rows[["conv", "deconv", "linear"]].to_dict("index")
    size, channels = DATASETS[dataset].image_size, DATASETS[dataset].channels
    ours = {
        name: counts(configure("adcgan", "one-vs-all", size, channels, architecture=name, recipe=recipe))
        for name in ("t2p", "t2r")
    }
    assert ours["t2p"] == expected
    expected["generator"]["conv"] += dataset != "cifar10"
    assert ours["t2r"] == expected


@pytest.mark.parametrize(("architecture", "size"), TABLES)
def test_layers_lead_from_image_to_latent_and_from_latent_to_image(architecture, size):
    config = configure("adcgan", "one-vs-all", size, 3, architecture=architecture)
    tables = TABLES[architecture, size]
    assert trace(tables.encoder, 3, size, config)[-1] == (config.latent_size, 1)
    assert trace(tables.generator, config.latent_size, 1, config)[-1] == (3, size)
    assert tables.encoder[-1].out == LATENT
