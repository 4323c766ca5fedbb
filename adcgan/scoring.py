"""Equations 4 and 5: the components of the score, how they combine, and the AUROC. Larger is more anomalous.

The component functions work on a batch of tensors and reduce every image to one number; `combine` works on
arrays of components, so that a score for any lambda and rho needs no network (and no torch).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import singledispatch
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import norm, rankdata
from sklearn.metrics import roc_auc_score

from .config import ADCGANConfig, Config
from .config.compared import AEGANConfig, ALADConfig, AnoGANConfig
from .errors import AdcganError
from .models.architectures import PROJECTED, local_index, tables, trace, width

if TYPE_CHECKING:
    from torch import Tensor

COMPONENTS = ("L_GD", "L_GR", "L_FE", "L_FL")

# Table 4: which of lambda's and rho's terms each variant keeps; None leaves L_Fr out.
VARIANTS = {"AD-CGAN_LG": None, "AD-CGAN_LFE": 1.0, "AD-CGAN_LFL": 0.0, "AD-CGAN_GF": 0.5}


def L_GD(f_D_x: Tensor, f_D_reconstruction: Tensor) -> Tensor:
    """Discrimination loss |f_D(x) - f_D(G(E(x)))|, mean over (K, M, M); (N, K, M, M) -> (N,).

    A term of Equation 4, book/method.md#equation-eq-4.
    """
    return (f_D_x - f_D_reconstruction).abs().flatten(1).mean(1)


def L_GR(x: Tensor, reconstruction: Tensor) -> Tensor:
    """Residual loss |x - G(E(x))|, mean over pixels; (N, C, H, H) -> (N,).

    A term of Equation 4, book/method.md#equation-eq-4.
    """
    return (x - reconstruction).abs().flatten(1).mean(1)


def L_FE(E_x: Tensor, E_reconstruction: Tensor) -> Tensor:
    """Encoded feature loss |E(x) - E(G(E(x)))|, mean over latents; (N, L) -> (N,).

    Equation 5, book/method.md#equation-eq-5.
    """
    return (E_x - E_reconstruction).abs().mean(1)


def L_FL(D_z, z: Tensor, E_of_G: Tensor, E_x: Tensor) -> Tensor:
    """Latent feature loss || D_z(z, E(G(z))) - D_z(E(G(z)), E(x)) ||_1; latents (N, L) -> (N,).

    Equation 5, book/method.md#equation-eq-5. ``E_of_G`` is E(G(z)) as printed, or E(G(E(x))). D_z's
    arguments stand as in training, reference first, encoded second: the paper prints both terms' in the
    opposite order (open choice: what L_FL compares).
    """
    return (D_z(z, E_of_G) - D_z(E_of_G, E_x)).abs().sum(1)


def combine(
    components: dict[str, np.ndarray], lambda_: float, rho: float | None, terms: dict[str, int] | None = None
) -> np.ndarray:
    """Equation 4, book/method.md#equation-eq-4: NS = L_Gr + L_Fr, (N,). ``rho`` None leaves L_Fr out (Table 4's LG).

    The components are means; ``terms``, how many terms each is the mean of, turns them into sums.
    """
    c = {name: np.asarray(components[name], np.float64) * (terms[name] if terms else 1) for name in COMPONENTS}
    L_Gr = lambda_ * c["L_GD"] + (1 - lambda_) * c["L_GR"]
    if rho is None:
        return L_Gr
    return L_Gr + rho * c["L_FE"] + (1 - rho) * c["L_FL"]


@singledispatch
def normality_score(config: Config, components: dict[str, np.ndarray]) -> np.ndarray:
    """A method's score from its components, (M,); larger is more anomalous. A single component is the score."""
    (score,) = components.values()
    return np.asarray(score, np.float64)


@normality_score.register
def _(config: ADCGANConfig, components):
    """NS(x), equation 4."""
    return combine(components, config.lambda_, config.rho, terms(config) if config.reduction == "sum" else None)


@normality_score.register
def _(config: ALADConfig, components):
    """One of the source's four scores."""
    return np.asarray(components[config.score], np.float64)


