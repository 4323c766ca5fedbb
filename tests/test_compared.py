"""ALAD, ADGAN, AE-GAN, AnoGAN and the plain autoencoder: sizes, losses, steps, averages, searches, scores, resume."""

import dataclasses
import hashlib
from copy import deepcopy
from functools import cache

import numpy as np
import pytest
import torch
from adcgan.methods.parts import PointConvTranspose2d, SameConv2d
from torch import nn

from adcgan import methods, training
from adcgan.config import METHODS, configure
from adcgan.errors import AdcganError
from adcgan.experiments import records, run
from adcgan.methods.adgan import gradient_penalty
from adcgan.scoring import auroc, normality_score
from adcgan.training import History

CPU = torch.device("cpu")
BATCH_NORMS = nn.BatchNorm1d | nn.BatchNorm2d
CHANNELS = {28: 1, 32: 3, 64: 3}
BATCH = 8
TRAINED = ("alad", "adgan", "aegan", "anogan", "autoencoder")
SMALL = {
    "alad": dict(width=0.05),
    "adgan": dict(width=0.05, steps_per_epoch=4, search_seeds=2, search_steps=2),
    "aegan": dict(width=0.05),
    "anogan": dict(width=0.05, search_steps=4),
    "autoencoder": dict(width=0.1),
}
# Settled around the method, not in it: other tests here, `test_experiments` and `test_training` see to them.
ELSEWHERE = {
    "preprocessing", "test_set", "test_order", "test_images", "last_batch", "epochs", "batch_size", "steps_per_epoch",
    "epoch_images", "validation_fraction", "patience", "test_batch_size",
}  # fmt: skip
NUMBERS = {
    "alad": dict(latent_size=50, width=0.1, learning_rate=1e-3, ema_decay=0.5),
    "adgan": dict(latent_size=50, width=0.1, learning_rate=1e-3, critic_steps=1, gradient_penalty=1.0, search_seeds=3,
                  search_steps=3, search_rate_latent=0.1, search_rate_generator=1e-3),
    "aegan": dict(latent_size=50, width=0.1, learning_rate=1e-3, weight_decay=0.0, weight_decay_encoder=0.5,
                  lambda_=0.5, beta=0.5),
    "anogan": dict(latent_size=50, width=0.1, learning_rate=1e-3, search_steps=80, search_rate=1e-2, lambda_=0.5),
    "autoencoder": dict(latent_size=50, width=0.2),
}  # fmt: skip
LOGGED = {
    "alad": {"L_xz", "L_xx", "L_zz", "L_GE", "L_cycle_x", "L_cycle_z"},
    "adgan": {"L_W", "penalty", "L_G"},
    "aegan": {"L_AE", "L_G", "L_D"},
    "anogan": {"L_D", "L_G"},
    "autoencoder": {"L_AE"},
}


def build(name, image_size=28, channels=1, **options):
    """A small untrained method, the same weights at every call with the same options."""
    options = dict(batch_size=BATCH, epochs=2) | SMALL[name] | options
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return methods.build(name, configure(name, "one-vs-all", image_size, channels, **options), CPU)


def train(method, images, checkpoint, seed=0):
    return training.train(method, images, seed=seed, checkpoint=checkpoint, identity="small", title="small")


@pytest.fixture(scope="module")
def fitted(zeros, tmp_path_factory):
    """Methods trained on the digit 0 for two epochs, by name. Tests leave them as they are."""

    @cache
    def make(name):
        method = build(name)
        with torch.random.fork_rng():
            torch.manual_seed(0)
            train(method, zeros.train, tmp_path_factory.mktemp(name) / "checkpoint.pt")
        return method

    return make


@pytest.fixture
def fitted_as(fitted):
    """The trained networks behind other options."""

    def make(name, **options):
        method = build(name, **options)
        method.load_state(fitted(name).state())
        return method

    return make


@pytest.fixture
def sample(zeros):
    """Twelve test images, half of them normal."""
    normal, anomalous = np.flatnonzero(~zeros.anomalous), np.flatnonzero(zeros.anomalous)
    rows = np.concatenate([normal[:6], anomalous[:6]])
    return zeros.test[rows]


def batch(method, zeros):
    """What one step is given."""
    return method.pixels(zeros.train[: BATCH * method.shuffles])


def array(values):
    return values.detach().numpy().astype(float)


# --- layer sizes against the specification ---------------------------------------------------------------


@cache
def full_width(name, size):
    """The method at its source's width on torch's "meta" device: real modules and shapes, no numbers."""
    with torch.device("meta"):
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


def sides(network, *inputs):
    """The height of every map that a convolution of ``network`` gives."""
    seen, hooks = [], []
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            hooks.append(module.register_forward_hook(lambda _, __, out: seen.append(out.shape[2])))
    network(*inputs)
    for hook in hooks:
        hook.remove()
    return seen


def images_and_latents(method):
    config = method.config
    size = 32 if (type(method).__name__, config.image_size) == ("ADGAN", 28) else config.image_size
    x = torch.zeros(2, config.channels, size, size, device="meta")
    return x, torch.zeros(2, config.latent_size, device="meta")


