"""Small data sets in memory, and the one line that a bad one is refused with."""

import numpy as np
import pytest

from adcgan.data.datasets import CLASSES, Dataset
from adcgan.errors import AdcganError


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
