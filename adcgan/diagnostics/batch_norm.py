"""BatchNorm at the test: statistics re-estimated on reconstructions, and statistics of the test's own batches."""

from __future__ import annotations

from copy import copy, deepcopy

import numpy as np
from torch import nn

from ..methods.adcgan import ADCGAN

# Order of the test images and batch size. In label order a batch is all of one class, so its statistics know the label.
ORDERS = (("shuffled", 256), ("label", 32), ("label", 256))


def reestimated(method: ADCGAN, normal: np.ndarray) -> ADCGAN:
    """The same weights, G's BatchNorm statistics re-estimated over G(E(x)) of ``normal`` images (N, H, H, C).

    In training G runs on z more often than on E(x). So its running averages, with which it decodes E(x) at the test,
    are mostly those of G(z). Wu and Johnson (2021) call the re-estimate "precise".
    """
    other = copy(method)
    other.G = deepcopy(method.G)
    other.networks = method.networks | {"G": other.G}
    norms = [module for module in other.G.modules() if isinstance(module, nn.BatchNorm2d)]
    with other.evaluating():
        for norm in norms:
            norm.reset_running_stats()
            norm.training, norm.momentum = True, None  # no momentum: the mean over the batches
        two = other.variant(test_batch_size=max(2, other.config.test_batch_size))  # one image has no statistics
        for _, x in two.test_batches(normal):
            other.G(other.E(x))
    return other


def ordered(order: str, labels: np.ndarray) -> np.ndarray:
    """Rows of the test images by label, or in a fixed shuffle that knows no label."""
    if order == "shuffled":
        return np.random.default_rng(1).permutation(len(labels))
    return np.argsort(labels, kind="stable")
