"""Equations 1, 2, 3 and 6 against loops over single numbers, and the optima that tell their forms apart."""

import math

import numpy as np
import pytest
import torch

from adcgan.config import configure
from adcgan.models import losses
from adcgan.models.architectures import chance_L_cgan

N, K, M = 5, 8, 3
LOG_M2 = math.log(M * M)


@pytest.fixture
def features():
    """Local maps (N, K, M, M) and projected global vectors (N, K)."""
    return torch.randn(N, K, M, M), torch.randn(N, K)


@pytest.fixture
def logits():
    return torch.randn(7), torch.randn(7)


def score(C_psi, phi_E, image, other, location):
    """<C_psi(x_other) at the location, phi(x_image)>, one number."""
    row, column = divmod(location, C_psi.shape[3])
    return sum(float(C_psi[other, k, row, column]) * float(phi_E[image, k]) for k in range(phi_E.shape[1]))


def equation_1_terms(C_psi, phi_E, denominator):
    """-log(e^positive / sum of the denominator) for every image and location, (N, M^2)."""
    images, locations = len(C_psi), C_psi.shape[2] * C_psi.shape[3]
    terms = np.empty((images, locations))
    for n in range(images):
        for i in range(locations):
            positive = score(C_psi, phi_E, n, n, i)
            total = math.exp(positive) if denominator == "masked" else 0.0
            for m in range(images):
                own = m == n
                if own and denominator == "masked":
                    continue
                total += sum(math.exp(score(C_psi, phi_E, n, m, j)) for j in range(locations))
            terms[n, i] = math.log(total) - positive
    return terms


def log_sigmoid(x):
    return math.log(1 / (1 + math.exp(-float(x))))


def separated(strength):
    """Each image's own direction, at all its locations and in its global vector: every own score is strength^2."""
    directions = strength * torch.eye(N, K)
    return directions[:, :, None, None].expand(N, K, M, M), directions


def test_L_AE_is_the_mean_squared_error_over_images_and_pixels():
    x, reconstruction = torch.rand(2, 1, 3, 3), torch.rand(2, 1, 3, 3)
    squares = [(a - b) ** 2 for a, b in zip(x.flatten().tolist(), reconstruction.flatten().tolist(), strict=True)]
    assert losses.L_AE(x, reconstruction).item() == pytest.approx(sum(squares) / 18)
    assert losses.L_AE(x, reconstruction, "sum").item() == pytest.approx(sum(squares) / 2)  # an image's squared norm


@pytest.mark.parametrize("denominator", ["masked", "literal"])
def test_L_cgan_is_the_mean_of_equation_1_over_images_and_locations(features, denominator):
    expected = equation_1_terms(*features, denominator).mean()
    assert losses.L_cgan(*features, denominator).item() == pytest.approx(expected, rel=1e-5)


def test_masked_L_cgan_reaches_zero():
    assert losses.L_cgan(*separated(6.0), "masked").item() == pytest.approx(0, abs=1e-6)


def test_literal_L_cgan_stops_at_log_M2_because_own_locations_compete(features):
    assert losses.L_cgan(*separated(6.0), "literal").item() == pytest.approx(LOG_M2, abs=1e-6)
    for strength in (0.1, 1.0, 10.0):
        assert losses.L_cgan(*(strength * part for part in features), "literal").item() > LOG_M2


def test_L_cgan_of_features_that_say_nothing_is_the_chance_value():
    nothing = torch.zeros(32, K, 6, 6), torch.zeros(32, K)
    assert losses.L_cgan(*nothing, "masked").item() == pytest.approx(7.018, abs=5e-4)
    for denominator in ("masked", "literal"):
        config = configure("adcgan", "one-vs-all", 28, 1, contrastive=denominator, local_tap="block")  # N = 32, M = 6
        assert losses.L_cgan(*nothing, denominator).item() == pytest.approx(chance_L_cgan(config))


@pytest.mark.parametrize("denominator", ["masked", "literal"])
def test_L_cgan_and_its_gradients_stay_finite_for_large_features(denominator):
    C_psi = (1e4 * torch.randn(N, K, M, M)).requires_grad_()
    phi_E = (1e4 * torch.randn(N, K)).requires_grad_()
    loss = losses.L_cgan(C_psi, phi_E, denominator)
    loss.backward()
    assert loss.isfinite() and C_psi.grad.isfinite().all() and phi_E.grad.isfinite().all()


def test_equation_6_pairs_logits_by_position(logits):
    real, fake = logits
    critic = [-log_sigmoid(r - f) for r, f in zip(real, fake, strict=True)]
    generator = [-log_sigmoid(f - r) for r, f in zip(real, fake, strict=True)]
    assert losses.L_adv_D(real, fake).item() == pytest.approx(np.mean(critic))
    assert losses.L_adv_G(real, fake).item() == pytest.approx(np.mean(generator))


def test_rasgan_compares_each_logit_with_the_average_of_the_other_kind(logits):
    real, fake = logits
    mean_real, mean_fake = real.mean(), fake.mean()
    realistic = np.mean([-log_sigmoid(r - mean_fake) for r in real])
    unrealistic = np.mean([-log_sigmoid(mean_real - f) for f in fake])
    assert losses.L_adv_D(real, fake, "rasgan").item() == pytest.approx((realistic + unrealistic) / 2)


@pytest.mark.parametrize("form", ["rsgan", "rasgan"])
def test_the_generators_loss_is_the_critics_with_roles_exchanged(logits, form):
    real, fake = logits
    assert losses.L_adv_G(real, fake, form) == losses.L_adv_D(fake, real, form)
    assert losses.L_adv_G(real, fake, form) != losses.L_adv_D(real, fake, form)


def test_equation_2_weighs_the_contrast_by_alpha_and_beta():
    adversarial, contrast = torch.tensor(0.7), torch.tensor(5.0)
    assert losses.L_G(adversarial, contrast, 0.3).item() == pytest.approx(0.7 + 0.3 * 5)
    assert losses.L_D(adversarial, contrast, 0.2).item() == pytest.approx(0.7 + 0.2 * 5)


@pytest.mark.parametrize("width", [1, 2])
def test_L_dz_is_binary_cross_entropy_with_same_pairs_labelled_one(width):
    same, encoded = torch.randn(6, width), torch.randn(6, width)
    ones = np.mean([-log_sigmoid(logit) for logit in same.flatten()])
    noughts = np.mean([-log_sigmoid(-logit) for logit in encoded.flatten()])
    assert losses.L_dz(same, encoded).item() == pytest.approx(ones + noughts)


def test_the_encoder_fools_D_z_or_helps_it():
    logit = torch.randn(6, 1)
    fooling = np.mean([-log_sigmoid(value) for value in logit])
    helping = np.mean([-log_sigmoid(-value) for value in logit])
    assert losses.L_E(logit).item() == pytest.approx(fooling)
    assert losses.L_E(logit, "adversarial").item() == pytest.approx(fooling)
    assert losses.L_E(logit, "cooperative").item() == pytest.approx(helping)
