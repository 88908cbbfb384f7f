from finished_workflows import finished


def test_a_score_of_which_more_is_better_stands_beside_the_baselines():
    assert finished(task="binary", metric="accuracy").headline == (
        "lightgbm (trial-000): test_accuracy 0.6, beside 0.9 of the baseline"
    )


def test_metrics_in_the_targets_unit_are_shown_with_it():
    assert "test_rmse 0.6 minutes," in finished(unit="minutes").headline
