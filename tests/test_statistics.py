"""Intervals against fresh samples, comparisons against scipy and by hand, and the rule of the verdicts."""

import ast
import inspect

import numpy as np
import pytest
from companion.analysis import statistics
from scipy import stats
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from adcgan.scoring import aurocs

NORMAL, OTHER = 150, 300  # images in the tests' samples
SEPARATION = 1.2
ANOMALOUS = np.arange(NORMAL + OTHER) >= NORMAL
TRUE = 100 * stats.norm.cdf(SEPARATION / np.sqrt(2))


def sample(random, *rows):
    """Scores of normal and anomalous images, both Gaussian: the AUROC to find is `TRUE`."""
    return random.standard_normal((*rows, NORMAL + OTHER)) + SEPARATION * ANOMALOUS


def bootstrap(anomalous, scores, resamples=300):
    """The mean AUROC over seeds with normal and anomalous images drawn again, with replacement: points."""
    random = np.random.default_rng(0)
    kinds = [np.flatnonzero(~anomalous), np.flatnonzero(anomalous)]
    rows = [np.concatenate([random.choice(kind, len(kind)) for kind in kinds]) for _ in range(resamples)]
    return np.array([100 * np.mean([roc_auc_score(anomalous[some], score[some]) for score in scores]) for some in rows])


@pytest.mark.parametrize("levels", [0, 3], ids=["no ties", "many ties"])
@pytest.mark.parametrize("seeds", [1, 3])
def test_the_variance_over_images_is_the_bootstraps(levels, seeds):
    random = np.random.default_rng(0)
    mixed = random.permutation(ANOMALOUS)
    common = random.standard_normal(len(mixed))
    scores = [common + 0.5 * random.standard_normal(len(mixed)) + SEPARATION * mixed for _ in range(seeds)]
    scores = [np.clip(np.round(score), 0, levels - 1) for score in scores] if levels else scores
    found = statistics.variance_over_images(mixed, scores)
    assert found**0.5 == pytest.approx(bootstrap(mixed, scores).std(), rel=0.15)


def test_a_ratios_interval_holds_the_ratio_as_often_as_it_says():
    random = np.random.default_rng(0)
    truth, inside, tries = 0.4, 0, 2000
    for _ in range(tries):
        gaps = 30 + 6 * random.standard_normal(5)
        gains = truth * gaps + 3 * random.standard_normal(5)
        ratio, low, high = statistics.ratio_interval(gains, gaps)
        assert low < ratio < high and ratio == pytest.approx(gains.mean() / gaps.mean())
        inside += low <= truth <= high
    assert inside / tries == pytest.approx(0.95, abs=0.015)


def test_a_ratios_interval_has_students_test_at_its_ends():
    gains, gaps = np.array([3.0, 7, 4, 9]), np.array([20.0, 31, 25, 28])
    for end in statistics.ratio_interval(gains, gaps)[1:]:
        assert stats.ttest_1samp(gains - end * gaps, 0).pvalue == pytest.approx(0.05)


@pytest.mark.parametrize("gaps", [[20.0, 30.0], [-20.0, 30.0, 5.0, -3.0]], ids=["two cells", "no distance"])
def test_a_ratio_without_an_interval_has_none(gaps):
    assert np.isnan(statistics.ratio_interval(np.arange(len(gaps)), gaps)[1:]).all()


def test_scores_that_are_all_equal_have_no_variance_and_any_monotone_change_leaves_it():
    assert statistics.variance_over_images(ANOMALOUS, [np.full(len(ANOMALOUS), 3.0)]) == 0
    scores = sample(np.random.default_rng(0))
    changed = statistics.variance_over_images(ANOMALOUS, [np.exp(scores)])
    assert changed == pytest.approx(statistics.variance_over_images(ANOMALOUS, [scores]))


def test_the_variance_over_images_is_that_of_fresh_samples():
    random = np.random.default_rng(0)
    expected = 100 * aurocs(ANOMALOUS, sample(random, 4000)).std()
    spreads = [statistics.variance_over_images(ANOMALOUS, [sample(random)]) ** 0.5 for _ in range(8)]
    assert np.mean(spreads) == pytest.approx(expected, rel=0.08)
    assert np.mean(spreads) == pytest.approx(hanley_mcneil(TRUE / 100), rel=0.12)


