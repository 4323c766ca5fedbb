"""What a score may depend on: its image, and nothing else about the test."""

import inspect
from importlib import import_module

import numpy as np
import pytest
import torch
from torch import nn

from adcgan.methods import METHODS
from adcgan.scoring import auroc, normality_score

COUNT = 60


@pytest.fixture
def sample(zeros):
    """Sixty test images, half of them normal."""
    normal, anomalous = np.flatnonzero(~zeros.anomalous), np.flatnonzero(zeros.anomalous)
    rows = np.concatenate([normal[: COUNT // 2], anomalous[: COUNT // 2]])
    return zeros.test[rows]


def same(a, b, places=slice(None)):
    assert set(a) == set(b) != set()
    for name in a:
        np.testing.assert_allclose(a[name][places], b[name], rtol=1e-5, atol=1e-5, err_msg=name)


def states(method):
    return {
        (name, part): value.clone()
        for name, network in method.networks.items()
        for part, value in network.state_dict().items()
    }


def test_the_order_of_the_test_images_does_not_matter(trained, sample):
    order = np.random.permutation(COUNT)
    same(trained.score(sample), trained.score(sample[order]), order)


def test_the_other_images_of_the_batch_do_not_matter(trained, sample):
    together = trained.score(sample)
    alone = [trained.score(sample[n : n + 1]) for n in range(COUNT)]
    same(together, {name: np.concatenate([components[name] for components in alone]) for name in together})


def test_the_test_batch_size_does_not_matter(trained_as, sample):
    same(trained_as(test_batch_size=7).score(sample), trained_as(test_batch_size=256).score(sample))


def test_scoring_twice_gives_the_same_bits(trained, sample):
    first, second = trained.score(sample), trained.score(sample)
    assert all((first[name] == second[name]).all() for name in first)


@pytest.mark.parametrize("split", range(5))
def test_random_halves_of_the_normal_images_cannot_be_told_apart(trained, zeros, split):
    images = zeros.test[~zeros.anomalous]
    pretended = np.random.default_rng(split).permutation(len(images)) < len(images) // 2
    measured = auroc(pretended, normality_score(trained.config, trained.score(images)))
    n1, n2 = pretended.sum(), (~pretended).sum()
    standard_error = np.sqrt((n1 + n2 + 1) / (12 * n1 * n2))
    assert abs(measured - 0.5) < 3 * standard_error


@pytest.mark.parametrize("name", METHODS)
def test_no_method_is_told_labels_when_it_scores(name):
    file, kind = METHODS[name]
    method = getattr(import_module(f"adcgan.methods.{file}"), kind)
    for function in (method.score, method.reconstruct):
        assert list(inspect.signature(function).parameters) == ["self", "images"]


def test_a_z_for_each_image_is_given_by_its_place_alone(trained_as):
    Z = trained_as(test_latents="per-image").test_latents(6)
    assert Z.shape == (6, 1, 100) and len(Z.unique(dim=0)) == 6
    assert torch.equal(trained_as(test_latents="per-image").test_latents(4), Z[:4]), "whatever comes after"


@pytest.mark.parametrize("test_mode", ["eval", "batch-statistics"])
def test_networks_are_in_eval_mode_while_scoring_and_in_training_mode_after(trained_as, sample, test_mode):
    method = trained_as(test_mode=test_mode)
    method.train()
    seen = set()
    for network in method.networks.values():
        for module in network.modules():
            module.register_forward_hook(lambda m, *_: seen.add((isinstance(m, nn.BatchNorm2d), m.training)))
    method.score(sample)
    assert seen == {(False, False), (True, test_mode == "batch-statistics")}
    assert all(module.training for network in method.networks.values() for module in network.modules())
    assert torch.is_grad_enabled()


def test_training_mode_comes_back_after_a_failed_score(trained_as):
    method = trained_as()
    with pytest.raises(RuntimeError):
        method.score(np.zeros((2, 5, 5, 1), np.uint8))
    assert all(module.training for network in method.networks.values() for module in network.modules())


@pytest.mark.parametrize("test_mode", ["eval", "batch-statistics", "power-iteration"])
def test_scoring_changes_no_weight_no_spectral_vector_and_no_running_statistic(trained_as, sample, test_mode):
    method = trained_as(test_mode=test_mode)
    before = states(method)
    spectral = [part for _, part in before if part.endswith(("._u", "._v"))]
    running = [part for _, part in before if part.endswith(("running_mean", "running_var"))]
    assert spectral and running
    method.score(sample)
    method.reconstruct(sample)
    normality_score(method.config, method.score(sample))
    after = states(method)
    # PyTorch counts the batches that batch norm has seen; with a fixed momentum nothing reads the count.
    changed = {key for key in before if not torch.equal(before[key], after[key])}
    assert {part.rpartition(".")[2] for _, part in changed} <= {"num_batches_tracked"}


def test_batch_statistics_let_the_other_images_matter(trained_as, sample):
    method = trained_as(test_mode="batch-statistics")
    together, apart = method.score(sample), method.score(sample[:10])
    assert not np.allclose(together["L_GR"][:10], apart["L_GR"])


def test_scoring_and_reconstructing_draw_nothing_from_the_global_generators(trained, sample):
    before = torch.get_rng_state(), np.random.get_state()[1].copy()
    trained.score(sample)
    trained.reconstruct(sample)
    assert torch.equal(before[0], torch.get_rng_state()) and (before[1] == np.random.get_state()[1]).all()
