"""Intervals by hand, against pairs and against fresh samples; comparisons against scipy; the rule of the verdicts."""

import numpy as np
import pytest
from companion.analysis import statistics
from scipy import stats
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

NORMAL, OTHER = 150, 300  # images in the tests' samples
SEPARATION = 1.2
ANOMALOUS = np.arange(NORMAL + OTHER) >= NORMAL
TRUE = 100 * norm.cdf(SEPARATION / np.sqrt(2))
T = statistics.TOLERANCE


def sample(random, separation=SEPARATION):
    """Scores of normal and anomalous images, both Gaussian: of the default separation the AUROC is `TRUE`."""
    return random.standard_normal(NORMAL + OTHER) + separation * ANOMALOUS


def of_seeds(random, levels=0):
    """Shuffled flags and three seeds' scores, alike but not equal; with ``levels`` only so many values."""
    mixed = random.permutation(ANOMALOUS)
    common = random.standard_normal(len(mixed)) + SEPARATION * mixed
    scores = [common + 0.5 * random.standard_normal(len(mixed)) for _ in range(3)]
    return mixed, [np.clip(np.round(score), 0, levels - 1) for score in scores] if levels else scores


def by_pairs(anomalous, scores):
    """DeLong's variance from every pair of a normal and an anomalous image, a tie counted half."""
    won = [(score[anomalous][:, None] > score[~anomalous]) + 0.5 * (score[anomalous][:, None] == score[~anomalous])
           for score in scores]  # fmt: skip
    mean = np.mean(won, axis=0)
    return 100**2 * sum(mean.mean(1 - axis).var(ddof=1) / mean.shape[axis] for axis in (0, 1))


@pytest.mark.parametrize("levels", [0, 3], ids=["no ties", "many ties"])
def test_the_variance_over_images_is_that_of_all_pairs_and_the_bootstraps(levels):
    anomalous, scores = of_seeds(random := np.random.default_rng(0), levels)
    for some in (scores[:1], scores):
        assert statistics.variance_over_images(anomalous, some) == pytest.approx(by_pairs(anomalous, some))
    kinds = [np.flatnonzero(~anomalous), np.flatnonzero(anomalous)]
    drawn = [np.concatenate([random.choice(kind, len(kind)) for kind in kinds]) for _ in range(200)]
    means = [100 * np.mean([roc_auc_score(anomalous[rows], score[rows]) for score in scores]) for rows in drawn]
    assert statistics.variance_over_images(anomalous, scores) ** 0.5 == pytest.approx(np.std(means), rel=0.15)


def test_the_interval_is_welch_and_satterthwaites():
    anomalous, scores = of_seeds(np.random.default_rng(0))
    scores[0] = scores[0] + 0.7 * anomalous
    images = by_pairs(anomalous, scores)
    aurocs = [100 * roc_auc_score(anomalous, score) for score in scores]
    seeds = np.var(aurocs, ddof=1) / 3
    freedom = (images + seeds) ** 2 / (seeds**2 / 2)  # of the images' variance it is taken as without end
    half = stats.t.ppf(0.975, freedom) * (images + seeds) ** 0.5
    low, high = statistics.cell_interval(anomalous, scores)
    assert (low, high) == pytest.approx((np.mean(aurocs) - half, np.mean(aurocs) + half))
    one = statistics.cell_interval(anomalous, scores[:1])
    half = norm.ppf(0.975) * by_pairs(anomalous, scores[:1]) ** 0.5
    assert one == pytest.approx((aurocs[0] - half, aurocs[0] + half))


@pytest.mark.parametrize("spread", [None, 0.4], ids=["one seed", "three seeds that disagree"])
def test_the_interval_holds_the_true_auroc_in_about_95_of_100_samples(spread):
    random, held, truth = np.random.default_rng(1), [], TRUE
    if spread:  # trainings whose true AUROCs scatter: the interval is for the mean of all that there might be
        truth = np.mean(100 * norm.cdf(random.normal(SEPARATION, spread, 20_000) / 2**0.5))
    for _ in range(250):
        separations = random.normal(SEPARATION, spread, 3) if spread else [SEPARATION]
        low, high = statistics.cell_interval(ANOMALOUS, [sample(random, s) for s in separations])
        held.append(low <= truth <= high)
    assert 0.91 <= np.mean(held) <= 0.99


