"""The compared methods' networks: layers and initial weights of their sources, TensorFlow's SAME padding."""

from functools import cache

import numpy as np
import pytest
import torch
from small import build, without_numbers
from torch import nn

from adcgan import methods
from adcgan.config import configure
from adcgan.models.compared import SameConv2d

BATCH_NORMS = nn.BatchNorm1d | nn.BatchNorm2d
CHANNELS = {28: 1, 32: 3, 64: 3}


@cache
def full_width(name, size):
    """The method at its source's width on torch's "meta" device: real modules and shapes, no numbers."""
    with without_numbers():
        config = configure(name, "one-vs-all", size, CHANNELS[size])
        return methods.build(name, config, torch.device("meta"))


def describe(network):
    """Every layer of ``network`` as a word: c3>128k4s2 is a convolution of 4 and stride 2 from 3 to 128 maps."""
    words = []
    for module in network.modules():
        match module:
            case nn.ConvTranspose2d():
                word = f"d{module.in_channels}>{module.out_channels}k{module.kernel_size[0]}s{module.stride[0]}"
            case nn.Conv2d():
                word = f"c{module.in_channels}>{module.out_channels}k{module.kernel_size[0]}s{module.stride[0]}"
                word += "same" * isinstance(module, SameConv2d)
            case nn.Linear():
                word = f"l{module.in_features}>{module.out_features}"
            case nn.BatchNorm1d() | nn.BatchNorm2d():
                word = "bn"
            case nn.LayerNorm():
                word = f"ln{module.normalized_shape[0]}"
            case nn.LeakyReLU():
                word = f"lr{module.negative_slope:g}"
            case nn.ReLU():
                word = "relu"
            case nn.Tanh():
                word = "tanh"
            case nn.Dropout():
                word = f"drop{module.p:g}"
            case _:
                continue
        words.append(word + "sn" * nn.utils.parametrize.is_parametrized(module, "weight"))
    return " ".join(words)


def images_and_latents(method):
    config = method.config
    size = 32 if (type(method).__name__, config.image_size) == ("ADGAN", 28) else config.image_size
    x = torch.zeros(2, config.channels, size, size, device="meta")
    return x, torch.zeros(2, config.latent_size, device="meta")


def as_array(values):
    return values.detach().numpy().astype(float)


HALVINGS = {28: [(1, 128), (128, 256), (256, 512)], 32: [(3, 128), (128, 256), (256, 512)]}
HALVINGS[64] = [*HALVINGS[32], (512, 512)]
LATENTS = {28: 100, 32: 100, 64: 200}
ALAD_GENERATORS = {
    28: "d100>512k4s1 bn relu d512>256k3s2 bn relu d256>128k4s2 bn relu d128>1k4s2 tanh",
    32: "d100>512k4s1 bn relu d512>256k4s2 bn relu d256>128k4s2 bn relu d128>3k4s2 tanh",
    64: "d200>512k4s1 bn relu d512>512k4s2 bn relu d512>256k4s2 bn relu d256>128k4s2 bn relu d128>3k4s2 tanh",
}


def image_tower(size, norm, first):
    """The convolutions that halve the side; spectral ``norm`` as a suffix, batch norm in the first where ``first``."""
    words = []
    for n, (a, b) in enumerate(HALVINGS[size]):
        words += [f"c{a}>{b}k4s2same{norm}", *(["bn"] if first or n else []), "lr0.2"]
    return " ".join(words)


@pytest.mark.parametrize("size", CHANNELS)
def test_alad_has_the_layers_of_its_source(size):
    alad, L = full_width("alad", size), LATENTS[size]
    x, z = images_and_latents(alad)
    assert describe(alad.E) == image_tower(size, "sn", True) + f" c512>{L}k4s1"
    assert describe(alad.G) == ALAD_GENERATORS[size]
    assert describe(alad.D_xz) == (
        f"{image_tower(size, 'sn', False)} l{L}>512sn lr0.2 drop0.2 l512>512sn lr0.2 drop0.2 "
        "l8704>1024sn lr0.2 drop0.2 l1024>1"
    )
    features = {28: 12544, 32: 16384, 64: 65536}[size]
    assert describe(alad.D_xx) == (
        f"c{CHANNELS[size]}>64k5s2samesn lr0.2 drop0.2 c64>128k5s2samesn lr0.2 drop0.2 l{features}>1"
    )
    assert describe(alad.D_zz) == f"l{2 * L}>64sn lr0.2 drop0.2 l64>32sn lr0.2 drop0.2 l32>1"
    assert alad.E(x).shape == z.shape == (2, L) and alad.G(z).shape == x.shape
    logit, maps = alad.D_xx(x, x)
    assert alad.D_xz(x, z).shape == alad.D_zz(z, z).shape == logit.shape == (2,)
    assert maps.shape == (2, features)


