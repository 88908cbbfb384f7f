import math

import numpy as np
import pytest
from scipy import stats

from workflow.data.row_clusters import LEAST_CLUSTERS, RowClusters
from workflow.evaluation.comparison import (
    MOST_CLUSTERS,
    Comparison,
    Judged,
    compare,
    compare_samples,
    compare_with_baseline,
)
from workflow.models.metrics import METRICS

RMSE, MAE = METRICS["regression"]["rmse"], METRICS["regression"]["mae"]
LEVEL = 0.01


def alone(rows: int) -> RowClusters:
    return RowClusters(np.arange(rows), "rows")


def compared(
    candidate: Judged, reference: Judged, metric=MAE, clusters: RowClusters | None = None, seed=0
) -> Comparison:
    return compare(
        metric,
        candidate,
        reference,
        clusters=clusters or alone(len(candidate[0])),
        seed=seed,
        against="the baseline",
    )


def with_losses(better_by: np.ndarray) -> tuple[Judged, Judged]:
    """Return a candidate and a reference whose absolute errors differ by so much, row by row."""
    y = np.zeros(len(better_by))
    return (y, 10 - better_by), (y, y + 10)


def test_an_improvement_is_positive_whichever_way_a_metric_counts():
    y = np.arange(30.0)
    near, far = (y, y + 1), (y, y + 2)
    by_mae = compared(near, far)
    assert (by_mae.score, by_mae.reference) == (1, 2)
    assert (by_mae.improvement.value, by_mae.relative.value) == (1, 0.5)
    by_r2 = compared(near, far, METRICS["regression"]["r2"])
    assert by_r2.improvement.value == pytest.approx(3 / y.var())
    assert by_r2.relative.value == pytest.approx(3 / 4)  # of what the reference lacks to 1
    assert compared(far, near).improvement.value == -1


def test_bounds_agree_with_the_paired_t_test_where_that_holds():
    gained = np.random.default_rng(1).normal(0.1, 1, 400)
    found = compared(*with_losses(gained)).improvement
    assert found.value == pytest.approx(gained.mean())
    assert found.error == pytest.approx(stats.sem(gained))
    for level in (0.01, 0.05):
        bound = gained.mean() + stats.t.ppf(level, 399) * stats.sem(gained)
        assert found.lower_bound(level) == pytest.approx(bound, abs=0.2 * stats.sem(gained))
    low, high = found.interval(0.95)
    assert low < gained.mean() < high
    assert low == found.lower_bound(0.025)
    p = stats.ttest_1samp(gained, 0, alternative="greater").pvalue
    assert found.p_value == pytest.approx(p, abs=0.01)


@pytest.mark.parametrize("seed", range(30))
def test_the_p_value_is_below_a_level_where_the_bound_is_above_zero(seed):
    rng = np.random.default_rng(seed)
    rows = int(rng.integers(20, 200))
    gained = rng.standard_t(2, rows) + rng.uniform(0, 2)
    found = compared(*with_losses(gained)).improvement
    for level in (0.002, 0.01, 0.05, 0.2):
        assert (found.p_value < level) == (found.lower_bound(level) > 0)


def test_the_root_of_squared_errors_is_compared_as_a_root():
    rng = np.random.default_rng(0)
    y = rng.normal(size=500)
    found = compared((y, 0.2 * y), (y, 0 * y), RMSE)
    assert found.reference == pytest.approx(np.sqrt((y**2).mean()))
    assert found.relative.value == pytest.approx(0.2)
    assert found.relative.interval(0.95) == pytest.approx((0.2, 0.2))


def test_rows_of_one_cluster_count_as_one():
    rng = np.random.default_rng(2)
    gained = np.repeat(rng.normal(0.25, 1, 40), 25)
    candidate, reference = with_losses(gained)
    clusters = RowClusters(np.repeat(np.arange(40), 25), "days")
    clustered = compared(candidate, reference, clusters=clusters).improvement
    assert clustered.error == pytest.approx(stats.sem(gained[::25]))
    assert compared(candidate, reference).improvement.error < clustered.error / 4


