"""What is asked of a trained AD-CGAN: each variant is what its option gives, the nulls are nulls, no weight changes."""

import dataclasses
import json
import shutil

import numpy as np
import pytest
import torch
from small import refusal
from torch.nn.utils.parametrize import is_parametrized

from adcgan import diagnostics, scoring
from adcgan.diagnostics import batch_norm, null_control, stale, stale_noise
from adcgan.diagnostics.one_image import forward_pass
from adcgan.experiments import records, run
from adcgan.scoring import COMPONENTS, auroc, normality_score

DRAW = 7  # of the 200, the one that is computed again here


@pytest.fixture(scope="module")
def sample(zeros):
    """Every normal test image and as many anomalous ones, in the test's order: images, labels, flags."""
    normal = np.flatnonzero(~zeros.anomalous)
    rows = np.sort(np.concatenate([normal, np.flatnonzero(zeros.anomalous)[: len(normal)]]))
    return zeros.test[rows], zeros.test_labels[rows], zeros.anomalous[rows]


@pytest.fixture(scope="module")
def diagnosis(trained, sample, zeros):
    return diagnostics.diagnose(trained, *sample, zeros.train)


def aurocs(method, images, anomalous):
    components = method.score(images)
    values = {"NS": normality_score(method.config, components), **components}
    return {name: auroc(anomalous, score) for name, score in values.items()}


def close(a, b):
    np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


# --- variants ------------------------------------------------------------------------------------------------


def test_the_variants_are_these(diagnosis):
    assert list(diagnosis.variants) == [
        "score", "reduction=mean", "BatchNorm re-estimated", "BatchNorm re-estimated, reduction=mean",
        "batch statistics, shuffled order, batches of 256", "batch statistics, label order, batches of 32",
        "batch statistics, label order, batches of 256",
    ]  # fmt: skip
    assert all(list(values) == ["NS", *COMPONENTS] for values in diagnosis.variants.values())


@pytest.mark.parametrize(("name", "options"), [("score", {}), ("reduction=mean", dict(reduction="mean"))])
def test_a_variant_is_the_score_under_that_option(diagnosis, trained_as, sample, name, options):
    images, _, anomalous = sample
    expected = aurocs(trained_as(**options), images, anomalous)
    assert diagnosis.variants[name] == pytest.approx(expected, abs=2e-5)


def test_the_other_reduction_is_that_of_the_method(trained_as, sample, zeros):
    found = diagnostics.diagnose(trained_as(reduction="mean"), *sample, zeros.train).variants
    assert "reduction=sum" in found and "reduction=mean" not in found


def test_a_variant_has_the_same_networks_and_leaves_the_method_its_options(trained):
    other = trained.variant(rho=0.25)
    assert other.networks is trained.networks and (other.config.rho, trained.config.rho) == (0.25, 0.5)


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


def test_the_orders_are_permutations_by_what_they_are_named_after(sample):
    _, labels, _ = sample
    for order in {order for order, _ in batch_norm.ORDERS}:
        assert sorted(batch_norm.ordered(order, labels)) == list(range(len(labels)))
    assert (np.diff(labels[batch_norm.ordered("label", labels)]) >= 0).all()
    shuffled = batch_norm.ordered("shuffled", labels)
    assert (shuffled == batch_norm.ordered("shuffled", 0 * labels)).all(), "it knows no label"
    assert (np.diff(shuffled) != 1).any()


# --- spectral norm that goes on iterating -----------------------------------------------------------------


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
    images, _, _ = sample
    iterating = trained_as(test_mode="power-iteration", test_batch_size=32, latent_output="logit")
    start_anew(spectral_norms(iterating))
    seen = iterating.look(images)
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
        forwards, backwards = iterating.look(images), iterating.look(images[::-1].copy())
        return (forwards.L_GD - backwards.L_GD.flip(0)).abs().max()

    norms = spectral_norms(iterating)
    start_anew(norms)
    before = effect()
    assert before > 1e-4
    for norm in norms:  # many power iterations, no new weights
        norm.train()
        for _ in range(300):
            norm()
    assert effect() < before / 10
    frozen = iterating.variant(test_mode="eval")
    for ours, reference in zip(iterating.look(images), frozen.look(images), strict=True):
        torch.testing.assert_close(ours, reference, rtol=1e-3, atol=1e-3)