HALVINGS = {28: [(1, 128), (128, 256), (256, 512)], 32: [(3, 128), (128, 256), (256, 512)]}
HALVINGS[64] = [*HALVINGS[32], (512, 512)]
DOWN = {28: [14, 7, 4], 32: [16, 8, 4], 64: [32, 16, 8, 4]}
UP = {28: [4, 7, 14, 28], 32: [4, 8, 16, 32], 64: [4, 8, 16, 32, 64]}
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
    assert sides(alad.E, x) == [*DOWN[size], 1]
    assert describe(alad.G) == ALAD_GENERATORS[size]
    assert sides(alad.G, z) == UP[size]
    assert describe(alad.D_xz) == (
        f"{image_tower(size, 'sn', False)} l{L}>512sn lr0.2 drop0.2 l512>512sn lr0.2 drop0.2 "
        "l8704>1024sn lr0.2 drop0.2 l1024>1"
    )
    features = {28: 12544, 32: 16384, 64: 65536}[size]
    assert describe(alad.D_xx) == (
        f"c{CHANNELS[size]}>64k5s2samesn lr0.2 drop0.2 c64>128k5s2samesn lr0.2 drop0.2 l{features}>1"
    )
    assert sides(alad.D_xx, x, x) == [size, size // 2]  # of 2H: two images, one above the other
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
    assert sides(anogan.D, x) == DOWN[size]
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
    assert sides(adgan.G, z) == ([8, 16, 32, 64] if large else [8, 16, 32])
    assert sides(adgan.D, x) == ([32, 16, 8, 4] if large else [16, 8, 4])
    assert adgan.G(z).shape == x.shape and adgan.D(x).shape == (2, 1) and z.shape == (2, 256)


AEGAN = {
    28: {
        "E": ("c1>64k3s1 lr0.1 c64>128k3s2 bn lr0.1 c128>256k3s2 bn lr0.1 l6400>100 ln100", [26, 12, 5]),
        "G": ("l100>1024 bn relu l1024>6272 bn relu d6272>64k5s2 bn lr0.01 d64>64k5s2 bn lr0.01 d64>1k4s2 tanh",
              [5, 13, 28]),
        "D": ("c1>64k3s2 lr0.1 c64>128k3s1 bn lr0.1 c128>256k3s2 bn lr0.1 l6400>1024 l1024>2", [13, 11, 5]),
    },
    32: {
        "E": ("c3>128k4s2 bn lr0.2 c128>256k4s2 bn lr0.2 c256>512k4s2 bn lr0.2 c512>100k4s1 ln100", [15, 6, 2, 1]),
        "G": ("d100>512k4s2 bn relu d512>256k4s2 bn relu d256>128k5s2 bn relu d128>3k4s2 tanh", [2, 6, 15, 32]),
        "D": ("c3>128k4s2 lr0.2 c128>256k4s2 bn lr0.2 c256>512k4s3 bn lr0.2 l512>2", [15, 6, 1]),
    },
    # Of 64 pixels the specification gives the sizes alone.
    64: {
        "E": ("c3>128k5s2 c128>256k5s2 c256>512k5s2 c512>100k5s1", [30, 13, 5, 1]),
        "G": ("l100>4096 d256>128k4s2 d128>64k4s2 d64>64k4s2 d64>3k4s2", [8, 16, 32, 64]),
        "D": ("c3>64k3s2 c64>128k3s2 c128>256k3s2 c256>256k3s2 l4096>2", [32, 16, 8, 4]),
    },
}  # fmt: skip


@pytest.mark.parametrize(("size", "name"), [(size, name) for size in AEGAN for name in "EGD"])
def test_aegan_has_the_layers_of_its_source(size, name):
    aegan, (layers, maps) = full_width("aegan", size), AEGAN[size][name]
    x, z = images_and_latents(aegan)
    network, given = aegan.networks[name], z if name == "G" else x
    found = describe(network)
    if size == 64:
        found = " ".join(word for word in found.split() if ">" in word)
    assert found == layers
    assert sides(network, given) == maps
    assert network(given).shape == {"E": z.shape, "G": x.shape, "D": (2, 2)}[name]


@pytest.mark.parametrize(("size", "shape"), [(28, (2, 64, 13, 13)), (32, (2, 256, 6, 6))])
def test_aegans_features_are_the_map_that_its_source_scores(size, shape):
    aegan = full_width("aegan", size)
    assert aegan.f_D(images_and_latents(aegan)[0]).shape == shape


@pytest.mark.parametrize("size", CHANNELS)
def test_the_autoencoder_has_ad_cgans_encoder_and_generator(size):
    x, z = images_and_latents(full_width("autoencoder", size))
    assert full_width("autoencoder", size).E(x).shape == z.shape
    assert full_width("autoencoder", size).G(z).shape == x.shape
    small, adcgan = (
        methods.build(name, configure(name, "one-vs-all", size, CHANNELS[size], width=0.05), CPU)
        for name in ("autoencoder", "adcgan")
    )
    for name in ("E", "G"):
        assert describe(small.networks[name]) == describe(adcgan.models.networks[name])


def layers_of(network):
    return [module for module in network.modules() if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear)]


def test_without_spectral_norm_alad_has_none():
    for network in build("alad", spectral_norm="off").networks.values():
        assert not any(nn.utils.parametrize.is_parametrized(layer) for layer in layers_of(network))


@pytest.mark.parametrize(("name", "options"), [("alad", {}), ("alad", dict(spectral_norm="off")), ("anogan", {})])
def test_initial_weights_are_normal_with_deviation_one_hundredth_and_no_bias(name, options):
    for network in build(name, width=0.2, **options).networks.values():
        for layer in layers_of(network):
            weight = layer.weight
            if nn.utils.parametrize.is_parametrized(layer, "weight"):
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


