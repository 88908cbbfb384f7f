"""The model families: what each is made of, how it wants its features, and where to search."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal

from workflow.errors import unknown
from workflow.models.search_space import Choice, Domain, Real, Whole

if TYPE_CHECKING:  # the workflow asks for names only, and scikit-learn takes 2 s to import
    from sklearn.base import BaseEstimator


WEIGHT = "class_weight"


@dataclass(frozen=True)
class Encoding:
    """How a family wants its features; encoding.build makes it.

    Attributes:
        few: Of categories with few values. "native" leaves them to the estimator, as numbers whose
            order means nothing.
        many: Of categories with many. "target" is the mean target of a value, shrunk towards the
            overall mean and fitted across folds (Micci-Barreca, 2001).
        number: "keep" leaves gaps to the estimator, "median" fills them and says so in a further
            column, "normal" also maps ranks to a normal distribution, "spline" ranks to bent lines;
            ranks, because a distance of thousands of miles must not bend the line of all others.
        widest: How many one-hot columns the family can bear; where all categories together have
            more values, they are target-encoded.
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
        defaults: Where they differ from the class's own.
        space: What the search may change, by hyperparameter.
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
        encoding: What becomes of categories and numbers before they reach the estimator.
        seeded: Whether the estimators take a `random_state`.
        native: The hyperparameter, or argument of `fit`, that takes the positions of native
            categories.
        weighs: How it can give rare classes more weight, by the hyperparameter `class_weight`: of
            its own, or by `sample_weight` in `fit`. None: it cannot.
        predicts_alone: Whether it predicts on one core, because threads add up in any order and
            the last digit would change from call to call.
        packages: What a saved model needs beside logged_models.PACKAGES.
        trusted: The types skops does not know that a saved model is made of.
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
        """Return what it fits for a task."""
        return self.values if task == "regression" else self.classes

    def hyperparameters(self, task: str, seed: int) -> dict[str, Any]:
        """Return every hyperparameter that a fit takes, with its default."""
        known = self.estimator(task, seed).get_params()
        return {WEIGHT: None, **known} if task != "regression" and self.weighs else known

    def estimator(self, task: str, seed: int) -> "BaseEstimator":
        """Return an unfitted estimator at the family's default settings."""
        module, _, name = self.of(task).path.rpartition(".")
        given = dict(self.of(task).defaults) | ({"random_state": seed} if self.seeded else {})
        if self.weighs == "sample_weight":
            given.pop(WEIGHT, None)  # is none of its own
        return getattr(import_module(module), name)(**given)


WEIGHTS = {WEIGHT: Choice((None, "balanced"))}

BASELINE = Family(
    name="baseline",
    values=Estimator(path="sklearn.dummy.DummyRegressor"),
    classes=Estimator(path="sklearn.dummy.DummyClassifier"),
    encoding=Encoding(),
    seeded=False,
)