# --- stale noise and null controls ------------------------------------------------------------------------


def test_stale_noise_gives_every_anomaly_the_same_z_and_leaves_the_normal_images_theirs(diagnosis, trained, sample):
    """One draw, image by image, with the script's L_FL, whose D_z takes its arguments as in training."""
    images, _, anomalous = sample
    z = torch.randn(stale_noise.DRAWS, 100, generator=torch.Generator().manual_seed(stale_noise.SEED))[DRAW]
    own = torch.randn(len(images), 1, 100, generator=torch.Generator().manual_seed(0))[:, 0]
    E, G, D_z = (trained.networks[part] for part in ("E", "G", "D_z"))
    L_FL = []
    with trained.evaluating():
        for n, image in enumerate(images):
            x = trained.pixels(image[None])
            middle, noise = E(G(E(x))), (z if anomalous[n] else own[n])[None]
            L_FL.append((D_z(noise, middle).sigmoid() - D_z(middle, E(x)).sigmoid()).abs().item())
    components = trained.score(images) | {"L_FL": np.array(L_FL)}
    NS = normality_score(trained.config, components)
    assert diagnosis.draws["stale noise, L_FL"][DRAW] == pytest.approx(auroc(anomalous, L_FL), abs=1e-3)
    assert diagnosis.draws["stale noise, NS"][DRAW] == pytest.approx(auroc(anomalous, NS), abs=1e-3)
    assert {len(values) for values in diagnosis.draws.values()} == {stale_noise.DRAWS}


def test_the_labels_reach_the_score_under_stale_noise_through_L_FL_of_the_anomalies_alone(trained_as, sample):
    images, _, anomalous = sample
    method = stale_noise.released(trained_as())
    seen, kept = method.look(images), method.score(images)["L_FL"]
    told, lied_to = (stale_noise.of_pairs(method, seen, flags, kept) for flags in (anomalous, ~anomalous))
    assert told.shape == (stale_noise.DRAWS, len(images))
    assert (told[:, ~anomalous] == kept[~anomalous]).all() and (lied_to[:, anomalous] == kept[anomalous]).all()
    assert (told[:, anomalous] != kept[anomalous]).any(1).all()


def test_what_the_stale_noise_is_moves_the_score(diagnosis):
    assert np.ptp(diagnosis.draws["stale noise, L_FL"]) > 0.1


def test_stale_noise_of_kept_outputs_is_this_small_computation():
    kept = {
        "D_z_x": [0.5, 2.0, -1.0], "D_z_reconstruction": [1.0, 1.5, 0.0], "D_z_own": [4.0, 3.0, 2.0],
        "D_z_stale": [-2.0, 10.0],
    }  # fmt: skip
    kept = {name: np.float16(values) for name, values in kept.items()}
    found = stale.of_outputs(kept, np.array([False, True, True]))
    expected = [[3 + 0.5, 3.5 + 0.5, 2 + 1], [3 + 0.5, 8.5 + 0.5, 10 + 1]]  # |z - again| + |again - x|
    assert found.dtype == np.float32 and found.tolist() == expected