def test_the_interval_stays_within_0_and_100_and_equal_scores_have_no_variance():
    low, high = statistics.cell_interval(ANOMALOUS, [ANOMALOUS + 0.0, 1.0 - ANOMALOUS])
    assert (low, high) == (0, 100)
    assert statistics.variance_over_images(ANOMALOUS, [np.full(len(ANOMALOUS), 3.0)]) == 0


@pytest.mark.parametrize("alone", [True, False], ids=["one anomalous", "one normal"])
def test_one_image_of_a_kind_gives_no_interval_and_no_verdict(alone):
    flags = np.arange(20) == 0
    with np.errstate(invalid="ignore", divide="ignore"), pytest.warns(RuntimeWarning):
        low, high = statistics.cell_interval(flags if alone else ~flags, [np.linspace(0, 1, 20)] * 3)
    assert np.isnan([low, high]).all() and statistics.verdict(50, low, high, 3, 3) == "incomplete"


def test_a_mean_has_students_interval_from_three_values_on():
    values = [1.0, 2.0, 6.0]
    assert statistics.mean_interval(values) == pytest.approx((3, *stats.ttest_1samp(values, 0).confidence_interval()))
    for few in ([4.0], [4.0, 6.0]):
        mean, *ends = statistics.mean_interval(few)
        assert mean == np.mean(few) and np.isnan(ends).all()


def test_the_pooled_deviation_is_about_each_groups_own_mean():
    groups = [[1.0, 3.0], [10.0, 11.0, 15.0], [7.0]]
    sd, low, high = statistics.pooled_deviation(groups)
    assert sd == pytest.approx(((2 + 14) / 3) ** 0.5)  # squares 1 + 1 and 4 + 1 + 9, freedom 1 + 2 + 0
    assert (low, high) == pytest.approx([(16 / stats.chi2.ppf(level, 3)) ** 0.5 for level in (0.975, 0.025)])
    sd, *ends = statistics.pooled_deviation([[1.0, 3.0]])
    assert sd == pytest.approx(2**0.5) and np.isnan(ends).all(), "with one degree of freedom there is no interval"
    assert np.isnan(statistics.pooled_deviation([[1.0], [2.0]])).all()


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(-T, T, "reproduced"), (T, T, "reproduced"), (-T, -T, "reproduced"), (0, T + 0.01, "undecided"),
     (-T - 0.01, 0, "undecided"), (-2 * T, 2 * T, "undecided"), (T, 3 * T, "undecided"), (-3 * T, -T, "undecided"),
     (T + 0.01, 3 * T, "not reproduced"), (-3 * T, -T - 0.01, "not reproduced")],
)  # fmt: skip
def test_a_verdict_says_where_the_interval_lies_once_all_seeds_are_run(low, high, expected):
    paper = 64.0  # sums with the tolerance are exact
    for seeds, of_seeds, said in ((3, 3, expected), (1, 1, expected), (4, 3, expected), (2, 3, "incomplete")):
        assert statistics.verdict(paper, paper + low, paper + high, seeds, of_seeds) == said


def test_holm_by_hand_and_by_stepping_down():
    # in order: 4 x 0.005, 3 x 0.01, 2 x 0.03, and 1 x 0.04, which may not be less than the one before
    assert statistics.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert statistics.holm([0.6, 0.9]) == pytest.approx([1, 1]) and len(statistics.holm([])) == 0
    p = np.round(np.random.default_rng(0).random(12) ** 4, 3)  # small values, some of them tied
    for level in np.linspace(0.0005, 0.9995, 200):
        rejected = np.zeros(12, bool)
        for step, place in enumerate(np.argsort(p, kind="stable")):
            if p[place] * (12 - step) > level:
                break
            rejected[place] = True
        assert ((statistics.holm(p) <= level) == rejected).all()


def test_the_paired_comparison_is_scipys_signed_rank_test():
    random = np.random.default_rng(0)
    first = random.normal(85, 5, 25)
    second = first + random.normal(1, 2, 25)
    p = statistics.paired(list(first), list(second))
    assert p == pytest.approx(stats.wilcoxon(first - second).pvalue) == pytest.approx(statistics.paired(second, first))
    ten = np.linspace(70, 90, 10)
    assert statistics.paired(ten + np.linspace(1, 2, 10), ten) == pytest.approx(2 / 1024), "all ten are better"
