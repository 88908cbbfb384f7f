import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline

from sql_features.expressions import quote
from sql_features.labelled_pipeline import LabelledPipeline
from sql_features.transformer import SqlFeatures
from steps import register
from workflow.evaluation import classification_curves, model_analysis, permutation_importance
from workflow.models.metrics import resolve
from workflow.tracking import names

RNG = np.random.default_rng(0)
MOST_BYTES = 150_000


class Guess(BaseEstimator):
    """Predicts a feature's numbers; of classes, the first k features' share."""

    def __init__(self, classes: int = 0) -> None:
        self.classes = classes

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def fit(self, X: pd.DataFrame, y: object = None) -> "Guess":
        return self

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        found = X.select_dtypes("number").fillna(0).sum(axis=1).to_numpy()
        return np.nan_to_num(found)  # the sum of two great numbers may be infinite

    def predict_proba(self, X: pd.DataFrame) -> np.ndarray:
        first = np.clip(np.nan_to_num(X.select_dtypes("number").to_numpy()), -9, 9)
        weights = np.exp(
            np.resize(first, (len(X), self.classes))
            if first.size
            else np.zeros((len(X), self.classes))
        )
        return weights / weights.sum(axis=1, keepdims=True)


def types(raw: pd.DataFrame) -> dict[str, str]:
    known = {"f": "DOUBLE", "i": "BIGINT", "b": "BOOLEAN", "M": "TIMESTAMP"}
    return {name: known.get(raw[name].dtype.kind, "VARCHAR") for name in raw}


def features(columns: dict[str, str]) -> dict[str, str]:
    return {
        name: f"hour({quote(name)})" if type == "TIMESTAMP" else quote(name)
        for name, type in columns.items()
    }


def look(
    raw: pd.DataFrame,
    actual: np.ndarray | list,
    *,
    labels: list | None = None,
    predictions: np.ndarray | None = None,
    metric: str = "auto",
    fitted_on_validation: bool = False,
) -> dict[str, Any]:
    """Analyse a model of all columns; validation and test are the same rows."""
    columns = types(raw)
    sql = SqlFeatures(features(columns), columns).fit(raw)
    steps = [("features", sql), ("estimator", Guess(len(labels or [])))]
    model = LabelledPipeline(steps, labels=labels) if labels else Pipeline(steps)
    rows = raw, pd.Series(actual)
    if predictions is None:
        predictions = model.predict_proba(raw) if labels else model.predict(raw)
    task = "regression" if not labels else "binary" if len(labels) == 2 else "multiclass"
    found = model_analysis.analysis(
        model,
        metric=resolve(metric, task),
        validation=rows,
        test=rows,
        predictions=predictions,
        seed=1,
        fitted_on_validation=fitted_on_validation,
    )
    text = json.dumps(found, allow_nan=False, ensure_ascii=False)
    assert len(text.encode()) < MOST_BYTES
    assert json.loads(text) == found
    return found


def trips(rows: int = 600) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "zone": RNG.choice(["a", "b", "c"], rows),
            "miles": RNG.gamma(2, 2, rows),
            "hour": pd.Timestamp("2023-01-01") + pd.to_timedelta(RNG.integers(0, 24, rows), "h"),
            "paid": RNG.random(rows) < 0.5,
        }
    )


@pytest.fixture(scope="module")
def raw() -> pd.DataFrame:
    return trips()


@pytest.fixture(scope="module")
def values(raw: pd.DataFrame) -> dict[str, Any]:
    actual = raw["miles"] + raw["hour"].dt.hour + RNG.normal(0, 0.1, len(raw))
    return look(raw, actual.to_numpy())


def residuals(raw: pd.DataFrame, actual: np.ndarray) -> tuple[dict[str, Any], np.ndarray]:
    predicted = raw["miles"].to_numpy()
    return look(raw, actual, predictions=predicted), actual - predicted


