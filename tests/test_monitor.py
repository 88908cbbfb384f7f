"""The entry point `monitor` on the version of the one workflow, in a copy of its store."""

import base64
import hashlib
import hmac
import json
import queue
import shutil
import time
from http.server import BaseHTTPRequestHandler

import conftest
import mlflow
import pandas as pd
import pytest
from conftest import Store, mlflow_run, parameters
from mlflow.entities.webhook import WebhookEvent
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from sql_features.errors import WorkflowError
from steps.monitor import monitor
from workflow.errors import AlertRaised
from workflow.monitoring import notification
from workflow.tracking import names, runs

NAME = "green-taxi-duration"


@pytest.fixture(scope="module")
def watched(workflow, tmp_path_factory) -> Store:
    """A copy of the workflow's store; its artifacts stay where they are."""
    folder = tmp_path_factory.mktemp("watched")
    shutil.copy(workflow.store.folder / "mlflow.db", folder / "mlflow.db")
    return Store(folder)


@pytest.fixture
def march(trips) -> pd.DataFrame:
    return pd.read_parquet(trips / "green_tripdata_2023-03.parquet")


@pytest.fixture
def look(watched, tmp_path, isolated_mlflow):
    """Monitors rows and returns the run and its result."""
    mlflow.set_tracking_uri(watched.uri)

    def looked(rows: pd.DataFrame, *, alert: bool = False, **given: str):
        rows.to_parquet(tmp_path / "rows.parquet")
        values = {
            "model": NAME, "data": str(tmp_path / "rows.parquet"), "window": "none",
            "notify": "none", "fail_on": "alert", "verbose": "false",
        } | given  # fmt: skip
        words = [word for name, text in values.items() for word in (f"--{name}", text)]
        if alert:
            with pytest.raises(AlertRaised):
                monitor.main(words, standalone_mode=False)
        else:
            monitor.main(words, standalone_mode=False)
        run = watched.runs("monitor")[-1]
        return run, mlflow.artifacts.load_dict(f"runs:/{run.info.run_id}/{names.MONITOR_RESULT}")

    return looked


def test_rows_like_those_of_training_are_well(look, march, watched):
    run, result = look(march)
    assert result["verdict"] == run.data.tags[names.VERDICT_TAG] == "ok"
    assert run.info.status == "FINISHED"
    version = watched.client.get_model_version_by_alias(NAME, "champion")
    assert version.tags[names.VERSION_MONITOR] == "ok"
    # They are the test rows: the score is that of the test split, to the last digit.
    register = watched.runs("register")[0]
    assert run.data.metrics["monitor_rmse"] == register.data.metrics["test_rmse"]
    assert result["performance"]["worse_by"] == 0
    (given,) = run.inputs.dataset_inputs
    model = watched.client.get_logged_model(runs.models(version_run(watched, version))[-1])
    (logged,) = [one for one in model.metrics if one.key == "monitor_rmse"]
    assert (logged.dataset_digest, logged.run_id) == (given.dataset.digest, run.info.run_id)
    note = run.data.tags[names.NOTE_TAG]
    assert f"(#/models/{NAME}/versions/{version.version})" in note


def version_run(store, version):
    return store.client.get_run(version.run_id)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda rows: rows.assign(trip_distance=100 * rows["trip_distance"]), "'trip_distance'"),
        (lambda rows: rows.assign(PULocationID=None), "'PULocationID' has no value in any row"),
        (lambda rows: rows.drop(columns="VendorID"), "'VendorID' is not there"),
        (lambda rows: rows.head(0), "there are no rows"),
    ],
    ids=["another unit", "all missing", "no column", "no rows"],
)
def test_broken_rows_raise_an_alert_that_names_the_column(look, march, watched, change, said):
    run, result = look(change(march), alert=True)
    assert said in result["reason"]
    assert run.data.tags[names.VERDICT_TAG] == "alert"
    assert run.info.status == "FINISHED"
    version = watched.client.get_model_version_by_alias(NAME, "champion")
    assert version.tags[names.VERSION_MONITOR] == f"alert: {result['reason']}"


def test_a_window_is_a_row_and_one_without_rows_an_alert(look, march, capsys):
    when = "day:lpep_pickup_datetime"  # the rows are of two days
    run, result = look(march, window=f"{when}:2023-03-03")
    assert [one["window"] for one in result["windows"]] == ["day 2023-03-01", "day 2023-03-02"]
    history = MlflowClient().get_metric_history(run.info.run_id, "monitor_rmse")
    assert [pd.Timestamp(one.timestamp, unit="ms").day for one in history] == [1, 2]
    _, result = look(march, window=f"{when}:2023-03-05", fail_on="never")
    assert result["verdict"] == "alert"
    line = "there are no rows in the day 2023-03-04, by column 'lpep_pickup_datetime'"
    assert result["reason"] == line
    assert line in capsys.readouterr().out


