"""The model families: their estimators, how they take features, and which values a search tries.

A further family is one more `Family` in `FAMILIES`, and its name in family_names.py; all else
follows from its attributes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal

from workflow.errors import unknown
from workflow.models.search_space import Choice, Domain, Real, Whole

if TYPE_CHECKING:  # importing scikit-learn takes 2 s, which readers of this table need not wait for
    from sklearn.base import BaseEstimator


WEIGHT = "class_weight"


@dataclass(frozen=True)
class Encoding:
    """How a family takes its features; `encoding.build` makes the transformer.

    Attributes:
        few: How categories with few values are encoded. "native" numbers them, in an order without
            meaning, for estimators that treat such numbers as categories.
        many: How categories with many values are encoded. "target" is the mean target of a value,
            shrunk towards the overall mean and fitted across folds (Micci-Barreca, 2001).
        number: "keep" leaves gaps to the estimator; "median" fills them, with an indicator column;
            "normal" fills them and maps ranks to a normal distribution; "spline" fills them and
            maps ranks to piecewise linear functions. Ranks, so that one huge value does not bend
            the line of all others.
        widest: The most one-hot columns the family is given. Where all categories together have
            more values, they are target-encoded instead. None: no limit.
    """

    few: Literal["one_hot", "target", "native"] = "one_hot"
    many: Literal["one_hot", "target"] = "target"
    number: Literal["keep", "median", "normal", "spline"] = "keep"
    widest: int | None = None


@dataclass(frozen=True, kw_only=True)
class Estimator:
    """What a family fits for one kind of target.

    Attributes:
        path: Importable path of the class; imported when it is used.
        defaults: Hyperparameters that differ from the class's own defaults.
        space: The values that a search tries, by hyperparameter.
    """

    path: str
    defaults: Mapping[str, Any] = field(default_factory=dict)
    space: Mapping[str, Domain] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Family:
    """One kind of model.

    Attributes:
        name: As in the parameter `models`.
        values: Its estimator for regression.
        classes: Its estimator for binary and multiclass.
        encoding: How it takes its features.
        seeded: Whether the estimators take a `random_state`.
        native: The name of the hyperparameter, or of the argument of `fit`, that takes the
            positions of native categories.
        weighs: How the estimator for classes takes class weights: as its own hyperparameter
            `class_weight`, or as `sample_weight` in `fit`. None: not at all.
        predicts_alone: Whether it predicts in one thread: several would add in changing order, and
            the last digit of a prediction would change from call to call.
        packages: What a saved model needs beside `logged_models.PACKAGES`, on whichever platform it
            is served.
        trusted: The types in a saved model that skops does not trust by itself.
    """

    name: str
    values: Estimator
    classes: Estimator
    encoding: Encoding
    seeded: bool = True
    native: str | None = None
    weighs: Literal["class_weight", "sample_weight"] | None = None
    predicts_alone: bool = False
    packages: tuple[str, ...] = ()
    trusted: tuple[str, ...] = ()

    def of(self, task: str) -> Estimator:
        """Return the estimator for a task."""
        return self.values if task == "regression" else self.classes

    def hyperparameters(self, task: str, seed: int) -> dict[str, Any]:
        """Return the default of every hyperparameter, by name."""
        known = self.estimator(task, seed).get_params()
        return {WEIGHT: None, **known} if task != "regression" and self.weighs else known

    def estimator(self, task: str, seed: int) -> "BaseEstimator":
        """Return an unfitted estimator at the family's default settings."""
        module, _, name = self.of(task).path.rpartition(".")
        given = dict(self.of(task).defaults) | ({"random_state": seed} if self.seeded else {})
        if self.weighs == "sample_weight":
            given.pop(WEIGHT, None)  # not a hyperparameter of the class itself
        return getattr(import_module(module), name)(**given)


# Searched for classes where the metric counts rare classes as much as frequent ones.
WEIGHTS: dict[str, Domain] = {WEIGHT: Choice((None, "balanced"))}

BASELINE = Family(
    name="baseline",
    values=Estimator(path="sklearn.dummy.DummyRegressor"),
    classes=Estimator(path="sklearn.dummy.DummyClassifier"),
    encoding=Encoding(),
    seeded=False,
)

LINEAR = Family(
    name="linear",
    values=Estimator(
        path="sklearn.linear_model.Ridge",
        defaults={"alpha": 3.0},
        space={"alpha": Real(0.01, 100.0, log=True)},
    ),
    classes=Estimator(
        path="sklearn.linear_model.LogisticRegression",
        defaults={"C": 1.0, "max_iter": 1_000},
        space={"C": Real(0.001, 100.0, log=True), **WEIGHTS},
    ),
    encoding=Encoding(few="one_hot", many="one_hot", number="spline"),
    weighs="class_weight",
    trusted=(
        "scipy._lib.array_api_compat.numpy._aliases.asarray",
        "scipy.interpolate._bsplines.BSpline",
    ),
)

