"""Equations 4 and 5 against loops over single numbers, every variant of Table 4, and AUROC by counting pairs."""

import numpy as np
import pytest
import torch

from adcgan import paper, scoring
from adcgan.errors import AdcganError
from adcgan.scoring import auroc, aurocs

COMPONENTS = {
    "L_GD": np.array([0.10, 0.20, 0.30]),
    "L_GR": np.array([0.05, 0.01, 0.02]),
    "L_FE": np.array([1.00, 0.50, 0.20]),
    "L_FL": np.array([0.30, 0.10, 0.70]),
}


def mean_distance(a, b):
    """The mean of |a - b| over each image's values, one number an image."""
    return [
        np.mean([abs(float(u - v)) for u, v in zip(p.flatten(), q.flatten(), strict=True)])
        for p, q in zip(a, b, strict=True)
    ]


@pytest.mark.parametrize(
    ("component", "shape"), [(scoring.L_GD, (4, 3, 2, 2)), (scoring.L_GR, (4, 3, 5, 5)), (scoring.L_FE, (4, 6))]
)
def test_reconstruction_components_are_mean_absolute_differences(component, shape):
    a, b = torch.randn(shape), torch.randn(shape)
    np.testing.assert_allclose(component(a, b).numpy(), mean_distance(a, b), rtol=1e-5)


def test_L_FL_compares_D_z_with_the_reference_latent_first():
    def D_z(reference, encoded):  # not symmetric, so that exchanged arguments would show
        return (2 * reference - encoded).sum(1, keepdim=True)

    z, E_of_G, E_x = torch.randn(3, 4, 5)
    expected = [abs(float((2 * z[n] - E_of_G[n]).sum()) - float((2 * E_of_G[n] - E_x[n]).sum())) for n in range(len(z))]
    np.testing.assert_allclose(scoring.L_FL(D_z, z, E_of_G, E_x).numpy(), expected, rtol=1e-5)


def test_L_FL_adds_up_the_logits_of_single_latents():
    def D_z(reference, encoded):
        return torch.stack([reference.sum(1), encoded.sum(1)], 1)

    z, E_of_G, E_x = torch.randn(3, 4, 5)
    expected = [abs(float((z - E_of_G)[n].sum())) + abs(float((E_of_G - E_x)[n].sum())) for n in range(len(z))]
    np.testing.assert_allclose(scoring.L_FL(D_z, z, E_of_G, E_x).numpy(), expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("variant", "expected"),
    [
        ("AD-CGAN_LG", [0.055, 0.029, 0.048]),
        ("AD-CGAN_LFE", [0.055 + 1.0, 0.029 + 0.5, 0.048 + 0.2]),
        ("AD-CGAN_LFL", [0.055 + 0.3, 0.029 + 0.1, 0.048 + 0.7]),
        ("AD-CGAN_GF", [0.055 + 0.65, 0.029 + 0.3, 0.048 + 0.45]),
    ],
)
def test_combine_gives_every_variant_of_table_4(variant, expected):
    combined = scoring.combine(COMPONENTS, paper.settings()["lambda"], scoring.VARIANTS[variant])
    np.testing.assert_allclose(combined, expected)


def test_variants_are_those_of_table_4_with_its_rho():
    printed = paper.table(4).groupby("variant", sort=False)["rho"].first()
    assert {name: None if np.isnan(rho) else rho for name, rho in printed.items()} == scoring.VARIANTS


def test_terms_turn_means_into_sums():
    terms = {"L_GD": 100, "L_GR": 10, "L_FE": 4, "L_FL": 1}
    combined = scoring.combine(COMPONENTS, 0.1, 0.5, terms)
    np.testing.assert_allclose(combined[0], 0.1 * 100 * 0.1 + 0.9 * 10 * 0.05 + 0.5 * 4 * 1.0 + 0.5 * 0.3)


def test_auroc_is_the_share_of_pairs_in_the_right_order_with_ties_as_halves():
    anomalous = np.array([True, False, True, False, False])
    scores = np.array([0.9, 0.1, 0.5, 0.5, 0.7], np.float32)
    pairs = [(a > n) + 0.5 * (a == n) for a in scores[anomalous] for n in scores[~anomalous]]
    assert auroc(anomalous, scores) == pytest.approx(np.mean(pairs))
    assert auroc(np.array([True, False]), np.array([0.0, 1.0])) == 0.0, "below one half as it is"


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
