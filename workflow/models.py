"""The model families: what each is made of, how it wants its features, and where to search."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:  # the workflow asks for names only, and scikit-learn takes 2 s to import
    from sklearn.base import BaseEstimator


@dataclass(frozen=True)
class Whole:
    """A whole number from `low` to `high`, both included; `log` for scales such as 10 to 1000."""

    low: int
    high: int
    log: bool = False


@dataclass(frozen=True)
class Real:
    """A number from `low` to `high`."""

    low: float
    high: float
    log: bool = False


@dataclass(frozen=True)
class Choice:
    """One of several values."""

    options: tuple[Any, ...]


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
class Family:
    """One kind of model.

    Attributes:
        name: As in the parameter `models`.
        classes: Importable path of the estimator's class, by task; imported when it is used.
        encoding: What becomes of categories and numbers before they reach the estimator.
        defaults: Where they differ from the estimator's own.
        space: What the search may change, by hyperparameter.
        seeded: Whether the estimator takes a `random_state`.
        native: The hyperparameter, or argument of `fit`, that takes the positions of native
            categories.
        predicts_alone: Whether it predicts on one core, because threads add up in any order and
            the last digit would change from call to call.
        packages: What a saved model needs beside logged_models.PACKAGES.
        trusted: The types skops does not know that a saved model is made of.
    """

    name: str
    classes: Mapping[str, str]
    encoding: Encoding
    defaults: Mapping[str, Any] = field(default_factory=dict)
    space: Mapping[str, Whole | Real | Choice] = field(default_factory=dict)
    seeded: bool = True
    native: str | None = None
    predicts_alone: bool = False
    packages: tuple[str, ...] = ()
    trusted: tuple[str, ...] = ()

    def estimator(self, task: str, seed: int) -> "BaseEstimator":
        """Return an unfitted estimator at the family's default settings."""
        module, _, name = self.classes[task].rpartition(".")
        random = {"random_state": seed} if self.seeded else {}
        return getattr(import_module(module), name)(**self.defaults, **random)


BASELINE = Family(
    name="baseline",
    classes={"regression": "sklearn.dummy.DummyRegressor"},
    encoding=Encoding(),
    seeded=False,
)

FAMILIES = {
    family.name: family
    for family in (
        Family(
            name="linear",
            classes={"regression": "sklearn.linear_model.Ridge"},
            encoding=Encoding(few="one_hot", many="one_hot", number="spline"),
            defaults={"alpha": 3.0},
            space={"alpha": Real(0.01, 100.0, log=True)},
            trusted=(
                "scipy._lib.array_api_compat.numpy._aliases.asarray",
                "scipy.interpolate._bsplines.BSpline",
            ),
        ),
        Family(
            name="kneighbors",
            classes={"regression": "sklearn.neighbors.KNeighborsRegressor"},
            encoding=Encoding(few="target", many="target", number="normal"),
            defaults={"n_neighbors": 20, "weights": "distance", "n_jobs": -1},
            space={"n_neighbors": Whole(3, 100, log=True), "p": Choice((1, 2))},
            seeded=False,
            trusted=(
                "sklearn.metrics._dist_metrics.EuclideanDistance64",
                "sklearn.metrics._dist_metrics.ManhattanDistance64",
                "sklearn.neighbors._kd_tree.KDTree",
            ),
        ),
        Family(
            name="random_forest",
            classes={"regression": "sklearn.ensemble.RandomForestRegressor"},
            encoding=Encoding(few="one_hot", many="one_hot", number="median", widest=8_192),
            defaults={"max_depth": 10, "n_jobs": -1},
            space={
                "max_depth": Whole(1, 20),
                "n_estimators": Whole(10, 50),
                "min_samples_split": Whole(2, 10),
                "min_samples_leaf": Whole(1, 4),
            },
            predicts_alone=True,
            trusted=("sklearn.tree._tree.Tree",),
        ),
        Family(
            name="gradient_boosting",
            classes={"regression": "sklearn.ensemble.HistGradientBoostingRegressor"},
            encoding=Encoding(few="native", many="target", number="keep"),
            defaults={
                "max_iter": 300,
                "learning_rate": 0.05,
                "max_leaf_nodes": 63,
                "max_features": 0.7,
                "early_stopping": False,
            },
            space={
                "learning_rate": Real(0.03, 0.2, log=True),
                "max_iter": Whole(100, 300),
                "max_leaf_nodes": Whole(15, 127, log=True),
                "min_samples_leaf": Whole(5, 100, log=True),
                "max_features": Real(0.5, 1.0),
                "l2_regularization": Real(0.001, 10.0, log=True),
            },
            native="categorical_features",
            trusted=(
                "functools.partial",  # of check_array, before native categories
                "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
                "sklearn.utils.validation.check_array",
            ),
        ),
        Family(
            name="lightgbm",
            classes={"regression": "lightgbm.LGBMRegressor"},
            encoding=Encoding(few="native", many="target", number="keep"),
            defaults={
                "n_estimators": 300,
                "learning_rate": 0.05,
                "num_leaves": 63,
                "colsample_bytree": 0.7,
                "deterministic": True,
                "force_row_wise": True,
                "n_jobs": -1,
                "verbose": -1,
            },
            space={
                "learning_rate": Real(0.03, 0.2, log=True),
                "n_estimators": Whole(100, 300),
                "num_leaves": Whole(15, 127, log=True),
                "min_child_samples": Whole(5, 100, log=True),
                "colsample_bytree": Real(0.5, 1.0),
                "reg_lambda": Real(0.001, 10.0, log=True),
            },
            native="categorical_feature",
            packages=("lightgbm",),
            trusted=(
                "collections.OrderedDict",
                "lightgbm.basic.Booster",
                "lightgbm.sklearn.LGBMRegressor",
            ),
        ),
        Family(
            name="xgboost",
            classes={"regression": "xgboost.XGBRegressor"},
            encoding=Encoding(few="target", many="target", number="keep"),
            defaults={
                "n_estimators": 300,
                "learning_rate": 0.05,
                "max_depth": 8,
                "colsample_bytree": 0.7,
                "tree_method": "hist",
                "n_jobs": -1,
            },
            space={
                "learning_rate": Real(0.03, 0.2, log=True),
                "n_estimators": Whole(100, 300),
                "max_depth": Whole(4, 10),
                "min_child_weight": Real(1.0, 50.0, log=True),
                "reg_lambda": Real(0.001, 10.0, log=True),
                "colsample_bytree": Real(0.5, 1.0),
            },
            packages=("xgboost-cpu",),
            trusted=("xgboost.core.Booster", "xgboost.sklearn.XGBRegressor"),
        ),
    )
}