def hanley_mcneil(area):
    """Standard error of an AUROC in points (Hanley and McNeil, 1982); their formula supposes exponential scores."""
    two_anomalous, two_normal = area / (2 - area), 2 * area**2 / (1 + area)
    variance = area * (1 - area) + (OTHER - 1) * (two_anomalous - area**2) + (NORMAL - 1) * (two_normal - area**2)
    return 100 * np.sqrt(variance / (NORMAL * OTHER))


def test_the_interval_holds_the_true_auroc_in_about_95_of_100_samples():
    random = np.random.default_rng(0)
    held = []
    for _ in range(300):
        low, high = statistics.cell_interval(ANOMALOUS, [sample(random)])
        held.append(low <= TRUE <= high)
    assert 0.91 <= np.mean(held) <= 0.985


@pytest.mark.parametrize("spread", [0.0, 0.1, 0.4])
def test_the_interval_over_three_seeds_holds_their_mean_in_about_95_of_100_however_they_disagree(spread):
    """Seeds are trainings whose true AUROCs scatter; the interval is for the mean of all trainings there might be."""
    random, held = np.random.default_rng(1), []
    truth = np.mean([100 * norm.cdf(random.normal(SEPARATION, spread) / 2**0.5) for _ in range(20_000)])
    for _ in range(150):
        noise = random.standard_normal(len(ANOMALOUS))
        scores = [noise + random.normal(SEPARATION, spread) * ANOMALOUS for _ in range(3)]
        low, high = statistics.cell_interval(ANOMALOUS, scores)
        held.append(low <= truth <= high)
    assert 0.9 <= np.mean(held) <= 1


def test_seeds_that_disagree_widen_the_interval():
    random = np.random.default_rng(0)
    noise = random.standard_normal(len(ANOMALOUS))
    alike = [noise + SEPARATION * ANOMALOUS] * 3
    apart = [noise + separation * ANOMALOUS for separation in (0.7, 1.2, 1.9)]
    one, same, different = (
        np.diff(statistics.cell_interval(ANOMALOUS, scores))[0] for scores in (alike[:1], alike, apart)
    )
    assert same == pytest.approx(one, rel=0.1)
    assert different > 1.3 * same


@pytest.mark.parametrize("values", [[4.0], [4.0, 6.0]])
def test_below_three_cells_there_is_a_mean_and_no_interval(values):
    mean, low, high = statistics.mean_interval(values)
    assert mean == np.mean(values) and np.isnan(low) and np.isnan(high)


def test_from_three_cells_on_the_interval_holds_the_mean_and_is_the_same_every_time():
    values = np.array([1.0, 2.0, 6.0])
    mean, low, high = statistics.mean_interval(values)
    assert mean == pytest.approx(3) and mean - low == pytest.approx(high - mean)
    assert high - mean == pytest.approx(4.3027 * np.std(values, ddof=1) / 3**0.5, rel=1e-3)
    assert statistics.mean_interval(values) == (mean, low, high)


def test_the_interval_over_many_cells_is_two_standard_errors_either_side():
    values = np.random.default_rng(0).normal(5, 3, 60)
    mean, low, high = statistics.mean_interval(values)
    error = values.std() / np.sqrt(len(values))
    assert mean == pytest.approx(values.mean())
    assert (mean - low, high - mean) == pytest.approx((1.96 * error, 1.96 * error), rel=0.15)


def test_the_tolerance_is_a_positive_constant():
    assert isinstance(statistics.TOLERANCE, float) and statistics.TOLERANCE > 0
    tree = ast.parse(inspect.getsource(statistics))
    written = [node for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id == "TOLERANCE"]
    (stored,) = [node for node in written if isinstance(node.ctx, ast.Store)]
    (value,) = [node.value for node in tree.body if isinstance(node, ast.Assign) and stored in node.targets]
    assert isinstance(value, ast.Constant)


T = statistics.TOLERANCE


@pytest.mark.parametrize(
    "low, high, expected",
    [
        (-T / 2, T / 2, "reproduced"),
        (-T, T, "reproduced"),
        (T, T, "reproduced"),
        (-T, -T, "reproduced"),
        (0, T + 0.01, "undecided"),
        (-T - 0.01, 0, "undecided"),
        (-2 * T, 2 * T, "undecided"),
        (T, 3 * T, "undecided"),
        (-3 * T, -T, "undecided"),
        (T + 0.01, 3 * T, "not reproduced"),
        (-3 * T, -T - 0.01, "not reproduced"),
    ],
)
def test_a_verdict_says_where_the_interval_lies(low, high, expected):
    paper = 64.0  # sums with the tolerance are exact
    assert statistics.verdict(paper, paper + low, paper + high, 3, 3) == expected
    assert statistics.verdict(paper, paper + low, paper + high, 1, 1) == expected