# --- TensorFlow's SAME -------------------------------------------------------------------------------------


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
    weight, bias = array(layer.weight), array(layer.bias)
    padded = np.pad(array(x), ((0, 0), (0, 0), (before[0], after[0]), (before[1], after[1])))
    out = [-(-side // 2) for side in shape]
    expected = np.empty((2, 3, *out))
    for i in range(out[0]):
        for j in range(out[1]):
            window = padded[:, :, 2 * i : 2 * i + kernel, 2 * j : 2 * j + kernel]
            assert window.shape[2:] == (kernel, kernel)
            expected[:, :, i, j] = np.einsum("ncij,kcij->nk", window, weight) + bias
    np.testing.assert_allclose(array(layer(x)), expected, atol=1e-5)


def test_a_transposed_convolution_of_points_is_the_general_one_with_the_same_gradients():
    layer, x = PointConvTranspose2d(7, 3, 5, 2), torch.randn(4, 7, 1, 1, requires_grad=True)
    weights, results = torch.randn(4, 3, 5, 5), []
    for output in (layer(x), torch.nn.functional.conv_transpose2d(x, layer.weight, layer.bias, stride=2)):
        variables = [x, *layer.parameters()]
        results.append([output, *torch.autograd.grad((output * weights).sum(), variables)])
    for ours, reference in zip(*results, strict=True):
        torch.testing.assert_close(ours, reference)


# --- losses -------------------------------------------------------------------------------------------------


def stirred(name, **options):
    """A method in eval mode that does not learn, its weights such that logits are far from 0."""
    method = build(name, learning_rate=0.0, **(dict(spectral_norm="off") if name == "alad" else {}), **options)
    for network in method.networks.values():
        network.eval()
        for module in network.modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
                nn.init.normal_(module.weight, std=2 * nn.init._calculate_fan_in_and_fan_out(module.weight)[0] ** -0.5)
                nn.init.normal_(module.bias, std=0.1)
            elif isinstance(module, BATCH_NORMS):
                nn.init.normal_(module.running_mean, std=0.1)
                nn.init.uniform_(module.running_var, 0.5, 1.5)
    return method


def cross_entropy(logits, label):
    """-log of the probability that the sigmoid of each logit gives ``label``, mean."""
    probability = 1 / (1 + np.exp(-array(logits)))
    return -np.log(probability if label else 1 - probability).mean()


def class_entropy(logits, label):
    """-log of the probability that the softmax of each pair gives ``label``, mean."""
    odds = np.exp(array(logits))
    return -np.log(odds[:, label] / odds.sum(1)).mean()


def agree(log, expected):
    assert set(log) == set(expected) != set()
    for name, value in expected.items():
        assert log[name].item() == pytest.approx(value, rel=1e-4), name


@pytest.mark.parametrize("latent_cycle", ["on", "off"])
def test_alads_losses_are_cross_entropies_with_the_sources_labels(zeros, latent_cycle):
    method = stirred("alad", latent_cycle=latent_cycle)
    x, z = method.pixels(zeros.train[:BATCH]), torch.randn(BATCH, 100)
    with torch.no_grad():
        encoded, generated = method.E(x), method.G(z)
        real, fake = method.D_xz(x, encoded), method.D_xz(generated, z)
        same, other = method.D_xx(x, x)[0], method.D_xx(x, method.G(encoded))[0]
    assert min(logits.abs().max() for logits in (real, fake, same, other)) > 0.1
    discriminators = {
        "L_xz": cross_entropy(real, 1) + cross_entropy(fake, 0),
        "L_xx": cross_entropy(same, 1) + cross_entropy(other, 0),
    }
    generators = {
        "L_GE": cross_entropy(real, 0) + cross_entropy(fake, 1),
        "L_cycle_x": cross_entropy(same, 0) + cross_entropy(other, 1),
    }
    if latent_cycle == "on":
        with torch.no_grad():
            same, other = method.D_zz(z, z), method.D_zz(z, method.E(generated))
        discriminators["L_zz"] = cross_entropy(same, 1) + cross_entropy(other, 0)
        generators["L_cycle_z"] = cross_entropy(same, 0) + cross_entropy(other, 1)
    agree(method.discriminator_step(x, z), discriminators)
    agree(method.generator_step(x, z), generators)


def test_alads_step_gives_its_halves_to_the_discriminators_and_to_the_generator(zeros):
    method, seen = stirred("alad"), []
    for name in ("discriminator_step", "generator_step"):
        setattr(method, name, lambda x, z, name=name: seen.append((name, x, z)) or {})
    x = batch(method, zeros)
    method.step(x, 0)
    (first, a, z1), (second, b, z2) = seen
    assert (first, second) == ("discriminator_step", "generator_step")
    assert torch.equal(a, x[:BATCH]) and torch.equal(b, x[BATCH:]) and not torch.equal(z1, z2)


def test_aegans_losses_are_the_squared_error_and_two_class_cross_entropies(zeros):
    method = stirred("aegan")
    x = batch(method, zeros)
    torch.manual_seed(1)
    with torch.no_grad():
        reconstruction, generated = method.G(method.E(x)), method.G(torch.randn(BATCH, 100))
        real, fake = method.D(x), method.D(generated)
    torch.manual_seed(1)
    agree(method.step(x, 0), {
        "L_AE": ((array(x) - array(reconstruction)) ** 2).mean(),
        "L_G": class_entropy(fake, 1),
        "L_D": class_entropy(real, 1) + class_entropy(fake, 0),
    })  # fmt: skip


def test_anogans_losses_are_a_dcgans(zeros):
    method = stirred("anogan")
    x = batch(method, zeros)
    torch.manual_seed(1)
    with torch.no_grad():
        real, fake, fresh = method.D(x), *(method.D(method.G(torch.randn(BATCH, 100))) for _ in range(2))
    torch.manual_seed(1)
    agree(method.step(x, 0), {"L_D": cross_entropy(real, 1) + cross_entropy(fake, 0), "L_G": cross_entropy(fresh, 1)})


def slopes(D, points):
    """|dD/dx| of each image alone, by autograd."""
    return [torch.autograd.functional.jacobian(D, point[None]).norm().item() for point in points]


def test_adgans_losses_are_wassersteins_with_the_penalty_between_real_and_generated(zeros):
    method = stirred("adgan")
    x = batch(method, zeros)
    torch.manual_seed(1)
    for part in x.chunk(2):  # the log is of the last critic update
        with torch.no_grad():
            generated = method.G(torch.randn(BATCH, 256))
            L_W = array(method.D(generated)).mean() - array(method.D(part)).mean()
        u = torch.rand(BATCH, 1, 1, 1)
    penalty = np.mean([(slope - 1) ** 2 for slope in slopes(method.D, u * part + (1 - u) * generated)])
    L_G = -array(method.D(method.G(torch.randn(BATCH, 256)))).mean()
    torch.manual_seed(1)
    agree(method.step(x, 0), {"L_W": L_W, "penalty": penalty, "L_G": L_G})


def test_the_gradient_penalty_of_a_linear_critic_is_that_of_its_weights():
    D = nn.Sequential(nn.Flatten(), nn.Linear(12, 1)).double()
    x, x_f = torch.randn(2, 5, 3, 2, 2).double()
    expected = (D[1].weight.norm() - 1) ** 2
    torch.testing.assert_close(gradient_penalty(D, x, x_f, torch.rand(5, 1, 1, 1).double()), expected)


def test_the_gradient_penalty_is_that_of_finite_differences_and_reaches_the_weights():
    D = nn.Sequential(nn.Flatten(), nn.Linear(4, 5), nn.Softplus(), nn.Linear(5, 1)).double()
    x, x_f = 3 * torch.randn(2, 6, 1, 2, 2).double()
    u = torch.rand(6, 1, 1, 1).double()

    def penalty():
        between, step = (u * x + (1 - u) * x_f).flatten(1), 1e-5
        with torch.no_grad():
            rises = [D(between + step * axis) - D(between - step * axis) for axis in torch.eye(4).double()]
        return ((torch.cat(rises, 1).div(2 * step).square().sum(1).sqrt() - 1) ** 2).mean().item()

    measured = gradient_penalty(D, x, x_f, u)
    assert measured.item() == pytest.approx(penalty(), rel=1e-6)
    measured.backward()
    weight = D[1].weight
    slope, before = weight.grad[0, 0].item(), penalty()
    weight.data[0, 0] += 1e-4
    assert penalty() - before == pytest.approx(1e-4 * slope, rel=1e-2)


def specified_losses(method, x):
    """What each network learns from, as the specification has it, in the order in which a step draws: by network."""
    name, config = type(method).__name__, method.config
    F = nn.functional

    def draw():
        return torch.randn(BATCH, config.latent_size)

    def entropy(logits, label):
        return F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, label))

    def class_entropy(logits, label):
        return F.cross_entropy(logits, torch.full((BATCH,), label))

    if name == "ALAD":
        E, G, D_xz, D_xx, D_zz = (method.networks[name] for name in ("E", "G", "D_xz", "D_xx", "D_zz"))
        (x, y), z, w = x.chunk(2), draw(), draw()
        cycle = entropy(D_xx(y, y)[0], 0.0) + entropy(D_xx(y, G(E(y)))[0], 1.0)
        cycle = cycle + entropy(D_zz(w, w), 0.0) + entropy(D_zz(w, E(G(w))), 1.0)
        return {
            "D_xz": entropy(D_xz(x, E(x)), 1.0) + entropy(D_xz(G(z), z), 0.0),
            "D_xx": entropy(D_xx(x, x)[0], 1.0) + entropy(D_xx(x, G(E(x)))[0], 0.0),
            "D_zz": entropy(D_zz(z, z), 1.0) + entropy(D_zz(z, E(G(z))), 0.0),
            "G": entropy(D_xz(G(w), w), 1.0) + cycle,
            "E": entropy(D_xz(y, E(y)), 0.0) + cycle,
        }
    E, G, D = (method.networks.get(name) for name in ("E", "G", "D"))
    if name == "AEGAN":
        generated = G(draw())
        return {
            "E": F.mse_loss(G(E(x)), x),
            "G": class_entropy(D(generated), 1),
            "D": class_entropy(D(x), 1) + class_entropy(D(generated), 0),
        }
    if name == "AnoGAN":
        return {"D": entropy(D(x), 1.0) + entropy(D(G(draw())), 0.0), "G": entropy(D(G(draw())), 1.0)}
    generated, u = G(draw()).detach(), torch.rand(BATCH, 1, 1, 1)
    between = (u * x + (1 - u) * generated).requires_grad_()
    each = [torch.autograd.grad(D(point[None]).squeeze(), point, create_graph=True)[0] for point in between]
    penalty = sum((slope.norm() - 1) ** 2 for slope in each) / BATCH
    return {"D": D(generated).mean() - D(x).mean() + 20 * penalty, "G": -D(G(draw())).mean()}


