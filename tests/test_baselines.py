"""The baselines against small computations of their own, and their records."""

import numpy as np
import pytest
import torch

from adcgan import methods
from adcgan.config import BASELINES, configure
from adcgan.experiments import records, run
from adcgan.scoring import auroc, normality_score

CPU = torch.device("cpu")
FITTED = ("pca", "knn", "ocsvm", "isolation_forest")
SMALL_AUTOENCODER = dict(width=0.1, batch_size=16, epochs=10)


@pytest.fixture
def fit(zeros):
    """A baseline fitted to the digit 0."""

    def make(name, seed=0, images=zeros.train, **options):
        baseline = methods.build(name, configure(name, "one-vs-all", 28, 1, **options), CPU)
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


@pytest.mark.parametrize("name", ["pca", "knn", "ocsvm"])
def test_other_yardsticks_do_not_depend_on_the_seed(fit, zeros, name):
    first, second = (only(fit(name, seed).score(zeros.test)) for seed in (0, 1))
    assert (first == second).all()


@pytest.mark.parametrize("name", FITTED)
def test_other_digits_and_noise_are_more_anomalous_than_the_digit_fitted_to(fit, zeros, name):
    baseline, noise = fit(name), np.random.randint(0, 256, (20, 28, 28, 1), np.uint8)
    images = np.concatenate([zeros.test, noise])
    scores = normality_score(baseline.config, baseline.score(images))
    assert auroc(zeros.anomalous, scores[:-20]) > 0.9
    assert (scores[-20:] > np.median(scores[:-20][~zeros.anomalous])).all()


@pytest.mark.parametrize("name", FITTED)
def test_a_score_depends_on_its_image_alone(fit, zeros, name):
    baseline, images = fit(name), zeros.test[:30]
    components = baseline.score(images)
    together = only(components)
    assert together.dtype == np.float32 and together.shape == (30,)
    assert (only(baseline.score(images)) == together).all()
    order = np.random.permutation(30)
    np.testing.assert_allclose(only(baseline.score(images[order])), together[order], atol=1e-5)
    alone = [only(baseline.score(images[n : n + 1])) for n in range(30)]
    np.testing.assert_allclose(np.concatenate(alone), together, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", FITTED)
def test_fitting_and_scoring_leave_images_and_the_global_generators_alone(fit, zeros, name):
    train, test = zeros.train.copy(), zeros.test[:30].copy()
    before = torch.get_rng_state(), np.random.get_state()[1].copy()
    baseline = fit(name, images=train)
    baseline.score(test)
    baseline.reconstruct(test)
    assert (train == zeros.train).all() and (test == zeros.test[:30]).all()
    assert torch.equal(before[0], torch.get_rng_state()) and (before[1] == np.random.get_state()[1]).all()


@pytest.fixture(scope="module")
def whole_run(digits, tmp_path_factory):
    """The runs directory and the record of a baseline's whole run on the digit 0."""

    def run(name):
        runs = tmp_path_factory.mktemp(name)
        options = SMALL_AUTOENCODER if name == "autoencoder" else {}
        _, (cell,) = run.requested(name, "digits", "one-vs-all", [0], [0], options)
        return runs, run.execute(cell, digits, runs, "cpu")

    return run


@pytest.mark.parametrize("name", BASELINES)
def test_a_whole_run_leaves_a_record_that_reads_back_verifies_and_shows_pictures(whole_run, zeros, name):
    runs, written = whole_run(name)
    (record,) = records.read_all(runs)
    assert record.content == written.content and record.run == written.run
    records.verify(record)
    assert record.directory == record.run.directory(runs)
    model = [records.MODEL] if name == "autoencoder" else []
    assert sorted(path.name for path in record.directory.iterdir()) == [
        *model, "pictures.png", "record.json", "scores.npz",
    ]  # fmt: skip
    assert record.auroc["NS"] == auroc(zeros.anomalous, record.scores) > 0.9
    assert set(record.auroc) == {"NS", *record.components} and len(record.components) == 1
    assert (record.anomalous == zeros.anomalous).all() and (record.labels == zeros.test_labels).all()
    assert len(record.content["losses"]) == (10 if name == "autoencoder" else 0)
    rows = record.picture_rows()
    shown = ["normal", "anomalous", "most normal", "most anomalous"]
    reconstructed = [f"{kind}, reconstructed" for kind in shown] if name in ("pca", "autoencoder") else []
    assert set(rows) == {*shown, *reconstructed}
    assert (rows["normal"] == zeros.test[~zeros.anomalous][: run.COLUMNS, ..., 0]).all()
    by_score = np.argsort(record.scores, kind="stable")
    assert (rows["most anomalous"] == zeros.test[by_score[::-1][: run.COLUMNS], ..., 0]).all()


def test_runs_of_later_seeds_keep_few_pictures(tmp_path, digits, zeros):
    _, (cell,) = run.requested("knn", "digits", "one-vs-all", [0], [1])
    rows = run.execute(cell, digits, tmp_path, "cpu").picture_rows()
    assert (rows["normal"] == zeros.test[~zeros.anomalous][: run.FEW_COLUMNS, ..., 0]).all()


@pytest.mark.parametrize("name", FITTED)
def test_a_whole_run_scores_as_the_yardstick_does_but_for_half_precision(whole_run, fit, zeros, name):
    _, record = whole_run(name)
    scores = only(fit(name).score(zeros.test))
    assert (record.components[next(iter(record.components))] == scores.astype(np.float16)).all()