def test_the_result_is_sent_and_a_server_that_refuses_keeps_nothing_back(
    look, march, serve, capsys, monkeypatch
):
    got, answers = [], [200, 403]

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(answers.pop(0))
            self.end_headers()

        def log_message(self, *words):
            pass

    monkeypatch.setenv(notification.SECRET, "hush")
    address = f"{serve(Handler)}/services/path"
    _, result = look(march.head(0), alert=True, notify=address)
    assert got == [result]
    assert got[0]["text"].startswith(f"{NAME} version 1: alert: there are no rows")
    look(march.head(0), alert=True, notify=address)
    out = capsys.readouterr().out
    assert "warning: nobody was notified: 127.0.0.1 has answered 403.\n" in out
    assert "services/path" not in out


def test_who_may_not_tag_the_version_is_warned_and_gets_the_rest(look, march, capsys, monkeypatch):
    def refuse(*given):
        raise MlflowException("no", error_code=7)  # PERMISSION_DENIED

    monkeypatch.setattr(MlflowClient, "set_model_version_tag", refuse)
    run, _ = look(march.head(0), alert=True)
    assert run.data.tags[names.VERDICT_TAG] == "alert"
    assert "warning: the tag monitor of version 1 could not be set" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({"window": "day"}, r"^window='day': give 'none', or day, week or month and a column"),
        ({"window": "day:pickup"}, "^unknown column in window: 'pickup'"),
        ({"fail_on": "warning"}, "^fail_on='warning': give 'alert' or 'never'"),
        ({"notify": "me"}, "^notify is no http"),
        ({"model": "trips"}, "^unknown registered model 'trips'"),
        ({"data": "/nowhere.csv"}, "^data '/nowhere.csv': there is no such file"),
    ],
)
def test_what_cannot_be_done_is_one_line(look, march, given, line):
    with pytest.raises(WorkflowError, match=line):
        look(march.head(5), **given)


def test_mlflow_run_ends_with_1_on_an_alert_and_its_run_is_finished(watched, march, tmp_path):
    march.assign(trip_distance=100 * march["trip_distance"]).to_csv(
        tmp_path / "rows.csv", index=False
    )
    given = parameters(model=f"{NAME}/1", data="rows.csv")
    done = mlflow_run("-e", "monitor", *given, cwd=tmp_path, MLFLOW_TRACKING_URI=watched.uri)
    assert done.code == 1
    assert f"[monitor] {NAME} version 1: alert: column 'trip_distance' is" in done.out
    assert "Traceback" not in done.out
    run = watched.runs("monitor")[-1]
    assert run.data.tags[names.VERDICT_TAG] == "alert"
    assert names.ERROR_TAG not in run.data.tags
    end = time.monotonic() + 30
    while watched.runs("monitor")[-1].info.status != "FINISHED" and time.monotonic() < end:
        time.sleep(0.2)
    assert watched.runs("monitor")[-1].info.status == "FINISHED"


def test_the_versions_tag_fires_the_webhooks_of_a_tracking_server(
    watched, serve, tmp_path, monkeypatch
):
    got = queue.Queue()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            got.put((dict(self.headers), body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *words):
            pass

    # Webhooks are sent to public addresses by https alone, unless the server is told otherwise.
    allowed = {"MLFLOW_WEBHOOK_ALLOWED_SCHEMES": "http", "MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS": "true"}
    monkeypatch.setattr(conftest, "SERVER", conftest.SERVER | allowed)
    port = conftest.free_port()
    server = conftest.start_tracking_server(port, watched.uri, tmp_path / "artifacts", tmp_path)
    try:
        address = f"http://127.0.0.1:{port}"
        conftest.wait_for(f"{address}/health", server)
        client = MlflowClient(address)
        client.create_webhook(
            "watch", serve(Handler), [WebhookEvent("model_version_tag", "set")], secret="hush"
        )
        client.set_model_version_tag(NAME, "1", names.VERSION_MONITOR, "alert: there are no rows")
        headers, body = got.get(timeout=30)
    finally:
        conftest.stop(server)
    assert json.loads(body)["data"] == {
        "name": NAME, "version": "1", "key": "monitor", "value": "alert: there are no rows",
    }  # fmt: skip
    signed = f"{headers['X-MLflow-Delivery-Id']}.{headers['X-MLflow-Timestamp']}.".encode() + body
    digest = base64.b64encode(hmac.new(b"hush", signed, hashlib.sha256).digest()).decode()
    assert headers["X-MLflow-Signature"] == f"v1,{digest}"