@pytest.mark.parametrize("size", CHANNELS)
def test_anogan_has_alads_generator_and_image_tower_without_spectral_norm(size):
    anogan = full_width("anogan", size)
    x, z = images_and_latents(anogan)
    assert describe(anogan.G) == ALAD_GENERATORS[size]
    assert describe(anogan.D) == image_tower(size, "", False) + " l8192>1"
    assert anogan.G(z).shape == x.shape and anogan.f(x).shape == (2, 8192) and anogan.D(x).shape == (2, 1)


@pytest.mark.parametrize("size", CHANNELS)
def test_adgan_has_the_layers_of_its_source(size):
    adgan, channels = full_width("adgan", size), CHANNELS[size]
    x, z = images_and_latents(adgan)
    large = size == 64
    between = "d64>64k3s2 bn relu " if large else ""
    assert describe(adgan.G) == (
        f"l256>4096 bn relu d256>128k3s2 bn relu d128>64k3s2 bn relu {between}d64>{channels}k3s2 tanh"
    )
    top = " c256>512k3s2same bn relu l8192>1" if large else " l4096>1"
    assert describe(adgan.D) == (
        f"c{channels}>64k3s2same bn relu c64>128k3s2same bn relu c128>256k3s2same bn relu{top}"
    )
    assert adgan.G(z).shape == x.shape and adgan.D(x).shape == (2, 1) and z.shape == (2, 256)


AEGAN = {
    28: {
        "E": "c1>64k3s1 lr0.1 c64>128k3s2 bn lr0.1 c128>256k3s2 bn lr0.1 l6400>100 ln100",
        "G": "l100>1024 bn relu l1024>6272 bn relu d6272>64k5s2 bn lr0.01 d64>64k5s2 bn lr0.01 d64>1k4s2 tanh",
        "D": "c1>64k3s2 lr0.1 c64>128k3s1 bn lr0.1 c128>256k3s2 bn lr0.1 l6400>1024 l1024>2",
    },
    32: {
        "E": "c3>128k4s2 bn lr0.2 c128>256k4s2 bn lr0.2 c256>512k4s2 bn lr0.2 c512>100k4s1 ln100",
        "G": "d100>512k4s2 bn relu d512>256k4s2 bn relu d256>128k5s2 bn relu d128>3k4s2 tanh",
        "D": "c3>128k4s2 lr0.2 c128>256k4s2 bn lr0.2 c256>512k4s3 bn lr0.2 l512>2",
    },
    # Of 64 pixels the specification gives the sizes alone.
    64: {
        "E": "c3>128k5s2 c128>256k5s2 c256>512k5s2 c512>100k5s1",
        "G": "l100>4096 d256>128k4s2 d128>64k4s2 d64>64k4s2 d64>3k4s2",
        "D": "c3>64k3s2 c64>128k3s2 c128>256k3s2 c256>256k3s2 l4096>2",
    },
}


@pytest.mark.parametrize(("size", "name"), [(size, name) for size in AEGAN for name in "EGD"])
def test_aegan_has_the_layers_of_its_source(size, name):
    aegan, layers = full_width("aegan", size), AEGAN[size][name]
    x, z = images_and_latents(aegan)
    network, given = aegan.networks[name], z if name == "G" else x
    found = describe(network)
    if size == 64:
        found = " ".join(word for word in found.split() if ">" in word)
    assert found == layers
    assert network(given).shape == {"E": z.shape, "G": x.shape, "D": (2, 2)}[name]


@pytest.mark.parametrize("size", CHANNELS)
def test_the_autoencoder_has_ad_cgans_encoder_and_generator(size):
    x, z = images_and_latents(full_width("autoencoder", size))
    assert full_width("autoencoder", size).E(x).shape == z.shape
    assert full_width("autoencoder", size).G(z).shape == x.shape
    small, adcgan = (build(name, size, CHANNELS[size], width=0.05) for name in ("autoencoder", "adcgan"))
    for name in ("E", "G"):
        assert describe(small.networks[name]) == describe(adcgan.networks[name])