def test_stale_noise_of_kept_outputs_is_that_of_the_networks(small_method, sample):
    """An untrained D_z of single vectors: what it says of each, against pairs that are given to it."""
    images, _, anomalous = sample
    method = small_method(recipe="script", test_mode="eval")
    kept = stale_noise.outputs(method, images)
    assert {name: values.shape for name, values in kept.items()} == dict.fromkeys(records.D_Z, (len(images),)) | {
        "D_z_stale": (stale_noise.DRAWS,)
    }
    found, seen, L_FL = stale.of_outputs(kept, anomalous), method.look(images), method.score(images)["L_FL"]
    close(found, stale_noise.of_pairs(method, seen, anomalous, L_FL))
    z = stale_noise.stale(method)[DRAW]
    own = torch.randn(len(images), 1, 100, generator=torch.Generator().manual_seed(0))[:, 0]
    with method.evaluating():
        for n, flag in enumerate(anomalous):
            vectors = [z if flag else own[n], seen.E_again[n], seen.E_x[n]]
            noise, again, x = (method.D_z(vector[None], vector[None])[0, 0].item() for vector in vectors)
            assert found[DRAW, n] == pytest.approx(abs(noise - again) + abs(again - x), abs=1e-5)
    NS = normality_score(method.config, method.score(images) | {"L_FL": found})
    told = stale.summary(anomalous, NS)
    by_draw = [auroc(anomalous, row) for row in NS]
    assert told == {
        "mean": pytest.approx(np.mean(by_draw), abs=1e-6),
        "low": pytest.approx(np.quantile(by_draw, 0.05), abs=1e-6),
        "high": pytest.approx(np.quantile(by_draw, 0.95), abs=1e-6),
    }


