"""The registered model away from the project: raw rows in, predictions out."""

import json
import subprocess
import sys
import urllib.request
from pathlib import Path

import mlflow
import pandas as pd
import pytest
from conftest import Workflow, environment, free_port, stop, wait_for

MODEL = "models:/green-taxi-duration@champion"
TRIP = {
    "PULocationID": 74,
    "DOLocationID": 75,
    "lpep_pickup_datetime": "2023-03-01 08:30:00",
    "trip_distance": 2.5,
    "passenger_count": 1,
    "RatecodeID": 1,
    "trip_type": 1,
    "VendorID": 2,
}


def trip(workflow: Workflow, **changed: object) -> dict[str, object]:
    """Return a raw record with the model's columns."""
    mlflow.set_tracking_uri(workflow.store.uri)
    columns = mlflow.models.get_model_info(MODEL).signature.inputs.input_names()
    return {name: TRIP[name] for name in columns} | changed


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder from which nothing of the project can be imported."""
    return tmp_path_factory.mktemp("elsewhere")


def test_the_signature_has_raw_columns_of_any_type_the_metadata_theirs(workflow):
    mlflow.set_tracking_uri(workflow.store.uri)
    model = mlflow.models.get_model_info(MODEL)
    inputs, types = model.signature.inputs, model.metadata["raw_columns"]
    assert {spec.name: str(spec.type) for spec in inputs} == dict.fromkeys(types, "Any")
    assert types["trip_distance"] == "DOUBLE"
    assert types["lpep_pickup_datetime"] == "TIMESTAMP"
    assert "target" not in types
    assert "lpep_dropoff_datetime" not in types  # not known when a trip starts
    required = {spec.name: spec.required for spec in inputs}
    assert required["PULocationID"]
    assert not required["passenger_count"]


def test_the_model_is_saved_by_skops_with_pinned_requirements(workflow):
    mlflow.set_tracking_uri(workflow.store.uri)
    folder = Path(mlflow.artifacts.download_artifacts(MODEL))
    assert (folder / "model.skops").is_file()
    assert not list(folder.rglob("*.pkl"))
    assert (folder / "input_example.json").is_file()
    requirements = (folder / "requirements.txt").read_text().split("\n")
    assert all("==" in line or line == "-c constraints.txt" for line in requirements), requirements
    assert "skops==0.16.0" in requirements
    assert "urllib3==" in (folder / "constraints.txt").read_text()


def test_the_model_loads_without_the_project(workflow, elsewhere):
    script = (
        "import mlflow, pandas, json, sys\n"
        f"model = mlflow.pyfunc.load_model({MODEL!r})\n"
        "rows = pandas.DataFrame(json.loads(sys.argv[1]))\n"
        "import sql_features.transformer\n"
        "print(json.dumps([sql_features.transformer.__file__, list(model.predict(rows))]))\n"
    )
    record = trip(workflow)
    numbers = {k: float(v) for k, v in record.items() if isinstance(v, int)}
    done = subprocess.run(
        [sys.executable, "-c", script, json.dumps([record | numbers])],
        cwd=elsewhere,
        env=environment(MLFLOW_TRACKING_URI=workflow.store.uri),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    path, (minutes,) = json.loads(done.stdout)
    assert "mlruns" in path
    assert 1 < minutes < 60


def test_predict_takes_a_csv_of_raw_rows(workflow, elsewhere):
    rows = pd.DataFrame([trip(workflow), trip(workflow, PULocationID=999, passenger_count=None)])
    rows.to_csv(elsewhere / "rows.csv", index=False)
    done = subprocess.run(
        ["mlflow", "models", "predict", "-m", MODEL, "--env-manager", "local",
         "-i", "rows.csv", "-t", "csv", "-o", "out.json"],
        cwd=elsewhere,
        env=environment(MLFLOW_TRACKING_URI=workflow.store.uri),
        capture_output=True,
        text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    predictions = json.loads((elsewhere / "out.json").read_text())["predictions"]
    assert len(predictions) == 2
    assert all(1 < minutes < 60 for minutes in predictions)


@pytest.fixture(scope="module")
def server(workflow, elsewhere) -> str:
    """`mlflow models serve`, and its address."""
    port = free_port()
    process = subprocess.Popen(
        ["mlflow", "models", "serve", "-m", MODEL, "--env-manager", "local", "--port", str(port)],
        cwd=elsewhere,
        env=environment(MLFLOW_TRACKING_URI=workflow.store.uri),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        wait_for(f"{address}/ping", process)
        yield address
    finally:
        stop(process)


def ask(server: str, records: list[dict[str, object]]) -> list[float]:
    body = json.dumps({"dataframe_records": records}).encode()
    request = urllib.request.Request(
        f"{server}/invocations", body, {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)["predictions"]


def test_the_served_model_answers_json_records(server, workflow):
    assert 1 < ask(server, [trip(workflow)])[0] < 60


def test_the_served_model_accepts_unseen_zones_and_missing_values(server, workflow):
    unseen = trip(workflow, PULocationID=9_999)
    null = trip(workflow, passenger_count=None)
    absent = {name: value for name, value in trip(workflow).items() if name != "passenger_count"}
    for record in (unseen, null, absent):
        assert 1 < ask(server, [record])[0] < 60
    assert ask(server, [null]) == ask(server, [absent])


def test_a_prediction_does_not_depend_on_the_other_rows(server, workflow):
    records = [trip(workflow, trip_distance=miles) for miles in (0.5, 2.0, 9.0)]
    alone = [ask(server, [record])[0] for record in records]
    assert ask(server, records) == alone
