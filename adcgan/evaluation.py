"""AUROC: the one number of the paper's tables. Anomalies are the positives; larger scores are more anomalous."""

import numpy as np
from scipy.stats import rankdata
from sklearn.metrics import roc_auc_score

from .errors import AdcganError


def auroc(anomalous: np.ndarray, scores: np.ndarray) -> float:
    """Area under the ROC curve as a fraction, 0 to 1; below 0.5 it is reported as it is.

    Raises AdcganError where a score is not finite or only one kind of image is there.
    """
    if not np.isfinite(scores).all():
        raise AdcganError(f"{(~np.isfinite(scores)).sum()} of {len(scores)} scores are not finite: no AUROC")
    if anomalous.all() or not anomalous.any():
        raise AdcganError("AUROC needs normal and anomalous images: only one kind was given")
    return float(roc_auc_score(anomalous, scores))


def aurocs(anomalous: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """AUROC of every row of ``scores`` (K, M), (K,), from ranks; ``anomalous`` is (M,) or one row each, (K, M)."""
    anomalous = np.broadcast_to(anomalous, scores.shape)
    positives = anomalous.sum(1)
    ranks = (rankdata(scores, axis=1) * anomalous).sum(1)
    return (ranks - positives * (positives + 1) / 2) / (positives * (scores.shape[1] - positives))
