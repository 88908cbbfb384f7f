"""Rows by the batch against the same rows at once."""

import re
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from conftest import ROOT, Store
from sklearn.linear_model import LinearRegression, LogisticRegression
from table_files import write_table

from sql_features.errors import WorkflowError
from sql_features.labelled_pipeline import LabelledPipeline
from sql_features.transformer import SqlFeatures
from sql_features.value_pipeline import ValuePipeline
from workflow.data.dataset import Dataset
from workflow.data.new_rows import NewRows, open_rows
from workflow.data.split_rules import ByHash
from workflow.models.families import FAMILIES
from workflow.tracking import logged_models, model_loading, scoring
from workflow.tracking.model_loading import ForeignModel, LoadedModel

TYPES = {"a": "BIGINT", "b": "DOUBLE"}
FIT = pd.DataFrame({"a": [1, 2, 3, 4], "b": [0.5, None, 2.0, 1.5]})
EARLIER = ROOT / "tests/models/0.1.0/regression"


@pytest.fixture(scope="module")
def models(module_store: Store) -> dict[str, LoadedModel]:
    """A model of numbers and one of classes, logged and loaded."""
    mlflow.set_tracking_uri(module_store.uri)
    found = {}
    for kind in ("numbers", "classes"):
        sql = SqlFeatures({"x": "a + coalesce(b, 0)"}, TYPES, ["b"])
        if kind == "numbers":
            steps = [("features", sql), ("estimator", LinearRegression())]
            pipeline = ValuePipeline(steps).fit(FIT, [1.0, 2.5, 2.0, 4.0])
        else:
            steps = [("features", sql), ("estimator", LogisticRegression())]
            pipeline = LabelledPipeline(steps, labels=["no", "yes"]).fit(FIT, [0, 0, 1, 1])
        with mlflow.start_run() as run:
            logged_models.log(pipeline, FIT, FAMILIES["linear"], run.info.run_id)
        found[kind] = model_loading.load(logged_models.model_uri(mlflow.get_run(run.info.run_id)))
    mlflow.set_tracking_uri(None)
    return found


def rows_of(frame: pd.DataFrame, path: Path, types: dict[str, str] = TYPES) -> NewRows:
    write_table(frame, path)
    dataset = Dataset(
        name="d", task="regression", data="/d", split=ByHash(), target="b", features={"a": "a"}
    )
    return open_rows(str(path), dataset, types, path.parent)


def scored(model: LoadedModel, rows: NewRows, *more: str, may_be_invalid: bool = False) -> list:
    columns = [spec.name for spec in model.signature.inputs]
    return list(scoring.score(model, rows, [*columns, *more], may_be_invalid=may_be_invalid))


@pytest.mark.parametrize("kind", ["numbers", "classes"])
def test_batches_have_the_predictions_of_the_whole_in_the_order_of_the_rows(
    models, tmp_path, monkeypatch, kind
):
    monkeypatch.setattr(scoring, "MOST_ROWS", 2_048)
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.integers(0, 9, 9_000), "b": rng.normal(size=9_000), "id": "i"})
    frame.loc[::7, "b"] = None
    found = scored(models[kind], rows_of(frame, tmp_path / "new.parquet"), "id")
    assert len(found) > 3
    whole, _ = models[kind].predict(frame)
    batched = pd.concat([one.answer for one in found], ignore_index=True)
    pd.testing.assert_frame_equal(batched, whole, check_exact=True)
    assert pa.concat_tables([one.rows for one in found])["a"].to_pylist() == frame["a"].tolist()
    assert [name for name in scoring.answer_schema(models[kind]).names] == list(whole)


def test_rows_that_cannot_be_scored_are_named_with_the_reason(models, tmp_path):
    frame = pd.DataFrame({"a": ["1", "many", "2", "3.5", "x", "y"], "b": 1.0})
    rows = rows_of(frame, tmp_path / "new.csv")
    line = (
        "rows cannot be scored, the first of them row 2: column a is read as BIGINT, which does "
        "not fit many; row 4: "
    )
    with pytest.raises(WorkflowError, match=f"^{re.escape(line)}") as caught:
        scored(models["numbers"], rows)
    assert "row 5" in str(caught.value)
    assert "row 6" not in str(caught.value)


@pytest.mark.parametrize("kind", ["numbers", "classes"])
def test_rows_that_cannot_be_scored_can_be_left_empty(models, tmp_path, kind):
    frame = pd.DataFrame({"a": ["x", "2", "3", "many"], "b": ["1", "", "2", "3"]})
    (found,) = scored(models[kind], rows_of(frame, tmp_path / "new.csv"), may_be_invalid=True)
    assert found.answer["prediction"].isna().tolist() == [True, False, False, True]
    assert found.invalid == 2
    assert "does not fit many" in found.problems[3]
    assert found.problems[1] is None
    expected, _ = models[kind].predict(FIT.iloc[1:3])
    assert found.answer["prediction"].tolist()[1:3] == expected["prediction"].tolist()


def test_many_rows_that_cannot_be_scored_are_found_at_once(models, tmp_path, monkeypatch):
    calls, plain = [], models["numbers"].predict
    monkeypatch.setattr(
        models["numbers"], "predict", lambda rows: calls.append(len(rows)) or plain(rows)
    )
    frame = pd.DataFrame({"a": ["1", "far", "3", "2"] * 100, "b": ["0.5", ""] * 200})
    frame.loc[4, "b"] = "wide"
    (found,) = scored(models["numbers"], rows_of(frame, tmp_path / "new.csv"), may_be_invalid=True)
    assert calls == [400, 299]
    assert found.invalid == 101
    expected = found.rows.to_pandas()["a"].eq("far")
    expected[4] = True
    assert (pd.notna(found.problems) == expected).all()
    assert found.problems[1] == "column a is read as BIGINT, which does not fit far"
    assert found.answer["prediction"].isna().tolist() == expected.tolist()


def test_a_prediction_that_is_no_number_counts_as_none(models, tmp_path, monkeypatch):
    monkeypatch.setattr(models["numbers"], "_answer", lambda rows: np.array([1.0, np.inf]))
    rows = rows_of(FIT.head(2), tmp_path / "new.parquet")
    with pytest.raises(WorkflowError, match="row 2: the model predicts no number"):
        scored(models["numbers"], rows)


def test_a_model_of_an_earlier_version_scores_what_it_always_did(tmp_path):
    frame = pd.read_parquet(EARLIER / "rows.parquet")
    with model_loading.load(str(EARLIER / "model")) as model:
        assert isinstance(model, ForeignModel)
        types = dict.fromkeys(frame.columns, "VARCHAR")
        (found,) = scored(model, rows_of(frame, tmp_path / "new.parquet", types))
    expected = pd.read_parquet(EARLIER / "predictions.parquet")
    assert found.answer["prediction"].tolist() == expected.iloc[:, 0].tolist()