KNEIGHBORS = Family(
    name="kneighbors",
    values=Estimator(
        path="sklearn.neighbors.KNeighborsRegressor",
        defaults={"n_neighbors": 20, "weights": "distance", "n_jobs": -1},
        space={"n_neighbors": Whole(3, 100, log=True), "p": Choice((1, 2))},
    ),
    classes=Estimator(
        path="sklearn.neighbors.KNeighborsClassifier",
        defaults={"n_neighbors": 20, "n_jobs": -1},
        space={
            "n_neighbors": Whole(3, 100, log=True),
            "p": Choice((1, 2)),
            "weights": Choice(("uniform", "distance")),
        },
    ),
    encoding=Encoding(few="target", many="target", number="normal"),
    seeded=False,
    trusted=(
        "sklearn.metrics._dist_metrics.EuclideanDistance64",
        "sklearn.metrics._dist_metrics.ManhattanDistance64",
        "sklearn.neighbors._kd_tree.KDTree",
    ),
)

RANDOM_FOREST = Family(
    name="random_forest",
    values=Estimator(
        path="sklearn.ensemble.RandomForestRegressor",
        defaults={"max_depth": 10, "n_jobs": -1},
        space={
            "max_depth": Whole(1, 20),
            "n_estimators": Whole(10, 50),
            "min_samples_split": Whole(2, 10),
            "min_samples_leaf": Whole(1, 4),
        },
    ),
    classes=Estimator(
        path="sklearn.ensemble.RandomForestClassifier",
        defaults={"n_estimators": 200, "min_samples_leaf": 2, "n_jobs": -1},
        space={
            "max_depth": Whole(4, 30),
            "n_estimators": Whole(50, 300),
            "min_samples_leaf": Whole(1, 20, log=True),
            "max_features": Real(0.1, 1.0),
            **WEIGHTS,
        },
    ),
    encoding=Encoding(few="one_hot", many="one_hot", number="median", widest=8_192),
    weighs="class_weight",
    predicts_alone=True,
    trusted=("sklearn.tree._tree.Tree",),
)

# Boosting has smaller trees and fewer of them for classes than for values: log_loss punishes trees
# that are too sure, most of all on small tables.
GRADIENT_BOOSTING = Family(
    name="gradient_boosting",
    values=Estimator(
        path="sklearn.ensemble.HistGradientBoostingRegressor",
        defaults={
            "max_iter": 300,
            "learning_rate": 0.05,
            "max_leaf_nodes": 63,
            "max_features": 0.7,
            "early_stopping": False,
        },
        space={
            "learning_rate": Real(0.02, 0.1, log=True),
            "max_iter": Whole(200, 600, log=True),
            "max_leaf_nodes": Whole(15, 127, log=True),
            "min_samples_leaf": Whole(5, 60, log=True),
            "max_features": Real(0.3, 0.9),
            "l2_regularization": Real(0.001, 10.0, log=True),
        },
    ),
    classes=Estimator(
        path="sklearn.ensemble.HistGradientBoostingClassifier",
        defaults={
            "max_iter": 150,
            "learning_rate": 0.05,
            "max_leaf_nodes": 15,
            "max_features": 0.5,
            "early_stopping": False,
        },
        space={
            "learning_rate": Real(0.02, 0.1, log=True),
            "max_iter": Whole(100, 500, log=True),
            "max_leaf_nodes": Whole(7, 63, log=True),
            "min_samples_leaf": Whole(5, 60, log=True),
            "max_features": Real(0.3, 0.9),
            "l2_regularization": Real(0.001, 10.0, log=True),
            **WEIGHTS,
        },
    ),
    encoding=Encoding(few="native", many="target", number="keep"),
    native="categorical_features",
    weighs="class_weight",
    trusted=(
        "functools.partial",  # of check_array, before native categories
        "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
        "sklearn.utils.validation.check_array",
    ),
)

