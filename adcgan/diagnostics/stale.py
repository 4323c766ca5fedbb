"""The script's stale noise from stored outputs of D_z (no torch); `adcgan.diagnostics.stale_noise` makes them."""

import numpy as np

from ..scoring import aurocs


def of_outputs(kept: dict[str, np.ndarray], anomalous: np.ndarray) -> np.ndarray:
    """L_FL for each stale z, float32 (draws, M): normal images keep their own z, all anomalous ones share it.

    The script's form: |D_z(z) - D_z(E(G(E(x))))| + |D_z(E(G(E(x)))) - D_z(E(x))|.
    """
    kept = {name: values.astype(np.float32) for name, values in kept.items()}
    z = np.where(anomalous, kept["D_z_stale"][:, None], kept["D_z_own"])
    again = kept["D_z_reconstruction"]
    return np.abs(z - again) + np.abs(again - kept["D_z_x"])


def summary(anomalous: np.ndarray, scores: np.ndarray) -> dict[str, float]:
    """AUROC over draws, ``scores`` (draws, M): mean and 5-95 % range, fractions."""
    values = aurocs(anomalous, scores)
    low, high = np.quantile(values, [0.05, 0.95])
    return {"mean": round(float(values.mean()), 6), "low": round(float(low), 6), "high": round(float(high), 6)}