@pytest.mark.parametrize(
    ("name", "options"), [("alad", {}), ("aegan", {}), ("anogan", {}), ("adgan", dict(critic_steps=1))]
)
def test_every_network_learns_from_its_own_loss_and_from_no_other(zeros, name, options):
    method = stirred(name, **options)
    x = batch(method, zeros)
    torch.manual_seed(1)
    losses = specified_losses(method, x)
    expected = {
        name: torch.autograd.grad(loss, list(method.networks[name].parameters()), retain_graph=True)
        for name, loss in losses.items()
    }
    torch.manual_seed(1)
    method.step(x, 0)
    for name, gradients in expected.items():
        scale = max(gradient.abs().max().item() for gradient in gradients)
        assert scale > 1e-4
        for parameter, gradient in zip(method.networks[name].parameters(), gradients, strict=True):
            torch.testing.assert_close(parameter.grad, gradient, rtol=1e-3, atol=1e-4 * scale, msg=name)


# --- steps ---------------------------------------------------------------------------------------------------


def parameters(method):
    """A copy of every parameter, by network and place."""
    return {
        (name, part): value.detach().clone()
        for name, network in method.networks.items()
        for part, value in network.named_parameters()
    }


def changes(method, step):
    """Networks of which every matrix changed in ``step``, and networks of which any parameter did."""
    before = parameters(method)
    step()
    changed = {key: not torch.equal(before[key], value) for key, value in parameters(method).items()}
    matrices = {key: value for key, value in changed.items() if before[key].ndim > 1}
    whole = {name for name in method.networks if all(value for key, value in matrices.items() if key[0] == name)}
    return whole, {name for (name, _), value in changed.items() if value}


def discriminator_step(method, x):
    return method.discriminator_step(x[:BATCH], method.draw(x[:BATCH]))


def generator_step(method, x):
    return method.generator_step(x[BATCH:], method.draw(x[BATCH:]))


def whole_step(method, x):
    return method.step(x, 0)


@pytest.mark.parametrize(
    ("name", "step", "learners"),
    [
        ("alad", discriminator_step, {"D_xz", "D_xx", "D_zz", "D_xx_average"}),
        ("alad", generator_step, {"E", "G", "E_average", "G_average"}),
        ("alad", whole_step, {"E", "G", "D_xz", "D_xx", "D_zz", "E_average", "G_average", "D_xx_average"}),
        ("adgan", whole_step, {"G", "D"}),
        ("aegan", whole_step, {"E", "G", "D"}),
        ("anogan", whole_step, {"G", "D"}),
        ("autoencoder", whole_step, {"E", "G"}),
    ],
)
def test_a_step_changes_all_weights_of_its_networks_and_no_other(zeros, name, step, learners):
    method = build(name)
    x = batch(method, zeros)
    assert changes(method, lambda: step(method, x)) == (learners, learners)
    learning = {name for name in method.networks if not name.endswith("_average")}
    assert all(p.requires_grad for name in learning for p in method.networks[name].parameters())


def test_alads_discriminators_get_no_gradient_from_the_generators_step(zeros):
    method = build("alad")
    generator_step(method, batch(method, zeros))
    assert all(p.grad is None and p.requires_grad for D in method.discriminators for p in D.parameters())
    assert len(method.discriminators) == 3


def test_discriminators_are_trainable_again_after_a_failed_step(zeros):
    method = build("anogan")
    x = batch(method, zeros)
    method.G.forward = lambda z: torch.zeros(BATCH, 1, 28, 28)[:, :, :3]
    with pytest.raises(RuntimeError):
        method.step(x, 0)
    assert all(p.requires_grad for p in method.D.parameters())


@pytest.mark.parametrize("name", TRAINED)
def test_every_step_logs_finite_scalars_without_their_graphs(zeros, name):
    method = build(name)
    log = method.step(batch(method, zeros), 0)
    assert set(log) == LOGGED[name]
    assert all(value.isfinite() and value.ndim == 0 and not value.requires_grad for value in log.values())


