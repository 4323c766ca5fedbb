"""Intervals, comparisons and verdicts. AUROC points are percent; every interval holds 95 %."""

from collections.abc import Sequence

import numpy as np
from scipy.stats import wilcoxon

LEVEL = 0.95
RESAMPLES = 1000
# Fixed before the runs. Two standard errors of an AUROC near 85 % on the official test splits (1,000 normal and 9,000
# anomalous images) are 1.4 points, and the paper's figures are rounded: within 2 points is as near as a rerun can be
# asked to come.
TOLERANCE = 2.0


def bootstrap(anomalous: np.ndarray, scores: Sequence[np.ndarray], resamples: int = RESAMPLES, seed: int = 0):
    """The mean AUROC over seeds, resampled: points, (resamples,).

    ``scores`` holds a score (M,) per seed for the same test images. Each resample draws the seeds, and the normal and
    the anomalous images separately, with replacement.
    """
    random = np.random.default_rng(seed)
    normal, other = np.flatnonzero(~anomalous), np.flatnonzero(anomalous)
    chosen = random.integers(len(scores), size=(resamples, len(scores)))
    counts = np.zeros((resamples, len(anomalous)), np.int16)
    for rows in (normal, other):
        drawn = random.integers(len(rows), size=(resamples, len(rows)), dtype=np.int32)
        drawn += len(rows) * np.arange(resamples, dtype=np.int32)[:, None]
        counts[:, rows] = np.bincount(drawn.ravel(), minlength=resamples * len(rows)).reshape(resamples, -1)
    per_seed = np.stack([weighted_auroc(anomalous, score, counts) for score in scores])  # (seeds, resamples)
    return 100 * per_seed[chosen.T, np.arange(resamples)].mean(0)


def weighted_auroc(anomalous: np.ndarray, scores: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """AUROC where each image stands ``counts`` (K, M) times, whole numbers, (K,): by pairs, ties as halves."""
    order = np.argsort(scores, kind="stable")
    counts, flags = counts[:, order], anomalous[order]
    ranked = scores[order]
    first, after = np.searchsorted(ranked, ranked, "left"), np.searchsorted(ranked, ranked, "right")
    few = flags if 2 * flags.sum() <= len(flags) else ~flags  # sums run over the rarer kind
    others = np.zeros((len(counts), len(flags) + 1), np.int32)  # how many of the other kind stand before each place
    np.cumsum(counts * ~few, axis=1, dtype=np.int32, out=others[:, 1:])
    middle = (others[:, first[few]] + others[:, after[few]]) / 2
    weights = counts[:, few].astype(np.float64)
    share = (weights * middle).sum(1) / (weights.sum(1) * others[:, -1])
    return share if few is flags else 1 - share


def interval(values: np.ndarray) -> tuple[float, float]:
    """The middle 95 % of resampled values."""
    low, high = np.quantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def mean_interval(differences: np.ndarray, seed: int = 0) -> tuple[float, float, float]:
    """The mean over cells and its interval, by resampling the cells; the interval is NaN below three cells."""
    values = np.asarray(differences, float)
    if len(values) < 3:
        return float(values.mean()), float("nan"), float("nan")
    draws = np.random.default_rng(seed).choice(values, (RESAMPLES, len(values))).mean(1)
    return float(values.mean()), *interval(draws)


def verdict(paper: float, low: float, high: float, seeds: int, of_seeds: int) -> str:
    """What a cell says about the published figure, by one rule fixed in advance; figures in points.

    "reproduced" where the whole interval lies within `TOLERANCE` of the figure, "not reproduced" where none of it
    does, "undecided" between; "incomplete" while a planned seed is missing.
    """
    if seeds < of_seeds:
        return "incomplete"
    if paper - TOLERANCE <= low and high <= paper + TOLERANCE:
        return "reproduced"
    if high < paper - TOLERANCE or low > paper + TOLERANCE:
        return "not reproduced"
    return "undecided"


def paired(first: Sequence[float], second: Sequence[float]) -> float:
    """P value that two methods' AUROCs, paired by class, differ in location (Wilcoxon's signed ranks)."""
    return float(wilcoxon(np.asarray(first), np.asarray(second)).pvalue)


def holm(p: Sequence[float]) -> np.ndarray:
    """P values corrected for their number by Holm's step-down method."""
    p = np.asarray(p, float)
    order = np.argsort(p)
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    corrected = np.empty_like(p)
    corrected[order] = np.minimum(stepped, 1)
    return corrected