HIST = {
    "max_iter": 300,
    "learning_rate": 0.05,
    "max_leaf_nodes": 63,
    "max_features": 0.7,
    "early_stopping": False,
}
HIST_SPACE = {
    "learning_rate": Real(0.02, 0.1, log=True),
    "max_iter": Whole(200, 600, log=True),
    "max_leaf_nodes": Whole(15, 127, log=True),
    "min_samples_leaf": Whole(5, 60, log=True),
    "max_features": Real(0.3, 0.9),
    "l2_regularization": Real(0.001, 10.0, log=True),
}
LIGHTGBM = {
    "n_estimators": 400,
    "learning_rate": 0.05,
    "num_leaves": 63,
    "colsample_bytree": 0.7,
    "subsample_freq": 1,  # without it `subsample` does nothing
    "deterministic": True,
    "force_row_wise": True,
    "n_jobs": 1,
    "verbose": -1,
}
LIGHTGBM_SPACE = {
    "learning_rate": Real(0.02, 0.06, log=True),
    "n_estimators": Whole(300, 1_000, log=True),
    "num_leaves": Whole(31, 127, log=True),
    "min_child_samples": Whole(5, 40, log=True),
    "colsample_bytree": Real(0.5, 0.9),
    "subsample": Real(0.6, 1.0),
}
XGBOOST = {
    "n_estimators": 300,
    "learning_rate": 0.05,
    "max_depth": 8,
    "colsample_bytree": 0.7,
    "tree_method": "hist",
    "n_jobs": 1,
}
XGBOOST_SPACE = {
    "learning_rate": Real(0.02, 0.1, log=True),
    "n_estimators": Whole(200, 800, log=True),
    "max_depth": Whole(4, 10),
    "min_child_weight": Real(1.0, 30.0, log=True),
    "reg_lambda": Real(0.01, 10.0, log=True),
    "colsample_bytree": Real(0.4, 0.9),
    "subsample": Real(0.6, 1.0),
}
# Of classes: log_loss punishes trees that are too sure, most of all in small tables.
HIST_CLASSES = {**HIST, "max_iter": 150, "max_leaf_nodes": 15, "max_features": 0.5}
HIST_CLASSES_SPACE = {
    **HIST_SPACE,
    "max_iter": Whole(100, 500, log=True),
    "max_leaf_nodes": Whole(7, 63, log=True),
}
LIGHTGBM_CLASSES = {
    **LIGHTGBM,
    "n_estimators": 150,
    "num_leaves": 15,
    "colsample_bytree": 0.5,
    "subsample": 0.8,
}
LIGHTGBM_CLASSES_SPACE = {
    "learning_rate": Real(0.02, 0.1, log=True),
    "n_estimators": Whole(100, 500, log=True),
    "num_leaves": Whole(7, 63, log=True),
    "min_child_samples": Whole(5, 50, log=True),
    "colsample_bytree": Real(0.3, 0.9),
    "subsample": Real(0.6, 1.0),
}
XGBOOST_CLASSES = {
    **XGBOOST,
    "n_estimators": 200,
    "max_depth": 4,
    "colsample_bytree": 0.5,
    "subsample": 0.8,
}
XGBOOST_CLASSES_SPACE = {
    **XGBOOST_SPACE,
    "n_estimators": Whole(100, 500, log=True),
    "max_depth": Whole(2, 8),
    "colsample_bytree": Real(0.3, 0.9),
}

FAMILIES = {
    family.name: family
    for family in (
        Family(
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
        ),
        Family(
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
        ),
        Family(
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
        ),
        Family(
            name="gradient_boosting",
            values=Estimator(
                path="sklearn.ensemble.HistGradientBoostingRegressor",
                defaults=HIST,
                space=HIST_SPACE,
            ),
            classes=Estimator(
                path="sklearn.ensemble.HistGradientBoostingClassifier",
                defaults=HIST_CLASSES,
                space=HIST_CLASSES_SPACE | WEIGHTS,
            ),
            encoding=Encoding(few="native", many="target", number="keep"),
            native="categorical_features",
            weighs="class_weight",
            trusted=(
                "functools.partial",  # of check_array, before native categories
                "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
                "sklearn.utils.validation.check_array",
            ),
        ),
        Family(
            name="lightgbm",
            values=Estimator(
                path="lightgbm.LGBMRegressor", defaults=LIGHTGBM, space=LIGHTGBM_SPACE
            ),
            classes=Estimator(
                path="lightgbm.LGBMClassifier",
                defaults=LIGHTGBM_CLASSES,
                space=LIGHTGBM_CLASSES_SPACE | WEIGHTS,
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
        ),
        Family(
            name="xgboost",
            values=Estimator(path="xgboost.XGBRegressor", defaults=XGBOOST, space=XGBOOST_SPACE),
            classes=Estimator(
                path="xgboost.XGBClassifier",
                defaults=XGBOOST_CLASSES,
                space=XGBOOST_CLASSES_SPACE | WEIGHTS,
            ),
            encoding=Encoding(few="target", many="target", number="keep"),
            weighs="sample_weight",
            packages=("xgboost-cpu",),
            trusted=(
                "xgboost.core.Booster",
                "xgboost.sklearn.XGBClassifier",
                "xgboost.sklearn.XGBRegressor",
            ),
        ),
    )
}


def narrowed(family: Family, given: Mapping[str, Any], task: str) -> Family:
    """Return a family with the search space that a dataset asks for.

    Args:
        family: The family.
        given: By hyperparameter, a `Domain` to search instead of the family's, or a value to fix.
        task: The dataset's.

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
