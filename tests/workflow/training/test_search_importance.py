import numpy as np
import pandas as pd
import pytest

from workflow.training.search_importance import FEWEST, importance


def trials(count: int, family: str = "lightgbm") -> pd.DataFrame:
    random = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "family": family,
            "rate": 10 ** random.uniform(-3, 0, count),
            "depth": random.integers(2, 12, count),
            "how": random.choice(["a", "b"], count),
            "fixed": 1,
        }
    )


HYPERPARAMETERS = ["rate", "depth", "how", "fixed"]


def test_the_hyperparameter_that_decides_the_loss_comes_first():
    table = trials(60)
    found = importance(table, HYPERPARAMETERS, np.log(table["rate"]) ** 2)
    assert found["hyperparameter"].iloc[0] == "rate"
    assert found["importance"].iloc[0] > 0.8


def test_a_choice_among_words_can_be_the_one_that_matters():
    table = trials(60)
    found = importance(table, HYPERPARAMETERS, (table["how"] == "b") + 0.01 * table["rate"])
    assert found["hyperparameter"].iloc[0] == "how"


def test_one_trial_that_went_wrong_does_not_decide():
    table = trials(60)
    loss = table["depth"].astype(float)
    loss[0] = 1e12
    assert importance(table, HYPERPARAMETERS, loss)["hyperparameter"].iloc[0] == "depth"


def test_shares_are_of_a_family_and_sum_to_one():
    table = pd.concat([trials(30), trials(30, "xgboost").assign(how=None)], ignore_index=True)
    found = importance(table, HYPERPARAMETERS, table["rate"])
    assert found.groupby("family")["importance"].sum().tolist() == pytest.approx([1, 1])
    assert set(found[found["family"] == "xgboost"]["hyperparameter"]) == {"rate", "depth"}


def test_few_trials_and_single_values_are_left_out():
    few = trials(FEWEST - 1)
    assert importance(few, HYPERPARAMETERS, few["rate"]).empty
    enough = trials(FEWEST)
    assert "fixed" not in set(importance(enough, HYPERPARAMETERS, enough["rate"])["hyperparameter"])
    same = enough.assign(rate=1.0, depth=3, how="a")
    found = importance(same, HYPERPARAMETERS, pd.Series(range(len(same))))
    assert found.empty
    assert list(found) == ["family", "hyperparameter", "importance"]


def test_missing_values_are_a_value_of_their_own():
    table = trials(40)
    table["depth"] = table["depth"].astype(object).where(table["how"] == "a")
    found = importance(table, HYPERPARAMETERS, table["rate"])
    assert np.isfinite(found["importance"]).all()