@normality_score.register
def _(config: AEGANConfig, components):
    """AE-GAN's combination: equation 4 without L_FL, the latent term weighted by beta."""
    c = {name: np.asarray(values, np.float64) for name, values in components.items()}
    return (1 - config.lambda_) * c["L_GR"] + config.lambda_ * c["L_GD"] + config.beta * c["L_FE"]


@normality_score.register
def _(config: AnoGANConfig, components):
    """AnoGAN's L(z) at the end of the search: (1 - lambda) L_R + lambda L_D, or the reverse weighting."""
    residual, discrimination = (np.asarray(components[name], np.float64) for name in ("L_R", "L_D"))
    weight = config.lambda_ if config.weighting == "paper" else 1 - config.lambda_
    return (1 - weight) * residual + weight * discrimination


def with_scores(config: Config, components: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The components after the score NS of them, and AD-CGAN's score with the other reduction, ``reduction=mean``."""
    scores = {"NS": normality_score(config, components)}
    if isinstance(config, ADCGANConfig):
        other = "mean" if config.reduction == "sum" else "sum"
        scores[f"reduction={other}"] = normality_score(replace(config, reduction=other), components)
    return scores | components


def terms(config: ADCGANConfig) -> dict[str, int]:
    """How many terms each sum of equations 4 and 5 has."""
    critic = tables(config).critic
    shapes = trace(critic, config.channels, config.image_size, config)
    channels, side = shapes[local_index(config)]
    if config.feature_tap == "projected" and config.projection != "global":
        channels = PROJECTED if config.projection == "both" else width(critic[-1].out, config)
    return {
        "L_GD": channels * side**2,
        "L_GR": config.channels * config.image_size**2,
        "L_FE": config.latent_size,
        "L_FL": 1,
    }


# --- AUROC: the one number of the tables; anomalies are the positives ----------------------------------------


def auroc(anomalous: np.ndarray, scores: np.ndarray) -> float:
    """Area under the ROC curve as a fraction, 0 to 1; below 0.5 it is reported as it is.

    Raises AdcganError where a score is not finite or only one kind of image is there.
    """
    if not np.isfinite(scores).all():
        raise AdcganError(f"{(~np.isfinite(scores)).sum()} of {len(scores)} scores are not finite: no AUROC")
    if anomalous.all() or not anomalous.any():
        raise AdcganError("AUROC needs normal and anomalous images: only one kind was given")
    return float(roc_auc_score(anomalous, scores))


def auroc_variance(anomalous: np.ndarray, scores: Sequence[np.ndarray]) -> float:
    """The variance, over draws of test images, of the mean AUROC (a fraction) over scores (M,) of the same ones.

    DeLong, DeLong and Clarke-Pearson (1988): what the bootstrap over normal and over anomalous images tends to, in
    closed form. An image's placement is the share of the other kind on its right side, here the mean over the scores.
    """
    variance = 0.0
    for flags in (anomalous, ~anomalous):
        others = len(flags) - flags.sum()
        placements = [(rankdata(score)[flags] - rankdata(score[flags])) / others for score in scores]
        variance += np.mean(placements, axis=0).var(ddof=1) / flags.sum()
    return float(variance)


def auroc_interval(anomalous: np.ndarray, scores: np.ndarray, level: float = 0.95) -> tuple[float, float]:
    """The interval of an AUROC over draws of test images, fractions (`auroc_variance`, normal quantile).

    NaN with one image of either kind; without width where all images of a kind are on the right side of all others.
    """
    if min(anomalous.sum(), (~anomalous).sum()) < 2:
        return float("nan"), float("nan")
    value, half = auroc(anomalous, scores), norm.ppf((1 + level) / 2) * auroc_variance(anomalous, [scores]) ** 0.5
    return max(0.0, value - half), min(1.0, value + half)


def aurocs(anomalous: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """AUROC of every row of ``scores`` (K, M), (K,), from ranks; ``anomalous`` is (M,) or one row each, (K, M)."""
    anomalous = np.broadcast_to(anomalous, scores.shape)
    positives = anomalous.sum(1)
    ranks = (rankdata(scores, axis=1) * anomalous).sum(1)
    return (ranks - positives * (positives + 1) / 2) / (positives * (scores.shape[1] - positives))