@pytest.mark.parametrize(
    ("name", "rate", "betas", "decays"),
    [
        ("alad", 2e-4, (0.5, 0.999), {name: 0 for name in ("E", "G", "D_xz", "D_xx", "D_zz")}),
        ("adgan", 1e-4, (0.0, 0.9), {"G": 0, "D": 0}),
        ("aegan", 1e-4, (0.9, 0.999), {"E": 1e-3, "G": 0.5, "D": 0.5}),
        ("anogan", 2e-4, (0.5, 0.999), {"G": 0, "D": 0}),
    ],
)
def test_optimisers_have_the_sources_rates_and_each_its_own_network(name, rate, betas, decays):
    method = build(name)
    assert set(method.optimisers) == set(decays)
    for network, optimiser in method.optimisers.items():
        (group,) = optimiser.param_groups
        assert isinstance(optimiser, torch.optim.Adam)
        assert (group["lr"], group["betas"], group["weight_decay"]) == (rate, betas, decays[network])
        assert [id(p) for p in group["params"]] == [id(p) for p in method.networks[network].parameters()]


# --- ALAD's averages and early stop ------------------------------------------------------------------------


@pytest.mark.parametrize("decay", [0.999, 0.5, 0.0])
@pytest.mark.parametrize(("step", "averaged"), [(discriminator_step, {"D_xx"}), (generator_step, {"E", "G"})])
def test_alads_averages_follow_their_weights_by_the_decay_and_take_over_the_statistics(zeros, decay, step, averaged):
    method = build("alad", ema_decay=decay, learning_rate=1e-2)
    x = batch(method, zeros)
    for _ in range(3):
        means = {name: [p.clone() for p in mean.parameters()] for name, mean in method.averages.items()}
        step(method, x)
        for name, mean in method.averages.items():
            now = method.networks[name]
            for before, after, raw in zip(means[name], mean.parameters(), now.parameters(), strict=True):
                expected = decay * before + (1 - decay) * raw if name in averaged else before
                torch.testing.assert_close(after, expected, rtol=1e-5, atol=1e-7)
            if name in averaged:
                assert all(torch.equal(value, now.state_dict()[part]) for part, value in mean.named_buffers()
                           if "running" in part)  # fmt: skip
    assert set(method.averages) == {"E", "G", "D_xx"}


def test_alad_scores_by_its_averages_alone(fitted_as, sample):
    method = fitted_as("alad")
    before, shown = method.score(sample), method.reconstruct(sample)
    for name in ("E", "G", "D_xx"):
        for parameter in method.networks[name].parameters():
            parameter.data += 1
    after = method.score(sample)
    assert all((before[name] == after[name]).all() for name in before)
    assert (method.reconstruct(sample) == shown).all()
    for parameter in method.averages["E"].parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    assert (method.score(sample)["features"] != before["features"]).any()


@pytest.mark.parametrize(
    ("watched", "patience", "stalled"),
    [
        ([], 1, False),
        ([3], 1, False),
        ([3, 4], 1, False),
        ([3, 4, 4], 1, True),
        ([3, 4, 4], 2, False),
        ([3, 3, 3], 1, True),  # as low is not lower
        ([3, 4, 2], 1, False),
        ([3, 2, 5, 4], 1, True),
        ([5, 4, 3, 2, 1], 1, False),
        ([1] + 10 * [2], 10, False),
        ([1] + 11 * [2], 10, True),
    ],
)
def test_a_training_has_stalled_after_more_epochs_than_the_patience_without_a_lower_loss(watched, patience, stalled):
    history = History([{"loss": 0.0, "watched": float(value)} for value in watched])
    assert training._stalled(history, "watched", patience) is stalled


def test_alad_stops_early_by_its_normal_images_and_a_stopped_training_stays_stopped(zeros, tmp_path):
    images, seen = zeros.train[:50], []
    method = build("alad", epochs=20, patience=1, learning_rate=1e-3, ema_decay=0.5)
    validate = method.validate
    method.validate = lambda held_out: seen.append(held_out) or validate(held_out)
    history = train(method, images, tmp_path / "checkpoint.pt")
    assert all((held_out == images[45:]).all() for held_out in seen)
    watched = [epoch["validation_features"] for epoch in history.losses]
    best, without = np.inf, 0
    for epoch, value in enumerate(watched):
        best, without = (value, 0) if value < best else (best, without + 1)
        assert without <= 1 or epoch == len(watched) - 1
    assert without == 2 and 3 <= len(watched) < 20
    again = train(build("alad", epochs=20, patience=1), images, tmp_path / "checkpoint.pt")
    assert again.losses == history.losses and history.ended == again.ended == "early stop"


def test_alad_watches_the_mean_score_of_the_images_kept_aside(fitted, zeros):
    method, images = fitted("alad"), zeros.train[-7:]
    features = method.score(images)["features"]
    assert method.validate(images) == {"validation_features": pytest.approx(features.mean(), rel=1e-5)}


def test_alad_says_so_where_no_image_is_left_to_watch_its_loss_on(zeros, tmp_path):
    method = build("alad", validation_fraction=0.004)
    with pytest.raises(AdcganError, match="none is held out .* larger validation_fraction than 0.004"):
        train(method, zeros.train, tmp_path / "checkpoint.pt")


def test_without_patience_alad_trains_to_the_end(zeros, tmp_path):
    method = build("alad", epochs=5, patience=0, validation_fraction=0.0, learning_rate=1e-3, ema_decay=0.5)
    history = train(method, zeros.train[:16], tmp_path / "checkpoint.pt")
    assert len(history.losses) == 5 and history.ended == "budget"


def test_a_training_that_no_early_stop_ended_says_that_the_cap_did(zeros, tmp_path):
    history = train(build("alad", epochs=2, patience=1), zeros.train[:50], tmp_path / "checkpoint.pt")
    assert len(history.losses) == 2 and history.ended == "cap"


@pytest.mark.parametrize("name", ["aegan", "autoencoder"])
def test_validation_watches_the_reconstruction_error(fitted, zeros, name):
    method, images = fitted(name), zeros.train[:10]
    with method.evaluating():
        x = method.pixels(images)
        expected = ((array(x) - array(method.G(method.E(x)))) ** 2).mean()
    assert method.validate(images) == {"validation_L_AE": pytest.approx(expected, rel=1e-4)}


# --- scores ----------------------------------------------------------------------------------------------


def evaluated(network):
    return deepcopy(network).eval().requires_grad_(False)