def layers_of(network):
    return [module for module in network.modules() if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear)]


@pytest.mark.parametrize(("name", "options"), [("alad", {}), ("alad", dict(spectral_norm="off")), ("anogan", {})])
def test_initial_weights_are_normal_with_deviation_one_hundredth_and_no_bias(name, options):
    for network in build(name, width=0.2, **options).networks.values():
        for layer in layers_of(network):
            weight = layer.weight
            if nn.utils.parametrize.is_parametrized(layer, "weight"):
                assert "spectral_norm" not in options
                weight = layer.parametrizations.weight.original
                assert torch.linalg.matrix_norm(layer.weight.flatten(1), 2).item() == pytest.approx(1, abs=0.1)
            if weight.numel() > 5000:
                assert weight.std().item() == pytest.approx(0.01, rel=0.05)
                assert abs(weight.mean().item()) < 5e-4
            assert not layer.bias.any()


@pytest.mark.parametrize(("name", "bias"), [("aegan", 0.01), ("adgan", 0.0)])
def test_xavier_weights_have_xaviers_spread_and_the_sources_bias(name, bias):
    for network in build(name).networks.values():
        for layer in layers_of(network):
            bound = (6 / sum(nn.init._calculate_fan_in_and_fan_out(layer.weight))) ** 0.5
            assert 0.8 * bound < layer.weight.abs().max() <= bound
            assert (layer.bias == bias).all()


@pytest.mark.parametrize(
    ("name", "of_tensorflow"), [("alad", True), ("anogan", True), ("adgan", True), ("aegan", False)]
)
def test_batch_norm_is_that_of_the_sources_library(name, of_tensorflow):
    modules = [module for network in build(name).networks.values() for module in network.modules()]
    found = {(module.momentum, module.eps) for module in modules if isinstance(module, BATCH_NORMS)}
    assert found == {(0.01, 1e-3) if of_tensorflow else (0.1, 1e-5)}


def test_alads_image_discriminator_sees_its_pair_one_above_the_other():
    D_xx, seen = build("alad").D_xx, []
    D_xx.features[0].register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    x, other = torch.rand(2, 3, 1, 28, 28)
    D_xx(x, other)
    assert seen[0].shape == (3, 1, 56, 28)
    assert torch.equal(seen[0][:, :, :28], x) and torch.equal(seen[0][:, :, 28:], other)


@pytest.mark.parametrize(("pixel_range", "black"), [("symmetric", -1.0), ("unit", 0.0)])
def test_adgan_frames_images_of_28_pixels_in_black(zeros, pixel_range, black):
    method = build("adgan", pixel_range=pixel_range)
    x = method.pixels(zeros.train[:3])
    assert x.shape == (3, 1, 32, 32)
    assert (method.to_uint8(x[:, :, 2:30, 2:30]) == zeros.train[:3]).all()
    assert (torch.cat([x[:, :, :2], x[:, :, 30:]], 2) == black).all()
    assert (torch.cat([x[..., :2], x[..., 30:]], 3) == black).all()
    assert method.reconstruct(zeros.train[:3]).shape == (3, 28, 28, 1)


@pytest.mark.parametrize(
    ("shape", "kernel", "before", "after"),
    [
        ((7, 7), 4, (1, 1), (2, 2)),
        ((8, 8), 5, (1, 1), (2, 2)),
        ((8, 7), 4, (1, 1), (1, 2)),
        ((6, 9), 3, (0, 1), (1, 1)),
    ],
)
def test_same_padding_is_tensorflows_with_the_odd_row_at_the_end(shape, kernel, before, after):
    layer = SameConv2d(2, 3, kernel, 2)
    x = torch.randn(2, 2, *shape)
    weight, bias = as_array(layer.weight), as_array(layer.bias)
    padded = np.pad(as_array(x), ((0, 0), (0, 0), (before[0], after[0]), (before[1], after[1])))
    out = [-(-side // 2) for side in shape]
    expected = np.empty((2, 3, *out))
    for i in range(out[0]):
        for j in range(out[1]):
            window = padded[:, :, 2 * i : 2 * i + kernel, 2 * j : 2 * j + kernel]
            assert window.shape[2:] == (kernel, kernel)
            expected[:, :, i, j] = np.einsum("ncij,kcij->nk", window, weight) + bias
    np.testing.assert_allclose(as_array(layer(x)), expected, atol=1e-5)
