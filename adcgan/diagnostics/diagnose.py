"""All diagnostics together: scoring variants, stale noise, the null control, one image step by step."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..methods.adcgan import ADCGAN
from ..scoring import auroc, normality_score
from . import batch_norm, null_control, stale_noise
from .one_image import steps


class Diagnosis(NamedTuple):
    """AUROCs are fractions.

    ``variants``: scoring variant -> AUROC of NS and of each component. ``draws``: name -> float32 AUROCs over random
    draws. ``images``: name -> float16 values of the first normal and the first anomalous test image, (2, ...).
    """

    variants: dict[str, dict[str, float]]
    draws: dict[str, np.ndarray]
    images: dict[str, np.ndarray]


def diagnose(
    method: ADCGAN, images: np.ndarray, labels: np.ndarray, anomalous: np.ndarray, normal: np.ndarray
) -> Diagnosis:
    """Every diagnostic of these weights on the test's uint8 ``images`` (M, H, H, C), ``labels`` and flags (M,).

    ``normal`` (N, H, H, C) are training images, on which BatchNorm's statistics are re-estimated.
    """
    seen = method.forward_pass(images)
    components = method.components(seen)
    variants = {"score": measured(method, components, anomalous)}
    other = {"sum": "mean", "mean": "sum"}[method.config.reduction]
    variants[f"reduction={other}"] = measured(method.variant(reduction=other), components, anomalous)
    again = batch_norm.reestimated(method, normal)
    components_again = again.components(again.forward_pass(images))
    variants["BatchNorm re-estimated"] = measured(again, components_again, anomalous)
    variants[f"BatchNorm re-estimated, reduction={other}"] = measured(
        again.variant(reduction=other), components_again, anomalous
    )
    for order, size in batch_norm.ORDERS if method.config.test_latent_count > 1 else ():  # one z has no statistics
        rows = batch_norm.ordered(order, labels)
        batched = method.variant(test_mode="batch-statistics", test_batch_size=size)
        variants[f"batch statistics, {order} order, batches of {size}"] = measured(
            batched, batched.score(images[rows]), anomalous[rows]
        )
    draws = stale_noise.draws(method, seen, components, anomalous)
    draws |= null_control.draws(method, seen, components, anomalous)
    path = steps(method, images[[anomalous.argmin(), anomalous.argmax()]])
    return Diagnosis(
        variants,
        {name: values.astype(np.float32) for name, values in draws.items()},
        {name: values.astype(np.float16) for name, values in (path or {}).items()},
    )


def measured(method: ADCGAN, components: dict[str, np.ndarray], anomalous: np.ndarray) -> dict[str, float]:
    """AUROC of NS under a method's configuration, and of each component."""
    values = {"NS": normality_score(method.config, components), **components}
    return {name: round(auroc(anomalous, score), 5) for name, score in values.items()}
