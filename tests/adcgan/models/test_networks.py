"""The built torch modules: Table 2's counts, sizes, shapes and ranges. At full width they are built without memory."""

from functools import cache

import pytest
import torch
from small import without_numbers
from torch import nn

from adcgan.config import RECIPES, configure
from adcgan.models import networks
from adcgan.models.architectures import counts

FORMATS = {28: 1, 32: 3, 64: 3}
BUILT = [(architecture, size) for architecture in ("t2r", "t2p") for size in FORMATS]
# The side of the map that the contrastive loss compares, by layer tables, recipe and image size.
SIDES = {
    ("t2r", "printed"): {28: 4, 32: 4, 64: 6}, ("t2r", "script"): {28: 6, 32: 6, 64: 10},
    ("t2p", "printed"): {28: 7, 32: 8, 64: 8}, ("t2p", "script"): {28: 7, 32: 8, 64: 8},
}  # fmt: skip
BATCH = 2


@cache
def full_width(architecture, size, recipe="printed"):
    """The configuration, and the four networks on torch's "meta" device: real modules and shapes, no numbers."""
    config = configure("adcgan", "one-vs-all", size, FORMATS[size], recipe=recipe, architecture=architecture)
    with without_numbers():
        return config, {
            "encoder": networks.Encoder(config),
            "generator": networks.Generator(config),
            "critic": networks.Critic(config),
            "latent_discriminator": networks.LatentDiscriminator(config),
        }


def counted_modules(network):
    """The layers that Table 2 counts: not the residual block's, not the local projection's."""
    left_out = [module for module in network.modules() if isinstance(module, networks.Residual)]
    if isinstance(network, networks.Critic):
        left_out.append(network.project_local)
    left_out = {id(inner) for module in left_out for inner in module.modules()}
    return [module for module in network.modules() if id(module) not in left_out]


def spectral(module):
    return nn.utils.parametrize.is_parametrized(module, "weight")


def normalised_layers(network):
    return [module for module in network.modules() if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear)]


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize(("architecture", "size"), BUILT)
def test_built_networks_have_the_counts_of_their_tables_and_the_shapes_of_the_specification(architecture, size, recipe):
    config, built = full_width(architecture, size, recipe)
    kinds = {"conv": nn.Conv2d, "deconv": nn.ConvTranspose2d, "linear": nn.Linear}
    for name, expected in counts(config).items():
        modules = counted_modules(built[name])
        assert {key: sum(isinstance(m, kind) for m in modules) for key, kind in kinds.items()} == expected, name
    x = torch.zeros(BATCH, FORMATS[size], size, size, device="meta")
    z = torch.zeros(BATCH, config.latent_size, device="meta")
    assert built["encoder"](x).shape == z.shape
    assert built["generator"](z).shape == x.shape
    assert built["latent_discriminator"](z, z).shape == (BATCH, 1 if recipe == "printed" else 2)  # two single vectors
    side = SIDES[architecture, recipe][size]
    features = built["critic"](x)
    C_psi, phi_E = built["critic"].contrastive_pair(features)
    assert features.logit.shape == (BATCH,)
    assert C_psi.shape == (BATCH, phi_E.shape[1], side, side)


@pytest.mark.parametrize(
    ("size", "millions"),
    [
        (28, {"encoder": "1.2", "generator": "3.7", "critic": "2.7"}),
        (32, {"encoder": "3.6", "generator": "8.0", "critic": "33.1"}),
        (64, {"encoder": "8.8", "generator": "12", "critic": "75"}),
    ],
)
def test_t2r_has_the_parameters_of_the_october_2021_models(size, millions):
    _, built = full_width("t2r", size, "script")
    for name, expected in millions.items():
        parameters = sum(parameter.numel() for parameter in built[name].parameters()) / 1e6
        decimals = len(expected.partition(".")[2])
        assert f"{parameters:.{decimals}f}" == expected, name


def test_t2r_is_spectrally_normalised_but_for_the_generators_second_convolution():
    _, built = full_width("t2r", 32)
    plain = {name: [m for m in normalised_layers(network) if not spectral(m)] for name, network in built.items()}
    (second,) = plain.pop("generator")
    assert (second.in_channels, second.out_channels) == (128, 512)
    assert not any(plain.values())