LIGHTGBM = Family(
    name="lightgbm",
    values=Estimator(
        path="lightgbm.LGBMRegressor",
        defaults={
            "n_estimators": 400,
            "learning_rate": 0.05,
            "num_leaves": 63,
            "colsample_bytree": 0.7,
            "subsample_freq": 1,  # without it `subsample` does nothing
            "deterministic": True,
            "force_row_wise": True,
            "n_jobs": 1,
            "verbose": -1,
        },
        space={
            "learning_rate": Real(0.02, 0.06, log=True),
            "n_estimators": Whole(300, 1_000, log=True),
            "num_leaves": Whole(31, 127, log=True),
            "min_child_samples": Whole(5, 40, log=True),
            "colsample_bytree": Real(0.5, 0.9),
            "subsample": Real(0.6, 1.0),
        },
    ),
    classes=Estimator(
        path="lightgbm.LGBMClassifier",
        defaults={
            "n_estimators": 150,
            "learning_rate": 0.05,
            "num_leaves": 15,
            "colsample_bytree": 0.5,
            "subsample_freq": 1,
            "deterministic": True,
            "force_row_wise": True,
            "n_jobs": 1,
            "verbose": -1,
            "subsample": 0.8,
        },
        space={
            "learning_rate": Real(0.02, 0.1, log=True),
            "n_estimators": Whole(100, 500, log=True),
            "num_leaves": Whole(7, 63, log=True),
            "min_child_samples": Whole(5, 50, log=True),
            "colsample_bytree": Real(0.3, 0.9),
            "subsample": Real(0.6, 1.0),
            **WEIGHTS,
        },
    ),
    encoding=Encoding(few="native", many="target", number="keep"),
    native="categorical_feature",
    weighs="class_weight",
    packages=("lightgbm",),
    trusted=(
        "collections.OrderedDict",
        "lightgbm.basic.Booster",
        "lightgbm.sklearn.LGBMClassifier",
        "lightgbm.sklearn.LGBMRegressor",
    ),
)

XGBOOST = Family(
    name="xgboost",
    values=Estimator(
        path="xgboost.XGBRegressor",
        defaults={
            "n_estimators": 300,
            "learning_rate": 0.05,
            "max_depth": 8,
            "colsample_bytree": 0.7,
            "tree_method": "hist",
            "n_jobs": 1,
        },
        space={
            "learning_rate": Real(0.02, 0.1, log=True),
            "n_estimators": Whole(200, 800, log=True),
            "max_depth": Whole(4, 10),
            "min_child_weight": Real(1.0, 30.0, log=True),
            "reg_lambda": Real(0.01, 10.0, log=True),
            "colsample_bytree": Real(0.4, 0.9),
            "subsample": Real(0.6, 1.0),
        },
    ),
    classes=Estimator(
        path="xgboost.XGBClassifier",
        defaults={
            "n_estimators": 200,
            "learning_rate": 0.05,
            "max_depth": 4,
            "colsample_bytree": 0.5,
            "tree_method": "hist",
            "n_jobs": 1,
            "subsample": 0.8,
        },
        space={
            "learning_rate": Real(0.02, 0.1, log=True),
            "n_estimators": Whole(100, 500, log=True),
            "max_depth": Whole(2, 8),
            "min_child_weight": Real(1.0, 30.0, log=True),
            "reg_lambda": Real(0.01, 10.0, log=True),
            "colsample_bytree": Real(0.3, 0.9),
            "subsample": Real(0.6, 1.0),
            **WEIGHTS,
        },
    ),
    encoding=Encoding(few="target", many="target", number="keep"),
    weighs="sample_weight",
    packages=("xgboost-cpu", "xgboost"),
    trusted=(
        "xgboost.core.Booster",
        "xgboost.sklearn.XGBClassifier",
        "xgboost.sklearn.XGBRegressor",
    ),
)

FAMILIES = {
    family.name: family
    for family in (LINEAR, KNEIGHBORS, RANDOM_FOREST, GRADIENT_BOOSTING, LIGHTGBM, XGBOOST)
}


def narrowed(family: Family, given: Mapping[str, Any], task: str) -> Family:
    """Return a family with another search space.

    Args:
        given: By hyperparameter, a `Domain` to search instead of the family's, or a value to fix.
        task: The dataset's; it decides which hyperparameters there are.

    Raises:
        WorkflowError: The estimator has no such hyperparameter.

    >>> narrowed(FAMILIES["linear"], {"alpha": 1.0}, "regression").values.space
    {}
    """
    known = family.hyperparameters(task, 0)
    for name in given:
        if name not in known:
            raise unknown(f"hyperparameter in search.{family.name}:", name, known)
    domains = {name: one for name, one in given.items() if isinstance(one, Domain)}
    fixed = {name: one for name, one in given.items() if name not in domains}

    def of(estimator: Estimator) -> Estimator:
        space = {name: one for name, one in estimator.space.items() if name not in fixed}
        return replace(
            estimator, defaults={**estimator.defaults, **fixed}, space={**space, **domains}
        )

    return replace(family, values=of(family.values), classes=of(family.classes))
