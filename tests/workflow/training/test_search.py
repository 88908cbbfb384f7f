from typing import Any

import numpy as np
import pytest
from hyperopt import STATUS_OK, fmin, hp, tpe
from hyperopt.pyll import scope

from workflow.models.families import BASELINE, FAMILIES, Estimator, Family, narrowed
from workflow.models.search_space import Choice, Real, Whole
from workflow.training.search import search

FOREST = FAMILIES["random_forest"]


def peculiar(values: dict[str, Any]) -> float:
    """A loss with a valley, of whatever numbers there are."""
    numbers = [value for value in values.values() if isinstance(value, int | float)]
    return sum(float(np.log1p(abs(value - 7))) for value in numbers)


def run(
    *families: Family,
    features: tuple[str, ...] = ("all",),
    task: str = "regression",
    seed: int = 42,
    max_evals: int = 25,
) -> list[tuple[str, str, dict[str, Any]]]:
    """Return the family, the selection of features and the hyperparameters of each trial."""
    seen = []

    def objective(family: Family, chosen: str, values: dict[str, Any]) -> float:
        seen.append((family.name, chosen, values))
        return peculiar(values) + len(chosen)

    search(
        objective,
        list(families),
        task=task,
        features=list(features),
        max_evals=max_evals,
        seed=seed,
    )
    return seen


def suggestions(*families: Family, **given: Any) -> list[tuple[str, dict[str, Any]]]:
    return [(name, values) for name, _, values in run(*families, **given)]


def test_there_are_as_many_trials_as_asked_for():
    assert len(suggestions(FOREST, max_evals=7)) == 7


@pytest.mark.parametrize("max_evals", [1, 4, 25])
def test_a_search_whose_trials_all_fail_ends_like_any_other(max_evals):
    seen = []
    search(
        lambda *given: seen.append(given),  # the loss of a failed trial is None
        [FOREST], task="regression", features=["all"], max_evals=max_evals, seed=42,
    )  # fmt: skip
    assert len(seen) == max_evals


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


def test_the_name_of_a_single_selection_of_features_changes_nothing():
    assert suggestions(FOREST, features=("zoomcamp",)) == suggestions(FOREST)


SETS = ("temperature", "calendar", "all")


def test_several_selections_of_features_are_part_of_each_suggestion():
    seen = run(FOREST, features=SETS, max_evals=30)
    assert {chosen for _, chosen, _ in seen} == set(SETS)
    assert all(set(values) == set(FOREST.values.space) for _, _, values in seen)
    assert seen == run(FOREST, features=SETS, max_evals=30)


def test_the_search_learns_which_features_are_good():
    chosen = [one for _, one, _ in run(FAMILIES["linear"], features=SETS, max_evals=60)]
    assert chosen[20:].count("all") > 0.5 * len(chosen[20:])  # the shortest name loses least


def test_families_and_features_are_chosen_together():
    seen = run(FAMILIES["linear"], FAMILIES["xgboost"], features=SETS, max_evals=40)
    assert {(family, chosen) for family, chosen, _ in seen} == {
        (family, chosen) for family in ("linear", "xgboost") for chosen in SETS
    }


def test_a_narrowed_familys_space_is_what_is_searched():
    given = {"max_depth": Whole(4, 6), "min_samples_leaf": 3, "max_features": Real(0.2, 0.4)}
    seen = [values for _, values in suggestions(narrowed(FOREST, given, "regression"))]
    for values in seen:
        assert set(values) == {
            "max_depth", "n_estimators", "min_samples_split", "max_features",
        }  # fmt: skip
        assert 4 <= values["max_depth"] <= 6
        assert 0.2 <= values["max_features"] <= 0.4


@pytest.mark.parametrize("features", [("all",), SETS])
def test_a_family_with_an_empty_space_is_tried_at_its_defaults(features):
    fixed = narrowed(FAMILIES["linear"], {"alpha": 2.0}, "regression")
    seen = run(fixed, features=features, max_evals=25)
    assert len(seen) == 25
    assert all(values == {} for _, _, values in seen)


def test_several_families_are_searched_each_in_its_own_space():
    seen = suggestions(FAMILIES["linear"], FOREST, FAMILIES["xgboost"], max_evals=30)
    assert {name for name, _ in seen} == {"linear", "random_forest", "xgboost"}
    for name, values in seen:
        assert set(values) == set(FAMILIES[name].values.space)


@pytest.mark.parametrize("task", ["regression", "binary", "multiclass"])
@pytest.mark.parametrize("family", FAMILIES.values(), ids=list(FAMILIES))
def test_every_suggestion_lies_in_the_familys_space_for_the_task(family, task):
    for _, values in suggestions(family, task=task, max_evals=25):
        assert set(values) == set(family.of(task).space)
        for name, domain in family.of(task).space.items():
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
TOY = Family(
    name="toy",
    values=Estimator(path=BASELINE.values.path, space=SPACE),
    classes=BASELINE.classes,
    encoding=BASELINE.encoding,
)


def test_both_ends_of_a_range_are_suggested():
    seen = [values for _, values in suggestions(TOY, max_evals=60)]
    assert {values["whole"] for values in seen} == {1, 2, 3}
    assert {values["choice"] for values in seen} == {1, 2.5}
    assert {1, 8} <= {values["whole_log"] for values in seen}
    assert min(values["real"] for values in seen) < -0.5 < 0.5 < max(v["real"] for v in seen)
    assert sum(values["real_log"] < 1 for values in seen) > 10  # as on a scale of logarithms


def test_no_trial_is_started_once_the_search_is_over():
    started = []

    def objective(family: Family, features: str, values: dict[str, Any]) -> float:
        started.append(values)
        return 0.0

    search(
        objective,
        [FOREST],
        task="regression",
        features=["all"],
        max_evals=1_000,
        seed=0,
        is_over=lambda: len(started) == 3,
    )
    assert len(started) == 3


def test_a_longer_search_begins_with_the_suggestions_of_a_shorter_one():
    def suggestions(most: int) -> list[dict[str, Any]]:
        seen = []

        def objective(family: Family, features: str, values: dict[str, Any]) -> float:
            seen.append(values)
            return float(len(seen) % 7)

        search(
            objective, [FOREST], task="regression", features=["all"], max_evals=most, seed=0
        )  # fmt: skip
        return seen

    assert suggestions(30)[:25] == suggestions(25)  # beyond the 20 that TPE draws at random


def test_an_error_of_the_objective_ends_the_search():
    def broken(family: Family, features: str, values: dict[str, Any]) -> float:
        raise ZeroDivisionError("in the objective")

    with pytest.raises(ZeroDivisionError, match="in the objective"):
        search(
            broken,
            [FOREST],
            task="regression",
            features=["all"],
            max_evals=3,
            seed=0,
        )


def test_a_search_prints_nothing(capfd):
    suggestions(FOREST, max_evals=3)
    captured = capfd.readouterr()
    assert captured.out == captured.err == ""
