"""AUROC by counting pairs, and what it refuses."""

import numpy as np
import pytest

from adcgan.errors import AdcganError
from adcgan.scoring import auroc, aurocs


def test_auroc_is_the_share_of_pairs_in_the_right_order_with_ties_as_halves():
    anomalous = np.array([True, False, True, False, False])
    scores = np.array([0.9, 0.1, 0.5, 0.5, 0.7], np.float32)
    pairs = [(a > n) + 0.5 * (a == n) for a in scores[anomalous] for n in scores[~anomalous]]
    assert auroc(anomalous, scores) == pytest.approx(np.mean(pairs))


def test_an_auroc_below_one_half_is_reported_as_it_is():
    assert auroc(np.array([True, False]), np.array([0.0, 1.0])) == 0.0


@pytest.mark.parametrize(
    ("anomalous", "scores", "complaint"),
    [
        ([True, False], [np.nan, 1.0], "1 of 2 scores are not finite"),
        ([True, True], [0.0, 1.0], "normal and anomalous"),
        ([False, False], [0.0, 1.0], "normal and anomalous"),
    ],
)
def test_auroc_refuses_what_has_none(anomalous, scores, complaint):
    with pytest.raises(AdcganError, match=complaint):
        auroc(np.array(anomalous), np.array(scores))


@pytest.mark.parametrize("shape", [(50,), (4, 50)])
def test_aurocs_of_rows_are_the_aurocs_of_each_row(shape):
    scores = np.random.rand(4, 50).round(1)
    anomalous = np.random.rand(*shape) < 0.3
    expected = [auroc(flags, row) for flags, row in zip(np.broadcast_to(anomalous, scores.shape), scores, strict=True)]
    np.testing.assert_allclose(aurocs(anomalous, scores), expected)
