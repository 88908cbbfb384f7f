"""A registered version scores a table: one real `mlflow run`, and the step in this process."""

import json
import shutil
from pathlib import Path

import mlflow
import pandas as pd
import pyarrow.parquet as pq
import pytest
from conftest import Store, Workflow, mlflow_run, parameters

from sql_features.errors import WorkflowError
from steps import predict
from workflow.tracking import names

NAME = "green-taxi-duration"
MARCH = "green_tripdata_2023-03.parquet"


@pytest.fixture(scope="module")
def store(workflow: Workflow, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """The store of the workflow, to write to."""
    folder = tmp_path_factory.mktemp("store")
    shutil.copy(workflow.store.folder / "mlflow.db", folder)
    return Store(folder)


@pytest.fixture
def score(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Calls the step with a folder of one's own for relative paths."""
    mlflow.set_tracking_uri(store.uri)
    monkeypatch.chdir(tmp_path)

    def call(**given: str) -> mlflow.entities.Run:
        defaults = {"model": NAME, "output": "out.parquet", "keep": "none",
                    "interval": "none", "invalid": "refuse", "overwrite": "false",
                    "verbose": "false"}  # fmt: skip
        words = [word for name, text in (defaults | given).items() for word in (f"--{name}", text)]
        try:
            predict.predict.main(words, standalone_mode=False)
        finally:
            mlflow.end_run()
        return store.runs("predict")[-1]

    return call


def test_a_table_is_scored_by_one_command(workflow, store, trips, tmp_path):
    done = mlflow_run(
        "-e", "predict", *parameters(model=NAME, data=str(trips / MARCH)),
        cwd=tmp_path, MLFLOW_TRACKING_URI=store.uri,
    )  # fmt: skip
    assert done.code == 0, done.out + done.err
    (run,) = store.runs("predict")
    mlflow.set_tracking_uri(store.uri)
    frame = pd.read_parquet(
        mlflow.artifacts.download_artifacts(f"runs:/{run.info.run_id}/predictions.parquet")
    )
    raw = pd.read_parquet(trips / MARCH)
    expected = mlflow.pyfunc.load_model(f"models:/{NAME}@champion").predict(raw)
    assert frame["prediction"].tolist() == list(expected)
    assert run.data.metrics["rows"] == len(raw)
    assert run.data.metrics["prediction_mean"] == pytest.approx(frame["prediction"].mean())
    assert run.data.tags[names.VERSION_TAG] == "1"
    assert f"[{NAME} version 1](#/models/{NAME}/versions/1)" in run.data.tags[names.NOTE_TAG]
    assert "| prediction | of these rows | of the test rows |" in run.data.tags[names.NOTE_TAG]
    (used,) = run.inputs.dataset_inputs
    assert json.loads(used.dataset.profile) == {"num_rows": len(raw)}
    assert json.loads(used.dataset.source) == {"uri": str(trips / MARCH)}
    assert f"{len(raw):,} rows scored by {NAME} version 1: predictions.parquet" in done.out


def test_raw_columns_go_along_and_say_where_predictions_come_from(score, trips):
    run = score(data=str(trips / MARCH), keep="lpep_dropoff_datetime,vendorid")
    frame = pd.read_parquet("out.parquet")
    assert list(frame) == ["lpep_dropoff_datetime", "VendorID", "prediction", *predict.PROVENANCE]
    assert frame["VendorID"].tolist() == pd.read_parquet(trips / MARCH)["VendorID"].tolist()
    assert (frame["model_name"].unique(), frame["model_version"].unique()) == ([NAME], ["1"])
    told = json.loads(pq.read_schema("out.parquet").metadata[b"tabular-workflow"])
    assert told["model_version"] == "1"
    assert told["key"] == run.data.tags[names.KEY_TAG]


def test_an_output_of_the_same_model_and_rows_is_reused_and_no_other_replaced(score, trips):
    data = str(trips / MARCH)
    first = score(data=data, output="out.csv")
    written = Path("out.csv").stat().st_mtime_ns
    again = score(data=data, output="out.csv")
    assert Path("out.csv").stat().st_mtime_ns == written
    assert again.data.tags[names.REUSED_TAG] == first.info.run_id
    with pytest.raises(WorkflowError, match=r"out\.csv' exists, and is not of this model and"):
        score(data=data, output="out.csv", keep="VendorID")
    score(data=data, output="out.csv", keep="VendorID", overwrite="true")
    assert "VendorID" in pd.read_csv("out.csv")


def test_rows_that_cannot_be_scored_leave_no_output_or_say_why(score, trips):
    frame = pd.read_parquet(trips / MARCH).head(40).astype({"trip_distance": object})
    frame.loc[7, "trip_distance"] = "far"
    frame.to_csv("new.csv", index=False)
    with pytest.raises(WorkflowError, match=r"the first of them row 8: .*far"):
        score(data="new.csv", output="out.jsonl")
    assert not Path("out.jsonl").exists()
    run = score(data="new.csv", output="out.jsonl", invalid="null")
    found = pd.read_json("out.jsonl", lines=True)
    assert found["prediction"].isna().sum() == 1
    assert "far" in found["problem"][7]
    assert run.data.metrics["rows_invalid"] == 1


def test_intervals_hold_the_truth_in_the_share_of_rows_asked_for(score, trips, workflow):
    times = "lpep_pickup_datetime,lpep_dropoff_datetime"
    score(data=str(trips / MARCH), keep=times, interval="0.9")
    frame = pd.read_parquet("out.parquet")
    taken = frame["lpep_dropoff_datetime"] - frame["lpep_pickup_datetime"]
    minutes = taken.dt.total_seconds() / 60
    counted = minutes.between(1, 60)
    inside = minutes.between(frame["prediction_low"], frame["prediction_high"])[counted].mean()
    assert 0.88 < inside < 0.92
    metrics = workflow.run("register").data.metrics
    assert metrics["interval_coverage"] == pytest.approx(inside)
    width = frame["prediction_high"] - frame["prediction_low"]
    assert metrics["interval_width"] == pytest.approx(width.mean())
    assert workflow.run("main").data.metrics["interval_width"] == metrics["interval_width"]


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({"keep": "fares"}, r"unknown column in .*parquet that keep names: 'fares': Allowed"),
        ({"model": f"{NAME}/7"}, "there is no version 7"),
        ({"interval": "90"}, r"^interval='90': give a share of rows such as 0\.9, or 'none'"),
        ({"interval": "0.99999"}, r"residuals of [\d,]+ rows, and 99,999 are needed for that"),
        ({"output": "out.xlsx"}, "give the name of a file that ends in"),
        ({"data": "few.parquet"}, r"data few\.parquet lacks the columns .*PULocationID"),
        ({"data": "none.csv"}, "there is no such file"),
    ],
)
def test_what_cannot_be_scored_is_said_in_one_line(score, trips, given, line):
    pd.read_parquet(trips / MARCH)[["VendorID"]].to_parquet("few.parquet")
    with pytest.raises(WorkflowError, match=line):
        score(**{"data": str(trips / MARCH)} | given)
    assert not list(Path().glob("out*"))