def test_importance_is_measured_on_validation_and_sorted(values, raw):
    found = values["importance"]
    assert {key: found[key] for key in ("metric", "split", "rows", "fitted_on", "left_out")} == {
        "metric": "rmse", "split": "validation", "rows": 600, "fitted_on": False, "left_out": 0,
    }  # fmt: skip
    names = [one["feature"] for one in found["features"]]
    assert names[:2] == ["hour", "miles"]
    assert set(names) == set(raw)
    heights = [one["importance"] for one in found["features"]]
    assert heights == sorted(heights, reverse=True)
    assert found["features"][0]["std"] > 0


def test_importance_notes_whether_the_model_was_fitted_on_its_rows(raw):
    assert look(raw, raw["miles"], fitted_on_validation=True)["importance"]["fitted_on"]


def test_importance_is_the_one_that_train_draws(raw):
    columns = types(raw)
    sql = SqlFeatures(features(columns), columns).fit(raw)
    x, y = sql.transform(raw), raw["miles"].to_numpy() + 1
    some = permutation_importance.drawn_rows(*x.shape, 1)
    expected = permutation_importance.permutation(
        Guess().predict, x.iloc[some], y[some], metric=resolve("mae", "regression"), seed=1
    ).set_index("feature")
    for one in look(raw, y, metric="mae")["importance"]["features"]:
        assert one["importance"] == pytest.approx(expected.loc[one["feature"], "importance"], 1e-5)


def test_every_row_is_in_the_density_or_outside(values):
    density = values["density"]
    counts = np.array(density["counts"])
    assert counts.shape == (len(density["actual"]) - 1, len(density["predicted"]) - 1) == (50, 50)
    assert counts.sum() + density["outside"] == values["rows"] == 600


def test_a_single_row_far_off_does_not_squeeze_the_density(raw):
    actual = raw["miles"].to_numpy() + RNG.normal(size=len(raw))
    actual[3] = 1e9
    found, _ = residuals(raw, actual)
    assert found["density"]["actual"][-1] < 50
    assert found["density"]["outside"] == found["residuals"]["outside"] == 1
    assert found["worst"]["positions"][0] == 3


def test_residuals_are_actual_minus_predicted(raw):
    found, residual = residuals(raw, raw["miles"].to_numpy() + RNG.normal(2, 1, len(raw)))
    assert found["residuals"]["mean"] == pytest.approx(residual.mean(), 1e-5)
    for name, share in (("p10", 0.1), ("p50", 0.5), ("p90", 0.9)):
        assert found["residuals"][name] == pytest.approx(np.quantile(residual, share), 1e-5)
    assert sum(found["residuals"]["counts"]) + found["residuals"]["outside"] == len(raw)


def test_residuals_are_measured_by_values_of_features(raw):
    found, residual = residuals(raw, np.where(raw["zone"] == "b", 100.0, raw["miles"]))
    (zones,) = [one for one in found["by_feature"] if one["feature"] == "zone"]
    assert zones["kind"] == "category"
    for zone, rows, mean, p90 in zip(
        *(zones[name] for name in ("bins", "rows", "mean", "p90")), strict=True
    ):
        of = residual[(raw["zone"] == zone).to_numpy()]
        assert rows == len(of)
        assert mean == pytest.approx(of.mean(), 1e-5)
        assert p90 == pytest.approx(np.quantile(of, 0.9), 1e-5)


def test_errors_are_shown_by_the_most_important_features(values):
    wide = pd.DataFrame(RNG.normal(size=(300, 80)), columns=[f"f{n}" for n in range(80)])
    found = look(wide, wide.sum(axis=1).to_numpy())
    names = [one["feature"] for one in found["importance"]["features"]]
    assert (len(names), found["importance"]["left_out"]) == (50, 30)
    assert [one["feature"] for one in found["by_feature"]] == names[:12]
    assert len(values["by_feature"]) == 4


