import time
from typing import Any

import numpy as np
import pytest
from hyperopt import STATUS_OK, fmin, hp, tpe
from hyperopt.pyll import scope

from workflow.models import BASELINE, FAMILIES, Choice, Family, Real, Whole
from workflow.search import search

FOREST = FAMILIES["random_forest"]


def peculiar(values: dict[str, Any]) -> float:
    """A loss with a valley, of whatever numbers there are."""
    return sum(float(np.log1p(abs(value - 7))) for value in values.values())


def suggestions(*families: Family, seed: int = 42, max_evals: int = 25) -> list[tuple]:
    seen = []

    def objective(family: Family, values: dict[str, Any]) -> float:
        seen.append((family.name, values))
        return peculiar(values)

    search(objective, list(families), max_evals=max_evals, timeout=None, seed=seed)
    return seen


def test_there_are_as_many_trials_as_asked_for():
    assert len(suggestions(FOREST, max_evals=7)) == 7


def test_the_same_seed_gives_the_same_suggestions():
    assert suggestions(FOREST) == suggestions(FOREST)


def test_another_seed_gives_other_suggestions():
    assert suggestions(FOREST, seed=1, max_evals=5) != suggestions(FOREST, seed=2, max_evals=5)


def test_the_forests_suggestions_are_those_of_plain_hyperopt():
    seen = []

    def objective(values: dict[str, Any]) -> dict[str, Any]:
        seen.append(values)
        return {"loss": peculiar(values), "status": STATUS_OK}

    fmin(
        objective,
        {
            "max_depth": scope.int(hp.quniform("max_depth", 1, 20, 1)),
            "n_estimators": scope.int(hp.quniform("n_estimators", 10, 50, 1)),
            "min_samples_split": scope.int(hp.quniform("min_samples_split", 2, 10, 1)),
            "min_samples_leaf": scope.int(hp.quniform("min_samples_leaf", 1, 4, 1)),
        },
        algo=tpe.suggest,
        max_evals=25,
        rstate=np.random.default_rng(42),
        show_progressbar=False,
        verbose=False,
    )
    # 25 are five more than hyperopt draws at random before it learns.
    assert [values for _, values in suggestions(FOREST)] == seen


def test_several_families_are_searched_at_once_each_with_its_own_hyperparameters():
    seen = suggestions(FAMILIES["linear"], FOREST, FAMILIES["xgboost"], max_evals=30)
    assert {name for name, _ in seen} == {"linear", "random_forest", "xgboost"}
    for name, values in seen:
        assert list(values) == list(FAMILIES[name].space) or set(values) == set(
            FAMILIES[name].space
        )


@pytest.mark.parametrize("family", FAMILIES.values(), ids=list(FAMILIES))
def test_every_suggestion_lies_in_its_space(family):
    for _, values in suggestions(family, max_evals=25):
        for name, domain in family.space.items():
            match domain:
                case Choice(options):
                    assert values[name] in options
                case Whole(low, high):
                    assert type(values[name]) is int
                    assert low <= values[name] <= high
                case Real(low, high):
                    assert isinstance(values[name], float)
                    assert low <= values[name] <= high


SPACE = {
    "whole": Whole(1, 3),
    "whole_log": Whole(1, 8, log=True),
    "real": Real(-1.0, 1.0),
    "real_log": Real(0.001, 1000.0, log=True),
    "choice": Choice((1, 2.5)),
}
TOY = Family(name="toy", classes=BASELINE.classes, encoding=BASELINE.encoding, space=SPACE)


def test_a_space_is_searched_from_end_to_end():
    seen = [values for _, values in suggestions(TOY, max_evals=60)]
    assert {values["whole"] for values in seen} == {1, 2, 3}
    assert {values["choice"] for values in seen} == {1, 2.5}
    assert {1, 8} <= {values["whole_log"] for values in seen}
    assert min(values["real"] for values in seen) < -0.5 < 0.5 < max(v["real"] for v in seen)
    assert sum(values["real_log"] < 1 for values in seen) > 10  # as on a scale of logarithms


def test_no_trial_is_started_after_the_timeout():
    started = []

    def slow(family: Family, values: dict[str, Any]) -> float:
        started.append(time.perf_counter())
        time.sleep(0.05)
        return 0.0

    search(slow, [FOREST], max_evals=1_000, timeout=0.4, seed=0)
    assert 1 <= len(started) <= 8
    assert started[-1] - started[0] < 0.5


def test_an_error_of_the_objective_ends_the_search():
    def broken(family: Family, values: dict[str, Any]) -> float:
        raise ZeroDivisionError("in the objective")

    with pytest.raises(ZeroDivisionError, match="in the objective"):
        search(broken, [FOREST], max_evals=3, timeout=None, seed=0)


def test_a_search_prints_nothing(capfd):
    suggestions(FOREST, max_evals=3)
    captured = capfd.readouterr()
    assert captured.out == captured.err == ""
