"""The fast layers against PyTorch's own: values, gradients, spectral norm's vectors, names of weights; on a CPU."""

from copy import deepcopy

import pytest
import torch
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from adcgan.models import layers

LAYERS = {  # kind, arguments, shape of the input
    "linear": ("Linear", (5, 3), (4, 5)),
    "linear of one": ("Linear", (5, 1), (1, 5)),
    "plain": ("Conv2d", (3, 4, 3, 2, 1), (2, 3, 7, 7)),
    "to a point": ("Conv2d", (3, 4, 4), (2, 3, 4, 4)),
    "to a point, not all of the map": ("Conv2d", (3, 4, 3, 2), (2, 3, 4, 4)),
    "of a point, by the kernel's centre": ("Conv2d", (3, 4, 3, 1, 1), (2, 3, 1, 1)),
    "to a point, with padding": ("Conv2d", (3, 4, 4, 1, 1), (1, 3, 2, 2)),
    "1x1 of a point": ("Conv2d", (3, 4, 1), (2, 3, 1, 1)),
    "to one channel": ("Conv2d", (6, 1, 3), (2, 6, 8, 7)),
    "to one channel, with padding": ("Conv2d", (6, 1, 3, 1, 1), (2, 6, 8, 7)),
    "transposed": ("ConvTranspose2d", (3, 4, 3, 2, 1), (2, 3, 4, 5)),
    "transposed, of a point": ("ConvTranspose2d", (3, 4, 5, 2), (2, 3, 1, 1)),
    "transposed, of a point, with padding": ("ConvTranspose2d", (3, 4, 4, 2, 1), (1, 3, 1, 1)),
}


@pytest.fixture(autouse=True)
def in_double():
    torch.manual_seed(0)
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def pair(name, normalise):
    """A fast layer and PyTorch's own of the same weights, and an input."""
    kind, arguments, shape = LAYERS[name]
    made = []
    for module in (layers, nn):
        torch.manual_seed(1)
        layer = getattr(module, kind)(*arguments)
        made.append(spectral_norm(layer) if normalise else layer)
    return *made, torch.randn(shape)


def close(ours, theirs):
    torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-10)


def gradients(layer, x):
    return {name: parameter.grad for name, parameter in layer.named_parameters()} | {"x": x.grad}


@pytest.mark.parametrize("mode", ["none", "train", "eval"])
@pytest.mark.parametrize("name", LAYERS)
def test_a_fast_layer_is_pytorchs(name, mode):
    *pairs, x = pair(name, mode != "none")
    if x.ndim == 4 and mode != "eval":
        x = x.contiguous(memory_format=torch.channels_last)
        pairs = [layer.to(memory_format=torch.channels_last) for layer in pairs]
    ours, theirs = [layer.train(mode != "eval") for layer in pairs]
    inputs = [x.clone().requires_grad_() for _ in pairs]
    for _ in range(2):  # two passes before the gradient, as the critic's on real and generated images
        first = [layer(x) for layer, x in zip(pairs, inputs, strict=True)]
        close(*first)
        second = [layer(2 * x + 1) for layer, x in zip(pairs, inputs, strict=True)]
        close(*second)
        for a, b in zip(first, second, strict=True):
            (a.square().sum() - b.sin().sum()).backward()
        close(gradients(ours, inputs[0]), gradients(theirs, inputs[1]))
    close(ours.state_dict(), theirs.state_dict())  # with u and v
    assert list(ours.state_dict()) == list(theirs.state_dict())


@pytest.mark.parametrize("name", ["linear", "plain", "to a point", "to one channel", "transposed, of a point"])
def test_a_frozen_layer_passes_gradients_on(name):
    ours, theirs, x = pair(name, True)
    inputs = [x.clone().requires_grad_() for _ in range(2)]
    for layer, x in zip((ours, theirs), inputs, strict=True):
        layer.requires_grad_(False)
        layer(x).square().sum().backward()
    close(inputs[0].grad, inputs[1].grad)
    with torch.no_grad():
        close(deepcopy(ours)(x), theirs(x))


@pytest.mark.parametrize("slope", [0.25, -0.5, 0.0])
def test_prelu_is_pytorchs(slope):
    ours, theirs = layers.PReLU(init=slope), nn.PReLU(init=slope)
    x = torch.randn(2, 3, 4, 4).contiguous(memory_format=torch.channels_last)
    x[0, 0, 0, 0] = 0
    inputs = [x.clone().requires_grad_() for _ in range(2)]
    for layer, x in zip((ours, theirs), inputs, strict=True):
        layer(x).sin().sum().backward()
    close(ours(x), theirs(x))
    close(gradients(ours, inputs[0]), gradients(theirs, inputs[1]))


@pytest.mark.parametrize("ours, torchs", [(layers.Adam, torch.optim.Adam), (layers.AdamW, torch.optim.AdamW)])
@pytest.mark.parametrize("memory", [torch.contiguous_format, torch.channels_last])
def test_an_optimisers_steps_and_states_are_pytorchs_to_the_bit(ours, torchs, memory):
    found = []
    for kind in (ours, torchs):
        torch.manual_seed(0)
        weights = [torch.randn(8, 6, 3, 3).to(memory_format=memory).requires_grad_(), torch.randn(5).requires_grad_()]
        optimiser = kind(weights, 1e-2, fused=True, weight_decay=0.05)
        for _ in range(3):
            for weight in weights:
                weight.grad = torch.randn_like(weight)
            optimiser.step()
        state = optimiser.state_dict()["state"][0]
        found.append([*weights, state["exp_avg"], state["exp_avg_sq"]])
    assert all(torch.equal(*pair) and pair[0].stride() == pair[1].stride() for pair in zip(*found, strict=True))
