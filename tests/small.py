"""Small data sets in memory, small methods, and the one line that bad input is refused with."""

from contextlib import contextmanager

import numpy as np
import pytest
import torch

from adcgan import methods, training
from adcgan.config import METHODS, configure
from adcgan.data.datasets import CLASSES, Dataset
from adcgan.errors import AdcganError

TRAINED = tuple(name for name, about in METHODS.items() if about.trained)
BATCH = 8
TINY = {
    "adcgan": dict(width=0.05, warm_up_epochs=1, epochs=1),
    "alad": dict(width=0.05),
    "adgan": dict(width=0.05, steps_per_epoch=4, search_seeds=2, search_steps=2),
    "aegan": dict(width=0.05),
    "anogan": dict(width=0.05, search_steps=4),
    "autoencoder": dict(width=0.1),
}  # options that make a method small


def build(name, image_size=28, channels=1, seed=0, **options):
    """A small method, the same weights at every call with the same options and seed."""
    options = (dict(batch_size=BATCH, epochs=2) | TINY[name] if name in TINY else {}) | options
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return methods.build(name, configure(name, "one-vs-all", image_size, channels, **options), torch.device("cpu"))


@contextmanager
def without_numbers():
    """Modules are built on torch's "meta" device, and no spectral norm is estimated there: it takes a second each."""
    with pytest.MonkeyPatch.context() as patch, torch.device("meta"):
        patch.setattr(torch.nn.utils.parametrizations._SpectralNorm, "_power_method", lambda *_: None)
        yield


def train(method, images, checkpoint, seed=0):
    return training.train(method, images, seed=seed, checkpoint=checkpoint, identity="small", title="small")


def parameters(method):
    """A copy of every parameter, by network and place."""
    return {
        (name, part): value.detach().clone()
        for name, network in method.networks.items()
        for part, value in network.named_parameters()
    }


def learners(method, step):
    """Networks of which every matrix changed in ``step``, and networks of which any parameter did."""
    before = parameters(method)
    step()
    changed = {key: not torch.equal(before[key], value) for key, value in parameters(method).items()}
    matrices = {key: value for key, value in changed.items() if before[key].ndim > 1}  # a bias may have no gradient
    whole = {name for name in method.networks if all(value for key, value in matrices.items() if key[0] == name)}
    return whole, {name for (name, _), value in changed.items() if value}


def mnist_arrays(per_class=2):
    """Arrays as mnist.npz has them, with a few noisy images a class."""
    random = np.random.default_rng(0)
    labels = np.repeat(np.arange(10), per_class)
    return {
        "train_images": random.integers(0, 256, (len(labels), 28, 28), np.uint8),
        "train_labels": labels.astype(np.uint8),
        "test_images": random.integers(0, 256, (len(labels), 28, 28), np.uint8),
        "test_labels": labels.astype(np.uint8),
    }


def dataset(name="mnist", **replaced):
    arrays = mnist_arrays() | replaced
    images = {key: array[..., None] if array.ndim == 3 else array for key, array in arrays.items()}
    return Dataset(name, CLASSES[name], **images)


def refusal(function, *arguments, **options):
    with pytest.raises(AdcganError) as refused:
        function(*arguments, **options)
    assert "\n" not in str(refused.value)
    return str(refused.value)
