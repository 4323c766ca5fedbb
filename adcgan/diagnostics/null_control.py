"""Null control: AUROC between random halves of the normal test images, where there is nothing to find.

A score that sees no label gives 50 % up to chance. The script's stale noise does not: it gives one half a z of its own.
"""

from __future__ import annotations

import numpy as np
import torch

from ..methods.adcgan import ADCGAN, Seen
from ..scoring import aurocs, normality_score
from . import stale_noise

SPLITS = stale_noise.DRAWS
SEED = 1


def draws(
    method: ADCGAN, seen: Seen, components: dict[str, np.ndarray], anomalous: np.ndarray
) -> dict[str, np.ndarray]:
    """AUROC of NS over `SPLITS` splits, as scored and under stale noise; empty for a single normal image."""
    normal = ~anomalous
    if normal.sum() < 2:
        return {}
    flags = torch.as_tensor(normal, device=seen.E_x.device)
    seen = Seen(*(part[flags] for part in seen))
    components = {name: values[normal] for name, values in components.items()}
    pretended = splits(int(normal.sum()))
    script = stale_noise.released(method)
    noisy = np.where(pretended, stale_noise.shared(script, seen), script.components(seen)["L_FL"])
    given = {"score": components["L_FL"], "stale noise": noisy}
    scores = {name: normality_score(method.config, components | {"L_FL": L_FL}) for name, L_FL in given.items()}
    return {f"null, {name}, NS": aurocs(pretended, np.broadcast_to(NS, pretended.shape)) for name, NS in scores.items()}


def splits(count: int) -> np.ndarray:
    """Which half of ``count`` normal images is called anomalous: bool (`SPLITS`, count)."""
    random = np.random.default_rng(SEED)
    return np.stack([random.permutation(count) < count // 2 for _ in range(SPLITS)])