def test_t2p_has_a_critic_with_spectral_norm_alone_and_no_other_network_with_it():
    _, built = full_width("t2p", 32)
    assert all(map(spectral, normalised_layers(built["critic"])))
    assert not any(isinstance(module, nn.BatchNorm2d) for module in built["critic"].modules())
    for name in ("encoder", "generator"):
        assert not any(map(spectral, normalised_layers(built[name]))), name


def test_the_encoder_ends_in_a_layer_norm_so_that_latents_have_the_priors_size(small_config):
    latents = networks.Encoder(small_config())(torch.rand(4, 1, 28, 28))
    torch.testing.assert_close(latents.norm(dim=1), torch.full((4,), 10.0), rtol=0.01, atol=0)


@pytest.mark.parametrize(("pixel_range", "lowest"), [("unit", 0.0), ("symmetric", -1.0)])
def test_the_generator_stays_in_the_pixel_range_and_can_fill_it(small_config, pixel_range, lowest):
    generator = networks.Generator(small_config(pixel_range=pixel_range))
    *_, tanh = generator.body.modules()
    assert isinstance(tanh, nn.Tanh)
    generator.body[-1][0].bias.data.fill_(0)
    nn.utils.parametrize.remove_parametrizations(generator.body[-1][0], "weight")
    generator.body[-1][0].weight.data *= 1000
    with torch.no_grad():
        pixels = generator(torch.randn(16, 100))
    assert pixels.min().item() == pytest.approx(lowest) and pixels.max().item() == pytest.approx(1)
    assert pixels.min() >= lowest and pixels.max() <= 1


def test_the_residual_blocks_output_is_added_to_its_input_once_more():
    block = networks.Residual(4)
    nn.init.zeros_(block.body[-1].weight)
    x = torch.randn(2, 4, 5, 5)
    torch.testing.assert_close(block(x), 2 * x)
    assert block.body[1].eps == 0.8


@pytest.mark.parametrize("architecture", ["t2r", "t2p"])
@pytest.mark.parametrize("projection", ["local", "global", "both"])
def test_every_projection_gives_both_sides_of_equation_1_the_same_width(small_config, architecture, projection):
    critic = networks.Critic(small_config(architecture=architecture, projection=projection))
    C_psi, phi_E = critic.contrastive_pair(critic(torch.rand(3, 1, 28, 28)))
    assert C_psi.shape[:2] == phi_E.shape


def test_the_global_vector_is_the_last_map_summed_over_its_locations(small_config):
    critic = networks.Critic(small_config(architecture="t2p")).eval()
    x = torch.rand(2, 1, 28, 28)
    last_map = critic.to_global(critic.to_local(x))
    expected = [[sum(location.item() for location in channel.flatten()) for channel in image] for image in last_map]
    assert last_map.shape[2:] == (4, 4)
    torch.testing.assert_close(critic(x).global_vector, torch.tensor(expected))


def test_feature_taps_are_the_local_map_before_and_after_its_projection(small_config):
    critic = networks.Critic(small_config(recipe="script")).eval()
    x = torch.rand(3, 1, 28, 28)
    features = critic(x)
    assert critic.f_D(x, "raw").shape != critic.f_D(x, "projected").shape
    torch.testing.assert_close(critic.f_D(x, "raw"), features.local_map)
    torch.testing.assert_close(critic.f_D(x, "projected"), critic.contrastive_pair(features)[0])


def test_the_latent_discriminator_judges_pairs_or_single_latents(small_config):
    a, b = torch.randn(2, 3, 100)
    pairs = networks.LatentDiscriminator(small_config()).eval()
    assert not torch.allclose(pairs(a, b), pairs(a, a))
    singles = networks.LatentDiscriminator(small_config(latent_pair="marginal")).eval()
    straight = torch.cat([singles.body[:-1](a), singles.body[:-1](b)], 1)
    assert (straight < 0).any()  # or its bend would not show
    torch.testing.assert_close(singles(a, b), torch.where(straight < 0, 0.2 * straight, straight))


def test_xavier_weights_have_xaviers_spread():
    network = nn.Conv2d(8, 8, 3)
    networks.initialise(network, "xavier")
    bound = (6 / (8 * 9 + 8 * 9)) ** 0.5
    assert 0.9 * bound < network.weight.abs().max() <= bound and not network.bias.any()