def test_clusters_are_merged_at_random_where_there_are_very_many():
    gained = np.repeat(np.random.default_rng(3).normal(size=3_000), 2)
    candidate, reference = with_losses(gained)
    clusters = RowClusters(np.repeat(np.arange(3_000), 2), "days")
    found = compared(candidate, reference, clusters=clusters)
    assert found.improvement.clusters == MOST_CLUSTERS
    assert found.clusters.count == 3_000
    assert found.improvement.error == pytest.approx(stats.sem(gained[::2]), rel=0.1)


def test_the_seed_decides_the_resamples():
    pair = with_losses(np.random.default_rng(4).normal(size=100))
    one, same, other = (compared(*pair, seed=seed).improvement for seed in (1, 1, 2))
    assert one.lower_bound(LEVEL) == same.lower_bound(LEVEL)
    assert one.lower_bound(LEVEL) != other.lower_bound(LEVEL)


def test_a_model_that_predicts_like_the_other_is_no_better():
    found = compared(*with_losses(np.zeros(200)))
    assert found.improvement.value == found.improvement.lower_bound(LEVEL) == 0
    assert found.improvement.p_value == 1
    assert found.rows_to_tell(LEVEL) is None


def test_a_reference_without_loss_cannot_be_improved():
    y = np.arange(40.0)
    found = compared((y, y + 1), (y, y))
    assert found.improvement.value == -1
    assert found.relative.value == 0
    assert math.isfinite(found.relative.lower_bound(LEVEL))


@pytest.mark.parametrize("rows", [1, 2, LEAST_CLUSTERS - 1])
def test_of_too_few_clusters_nothing_is_told(rows):
    found = compared(*with_losses(np.linspace(1, 2, rows))).improvement
    assert found.lower_bound(LEVEL) == -math.inf
    assert found.interval(0.95) == (-math.inf, math.inf)
    assert found.p_value == 1


def test_a_single_row_that_decides_everything_shows_nothing():
    gained = np.full(200, 0.001)
    gained[7] = 1_000
    assert compared(*with_losses(gained)).improvement.p_value > 0.1


def test_a_few_large_errors_do_not_hide_what_all_rows_show():
    rng = np.random.default_rng(5)
    y = rng.lognormal(0, 2, 20_000)  # five of its rows hold a third of all squares
    found = compared((y, 0.5 * y), (y, 0 * y), RMSE).improvement
    assert found.p_value < 0.001


def test_so_many_rows_as_are_said_to_be_needed_do_tell():
    rng, shift = np.random.default_rng(6), 0.1
    needed = int(((stats.norm.ppf(0.99) + stats.norm.ppf(0.8)) / shift) ** 2)
    found = compared(*with_losses(rng.normal(shift, 1, 4_000))).rows_to_tell(LEVEL)
    assert found == pytest.approx(needed, rel=0.5)
    told = [compared(*with_losses(rng.normal(shift, 1, needed))).improvement for _ in range(20)]
    assert 12 <= sum(one.lower_bound(LEVEL) > 0 for one in told) <= 20


