"""The search: hyperopt's TPE over the search spaces of one or several families."""

import math
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
from hyperopt import STATUS_FAIL, STATUS_OK, fmin, hp, tpe
from hyperopt.exceptions import AllTrialsFailed
from hyperopt.pyll import Apply, scope

from workflow.models.families import Family
from workflow.models.search_space import Choice, Real, Whole
from workflow.tracking.names import FAMILY, FEATURES  # no hyperparameter has these names


def search(
    objective: Callable[[Family, str, dict[str, Any]], float | None],
    families: list[Family],
    *,
    task: str,
    features: list[str],
    max_evals: int,
    seed: int,
    is_over: Callable[[], bool] = lambda: False,
) -> None:
    """Call `objective` with one suggestion after another.

    Suggestions are made by the tree-structured Parzen estimator of Bergstra et al., Algorithms for
    Hyper-Parameter Optimization, 2011.

    Args:
        objective: Takes a family, the name of a selection of features, and hyperparameters;
            returns the loss (smaller is better), or None if the trial has failed.
        families: With several, each suggestion is a family and hyperparameters of that family.
        features: Names of selections of features; of several, each suggestion has one.
        max_evals: How many suggestions are made.
        seed: For equal losses, equal seeds give equal suggestions, whatever `max_evals` is.
        is_over: Called after each trial; the search ends when it returns True.
    """
    by_name = {family.name: family for family in families}

    def evaluate(suggestion: dict[str, Any]) -> dict[str, Any]:
        values = dict(suggestion)
        chosen, family = values.pop(FEATURES), by_name[values.pop(FAMILY)]
        loss = objective(family, chosen, values)
        return {"status": STATUS_FAIL} if loss is None else {"status": STATUS_OK, "loss": loss}

    spaces = [space(family, task, features) for family in families]
    with suppress(AllTrialsFailed):  # it looks for the best; the objective knows why there is none
        fmin(
            evaluate,
            spaces[0] if len(spaces) == 1 else hp.choice(FAMILY, spaces),
            algo=tpe.suggest,
            max_evals=max_evals,
            early_stop_fn=lambda trials: (is_over(), []),
            rstate=np.random.default_rng(seed),
            show_progressbar=False,  # the step shows its own, with the metric instead of the loss
            verbose=False,
            return_argmin=False,
        )


def space(family: Family, task: str, features: list[str]) -> dict[str, Any]:
    """Return a family's search space as hyperopt's; labels begin with the family's name."""
    parameters = {
        name: _expression(f"{family.name}.{name}", domain)
        for name, domain in family.of(task).space.items()
    }
    several = len(features) > 1
    chosen = hp.choice(f"{family.name}.{FEATURES}", features) if several else features[0]
    return {FAMILY: family.name, FEATURES: chosen, **parameters}


def _expression(label: str, domain: Whole | Real | Choice) -> Apply:
    match domain:
        case Choice(options):
            return hp.choice(label, list(options))
        case Whole(low, high, log=True):
            return scope.int(hp.qloguniform(label, math.log(low), math.log(high), 1))
        case Whole(low, high):
            return scope.int(hp.quniform(label, low, high, 1))
        case Real(low, high, log=True):
            return hp.loguniform(label, math.log(low), math.log(high))
        case Real(low, high):
            return hp.uniform(label, low, high)
