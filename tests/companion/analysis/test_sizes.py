"""Sizes computed from the layer tables against those of the networks themselves."""

import pytest
from companion.analysis.sizes import MODULES, sizes, totals
from small import without_numbers

from adcgan.config import configure
from adcgan.models.architectures import TABLES
from adcgan.models.networks import Critic, Encoder, Generator, LatentDiscriminator

NETWORKS = dict(zip(MODULES, (Encoder, Generator, Critic, LatentDiscriminator), strict=True))
CONFIGS = [(size, dict(architecture=name)) for name, size in TABLES] + [(28, options) for options in (
    dict(recipe="script"), dict(scale="laptop"), dict(local_tap="block"), dict(logit_head="mlp"),
    dict(projection="both"), dict(projection="global", logit_head="linear"), dict(projection="local"),
    dict(critic_norm="spectral"), dict(latent_pair="marginal"), dict(encoder_output="none"), dict(width=0.1),
)]  # fmt: skip


@pytest.mark.parametrize(("size", "options"), CONFIGS, ids=str)
def test_layers_have_the_parameters_and_the_shapes_of_the_networks(size, options):
    config = configure("adcgan", "one-vs-all", size, 3 if size > 28 else 1, **options)
    rows = sizes(config)
    for module, kind in NETWORKS.items():
        with without_numbers():
            network = kind(config)
        assert totals(config)[module] == sum(p.numel() for p in network.parameters())
        own = [row for row in rows if row.module == module]
        assert sum(row.parameters for row in own) == totals(config)[module]
        if module in ("encoder", "generator"):  # one layer after another
            parts = [part for part in network.children() for part in (part if hasattr(part, "__iter__") else [part])]
            counts = [count for part in parts if (count := sum(p.numel() for p in part.parameters()))]
            assert [row.parameters for row in own] == counts
            image = (config.channels, config.image_size, config.image_size)
            assert own[-1].output in (image, (config.latent_size,), (config.latent_size, 1, 1))