def test_the_worst_rows_are_shown_with_their_raw_values(raw):
    found, residual = residuals(raw, raw["miles"].to_numpy() + RNG.normal(size=len(raw)))
    worst = found["worst"]
    expected = np.argsort(-np.abs(residual))[:20]
    assert worst["positions"] == expected.tolist()
    assert worst["columns"][:3] == ["actual", "predicted", "residual"]
    assert set(worst["columns"][3:]) == set(raw)
    first = dict(zip(worst["columns"], worst["rows"][0], strict=True))
    assert first["residual"] == pytest.approx(residual[expected[0]], 1e-5)
    assert first["zone"] == raw["zone"].iloc[expected[0]]
    assert first["hour"] == str(raw["hour"].iloc[expected[0]])
    assert first["paid"] in ("true", "false")


def of_classes(labels: list, rows: int = 900, unseen: int = 0, **changes: Any) -> dict[str, Any]:
    raw = pd.DataFrame({"x": RNG.normal(size=rows), "zone": RNG.choice(["a", "b"], rows)})
    codes = RNG.integers(0, len(labels), rows)
    actual = np.array([*labels], dtype=object)[codes]
    probabilities = RNG.dirichlet(np.ones(len(labels)), rows)
    probabilities[np.arange(rows), codes] += 1
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    actual[:unseen] = "unseen"
    return look(raw, actual, labels=labels, predictions=probabilities, **changes)


def test_of_two_classes_there_are_the_curves_of_the_second():
    found = of_classes(["no", "yes"])
    assert found["labels"] == ["no", "yes"]
    assert found["probability_histogram"]["of"] == "yes"
    assert sum(found["probability_histogram"]["counts"]) == found["curve_rows"] == 900
    for name in ("roc", "precision_recall", "calibration"):
        (curve,) = found[name]
        assert (curve["label"], curve["of"]) == ("yes", "class")
        assert len(curve["x"]) == len(curve["y"]) <= 200
        assert 0 <= min(curve["x"] + curve["y"]) <= max(curve["x"] + curve["y"]) <= 1
    assert found["roc"][0]["area"] > 0.9
    assert found["precision_recall"][0]["chance"] == pytest.approx(0.5, abs=0.1)
    assert found["calibration"][0]["area"] is None


def test_of_more_classes_there_are_averages():
    found = of_classes([1, 2, 3])
    assert [one["label"] for one in found["roc"][3:]] == ["macro average", "micro average"]
    assert [one["of"] for one in found["roc"]] == ["class"] * 3 + ["macro", "micro"]
    assert {one["label"] for one in found["roc"][:3]} == {"1", "2", "3"}
    assert found["calibration"][-1]["label"] == "the predicted class"
    assert found["probability_histogram"]["of"] == "the predicted class"


def test_a_confusion_matrix_counts_every_row():
    found = of_classes(["no", "yes"])["confusion"]
    assert found["labels"] == ["no", "yes"]
    assert np.array(found["counts"]).shape == (2, 2)
    assert np.sum(found["counts"]) == 900


def test_less_frequent_of_hundreds_of_classes_are_shown_as_one():
    found = of_classes([f"class {n}" for n in range(120)], rows=1_500)
    confusion = found["confusion"]
    assert len(confusion["labels"]) == len(confusion["counts"]) == 31
    assert confusion["labels"][-1] == "other classes"
    assert np.sum(confusion["counts"]) == 1_500
    assert (found["classes"], len(found["labels"])) == (120, 100)
    assert [one["of"] for one in found["roc"]] == ["class"] * 8 + ["macro", "micro"]


def test_of_many_classes_curves_are_made_of_a_part_of_the_rows(monkeypatch):
    monkeypatch.setattr(classification_curves, "MOST_PROBABILITIES", 3_000)
    found = of_classes([f"class {n}" for n in range(10)])
    assert found["curve_rows"] == sum(found["probability_histogram"]["counts"]) == 300
    assert np.sum(found["confusion"]["counts"]) == found["rows"] == 900


def test_a_label_that_train_has_not_seen_is_always_wrong():
    found = of_classes(["no", "yes"], unseen=25)
    assert found["unseen_rows"] == 25
    assert found["labels"] == found["confusion"]["labels"] == ["no", "yes", "unseen"]
    assert np.sum(found["confusion"]["counts"], axis=1)[2] == 25
    assert np.sum(found["confusion"]["counts"], axis=0)[2] == 0
    rows = [
        dict(zip(found["worst"]["columns"], row, strict=True)) for row in found["worst"]["rows"]
    ]
    assert {row["actual"] for row in rows} == {"unseen"}
    assert {row["probability of actual"] for row in rows} == {0}


