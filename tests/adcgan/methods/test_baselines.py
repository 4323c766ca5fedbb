"""The library baselines against small computations of their own."""

import numpy as np
import pytest
from small import build

from adcgan.methods import baselines


@pytest.fixture
def fit(zeros):
    """A baseline fitted to the digit 0."""

    def make(name, seed=0, images=zeros.train, **options):
        baseline = build(name, **options)
        baseline.fit(images, seed)
        return baseline

    return make


def flat(images):
    return images.reshape(len(images), -1) / 255.0


def only(components):
    (values,) = components.values()
    return values


def squared_distances(a, b):
    return ((a[:, None] - b[None]) ** 2).sum(2)


def leading_components(X, share):
    """The mean, and the fewest leading directions that keep more than ``share`` of the variance."""
    mean = X.mean(0)
    _, spread, directions = np.linalg.svd(X - mean, full_matrices=False)
    count = int((np.cumsum(spread**2) / (spread**2).sum() <= share).sum()) + 1
    return mean, directions[:count]


@pytest.mark.parametrize("variance", [0.95, 0.6])
def test_pca_scores_the_mean_squared_error_of_the_projection(fit, zeros, variance):
    baseline, images = fit("pca", variance=variance), zeros.test[:40]
    mean, directions = leading_components(flat(zeros.train), variance)
    assert len(directions) == baseline.components.n_components_
    projected = mean + (flat(images) - mean) @ directions.T @ directions
    error = only(baseline.score(images))
    np.testing.assert_allclose(error, ((flat(images) - projected) ** 2).mean(1), rtol=1e-3)
    shown = baseline.reconstruct(images)
    assert shown.shape == images.shape and shown.dtype == np.uint8
    assert np.abs(shown.reshape(40, -1) - (255 * projected).clip(0, 255)).max() < 0.6


@pytest.mark.parametrize("neighbours", [5, 1])
def test_knn_scores_the_mean_distance_to_the_nearest_normal_images(fit, zeros, neighbours):
    images = zeros.test[:40]
    distances = np.sqrt(np.sort(squared_distances(flat(images), flat(zeros.train)), 1)[:, :neighbours])
    measured = only(fit("knn", neighbours=neighbours).score(images))
    np.testing.assert_allclose(measured, distances.mean(1), rtol=1e-4)


def test_ocsvm_is_the_decision_function_with_its_sign_turned(fit, zeros):
    baseline, images = fit("ocsvm"), zeros.test[:40]
    mean, directions = leading_components(flat(zeros.train), 0.95)
    machine, features = baseline.machine, (flat(zeros.train) - mean) @ directions.T
    gamma = 1 / (features.shape[1] * features.var())
    support = machine.support_vectors_.astype(float)
    own = baseline.components.transform(flat(images).astype(np.float32)).astype(float)  # of either sign
    np.testing.assert_allclose(np.abs(own), np.abs((flat(images) - mean) @ directions.T), atol=1e-3)
    decision = np.exp(-gamma * squared_distances(own, support)) @ machine.dual_coef_[0] + machine.intercept_[0]
    measured = only(baseline.score(images))
    np.testing.assert_allclose(measured, -decision, atol=1e-3 * np.abs(decision).max())
    of_training = only(baseline.score(zeros.train))
    assert (of_training > 0.01).mean() <= 0.1 and np.median(of_training) < 0  # nu bounds the share outside


def test_ocsvm_trains_on_as_many_images_as_it_is_given_drawn_by_the_seed(fit, zeros):
    def score(seed, count):
        return only(fit("ocsvm", seed, training_images=count).score(zeros.test[:40]))

    assert (score(0, 50) == score(0, 50)).all() and (score(0, 50) != score(1, 50)).any()
    everything = score(0, 10_000)
    assert (everything == score(1, 10_000)).all() and (everything == score(0, len(zeros.train))).all()
    assert fit("ocsvm", training_images=50).machine.shape_fit_[0] == 50


def test_the_isolation_forest_is_drawn_by_the_seed(fit, zeros):
    def score(seed, **options):
        return only(fit("isolation_forest", seed, **options).score(zeros.test[:40]))

    np.random.seed(7)
    first = score(0)
    np.random.seed(8)
    assert (first == score(0)).all() and (first != score(1)).any() and (first != score(0, trees=10)).any()
    assert ((0 < first) & (first <= 1)).all()  # 2 to the minus of a depth in the trees, against the expected one


@pytest.mark.parametrize("count", [30, 150])
def test_the_components_are_the_same_whichever_way_they_are_found(zeros, count):
    X = baselines.flat(np.concatenate([zeros.train, zeros.test])[:count, ::2, ::2])  # 196 values
    found = baselines.components(0.9, X)
    assert found.svd_solver == ("full" if count == 30 else "covariance_eigh")
    mean, directions = leading_components(X.astype(float), 0.9)
    np.testing.assert_allclose(found.mean_, mean, atol=1e-6)
    assert found.components_.shape == directions.shape
    np.testing.assert_allclose(np.abs(found.components_ @ directions.T), np.eye(len(directions)), atol=2e-3)
