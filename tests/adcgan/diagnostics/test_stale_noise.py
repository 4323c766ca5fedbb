"""The script's stale noise against its definition, and the null control: where there is nothing to find."""

import numpy as np
import pytest
import torch

from adcgan.diagnostics import null_control, stale, stale_noise
from adcgan.diagnostics.diagnose import diagnose
from adcgan.experiments import records
from adcgan.scoring import auroc, normality_score

DRAW = 7  # of the 200, the one that is computed again here


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


def test_stale_noise_of_kept_outputs_is_that_of_the_networks(small_method, sample):
    """An untrained D_z of single vectors: what it says of each, against pairs that are given to it."""
    images, _, anomalous = sample
    method = small_method(recipe="script", test_mode="eval")
    images, anomalous = images[:24], anomalous[:24]
    kept = stale_noise.outputs(method, images)
    assert {name: values.shape for name, values in kept.items()} == dict.fromkeys(records.D_Z, (len(images),)) | {
        "D_z_stale": (stale_noise.DRAWS,)
    }
    found, seen, L_FL = stale.of_outputs(kept, anomalous), method.forward_pass(images), method.score(images)["L_FL"]
    np.testing.assert_allclose(found, stale_noise.of_pairs(method, seen, anomalous, L_FL), rtol=1e-4, atol=1e-5)
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


def test_stale_noise_finds_something_there(diagnosis, trained_as, sample, zeros):
    images, labels, anomalous = sample
    draws = diagnose(trained_as(reduction="mean", latent_output="logit"), images, labels, anomalous, zeros.train).draws
    assert draws["null, stale noise, NS"].std() > 1.2 * draws["null, score, NS"].std()
    assert np.ptp(diagnosis.draws["stale noise, L_FL"]) > 0.05, "what the stale noise is moves the score"


def test_a_null_control_is_the_auroc_of_halves_of_the_normal_images(diagnosis, trained, sample):
    images, _, anomalous = sample
    normal = images[~anomalous]
    halves = null_control.splits(len(normal))
    assert (halves.sum(1) == len(normal) // 2).all() and len(np.unique(halves, axis=0)) == null_control.SPLITS
    NS = normality_score(trained.config, trained.score(normal))
    expected = [auroc(half, NS) for half in halves]
    np.testing.assert_allclose(diagnosis.draws["null, score, NS"], expected, atol=1e-3)


def test_the_scripts_record_keeps_what_its_stale_noise_can_be_computed_from(script_record):
    record = script_record
    kept = {name: values.astype(np.float32) for name, values in record.D_z.items()}
    components = {name: values.astype(np.float64) for name, values in record.components.items()}
    found = []
    for shared in kept["D_z_stale"]:  # the definition, one draw and one image at a time
        L_FL = []
        for n, anomalous in enumerate(record.anomalous):
            z, again, x = (kept[name][n] for name in ("D_z_own", "D_z_reconstruction", "D_z_x"))
            L_FL.append(abs((shared if anomalous else z) - again) + abs(again - x))
        rest = 0.1 * components["L_GD"] + 0.9 * components["L_GR"] + 0.5 * components["L_FE"]
        found.append(auroc(record.anomalous, rest + 0.5 * np.array(L_FL)))
    noise = record.content["stale_noise"]["NS"]
    assert noise["mean"] == pytest.approx(np.mean(found), abs=1e-5) == pytest.approx(record.result, abs=1e-5)
    assert [noise["low"], noise["high"]] == pytest.approx(np.quantile(found, [0.05, 0.95]), abs=1e-5)
    assert (np.diff(record.anomalous.astype(int)) >= 0).all()  # normal images first