def test_errors_of_classes_are_measured_by_values_of_features():
    raw = pd.DataFrame({"x": [1.0, 1, 2, 2]})
    given = np.array([[0.9, 0.1], [0.2, 0.8], [0.4, 0.6], [0.7, 0.3]])
    found = look(raw, ["no", "no", "yes", "yes"], labels=["no", "yes"], predictions=given)
    (only,) = found["by_feature"]
    assert only["bins"] == ["1", "2"]
    assert only["error_rate"] == [0.5, 0.5]
    expected = [-np.log([0.9, 0.2]).mean(), -np.log([0.6, 0.3]).mean()]
    assert only["log_loss"] == pytest.approx(expected, 1e-5)
    assert found["worst"]["columns"] == ["actual", "predicted", "probability of actual", "x"]
    assert found["worst"]["rows"] == [
        ["no", "yes", 0.2, 1], ["yes", "no", 0.3, 2], ["yes", "yes", 0.6, 2], ["no", "no", 0.9, 1],
    ]  # fmt: skip


def test_rows_of_one_class_have_no_roc():
    raw = pd.DataFrame({"x": RNG.normal(size=30)})
    found = look(raw, ["yes"] * 30, labels=["no", "yes"], metric="roc_auc")
    assert found["roc"] == []
    assert found["importance"]["features"] == [{"feature": "x", "importance": None, "std": None}]
    assert np.sum(found["confusion"]["counts"]) == 30


def test_names_are_kept_as_text():
    name = '<script>alert("é")</script>'
    found = look(pd.DataFrame({name: [1.0, 2, 3]}), [1.0, 2, 4])
    assert found["importance"]["features"][0]["feature"] == name
    assert found["by_feature"][0]["feature"] == name
    assert found["worst"]["columns"][-1] == name


EMOJI = "\N{GRINNING FACE}" * 200


@pytest.mark.parametrize("classes", [0, 2, 150])
def test_the_size_is_bounded_whatever_the_table(classes, monkeypatch):
    monkeypatch.setattr(permutation_importance, "REPEATS", 1)
    rows = 1_000
    wide = {f"{n}{EMOJI}": RNG.normal(size=rows) for n in range(60)}
    wide |= {f"t{n}{EMOJI}": [f"{k}{EMOJI}" for k in RNG.integers(0, 40, rows)] for n in range(4)}
    labels = [f"{n:03}{EMOJI}" for n in range(classes)]
    raw = pd.DataFrame(wide).iloc[:, ::-1]  # the texts come first
    if classes:
        actual = RNG.choice(labels, rows)
        given = RNG.dirichlet(np.ones(classes), rows)
        found = look(raw, actual, labels=labels, predictions=given, metric="accuracy")
    else:
        found = look(raw, RNG.normal(size=rows) * 1e-200, predictions=RNG.normal(size=rows))
    assert len(found["worst"]["columns"]) == 15


@pytest.mark.parametrize(
    ("actual", "predicted"),
    [
        ([1.5], [1.5]),
        ([0.0] * 40, [0.0] * 40),
        ([1e300, -1e300, 1.0], [-1e300, 1e300, 1.0]),
        ([1.7e308, 0.0], [-1.7e308, 0.0]),
        ([1e-320, 2e-320], [0.0, 0.0]),
        (np.arange(50) + 1.7e15, np.arange(50) + 1.7e15),
        ([0.0] * 500 + [3.0], [0.0] * 501),
        ([1.0, 2.0, np.inf], [1.0, np.nan, 2.0]),
    ],
    ids=[
        "one row", "constant", "huge", "too huge", "tiny", "close together", "nearly constant",
        "not finite",
    ],
)  # fmt: skip
def test_any_numbers_can_be_analysed(actual, predicted):
    raw = pd.DataFrame({"x": np.arange(len(actual)) / 7})
    found = look_at_test(raw, np.array(actual), np.array(predicted))
    assert np.sum(found["density"]["counts"]) + found["density"]["outside"] == len(actual)
    assert sum(found["residuals"]["counts"]) + found["residuals"]["outside"] == len(actual)


