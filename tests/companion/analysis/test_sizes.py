"""Sizes computed from the layer tables against those of the networks themselves."""

import re

import pytest
import torch
from companion.analysis.sizes import MODULES, sizes, totals
from companion.pages import networks
from torch import nn

from adcgan.config import configure
from adcgan.models.architectures import TABLES
from adcgan.models.networks import Critic, Encoder, Generator, LatentDiscriminator

NETWORKS = dict(zip(MODULES, (Encoder, Generator, Critic, LatentDiscriminator), strict=True))
OPTIONS = [
    {}, dict(recipe="script"), dict(scale="laptop"), dict(local_tap="block"), dict(logit_head="mlp"),
    dict(projection="both"), dict(projection="global", logit_head="linear"), dict(projection="local"),
    dict(critic_norm="spectral"), dict(latent_pair="marginal"), dict(encoder_output="none"), dict(width=0.1),
]  # fmt: skip


def make(size, **options):
    return configure("adcgan", "one-vs-all", size, 3 if size > 28 else 1, **options)


@pytest.fixture
def forward():
    """Runs a network on one image, and gives the shapes that its parts put out, in the given order of the parts."""

    def run(network, parts, *inputs):
        shapes = {}

        def note(part, _, out):
            shapes[part] = tuple(out.shape[1:])

        for part in parts:
            part.register_forward_hook(note)
        with torch.no_grad():
            if isinstance(network, Critic):
                network.contrastive_pair(network(*inputs))
            else:
                network(*inputs)
        return [shapes[part] for part in parts]

    return run


def parts_of(network):
    """The parts of a network that have a row each."""
    if isinstance(network, Critic):
        head = network.head if isinstance(network.head, nn.Sequential) else [network.head]
        projections = [network.project_local, network.project_global]
        parts = [*network.to_local, *network.to_global, *head, *projections]
    else:
        parts = [*network.body, *([network.output] if isinstance(network, Encoder) else [])]
    return [part for part in parts if any(True for _ in part.parameters())]


def inputs_of(network, config):
    if isinstance(network, LatentDiscriminator):
        return torch.zeros(1, config.latent_size), torch.zeros(1, config.latent_size)
    if isinstance(network, Generator):
        return (torch.zeros(1, config.latent_size),)
    return (torch.zeros(1, config.channels, config.image_size, config.image_size),)


def check(config, forward):
    rows = sizes(config)
    for module, kind in NETWORKS.items():
        network = kind(config).eval()
        parts = parts_of(network)
        own = [row for row in rows if row.module == module]
        assert [row.output for row in own] == forward(network, parts, *inputs_of(network, config))
        assert [row.parameters for row in own] == [sum(p.numel() for p in part.parameters()) for part in parts]
        assert totals(config)[module] == sum(p.numel() for p in network.parameters())


@pytest.mark.parametrize(("architecture", "size"), TABLES)
def test_sizes_are_those_of_the_networks(architecture, size, forward):
    check(make(size, architecture=architecture), forward)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_sizes_follow_the_options(options, forward):
    check(make(28, **options), forward)


def test_the_book_shows_every_layer_of_both_sets_at_every_size():
    text = networks.layers().text
    assert text.count("<details>") == 3
    shown = re.findall(r'<td class="text">([^<]*)</td><td>([^<]*)</td><td>([\d,]+)</td>', text)
    configs = [make(size, architecture=name) for size in (28, 32, 64) for name in ("t2r", "t2p")]
    rows = [row for config in configs for row in sizes(config)]
    assert shown == [(row.layer, " × ".join(map(str, row.output)), f"{row.parameters:,}") for row in rows]
    parameters = networks.parameters().text
    for config in configs:
        for count in totals(config).values():
            assert f"<td>{count:,}</td>" in parameters
