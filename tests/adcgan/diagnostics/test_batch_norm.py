"""Scoring variants: what each option gives; re-estimated and batch statistics; spectral norm that iterates on."""

import numpy as np
import pytest
import torch
from torch.nn.utils.parametrize import is_parametrized

from adcgan.diagnostics import batch_norm
from adcgan.diagnostics.diagnose import diagnose
from adcgan.scoring import COMPONENTS, auroc, normality_score


def aurocs(method, images, anomalous):
    components = method.score(images)
    values = {"NS": normality_score(method.config, components), **components}
    return {name: auroc(anomalous, score) for name, score in values.items()}


def test_the_variants_are_these_and_the_first_two_are_the_score_and_its_other_reduction(
    diagnosis, trained, trained_as, sample, zeros
):
    images, labels, anomalous = sample
    assert list(diagnosis.variants) == [
        "score", "reduction=mean", "BatchNorm re-estimated", "BatchNorm re-estimated, reduction=mean",
        "batch statistics, shuffled order, batches of 256", "batch statistics, label order, batches of 32",
        "batch statistics, label order, batches of 256",
    ]  # fmt: skip
    assert all(list(values) == ["NS", *COMPONENTS] for values in diagnosis.variants.values())
    for name, method in (("score", trained), ("reduction=mean", trained_as(reduction="mean"))):
        assert diagnosis.variants[name] == pytest.approx(aurocs(method, images, anomalous), abs=2e-5)
    few = slice(0, 60)
    of_means = diagnose(trained_as(reduction="mean"), images[few], labels[few], anomalous[few], zeros.train[:60])
    assert "reduction=sum" in of_means.variants and "reduction=mean" not in of_means.variants


def test_two_variants_have_the_generators_running_statistics_re_estimated(diagnosis, trained, sample, zeros):
    images, _, anomalous = sample
    other = batch_norm.reestimated(trained, zeros.train)
    assert diagnosis.variants["BatchNorm re-estimated"] == pytest.approx(aurocs(other, images, anomalous), abs=2e-5)
    means = aurocs(other.variant(reduction="mean"), images, anomalous)
    name = "BatchNorm re-estimated, reduction=mean"
    assert diagnosis.variants[name] == pytest.approx(means, abs=2e-5)


@pytest.mark.parametrize(("size", "batches"), [(40, [40, 40, 38]), (1, [2] * 59)])
def test_re_estimated_statistics_are_means_over_batches_of_reconstructions(trained, zeros, size, batches):
    """Against hooks on a generator in training mode: an input's mean and variance over batches, and no other buffer.

    One image has no statistics: batches of one are of two.
    """
    before = {name: value.clone() for name, value in trained.G.state_dict().items()}
    other = batch_norm.reestimated(trained.variant(test_batch_size=size), zeros.train)
    norms = [module for module in other.G.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    inputs = {norm: [] for norm in norms}
    hooks = [norm.register_forward_pre_hook(lambda norm, given: inputs[norm].append(given[0])) for norm in norms]
    with torch.no_grad(), other.evaluating():
        for norm in norms:
            norm.training, norm.momentum = True, 0.0  # the batch's statistics, and no change of the running ones
        for x in other.pixels(zeros.train).split(max(2, size)):
            other.G(other.E(x))
    for hook in hooks:
        hook.remove()
    own = dict(trained.G.named_modules())
    for name, norm in other.G.named_modules():
        if norm in inputs:
            assert [len(batch) for batch in inputs[norm]] == batches
            mean = torch.stack([batch.mean((0, 2, 3)) for batch in inputs[norm]]).mean(0)
            variance = torch.stack([batch.var((0, 2, 3)) for batch in inputs[norm]]).mean(0)
            torch.testing.assert_close(norm.running_mean, mean, rtol=1e-4, atol=1e-5)
            torch.testing.assert_close(norm.running_var, variance, rtol=1e-4, atol=1e-5)
            assert not torch.allclose(own[name].running_mean, norm.running_mean)
            assert (norm.momentum, norm.training) == (own[name].momentum, own[name].training)
    for weight, same in zip(trained.G.parameters(), other.G.parameters(), strict=True):
        assert torch.equal(weight, same)
    assert all(torch.equal(value, before[name]) for name, value in trained.G.state_dict().items())
    assert all(other.networks[name] is trained.networks[name] for name in ("E", "D", "D_z"))


@pytest.mark.parametrize(("order", "size"), batch_norm.ORDERS)
def test_batch_statistics_are_those_of_batches_of_the_named_order_and_size(diagnosis, trained_as, sample, order, size):
    images, labels, anomalous = sample
    method = trained_as(test_mode="batch-statistics", test_batch_size=size)
    rows = batch_norm.ordered(order, labels)
    expected = aurocs(method, images[rows], anomalous[rows])
    found = diagnosis.variants[f"batch statistics, {order} order, batches of {size}"]
    assert found == pytest.approx(expected, abs=1e-3)


# --- spectral norm that iterates on -------------------------------------------------------------------------


def spectral_norms(method):
    modules = (module for network in method.networks.values() for module in network.modules())
    return [module.parametrizations.weight for module in modules if is_parametrized(module, "weight")]


def far_from_converged(norms):
    """Vectors far from converged, however far training on this processor has brought them."""
    generator = torch.Generator().manual_seed(0)
    for norm in norms:
        for vector in (norm[0]._u, norm[0]._v):
            vector.copy_(torch.nn.functional.normalize(torch.randn(vector.shape, generator=generator), dim=0))


def test_spectral_norm_of_the_latent_discriminator_goes_on_from_batch_to_batch(trained_as, sample):
    images, _, _ = sample
    iterating = trained_as(test_mode="power-iteration", test_batch_size=32, latent_output="logit")
    far_from_converged(spectral_norms(iterating))
    seen = iterating.forward_pass(images)
    turned = type(seen)(*(part.flip(0) for part in seen))
    L_FL, backwards = (iterating.components(part)["L_FL"] for part in (seen, turned))
    assert np.abs(L_FL - backwards[::-1]).max() > 1e-4
    assert (iterating.components(seen)["L_FL"] == L_FL).all(), "and starts again where training left it"
    frozen = iterating.variant(test_mode="eval")
    L_FL, backwards = (frozen.components(part)["L_FL"] for part in (seen, turned))
    assert L_FL == pytest.approx(backwards[::-1], rel=1e-4)


def test_spectral_norm_that_goes_on_iterating_makes_the_order_matter_until_it_has_converged(trained_as, sample):
    images, _, _ = sample
    iterating = trained_as(test_mode="power-iteration", test_batch_size=32)

    def effect():
        forwards, backwards = iterating.forward_pass(images), iterating.forward_pass(images[::-1].copy())
        return (forwards.L_GD - backwards.L_GD.flip(0)).abs().max()

    norms = spectral_norms(iterating)
    far_from_converged(norms)
    before = effect()
    assert before > 1e-4
    for norm in norms:  # many power iterations, no new weights
        norm.train()
        for _ in range(300):
            norm()
    assert effect() < before / 10
    frozen = iterating.variant(test_mode="eval")
    for ours, reference in zip(iterating.forward_pass(images), frozen.forward_pass(images), strict=True):
        torch.testing.assert_close(ours, reference, rtol=1e-3, atol=1e-3)