def look_at_test(raw: pd.DataFrame, actual: np.ndarray, predicted: np.ndarray) -> dict[str, Any]:
    """Analyse predictions of test rows that validation has none like."""
    sql = SqlFeatures(features(types(raw)), types(raw)).fit(raw)
    found = model_analysis.analysis(
        Pipeline([("features", sql), ("estimator", Guess())]),
        metric=resolve("rmse", "regression"),
        validation=(raw, raw.iloc[:, 0]),
        test=(raw, pd.Series(actual)),
        predictions=predicted,
        seed=0,
        fitted_on_validation=False,
    )
    json.dumps(found, allow_nan=False)
    return found


def column(rows: int) -> st.SearchStrategy[list]:
    some = [
        st.none() | st.floats(),
        st.none() | st.text(max_size=4),
        st.booleans(),
        st.integers(-(2**62), 2**62),
        st.datetimes(pd.Timestamp("1970-01-01"), pd.Timestamp("2100-01-01")) | st.none(),
    ]
    return st.one_of(*(st.lists(one, min_size=rows, max_size=rows) for one in some))


NAMES = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=6
).filter(lambda name: name == name.strip())


@st.composite
def tables(draw: Callable) -> tuple[pd.DataFrame, list[float], list[str], int]:
    rows = draw(st.integers(1, 12))
    names = draw(st.lists(NAMES, min_size=1, max_size=4, unique_by=str.casefold))
    raw = pd.DataFrame({name: draw(column(rows)) for name in names})
    texts = [name for name in raw if raw[name].dtype == object]
    raw = raw.astype(dict.fromkeys(texts, "str"))
    numbers = draw(st.lists(st.floats(-1e9, 1e9), min_size=rows, max_size=rows))
    classes = draw(st.integers(2, 4))
    known = [f"c{n}" for n in range(classes)]
    labels = draw(st.lists(st.sampled_from([*known, "new"]), min_size=rows, max_size=rows))
    return raw, numbers, labels, classes


@given(tables())
@settings(max_examples=15, deadline=None)
@pytest.mark.filterwarnings("ignore:overflow encountered")  # scikit-learn's, of such a score
def test_the_analysis_of_any_table_is_plain_json(table):
    raw, numbers, labels, classes = table
    bounded = np.zeros(len(raw))
    look(raw, labels, labels=[f"c{n}" for n in range(classes)])
    found = look_at_test(
        raw.assign(**{"a number": bounded})[["a number", *raw]], np.array(numbers), bounded
    )
    assert found["rows"] == len(raw)
    assert all(sum(one["rows"]) == len(raw) for one in found["by_feature"])


@pytest.mark.parametrize(("how", "fitted_on"), [("holdout", False), ("cv:5", True)])
def test_the_analysis_names_the_run_of_its_model(raw, how, fitted_on):
    tags = {names.FAMILY_TAG: "linear", names.SEED_TAG: "7", names.VALIDATION_TAG: how}
    run = SimpleNamespace(
        info=SimpleNamespace(run_id="abc", run_name="trial-003"), data=SimpleNamespace(tags=tags)
    )
    columns = types(raw)
    sql = SqlFeatures(features(columns), columns).fit(raw)
    model = Pipeline([("features", sql), ("estimator", Guess())])
    asked = []

    def read(split: str, wanted: dict[str, str]) -> tuple[pd.DataFrame, pd.Series]:
        asked.append((split, list(wanted)))
        return raw, raw["miles"]

    splits = SimpleNamespace(read=read)
    rmse = resolve("rmse", "regression")
    found = register.analysis_of(run, model, splits, raw, raw["miles"], raw["miles"], rmse)
    assert [found[key] for key in ("run_id", "run", "family")] == ["abc", "trial-003", "linear"]
    assert found["importance"]["fitted_on"] is fitted_on
    assert asked == [("validation", list(raw))]