def alad_alone(method, image):
    E, G, D_xx = (evaluated(method.networks[f"{name}_average"]) for name in ("E", "G", "D_xx"))
    x = method.pixels(image[None])
    reconstruction = G(E(x))
    logit, other = D_xx(x, reconstruction)
    difference = (array(x) - array(reconstruction)).ravel()
    return {
        "features": np.abs(array(D_xx(x, x)[1]) - array(other)).mean(),
        "cross-entropy": cross_entropy(logit, 1),
        "l1": np.abs(difference).mean(),
        "l2": np.linalg.norm(difference) / len(difference) ** 0.5,
    }


def aegan_alone(method, image):
    E, G, f_D = evaluated(method.E), evaluated(method.G), evaluated(method.f_D)
    x = method.pixels(image[None])
    again = G(E(x))
    return {
        "L_GD": np.abs(array(f_D(x)) - array(f_D(again))).mean(),
        "L_GR": np.abs(array(x) - array(again)).mean(),
        "L_FE": np.abs(array(E(x)) - array(E(again))).mean(),
    }


def autoencoder_alone(method, image):
    E, G = evaluated(method.E), evaluated(method.G)
    x = method.pixels(image[None])
    return {"L_AE": ((array(x) - array(G(E(x)))) ** 2).mean()}


@pytest.mark.parametrize(
    ("name", "alone"), [("alad", alad_alone), ("aegan", aegan_alone), ("autoencoder", autoencoder_alone)]
)
def test_components_are_those_of_the_definition_image_by_image(fitted, sample, name, alone):
    measured = fitted(name).score(sample)
    for n, image in enumerate(sample):
        expected = alone(fitted(name), image)
        assert set(measured) == set(expected)
        for component, value in expected.items():
            assert measured[component].shape == (len(sample),) and measured[component].dtype == np.float32
            assert measured[component][n] == pytest.approx(value, rel=1e-4), component


def adgan_alone(method, image):
    """The loop over the starts: a generator of its own for each, and two optimisers in turn."""
    config, x, errors, ends = method.config, method.pixels(image[None]), [], []
    for z in method.first_latents(image[None])[0]:
        G = deepcopy(method.G).eval()
        z = z[None].clone().requires_grad_()
        of_z = torch.optim.Adam([z], config.search_rate_latent, (0.5, 0.999))
        of_G = torch.optim.Adam(G.parameters(), config.search_rate_generator, (0.5, 0.999))
        for _ in range(config.search_steps):
            for optimiser in (of_z, of_G):
                of_z.zero_grad(), of_G.zero_grad()
                ((G(z) - x) ** 2).mean().backward()
                optimiser.step()
        ends.append(G(z).detach())
        errors.append(((array(ends[-1]) - array(x)) ** 2).mean())
    return {"L_rec": np.mean(errors)}, ends[0]


def anogan_alone(method, image):
    """The loop over the steps of one image: z moves, the networks do not."""
    config, x = method.config, method.pixels(image[None])
    G, f = evaluated(method.G), evaluated(method.f)
    z = method.first_latents(image[None]).clone().requires_grad_()
    optimiser = torch.optim.Adam([z], config.search_rate)
    features, pixels = (0.1, 0.9) if config.weighting == "paper" else (0.9, 0.1)
    for _ in range(config.search_steps):
        optimiser.zero_grad()
        residual, discrimination = (x - G(z)).abs().sum(), (f(x) - f(G(z))).abs().sum()
        (pixels * residual + features * discrimination).backward()
        optimiser.step()
    end = G(z).detach()
    return {"L_R": np.abs(array(x) - array(end)).sum(), "L_D": np.abs(array(f(x)) - array(f(end))).sum()}, end


@pytest.mark.parametrize(
    ("name", "alone", "options"),
    [
        ("adgan", adgan_alone, dict(search_seeds=2, search_steps=3)),
        ("adgan", adgan_alone, dict(search_seeds=2, search_steps=3, search_rate_generator=1e-3)),
        ("anogan", anogan_alone, dict(search_steps=3)),
        ("anogan", anogan_alone, dict(search_steps=3, search_rate=0.1, weighting="alad")),
    ],
)
def test_the_batched_search_finds_what_a_plain_loop_finds_for_each_image_alone(sample, name, alone, options):
    method, images = stirred(name, **options), sample[[0, -1]]
    before = parameters(method)
    measured, shown = method.score(images), method.reconstruct(images)
    assert all(torch.equal(before[key], value) for key, value in parameters(method).items())
    rates = {"search_rate", "search_rate_latent", "search_rate_generator"} & method.config.to_dict().keys()
    unmoved = build(name, **options | dict.fromkeys(rates, 0.0))
    unmoved.load_state(method.state())
    start = unmoved.score(images)
    for n, image in enumerate(images):
        expected, end = alone(method, image)
        assert set(measured) == set(expected)
        for component, value in expected.items():
            assert measured[component][n] == pytest.approx(value, rel=1e-4, abs=1e-4)
        picture = method.to_uint8(end[:, :, 2:30, 2:30] if name == "adgan" else end)[0].astype(int)
        assert np.abs(shown[n] - picture).max() <= 1
    assert (normality_score(method.config, measured) < normality_score(method.config, start)).all()


def test_a_search_starts_from_normal_latents_that_the_image_alone_gives(zeros):
    images = zeros.test[:40]
    starts = methods.latents_of(images, 3, 50)
    assert starts.shape == (40, 3, 50) and len(starts.flatten(0, 1).unique(dim=0)) == 120
    assert starts.mean().item() == pytest.approx(0, abs=0.05) and starts.std().item() == pytest.approx(1, rel=0.05)
    assert torch.equal(methods.latents_of(images[::-1], 3, 50).flip(0), starts)
    assert torch.equal(methods.latents_of(np.asfortranarray(images[7:8]), 3, 50)[0], starts[7])
    changed = images[:1].copy()
    changed[0, 0, 0, 0] ^= 1
    assert not torch.equal(methods.latents_of(changed, 3, 50), starts[:1])
    assert len({hashlib.sha256(image.tobytes()).digest() for image in images}) == 40


def same(a, b, tolerance, places=slice(None)):
    assert set(a) == set(b) != set()
    for name in a:
        np.testing.assert_allclose(a[name][places], b[name], rtol=tolerance, atol=tolerance, err_msg=name)


TOLERANCES = [(name, 1e-4 if name in ("adgan", "anogan") else 1e-5) for name in TRAINED]