def test_seventy_thousand_trips_are_compared_by_day_as_by_row():
    rng = np.random.default_rng(7)
    y = rng.lognormal(2.5, 0.6, 70_000)
    candidate, reference = (y, y + rng.normal(0, 4, len(y))), (y, np.full(len(y), y.mean()))
    days = RowClusters(np.arange(len(y)) * 31 // len(y), "days")
    by_day, by_row = (
        compared(candidate, reference, RMSE, clusters).relative
        for clusters in (days, alone(len(y)))
    )
    assert by_day.value == pytest.approx(by_row.value)
    assert by_day.lower_bound(0.05) == pytest.approx(by_row.lower_bound(0.05), abs=0.01)


def noise(task: str, rows: int, rng: np.random.Generator) -> tuple[Judged, Judged]:
    """Return what a model that knows nothing predicts, and the baseline."""
    if task == "regression":
        y = rng.lognormal(size=rows)
        return (y, y.mean() + 0.03 * rng.normal(size=rows)), (y, np.full(rows, y.mean()))
    classes = 2 if task == "binary" else 4
    shares = np.array([0.7, 0.3]) if classes == 2 else np.array([0.4, 0.3, 0.2, 0.1])
    y = rng.choice(classes, rows, p=shares)
    odds = shares * np.exp(0.5 * rng.normal(size=(rows, classes)))
    odds /= odds.sum(axis=1, keepdims=True)
    return (y, odds), (y, np.tile(shares, (rows, 1)))


@pytest.mark.parametrize(
    ("task", "name"),
    [(task, name) for task, known in METRICS.items() for name in known if name != "mape"],
)
def test_noise_beats_the_baseline_as_often_as_chance_has_it(task, name):
    rng = np.random.default_rng(8)
    passed = 0
    for _ in range(60):
        candidate, baseline = noise(task, 60, rng)
        found = compare_with_baseline(
            METRICS[task][name], candidate, baseline, clusters=alone(60), seed=0
        )
        passed += found.improvement.lower_bound(LEVEL) > 0
    assert passed <= 3  # of 60 at 1 %, more than 3 come in 1 of 300


@pytest.mark.parametrize("task", ["binary", "multiclass"])
def test_by_f1_a_model_has_to_beat_guessing(task):
    rng = np.random.default_rng(9)
    (y, odds), baseline = noise(task, 2_000, rng)
    guesses = np.eye(odds.shape[1])[rng.permutation(y)] * 0.9 + 0.05
    metric, clusters = METRICS[task]["f1"], alone(2_000)
    against_constant = compared((y, guesses), baseline, metric, clusters)
    assert against_constant.improvement.lower_bound(LEVEL) > 0
    found = compare_with_baseline(metric, (y, guesses), baseline, clusters=clusters, seed=0)
    assert found.against == "the same answers dealt out at random"
    assert found.improvement.lower_bound(LEVEL) <= 0
    known = compare_with_baseline(
        metric, (y, odds + np.eye(odds.shape[1])[y]), baseline, clusters=clusters, seed=0
    )
    assert known.improvement.lower_bound(LEVEL) > 0


def test_two_samples_differ_as_welchs_t_test_says():
    rng = np.random.default_rng(8)
    new, known = 1.1 + rng.normal(0, 0.2, 300), 1 + rng.normal(0, 0.3, 500)
    judged = [(np.zeros(len(errors)), errors) for errors in (np.abs(new), np.abs(known))]
    score, worse = compare_samples(MAE, *judged, clusters=(alone(300), alone(500)), seed=1)
    means = [np.abs(one).mean() for one in (new, known)]
    assert score.value == pytest.approx(means[0])
    assert worse.value == pytest.approx(means[0] / means[1] - 1)
    # The error of a ratio, by the delta method.
    errors = [stats.sem(np.abs(one)) / mean for one, mean in zip((new, known), means, strict=True)]
    assert worse.error == pytest.approx(math.hypot(*errors) * means[0] / means[1], rel=0.02)
    low, high = worse.interval(0.95)
    assert (high - low) / worse.error == pytest.approx(2 * 1.96, rel=0.06)


def test_of_two_samples_greater_may_be_better_and_few_rows_tell_nothing():
    rng = np.random.default_rng(9)
    y = rng.normal(size=400)
    good, bad = (y, y + rng.normal(0, 0.3, 400)), (y, y + rng.normal(0, 0.6, 400))
    r2 = METRICS["regression"]["r2"]
    score, worse = compare_samples(r2, bad, good, clusters=(alone(400), alone(400)), seed=1)
    assert score.value < 0.75
    assert worse.value > 1  # of what the reference lacks to 1
    assert worse.lower_bound(0.05) > 1
    few = tuple(one[:10] for one in bad)
    _, worse = compare_samples(MAE, few, good, clusters=(alone(10), alone(400)), seed=1)
    assert worse.lower_bound(0.05) == -math.inf
