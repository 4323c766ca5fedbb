"""Intervals, comparisons and verdicts. AUROC points are percent; every interval holds 95 %."""

from collections.abc import Sequence

import numpy as np
from scipy.stats import chi2, wilcoxon
from scipy.stats import t as student

from adcgan.scoring import auroc, auroc_variance

LEVEL = 0.95
# Fixed on 23 November 2026, with four classes run, one seed each, so before any verdict. Two standard errors of an
# AUROC near 85 % on the official test splits (1,000 normal and 9,000 anomalous images) are 1.4 points, and the paper's
# figures are rounded: within 2 points is as near as a rerun can be asked to come.
TOLERANCE = 2.0


def variance_over_images(anomalous: np.ndarray, scores: Sequence[np.ndarray]) -> float:
    """The variance, over draws of test images, of the mean AUROC over seeds; points squared.

    `adcgan.scoring.auroc_variance` in points; ``scores`` holds a score (M,) per seed for the same test images.
    """
    return 100**2 * auroc_variance(anomalous, scores)


def cell_interval(anomalous: np.ndarray, scores: Sequence[np.ndarray]) -> tuple[float, float]:
    """The interval of a cell's mean AUROC over test images and seeds, points.

    The variance over images is `variance_over_images`, that over seeds their sample variance over their number; the
    quantile is Student's with Welch and Satterthwaite's degrees of freedom, since two or three seeds tell little
    about their spread. With one seed the interval is over images alone; NaN with one image of either kind.
    """
    per_seed = np.array([100 * auroc(anomalous, score) for score in scores])
    over_images = variance_over_images(anomalous, scores)
    over_seeds = per_seed.var(ddof=1) / len(per_seed) if len(per_seed) > 1 else 0.0
    freedom = (over_images + over_seeds) ** 2 / (over_seeds**2 / (len(per_seed) - 1)) if over_seeds else np.inf
    half = student.ppf((1 + LEVEL) / 2, freedom) * np.sqrt(over_images + over_seeds)
    if np.isnan(half):  # one image of a kind has no spread
        return float("nan"), float("nan")
    return max(0.0, float(per_seed.mean() - half)), min(100.0, float(per_seed.mean() + half))


def mean_interval(values: Sequence[float]) -> tuple[float, float, float]:
    """The mean over cells and Student's interval of it; the interval is NaN below three cells."""
    values = np.asarray(values, float)
    if len(values) < 3:
        return float(values.mean()) if len(values) else float("nan"), float("nan"), float("nan")
    half = student.ppf((1 + LEVEL) / 2, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    return float(values.mean()), float(values.mean() - half), float(values.mean() + half)


def pooled_deviation(groups: Sequence[Sequence[float]]) -> tuple[float, float, float]:
    """The standard deviation about the groups' own means, pooled, and its interval (from the chi-squared of normal
    values), which is NaN with fewer than three degrees of freedom; all are where no group has two values.
    """
    groups = [np.asarray(values, float) for values in groups]
    freedom = sum(len(values) - 1 for values in groups)
    if freedom == 0:
        return float("nan"), float("nan"), float("nan")
    squares = sum(float(((values - values.mean()) ** 2).sum()) for values in groups)
    levels = ((1 + LEVEL) / 2, (1 - LEVEL) / 2) if freedom >= 3 else (np.nan, np.nan)
    low, high = (np.sqrt(squares / chi2.ppf(level, freedom)) for level in levels)
    return float(np.sqrt(squares / freedom)), float(low), float(high)


def verdict(paper: float, low: float, high: float, seeds: int, of_seeds: int) -> str:
    """What a cell says about the published figure, by one rule fixed before any could be given; in points.

    "reproduced" where the whole interval lies within `TOLERANCE` of the figure, "not reproduced" where none of it
    does, "undecided" between; "incomplete" while a planned seed is missing.
    """
    if seeds < of_seeds or not np.isfinite([low, high]).all():
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
