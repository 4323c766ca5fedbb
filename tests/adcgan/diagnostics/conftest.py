"""What the tests of the diagnostics share: test images, and everything that is found on them."""

import numpy as np
import pytest

from adcgan.diagnostics.diagnose import diagnose


@pytest.fixture(scope="session")
def sample(zeros):
    """Every normal test image and as many anomalous ones, in the test's order: images, labels, flags."""
    normal = np.flatnonzero(~zeros.anomalous)
    rows = np.sort(np.concatenate([normal, np.flatnonzero(zeros.anomalous)[: len(normal)]]))
    return zeros.test[rows], zeros.test_labels[rows], zeros.anomalous[rows]


@pytest.fixture(scope="session")
def diagnosis(trained, sample, zeros):
    return diagnose(trained, *sample, zeros.train)