def test_a_point_of_deviation_over_seeds_reaches_as_far_as_the_interval_does():
    """Three seeds whose AUROCs are a point apart, on so many images that these hardly count."""
    rng, images = np.random.default_rng(0), 200_000
    anomalous = np.arange(images) % 2 == 1
    scores = [rng.standard_normal(images) + shift * anomalous for shift in (1.0, 1.1, 1.2)]
    sd = np.std([100 * roc_auc_score(anomalous, score) for score in scores], ddof=1)
    low, high = statistics.cell_interval(anomalous, scores)
    assert (high - low) / 2 == pytest.approx(statistics.half_width(3) * sd, rel=0.02)


@pytest.mark.parametrize("at", [0, 50])
def test_a_missing_seed_leaves_the_verdict_open_wherever_the_interval_lies(at):
    assert statistics.verdict(90, 90 - at, 90 - at, 2, 3) == "incomplete"
    assert statistics.verdict(90, 90 - at, 90 - at, 3, 3) != "incomplete"
    assert statistics.verdict(90, 90 - at, 90 - at, 4, 3) != "incomplete"


def test_a_narrower_interval_keeps_a_verdict_that_was_decided():
    random = np.random.default_rng(0)
    seen = set()
    for _ in range(2000):
        low, inner, outer, high = np.sort(random.uniform(-3 * T, 3 * T, 4))
        wide = statistics.verdict(90, 90 + low, 90 + high, 3, 3)
        narrow = statistics.verdict(90, 90 + inner, 90 + outer, 3, 3)
        assert wide in ("undecided", narrow)
        seen.add((wide, narrow))
    assert len(seen) == 5


def test_an_interval_further_from_the_figure_is_never_nearer_to_reproduced():
    order = ["reproduced", "undecided", "not reproduced"]
    for half in (0, T / 3, T, 1.5 * T):
        for side in (-1, 1):
            places = [
                order.index(statistics.verdict(80, 80 + side * shift - half, 80 + side * shift + half, 3, 3))
                for shift in np.linspace(0, 4 * T, 50)
            ]
            assert places == sorted(places) and places[-1] == 2


def test_holm_on_an_example_by_hand():
    # in order: 4 x 0.005, 3 x 0.01, 2 x 0.03, and 1 x 0.04, which may not be less than the one before
    assert statistics.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert statistics.holm([0.7, 0.4]) == pytest.approx([0.8, 0.8])
    assert statistics.holm([0.6, 0.9]) == pytest.approx([1, 1])
    assert statistics.holm([0.2]) == pytest.approx([0.2]) and len(statistics.holm([])) == 0


def test_holm_rejects_what_stepping_down_rejects():
    random = np.random.default_rng(0)
    for count in (1, 2, 5, 12):
        p = np.round(random.random(count) ** 4, 3)  # small values, some of them tied
        corrected = statistics.holm(p)
        for level in np.linspace(0.0005, 0.9995, 400):
            rejected = np.zeros(count, bool)
            for step, place in enumerate(sorted(range(count), key=lambda n: p[n])):
                if p[place] * (count - step) > level:
                    break
                rejected[place] = True
            assert ((corrected <= level) == rejected).all()
        assert (corrected >= p).all() and (corrected <= 1).all()


def test_the_paired_comparison_is_scipys_signed_rank_test():
    random = np.random.default_rng(0)
    for count in (8, 10, 25):
        first = random.normal(85, 5, count)
        second = first + random.normal(1, 2, count)
        p = statistics.paired(list(first), list(second))
        assert p == pytest.approx(stats.wilcoxon(first - second).pvalue)
        assert p == pytest.approx(statistics.paired(second, first))


def test_ten_classes_that_are_all_better_give_two_in_1024():
    first = np.linspace(70, 90, 10)
    assert statistics.paired(first + np.linspace(1, 2, 10), first) == pytest.approx(2 / 1024)


@pytest.mark.parametrize("alone", [True, False], ids=["one anomalous", "one normal"])
def test_one_image_of_a_kind_gives_no_interval_and_no_verdict(alone):
    flags = np.arange(20) == 0
    with np.errstate(invalid="ignore", divide="ignore"), pytest.warns(RuntimeWarning):
        low, high = statistics.cell_interval(flags if alone else ~flags, [np.linspace(0, 1, 20)] * 3)
    assert np.isnan([low, high]).all() and statistics.verdict(50, low, high, 3, 3) == "incomplete"
