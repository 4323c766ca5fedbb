"""The study of protocols: each reading is what the option by itself gives, and the nulls are nulls."""

import numpy as np
import pytest
import torch
from torch.nn.utils.parametrize import is_parametrized

from adcgan import scores
from adcgan.evaluation import auroc
from adcgan.methods import protocols


@pytest.fixture(scope="module")
def sample(zeros):
    """Every normal test image and as many anomalous ones, in the test's order."""
    normal = np.flatnonzero(~zeros.anomalous)
    rows = np.sort(np.concatenate([normal, np.flatnonzero(zeros.anomalous)[: len(normal)]]))
    return zeros.test[rows], zeros.test_labels[rows], zeros.anomalous[rows]


@pytest.fixture(scope="module")
def left_out(digits, zeros):
    return digits.train_images[zeros.left_out[:37]]


@pytest.fixture(scope="module")
def study(trained, sample, left_out, zeros):
    return trained.study(*sample, left_out, zeros.train)


def aurocs(method, images, anomalous):
    components = method.score(images, anomalous)
    values = {"NS": scores.normality_score(method.config, components), **components}
    return {name: auroc(anomalous, score) for name, score in values.items()}


@pytest.mark.parametrize("name", [name for name in protocols.READINGS if name != "feature_tap=projected"])
def test_a_reading_is_the_score_under_that_option(study, trained_as, sample, name):
    images, _, anomalous = sample
    expected = aurocs(trained_as(**protocols.READINGS[name]), images, anomalous)
    assert study.readings[name] == pytest.approx(expected, abs=2e-5)


def test_the_anomalies_that_the_test_leaves_out_join_it_for_one_reading(study, trained, sample, left_out, zeros):
    images, labels, anomalous = sample
    together = np.concatenate([images, left_out])
    expected = aurocs(trained, together, np.concatenate([anomalous, np.ones(37, bool)]))
    assert study.readings["test_set=with-train"] == pytest.approx(expected, abs=2e-5)
    assert study.readings["paper"] == pytest.approx(aurocs(trained, images, anomalous), abs=2e-5)
    assert "test_set=with-train" not in trained.study(images, labels, anomalous, left_out[:0], zeros.train).readings