@pytest.mark.parametrize(("name", "tolerance"), TOLERANCES)
def test_neither_the_order_nor_the_other_test_images_matter(fitted_as, sample, name, tolerance):
    method = fitted_as(name, test_batch_size=5)
    together = method.score(sample)
    order = np.random.permutation(len(sample))
    same(together, method.score(sample[order]), tolerance, order)
    alone = [method.score(sample[n : n + 1]) for n in range(len(sample))]
    same(together, {component: np.concatenate([one[component] for one in alone]) for component in together}, tolerance)
    same(together, fitted_as(name, test_batch_size=256).score(sample), tolerance)


@pytest.mark.parametrize("name", TRAINED)
def test_scoring_draws_nothing_and_changes_nothing(fitted, sample, name):
    method = fitted(name)
    method.train()

    def everything():
        states = {f"{name} {part}": value.clone() for name, network in method.networks.items()
                  for part, value in network.state_dict().items()}  # fmt: skip
        modes = [module.training for network in method.networks.values() for module in network.modules()]
        learning = [p.requires_grad for network in method.networks.values() for p in network.parameters()]
        gradients = [p.grad is None for network in method.networks.values() for p in network.parameters()]
        return states | {"random": torch.get_rng_state()}, (modes, learning, gradients, torch.is_grad_enabled())

    before = everything()
    once, twice = method.score(sample), method.score(sample)
    method.reconstruct(sample)
    after = everything()
    assert all((once[component] == twice[component]).all() for component in once)
    assert all(torch.equal(before[0][key], value) for key, value in after[0].items())
    assert before[1] == after[1]


@pytest.mark.parametrize("split", range(3))
def test_random_halves_of_the_normal_images_cannot_be_told_apart(fitted, zeros, split):
    images, method = zeros.test[~zeros.anomalous], fitted("alad")
    pretended = np.random.default_rng(split).permutation(len(images)) < len(images) // 2
    measured = auroc(pretended, normality_score(method.config, method.score(images)))
    n1, n2 = pretended.sum(), (~pretended).sum()
    assert abs(measured - 0.5) < 3 * np.sqrt((n1 + n2 + 1) / (12 * n1 * n2))


@pytest.mark.parametrize(
    ("name", "options", "names", "formula"),
    [
        ("alad", {}, ("features", "cross-entropy", "l1", "l2"), lambda c: c["features"]),
        ("alad", dict(score="l2"), ("features", "cross-entropy", "l1", "l2"), lambda c: c["l2"]),
        ("alad", dict(score="l1"), ("features", "cross-entropy", "l1", "l2"), lambda c: c["l1"]),
        ("alad", dict(score="cross-entropy"), ("features", "cross-entropy", "l1", "l2"), lambda c: c["cross-entropy"]),
        ("adgan", {}, ("L_rec",), lambda c: c["L_rec"]),
        ("aegan", {}, ("L_GD", "L_GR", "L_FE"), lambda c: 0.9 * c["L_GR"] + 0.1 * c["L_GD"] + c["L_FE"]),
        ("aegan", dict(lambda_=0.25, beta=2), ("L_GD", "L_GR", "L_FE"),
         lambda c: 0.75 * c["L_GR"] + 0.25 * c["L_GD"] + 2 * c["L_FE"]),
        ("anogan", {}, ("L_R", "L_D"), lambda c: 0.9 * c["L_R"] + 0.1 * c["L_D"]),
        ("anogan", dict(weighting="alad"), ("L_R", "L_D"), lambda c: 0.1 * c["L_R"] + 0.9 * c["L_D"]),
        ("anogan", dict(lambda_=0.25), ("L_R", "L_D"), lambda c: 0.75 * c["L_R"] + 0.25 * c["L_D"]),
        ("autoencoder", {}, ("L_AE",), lambda c: c["L_AE"]),
        ("pca", {}, ("error",), lambda c: c["error"]),
        ("knn", {}, ("distance",), lambda c: c["distance"]),
        ("ocsvm", {}, ("outside",), lambda c: c["outside"]),
        ("isolation_forest", {}, ("isolation",), lambda c: c["isolation"]),
    ],
)  # fmt: skip
def test_the_normality_score_is_the_methods_formula(name, options, names, formula):
    components = {component: np.random.rand(5).astype(np.float16) for component in names}
    score = normality_score(configure(name, "one-vs-all", 28, 1, **options), components)
    assert score.dtype == np.float64
    np.testing.assert_allclose(score, formula({key: values.astype(float) for key, values in components.items()}))


# --- options ------------------------------------------------------------------------------------------------


def choices(name):
    """Every other choice, and another value of every number, that concerns training or scoring."""
    default = configure(name, "one-vs-all", 28, 1)
    for field in dataclasses.fields(METHODS[name].config):
        for choice in field.metadata["choices"] or ():
            if field.name not in ELSEWHERE and choice != getattr(default, field.name):
                yield name, field.name, choice
    for option, value in NUMBERS[name].items():
        yield name, option, value


@pytest.mark.parametrize("name", TRAINED)
def test_no_option_is_left_out(name):
    tried = {option for _, option, _ in choices(name)}
    assert tried | ELSEWHERE >= {field.name for field in dataclasses.fields(METHODS[name].config)}
    assert not tried & ELSEWHERE


@pytest.fixture(scope="module")
def outcome():
    """All weights after two steps, and the scores of four images, two of them anomalous."""

    @cache
    def measure(name, options):
        method = build(name, **dict(options))
        size, channels = method.config.image_size, method.config.channels
        images = np.random.default_rng(0).integers(0, 256, (BATCH * method.shuffles, size, size, channels), np.uint8)
        with torch.random.fork_rng():
            torch.manual_seed(1)
            for epoch in range(2):
                method.begin_epoch(epoch)
                method.step(method.pixels(images), epoch)
            components = method.score(images[:4])
        return [*parameters(method).values(), torch.as_tensor(normality_score(method.config, components))]

    return lambda name, **options: measure(name, tuple(options.items()))


@pytest.mark.parametrize(("name", "option", "choice"), [choice for name in TRAINED for choice in choices(name)])
def test_every_choice_trains_and_scores_and_makes_a_difference(outcome, name, option, choice):
    result, default = outcome(name, **{option: choice}), outcome(name)
    assert all(values.isfinite().all() for values in result + default)
    assert len(result) != len(default) or any(
        a.shape != b.shape or not torch.equal(a, b) for a, b in zip(result, default, strict=True)
    )


# --- training: resume, order, whole runs ----------------------------------------------------------------------


