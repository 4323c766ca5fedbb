"""The score after every epoch: a diagnostic that a training carries along and makes no use of."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from .config import Config
from .evaluation import auroc
from .scores import with_scores
from .splits import Split, watched

if TYPE_CHECKING:
    from .methods import Method


def watching(config: Config, method: Method, split: Split) -> Callable[[], dict[str, dict[str, float]]]:
    """What is read after every epoch: the AUROC of NS and of each component on a few of the test's images.

    A diagnostic of the register's row 33. It uses the test's labels, so nothing may follow from it: the result is the
    last epoch's.
    """
    rows = watched(split.anomalous)
    images, anomalous = split.test[rows], split.anomalous[rows]
    normal = split.train[:: -(-len(split.train) // len(rows))]  # as many at most, from all of them

    def watch():
        found = {}
        for reading, components in method.watch(images, anomalous, normal).items():
            values = with_scores(config, components)
            if all(np.isfinite(some).all() for some in values.values()):  # or the training ends as without this
                found[reading] = {name: auroc(anomalous, some) for name, some in values.items()}
        return found

    return watch