@pytest.mark.parametrize("z_passes", [0, 3])
def test_two_readings_have_the_generators_running_statistics_made_anew(study, trained, sample, zeros, z_passes):
    """Against hooks on a generator in training mode: an input's mean and variance over batches, and no other buffer."""
    other, (images, _, anomalous) = trained.averaged_anew(zeros.train, z_passes), sample
    assert trained.config.critic_steps == 2
    name = "training-statistics" if z_passes else "reconstruction-statistics"
    assert study.readings[name] == pytest.approx(aurocs(other, images, anomalous), abs=2e-5)
    if not z_passes:
        sums = aurocs(other.reading(reduction="sum"), images, anomalous)
        assert study.readings[f"{name}, reduction=sum"] == pytest.approx(sums, abs=2e-5)
    norms = [module for module in other.G.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    inputs = {norm: [] for norm in norms}
    hooks = [norm.register_forward_pre_hook(lambda norm, given: inputs[norm].append(given[0])) for norm in norms]
    with torch.no_grad(), other.evaluating():
        for norm in norms:
            norm.training, norm.momentum = True, 0.0  # the batch's statistics, and no change of the running ones
        generator = torch.Generator().manual_seed(0)
        for _, x in other.test_batches(zeros.train):
            for _ in range(z_passes):
                other.G(torch.randn(len(x), 100, generator=generator))
            other.G(other.E(x))
    for hook in hooks:
        hook.remove()
    own = dict(trained.G.named_modules())
    for name, norm in other.G.named_modules():
        if norm in inputs:
            mean = torch.stack([batch.mean((0, 2, 3)) for batch in inputs[norm]]).mean(0)
            variance = torch.stack([batch.var((0, 2, 3)) for batch in inputs[norm]]).mean(0)
            torch.testing.assert_close(norm.running_mean, mean)
            torch.testing.assert_close(norm.running_var, variance)
            assert not torch.allclose(own[name].running_mean, norm.running_mean)
            assert (norm.momentum, norm.training) == (own[name].momentum, own[name].training)
    for weight, same in zip(trained.G.parameters(), other.G.parameters(), strict=True):
        assert torch.equal(weight, same)


def test_a_reading_that_changes_nothing_is_left_out(study):
    assert "feature_tap=projected" not in study.readings


@pytest.mark.parametrize(("mode", "order", "size"), protocols.BATCHED)
def test_a_mode_in_which_batches_matter_sees_those_of_the_named_order_and_size(
    study, trained_as, sample, mode, order, size
):
    images, labels, anomalous = sample
    method = trained_as(test_mode=mode, test_batch_size=size)
    rows = protocols.ordered(order, labels, anomalous)
    expected = aurocs(method, images[rows], anomalous[rows])
    assert study.readings[protocols.batched(mode, order, size)] == pytest.approx(expected, abs=1e-3)


def test_the_orders_are_permutations_by_what_they_are_named_after(sample):
    _, labels, anomalous = sample
    for order in {order for _, order, _ in protocols.BATCHED}:
        assert sorted(protocols.ordered(order, labels, anomalous)) == list(range(len(labels)))
    assert (np.diff(labels[protocols.ordered("label order", labels, anomalous)]) >= 0).all()
    first = anomalous[protocols.ordered("normal images first", labels, anomalous)]
    assert not first[: (~anomalous).sum()].any()
    shuffled = protocols.ordered("shuffled order", labels, anomalous)
    assert (shuffled == protocols.ordered("shuffled order", 0 * labels, ~anomalous)).all()


def spectral_norms(method):
    modules = (module for network in method.networks.values() for module in network.modules())
    return [module.parametrizations.weight for module in modules if is_parametrized(module, "weight")]


def start_anew(norms):
    """Vectors far from converged, however far training on this processor has brought them."""
    generator = torch.Generator().manual_seed(0)
    for norm in norms:
        for vector in (norm[0]._u, norm[0]._v):
            vector.copy_(torch.nn.functional.normalize(torch.randn(vector.shape, generator=generator), dim=0))


def test_spectral_norm_of_the_latent_discriminator_goes_on_from_batch_to_batch(trained_as, sample):
    images, _, anomalous = sample
    iterating = trained_as(test_mode="power-iteration", test_batch_size=32)
    start_anew(spectral_norms(iterating))
    seen = iterating.look(images)
    turned = type(seen)(*(part.flip(0) for part in seen))
    L_FL, backwards = (iterating.components(part, anomalous)["L_FL"] for part in (seen, turned))
    assert np.abs(L_FL - backwards[::-1]).max() > 1e-4
    assert (iterating.components(seen, anomalous)["L_FL"] == L_FL).all(), "and starts again where training left it"
    frozen = iterating.reading(test_mode="eval")
    L_FL, backwards = (frozen.components(part, anomalous)["L_FL"] for part in (seen, turned))
    assert L_FL == pytest.approx(backwards[::-1], rel=1e-4)


def test_the_printed_order_of_arguments_is_equation_5s(trained_as, sample):
    images, _, anomalous = sample
    method = trained_as(latent_feature="printed-order")
    (Z,), _ = method.test_latents(anomalous)
    E, G, D_z = (method.networks[part] for part in ("E", "G", "D_z"))
    with method.evaluating():
        E_x, middle = E(method.pixels(images[:9])), E(G(Z))
        expected = [(D_z(middle, Z) - D_z(x.expand_as(middle), middle)).abs().mean().item() for x in E_x]
    assert method.score(images[:9], anomalous[:9])["L_FL"] == pytest.approx(expected, abs=1e-5)


def test_shared_draws_are_scores_under_z_s_that_every_image_shares(study, trained, sample):
    images, _, anomalous = sample
    Z = torch.randn(protocols.DRAWS, 100, generator=torch.Generator().manual_seed(protocols.SEED))
    count = trained.config.test_latent_count
    components = trained.score(images, anomalous)
    E, G, D_z = (trained.networks[part] for part in ("E", "G", "D_z"))
    with trained.evaluating():
        E_x, middle = E(trained.pixels(images)), E(G(Z[: 2 * count]))
        each = [
            (D_z(z[None], m[None]) - D_z(m.expand_as(E_x), E_x)).abs()[:, 0].numpy()
            for z, m in zip(Z, middle, strict=False)
        ]
    for name, L_FL in {"one shared z": each[3], f"{count} shared z's": np.mean(each[count:], 0)}.items():
        draws = study.draws[f"{name}, NS"]
        expected = auroc(anomalous, scores.normality_score(trained.config, components | {"L_FL": L_FL}))
        assert draws[3 if name == "one shared z" else 1] == pytest.approx(expected, abs=1e-3)
    assert len(study.draws["one shared z, NS"]) == protocols.DRAWS
    assert len(study.draws[f"{count} shared z's, NS"]) == protocols.DRAWS // count


def test_spectral_norm_that_goes_on_iterating_makes_the_order_matter_until_it_has_converged(trained_as, sample):
    images, _, _ = sample
    iterating = trained_as(test_mode="power-iteration", test_batch_size=32)

    def effect():
        forwards, backwards = iterating.look(images), iterating.look(images[::-1].copy())
        return (forwards.L_GD_projected - backwards.L_GD_projected.flip(0)).abs().max()

    norms = spectral_norms(iterating)
    start_anew(norms)
    before = effect()
    assert before > 1e-4
    for norm in norms:  # many power iterations, no new weights
        norm.train()
        for _ in range(300):
            norm()
    assert effect() < before / 10
    frozen = iterating.reading(test_mode="eval")
    for ours, reference in zip(iterating.look(images), frozen.look(images), strict=True):
        torch.testing.assert_close(ours, reference, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("name", ["released", "test_latents=released"])
def test_a_left_over_draw_gives_every_anomaly_that_z_and_leaves_the_normal_images_theirs(
    study, trained_as, sample, name
):
    images, _, anomalous = sample
    method = trained_as(**protocols.READINGS[name])
    components = method.score(images, anomalous)
    z = torch.randn(protocols.DRAWS, 1, 100, generator=torch.Generator().manual_seed(protocols.SEED))[7, 0]
    E, G, D_z = (method.networks[part] for part in ("E", "G", "D_z"))
    with method.evaluating():
        for n in np.flatnonzero(anomalous):
            x = method.pixels(images[n : n + 1])
            middle = E(G(E(x))) if method.config.latent_feature == "released" else E(G(z[None]))
            components["L_FL"][n] = (D_z(z[None], middle) - D_z(middle, E(x))).abs().item()
    mean = components["L_FL"][anomalous].mean()
    assert study.draws[f"left over, {name}, mean L_FL"][7] == pytest.approx(mean, rel=1e-4)
    assert study.draws[f"left over, {name}, L_FL"][7] == pytest.approx(auroc(anomalous, components["L_FL"]), abs=1e-3)
    expected = auroc(anomalous, scores.normality_score(method.config, components))
    assert study.draws[f"left over, {name}, NS"][7] == pytest.approx(expected, abs=1e-3)


def test_the_left_over_latent_moves_the_released_score_and_the_paper_score_has_none(study):
    assert np.ptp(study.draws["left over, released, L_FL"]) > 0.1
    assert {name for name in study.draws if name.startswith("left over")} == {
        f"left over, {rule}, {what}"
        for rule in ("released", "test_latents=released")
        for what in ("NS", "L_FL", "mean L_FL")
    }


def test_the_paper_protocol_finds_nothing_between_halves_of_the_normal_images(study, sample):
    count = int((~sample[2]).sum())
    draws = study.draws["null, paper, NS"]
    spread = np.sqrt((count + 1) / (12 * (count // 2) * (count - count // 2)))
    assert len(draws) == protocols.DRAWS
    assert abs(draws.mean() - 0.5) < 3 * spread / np.sqrt(len(draws))
    assert draws.std() == pytest.approx(spread, rel=0.25)


def test_the_released_protocol_finds_something_there(study):
    assert study.draws["null, released, NS"].std() > 1.2 * study.draws["null, paper, NS"].std()


def test_the_nulls_of_the_modes_in_order_are_scores_of_halves_sorted_by_what_they_are_called(study, trained_as, sample):
    images = sample[0][~sample[2]]
    pretended = protocols.splits(len(images))[3]
    rows = np.argsort(pretended, kind="stable")
    for mode, order, size in protocols.BATCHED:
        name = f"null, {protocols.batched(mode, order, size)}, NS"
        assert (name in study.draws) == (order != "shuffled order")
        if name in study.draws:
            expected = aurocs(trained_as(test_mode=mode, test_batch_size=size), images[rows], pretended[rows])["NS"]
            assert study.draws[name][3] == pytest.approx(expected, abs=1e-3)
            assert len(study.draws[name]) == protocols.LOOKS


def test_the_study_is_the_same_every_time_and_changes_no_weight(study, trained, sample, left_out, zeros):
    before = {name: network.state_dict() for name, network in trained.networks.items()}
    before = {(n, key): value.clone() for n, state in before.items() for key, value in state.items()}
    again = trained.study(*sample, left_out, zeros.train)
    assert again.readings == study.readings
    assert all((again.draws[name] == study.draws[name]).all() for name in study.draws)
    for (n, key), value in before.items():
        if not key.endswith("num_batches_tracked"):
            assert torch.equal(trained.networks[n].state_dict()[key], value)


def test_a_record_keeps_the_study_beside_its_scores(record):
    assert "test_set=with-train" in record.readings
    assert record.readings["paper"]["NS"] == pytest.approx(record.auroc["NS"], abs=1e-3)  # stored in half precision
    assert record.study["left over, released, NS"].shape == (protocols.DRAWS,)
    released = record.components | {"L_FL": record.study["L_FL released"]}
    NS = scores.normality_score(record.cell.config, released)
    assert record.readings["released"]["NS"] == pytest.approx(auroc(record.anomalous, NS), abs=1e-3)
