import numpy as np
import pandas as pd

from workflow.monitoring import domain_classifier


def frame(rows, seed, **changes):
    rng = np.random.default_rng(seed)
    fares, zones = rng.gamma(3, 5, rows), rng.choice(["a", "b", "c"], rows)
    return pd.DataFrame({"fare": fares, "zone": zones, "rate": 1.2 * fares}).assign(**changes)


def judged(reference, new):
    domain = domain_classifier.classify(reference, new, seed=1)
    return domain_classifier.finding(domain, {"training": len(reference), "new": len(new)})


def test_rows_of_one_kind_are_not_told_apart():
    assert judged(frame(2_000, 1), frame(1_000, 2)).level == "ok"


def test_columns_that_only_together_give_new_rows_away_are_named():
    broken = frame(1_000, 2)
    broken["rate"] = broken["rate"].sample(frac=1, random_state=0).to_numpy()
    found = judged(frame(2_000, 1), broken)
    assert found.level == "alert"
    assert "by 'rate', 'fare'" in found.message or "by 'fare', 'rate'" in found.message
    assert found.value > 0.8


def test_few_rows_give_no_alert_by_chance():
    found = [judged(frame(60, seed), frame(60, seed + 100)).level for seed in range(20)]
    assert found.count("alert") <= 1


def test_too_few_rows_are_not_judged():
    assert domain_classifier.classify(frame(500, 1), frame(49, 2), seed=1) is None
    assert domain_classifier.classify(pd.DataFrame(index=range(99)), pd.DataFrame(), 1) is None