def test_the_score_finds_nothing_between_halves_of_the_normal_images(diagnosis, sample):
    count = int((~sample[2]).sum())
    draws = diagnosis.draws["null, score, NS"]
    spread = np.sqrt((count + 1) / (12 * (count // 2) * (count - count // 2)))
    assert len(draws) == null_control.SPLITS
    assert abs(draws.mean() - 0.5) < 3 * spread / np.sqrt(len(draws))
    assert draws.std() == pytest.approx(spread, rel=0.25)


def test_stale_noise_finds_something_there(trained_as, sample, zeros):
    method = trained_as(reduction="mean", latent_output="logit")
    draws = diagnostics.diagnose(method, *sample, zeros.train).draws
    assert draws["null, stale noise, NS"].std() > 1.2 * draws["null, score, NS"].std()


def test_a_null_control_is_the_auroc_of_halves_of_the_normal_images(diagnosis, trained, sample):
    images, _, anomalous = sample
    normal = images[~anomalous]
    halves = null_control.splits(len(normal))
    assert (halves.sum(1) == len(normal) // 2).all() and len(np.unique(halves, axis=0)) == null_control.SPLITS
    NS = normality_score(trained.config, trained.score(normal))
    expected = [auroc(half, NS) for half in halves]
    np.testing.assert_allclose(diagnosis.draws["null, score, NS"], expected, atol=1e-3)


def test_diagnostics_are_the_same_every_time_and_change_no_weight(diagnosis, trained, sample, zeros):
    before = {name: network.state_dict() for name, network in trained.networks.items()}
    before = {(n, key): value.clone() for n, state in before.items() for key, value in state.items()}
    random = torch.get_rng_state()
    again = diagnostics.diagnose(trained, *sample, zeros.train)
    assert torch.equal(random, torch.get_rng_state())
    assert again.variants == diagnosis.variants
    for one, other in ((again.draws, diagnosis.draws), (again.images, diagnosis.images)):
        assert {name: values.tobytes() for name, values in one.items()} == {
            name: values.tobytes() for name, values in other.items()
        }
    for (n, key), value in before.items():
        if not key.endswith("num_batches_tracked"):
            assert torch.equal(trained.networks[n].state_dict()[key], value)


# --- one image step by step --------------------------------------------------------------------------------


@pytest.fixture
def two(zeros):
    """The first normal and the first anomalous test image."""
    return zeros.test[[np.flatnonzero(~zeros.anomalous)[0], np.flatnonzero(zeros.anomalous)[0]]]


@pytest.fixture
def path(trained, two):
    return forward_pass(trained, two)


def test_the_path_has_a_value_of_every_step_for_each_image(path, trained):
    assert {name: values.shape[0] for name, values in path.items()} == dict.fromkeys(path, 2)
    assert path["E_x"].shape == path["E_G_E_x"].shape == (2, 100)
    assert path["D_z_reference"].shape == path["D_z_image"].shape == (2, 16, 1)
    side = trained.D.to_local(torch.zeros(1, 1, 28, 28)).shape[2]
    assert path["f_D_x"].shape == path["f_D_G_E_x"].shape == path["f_D_gap"].shape == (2, side, side)
    assert {path[name].shape for name in COMPONENTS} == {(2,)}


def read_off(path):
    """Each component is read off the steps before it."""
    close(path["L_FE"], np.abs(path["E_x"] - path["E_G_E_x"]).mean(1))
    close(path["L_GD"], path["f_D_gap"].mean((1, 2)))
    close(path["L_FL"], np.abs(path["D_z_reference"] - path["D_z_image"]).sum(2).mean(1))


def test_each_component_is_read_off_the_steps_before_it(path):
    read_off(path)


def test_the_steps_are_what_the_networks_say_of_each_image_alone(path, trained, two):
    E, G, D, D_z = (trained.networks[name] for name in ("E", "G", "D", "D_z"))
    z = torch.randn(16, 100, generator=torch.Generator().manual_seed(0))
    for network in (E, G, D, D_z):
        network.eval()
    with torch.no_grad():
        for n, image in enumerate(two):
            x = torch.tensor(image / 255, dtype=torch.float32).permute(2, 0, 1)[None]
            again = G(E(x))
            features = [D.to_local(picture)[0].numpy() for picture in (x, again)]
            close(path["E_x"][n], E(x)[0])
            close(path["E_G_E_x"][n], E(again)[0])
            close(path["f_D_x"][n], np.abs(features[0]).mean(0))
            close(path["f_D_G_E_x"][n], np.abs(features[1]).mean(0))
            close(path["f_D_gap"][n], np.abs(features[0] - features[1]).mean(0))
            for k in range(16):  # recipe printed: the printed order, probabilities
                E_of_G = E(G(z[k : k + 1]))
                close(path["D_z_reference"][n, k], D_z(E_of_G, z[k : k + 1])[0].sigmoid())
                close(path["D_z_image"][n, k], D_z(E(x), E_of_G)[0].sigmoid())


@pytest.mark.parametrize(
    "options", [dict(latent_feature="printed"), dict(latent_feature="released"), dict(latent_output="logit")]
)
def test_other_variants_of_the_score_change_the_path_with_it(trained_as, two, options):
    method = trained_as(**options)
    path, components = forward_pass(method, two), method.score(two)
    for name in COMPONENTS:
        close(path[name], components[name])
    read_off(path)


def test_features_after_their_projection_change_the_path_with_them(small_method, two):
    method = small_method(projection="local", feature_tap="projected", local_tap="block")
    path = forward_pass(method, two)
    assert path["f_D_x"].shape == (2, 6, 6)
    close(path["L_GD"], method.score(two)["L_GD"])
    read_off(path)


@pytest.mark.parametrize(
    "options",
    [dict(test_mode="batch-statistics"), dict(test_mode="power-iteration"), dict(test_latents="per-image")],
)
def test_there_is_no_path_where_other_images_would_enter_it(trained_as, two, options):
    assert forward_pass(trained_as(**options), two) is None


# --- beside a record ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def diagnosed(record, runs_of, digits, tmp_path_factory):
    """A copy of the finished record, diagnosed; alone in its runs directory."""
    runs = tmp_path_factory.mktemp("diagnosed") / "runs"
    shutil.copytree(runs_of(record), runs)
    copy = records.find(record.run, runs)
    assert run.diagnosable(copy) and copy.readings == {} and copy.study == copy.walk == {}
    assert run.diagnose(copy, "cpu", dataset=digits)
    return records.find(record.run, runs)


@pytest.fixture
def copied(diagnosed, runs_of, tmp_path):
    """The same, to be damaged."""
    shutil.copytree(runs_of(diagnosed), tmp_path / "runs")
    return records.find(diagnosed.run, tmp_path / "runs")


def first_of_each_kind(record):
    return [np.flatnonzero(record.anomalous == flag)[0] for flag in (False, True)]


def test_diagnostics_lie_beside_a_record_and_leave_its_files_as_they_were(diagnosed, record):
    names = {path.name for path in diagnosed.directory.iterdir()}
    before = {path.name for path in record.directory.iterdir()}
    assert names == before | {"diagnostics.json", "diagnostics.npz"}
    for name in before:
        assert (diagnosed.directory / name).read_bytes() == (record.directory / name).read_bytes()
    assert (diagnosed.directory / "diagnostics.npz").stat().st_size < 20_000
    records.verify(diagnosed)


def test_a_records_diagnostics_are_of_its_model_and_its_test(diagnosed):
    assert diagnosed.readings["score"]["NS"] == pytest.approx(diagnosed.auroc["NS"], abs=records.HALF_PRECISION)
    assert {values.dtype for values in diagnosed.study.values()} == {np.dtype(np.float32)}
    assert {values.shape for values in diagnosed.study.values()} == {(stale_noise.DRAWS,)}
    assert set(diagnosed.study) == {
        "stale noise, NS", "stale noise, L_FL", "null, score, NS", "null, stale noise, NS",
    }  # fmt: skip
    said = diagnosed.diagnostics
    assert said["record"] == diagnosed.content["sha256"] and said["device"]["type"] == "cpu"
    assert said["cost"]["seconds"] > 0 and said["cost"]["processor_seconds"] > 0


def test_a_record_has_the_path_that_leads_to_its_scores(diagnosed):
    rows = first_of_each_kind(diagnosed)
    assert {values.dtype for values in diagnosed.walk.values()} == {np.dtype(np.float16)}
    for name in COMPONENTS:
        np.testing.assert_allclose(diagnosed.walk[name], diagnosed.components[name][rows], rtol=2**-10)
    values = normality_score(diagnosed.run.config, {name: diagnosed.walk[name] for name in COMPONENTS})
    np.testing.assert_allclose(values, diagnosed.scores[rows], rtol=2**-9)


def test_the_order_of_the_other_test_images_does_not_matter(diagnosed, digits, tmp_path):
    """The same run, with every test image but the first of each kind in another place."""
    first = first_of_each_kind(diagnosed)
    others = np.random.permutation(np.setdiff1d(np.arange(len(digits.test_images)), first))
    order = np.concatenate([first, others])
    shuffled = dataclasses.replace(digits, test_images=digits.test_images[order], test_labels=digits.test_labels[order])
    again = run.execute(diagnosed.run, shuffled, tmp_path, "cpu")
    assert run.diagnose(again, "cpu", dataset=shuffled)
    again = records.find(again.run, tmp_path)
    assert not (again.labels == diagnosed.labels).all()
    for name, values in diagnosed.walk.items():
        np.testing.assert_allclose(again.walk[name].astype(float), values.astype(float), rtol=2e-3, atol=1e-4)


def test_a_record_is_diagnosed_once_unless_asked_again(copied, digits):
    before = (copied.directory / "diagnostics.json").stat().st_mtime_ns
    assert not run.diagnosable(copied) and not run.diagnose(copied, "cpu", dataset=digits)
    assert (copied.directory / "diagnostics.json").stat().st_mtime_ns == before
    variants = copied.readings
    assert run.diagnose(copied, "cpu", dataset=digits, again=True)
    assert (copied.directory / "diagnostics.json").stat().st_mtime_ns > before
    assert run.record_at(copied.directory).readings == variants


def test_diagnostics_on_other_data_are_refused(copied, digits):
    images = digits.test_images.copy()
    images[0, 0, 0, 0] ^= 1
    changed = dataclasses.replace(digits, test_images=images)
    message = refusal(run.diagnose, copied, "cpu", dataset=changed, again=True)
    assert "was measured on other data" in message


def test_other_methods_have_no_diagnostics(digits, tmp_path):
    _, (cell,) = run.requested("pca", "digits", "one-vs-all", [0], [0])
    record = run.execute(cell, digits, tmp_path, "cpu")
    assert not run.diagnosable(record)
    assert "there are none of method pca" in refusal(run.diagnose, record, "cpu", dataset=digits)


def test_a_record_is_found_by_its_directory_or_its_file(copied):
    for path in (copied.directory, copied.directory / records.RECORD):
        found = run.record_at(path)
        assert found.run == copied.run and found.directory == copied.directory
    assert "holds no record.json" in refusal(run.record_at, copied.directory.parent)


@pytest.mark.parametrize("edited", ["NS", "L_GR"])
def test_edited_diagnostics_are_told_by_the_scores(copied, edited):
    path = copied.directory / "diagnostics.json"
    content = json.loads(path.read_text())
    content["variants"]["score"][edited] = 0.01
    path.write_text(json.dumps(content))
    message = refusal(records.verify, run.record_at(copied.directory))
    assert f"the diagnostics' AUROC of {edited} is 0.01, but its scores give" in message


def test_damaged_diagnostics_are_refused_by_name(copied):
    arrays, path = (copied.directory / name for name in ("diagnostics.npz", "diagnostics.json"))
    whole = arrays.read_bytes()
    arrays.write_bytes(whole[:-9])
    message = refusal(lambda: run.record_at(copied.directory).diagnostics)
    assert "diagnostics.npz is not the file that was recorded" in message
    arrays.unlink()
    assert "diagnostics.npz is missing" in refusal(lambda: run.record_at(copied.directory).diagnostics)
    for text in ("{", "[]", "NaN", '{"record": 1}'):
        path.write_text(text)
        message = refusal(lambda: run.record_at(copied.directory).diagnostics)
        assert str(path) in message and "remove it and diagnose again" in message


def test_a_run_of_recipe_script_is_diagnosed_with_the_stale_noise_that_its_record_has(digits, run_options, tmp_path):
    options = run_options | dict(warm_up_epochs=0, epochs=1, test_mode="eval", test_set="official")
    _, (cell,) = run.requested("adcgan", "digits", "one-vs-all", [0], [0], options, recipe="script")
    record = run.execute(cell, digits, tmp_path, "cpu")
    assert run.diagnose(record, "cpu", dataset=digits)
    record = records.find(cell, tmp_path)
    assert "reduction=sum" in record.readings
    assert record.walk == {}, "each image has a z by its place"
    for name, noise in record.content["stale_noise"].items():
        draws = record.study[f"stale noise, {name}"]
        found = [draws.mean(), *np.quantile(draws, [0.05, 0.95])]
        assert found == pytest.approx([noise["mean"], noise["low"], noise["high"]], abs=records.HALF_PRECISION)
    records.verify(record)


def test_the_diagnostics_need_no_second_normal_image(digits, run_options, tmp_path):
    """With one normal test image there are no halves to compare, and a single z has no batch statistics."""
    one = np.flatnonzero(digits.test_labels == 0)[:1]
    rows = np.concatenate([one, np.flatnonzero(digits.test_labels == 1)[:9]])
    few = dataclasses.replace(digits, test_images=digits.test_images[rows], test_labels=digits.test_labels[rows])
    for options in (dict(), dict(test_latent_count=1), dict(test_batch_size=1)):
        _, (cell,) = run.requested(
            "adcgan", "digits", "one-vs-all", [0], [0], run_options | dict(epochs=1, warm_up_epochs=0) | options
        )
        record = run.execute(cell, few, tmp_path, "cpu")
        assert run.diagnose(record, "cpu", dataset=few)
        record = records.find(cell, tmp_path)
        assert record.readings and not [name for name in record.study if name.startswith("null")]
        batched = [name for name in record.readings if name.startswith("batch statistics")]
        assert bool(batched) == (options.get("test_latent_count") != 1)


def test_terms_of_the_other_reduction_are_those_of_the_score(diagnosis, trained, sample):
    images, _, anomalous = sample
    components, terms = trained.score(images), scoring.terms(trained.config)
    weights = dict(zip(COMPONENTS, (0.1, 0.9, 0.5, 0.5), strict=True))
    sums = sum(weights[name] * terms[name] * components[name].astype(float) for name in COMPONENTS)
    assert diagnosis.variants["score"]["NS"] == pytest.approx(auroc(anomalous, sums), abs=2e-5)