def identical(a, b):
    """Whether two nested states are the same to the bit."""
    if isinstance(a, torch.Tensor):
        return torch.equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(identical(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(identical, a, b))
    return a == b


@pytest.mark.parametrize("name", TRAINED)
def test_an_interrupted_and_resumed_training_ends_in_the_same_bits(zeros, sample, tmp_path, name):
    images = zeros.train[:40]
    whole, interrupted = build(name, epochs=3), build(name, epochs=3)
    torch.manual_seed(1)
    history = train(whole, images, tmp_path / "whole.pt")

    def interrupt(epoch):
        if epoch == 1:
            raise KeyboardInterrupt

    interrupted.begin_epoch = interrupt
    torch.manual_seed(1)
    with pytest.raises(KeyboardInterrupt):
        train(interrupted, images, tmp_path / "checkpoint.pt")
    torch.manual_seed(99)
    resumed = methods.build(name, whole.config, CPU)  # other weights, which the checkpoint replaces
    assert not identical(resumed.state()["networks"], interrupted.state()["networks"])
    continued = train(resumed, images, tmp_path / "checkpoint.pt")
    assert continued.resumed == 1 and history.resumed == 0
    assert continued.losses == history.losses and len(history.losses) == 3
    assert identical(resumed.state(), whole.state())
    first, second = whole.score(sample), resumed.score(sample)
    assert all(first[component].tobytes() == second[component].tobytes() for component in first)


class Recorder(methods.Method):
    """Learns nothing, and writes down which images came in which shuffle of which batch."""

    def __init__(self, config, shuffles):
        super().__init__(config, CPU)
        self.shuffles, self.seen = shuffles, []
        self.networks = {"N": nn.Linear(1, 1)}
        self.optimisers = {"N": torch.optim.Adam(self.networks["N"].parameters())}

    def step(self, x, epoch):
        self.seen.append((epoch, (255 * x[:, 0, 0, 0]).round().int().view(self.shuffles, -1).tolist()))
        return {"loss": torch.tensor(0.0)}

    def order(self, epoch, shuffle):
        return [image for at, parts in self.seen if at == epoch for image in parts[shuffle]]


@pytest.fixture
def recorded(tmp_path):
    """A `Recorder` after two epochs on 37 images, each of its own grey."""

    def make(shuffles, **options):
        config = configure("adgan", "one-vs-all", 28, 1, **dict(pixel_range="unit", epochs=2) | options)
        method = Recorder(config, shuffles)
        images = np.broadcast_to(np.arange(37, dtype=np.uint8)[:, None, None, None], (37, 28, 28, 1)).copy()
        train(method, images, tmp_path / "checkpoint.pt")
        return method

    return make


def test_the_orders_of_epochs_and_shuffles_all_differ_and_follow_from_the_seed():
    orders = {
        (seed, epoch, shuffle): tuple(training._order(37, 1, seed, epoch, shuffle).tolist())
        for seed in range(3)
        for epoch in range(3)
        for shuffle in range(3)
    }
    assert len(set(orders.values())) == 27
    assert all(sorted(order) == list(range(37)) for order in orders.values())
    torch.manual_seed(99)
    assert training._order(37, 1, 2, 1, 1).tolist() == list(orders[2, 1, 1])


@pytest.mark.parametrize("shuffle", [0, 1])
def test_every_pass_has_every_image_once_in_an_order_of_its_own(shuffle):
    passes = training._order(37, 3, 0, 0, shuffle).view(3, 37)
    assert (passes.sort(1).values == torch.arange(37)).all()
    assert len(passes.unique(dim=0)) == 3


def test_a_step_is_given_another_batch_for_every_shuffle(recorded):
    method = recorded(2, batch_size=8, steps_per_epoch=4)
    assert [(epoch, [len(part) for part in parts]) for epoch, parts in method.seen] == [
        (epoch, [8, 8]) for epoch in (0, 0, 0, 0, 1, 1, 1, 1)
    ]
    assert all(set(first) != set(second) for _, (first, second) in method.seen)
    orders = [tuple(method.order(epoch, shuffle)) for epoch in (0, 1) for shuffle in (0, 1)]
    assert len(set(orders)) == 4 and all(len(set(order)) == 32 for order in orders)


def test_an_epoch_of_more_steps_than_batches_takes_every_image_as_often_as_any_other(recorded):
    method = recorded(2, batch_size=8, steps_per_epoch=10)
    for epoch in (0, 1):
        for shuffle in (0, 1):
            order = method.order(epoch, shuffle)
            assert len(order) == 80
            assert sorted(order[:37]) == sorted(order[37:74]) == list(range(37)) and len(set(order[74:])) == 6


def test_an_epoch_of_steps_works_with_fewer_images_than_a_batch(recorded):
    method = recorded(1, batch_size=64, steps_per_epoch=3)
    for epoch in (0, 1):
        order = method.order(epoch, 0)
        assert len(order) == 192 and len(method.seen) == 6
        assert all(sorted(order[n : n + 37]) == list(range(37)) for n in range(0, 185, 37))


@pytest.mark.parametrize("name", TRAINED[:-1])
def test_a_whole_run_leaves_a_record_that_reads_back_and_verifies(digits, tmp_path, name):
    options = SMALL[name] | dict(batch_size=BATCH, epochs=1, test_images=40)
    _, (cell,) = run.requested(name, "digits", "one-vs-all", [0], [0], options)
    written = run.execute(cell, digits, tmp_path, "cpu")
    (record,) = records.read_all(tmp_path)
    assert record.content == written.content and record.run == cell
    records.verify(record)
    assert set(record.auroc) == {"NS", *record.components} and len(record.scores) == 40
    assert set(record.content["losses"][0]) >= LOGGED[name]
    rows = record.picture_rows()
    assert len(rows) == 8 and all(f"{kind}, reconstructed" in rows for kind in ("normal", "anomalous"))


def test_adgans_critic_sees_fakes_by_running_statistics_and_the_generator_trains_on_its_own():
    method = stirred("adgan")
    method.train()
    modes = []
    method.G.register_forward_hook(lambda module, *_: modes.append(module.training))
    method.step(torch.rand(2 * BATCH, 1, 32, 32), 0)
    assert modes == [False, False, True] and method.G.training


def test_alads_averaged_networks_have_a_spectral_norm_of_their_own(zeros):
    method = build("alad", ema_decay=0.9)
    method.train()
    for _ in range(60):
        method.step(batch(method, zeros), 0)
    with method.evaluating():
        for layer in [m for m in method.averages["D_xx"].modules() if isinstance(m, nn.Conv2d)]:
            assert torch.linalg.matrix_norm(layer.weight.flatten(1), 2).item() == pytest.approx(1, abs=0.1)
