"""A real tracking server on the loopback that does its work, and then breaks its answer."""

from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import SimpleNamespace

import mlflow
import pandas as pd
import pytest
from conftest import Store
from mlflow.entities import LoggedModel, LoggedModelOutput, Run
from mlflow.exceptions import MlflowException
from mlflow.server import app, handlers
from mlflow.store.artifact.http_artifact_repo import HttpArtifactRepository
from mlflow.store.tracking.rest_store import RestStore
from mlflow.tracking import MlflowClient
from requests import Session

from workflow.runtime import http_retries
from workflow.runtime.infrastructure_errors import explain
from workflow.tracking import registry

RETRIES = 2
PREFIX = "/api/2.0/mlflow/"
RUN, OUTPUTS, MODEL = "runs/create", "runs/outputs", "logged-models"
VERSION = "model-versions/create"
# What may come of a request: its answer breaks off, does not come, or is an error of a proxy,
# after the server has done its work; or it is not heard.
HALF, NONE, PROXY, DEAF = "half", "none", "proxy", "deaf"


class Broken:
    """MLflow's own server behind a handler that breaks answers.

    Attributes:
        faults: By path below `PREFIX`, what comes of the next requests, of each in turn.
        asked: The paths of all requests.
    """

    def __init__(self) -> None:
        self.faults: dict[str, list[str]] = {}
        self.asked: list[str] = []
        flask = app.test_client()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(handler) -> None:
                body = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
                path = handler.path.partition("?")[0].removeprefix(PREFIX)
                self.asked.append(path)
                fault = self.faults[path].pop(0) if self.faults.get(path) else ""
                code, answer = 502, b"<html>Bad Gateway</html>"
                if fault != DEAF:
                    done = flask.open(
                        handler.path,
                        method=handler.command,
                        data=body,
                        content_type="application/json",
                        headers={"Host": "127.0.0.1"},
                    )
                    if fault != PROXY:
                        code, answer = done.status_code, done.get_data()
                if fault == NONE:
                    handler.close_connection = True
                    return
                handler.send_response(code)
                handler.send_header("Content-Length", str(len(answer)))
                handler.end_headers()
                if fault == HALF:
                    handler.close_connection = True
                    answer = answer[: len(answer) // 2]
                handler.wfile.write(answer)

            do_POST = do_PATCH = do_GET

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        Thread(target=self.server.serve_forever, args=[0.02], daemon=True).start()


@pytest.fixture(scope="module")
def started(module_store: Store) -> Iterator[Broken]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("_tracking_store", "_model_registry_store"):
            patch.setattr(handlers, name, None)
        handlers.initialize_backend_stores(
            module_store.uri, default_artifact_root=str(module_store.folder / "artifacts")
        )
        broken = Broken()
        yield broken
        broken.server.shutdown()
        broken.server.server_close()


@pytest.fixture
def server(started: Broken, monkeypatch: pytest.MonkeyPatch) -> Broken:
    patched = {
        Session: ["send"],
        HttpArtifactRepository: ["_download_file"],
        RestStore: ["create_run", "create_logged_model", "log_outputs"],
    }
    for owner, methods in patched.items():
        for name in methods:
            monkeypatch.setattr(owner, name, getattr(owner, name))  # put back in the end
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", str(RETRIES))
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR", "0")
    started.faults.clear()
    mlflow.set_tracking_uri(started.url)
    return started


@pytest.fixture
def parent(server: Broken) -> str:
    """A run of this test's own, whose children it counts."""
    return MlflowClient().create_run("0").info.run_id


def make_run(parent: str) -> Run:
    return MlflowClient().create_run("0", tags={"mlflow.parentRunId": parent}, run_name="linear")


def make_model(parent: str) -> LoggedModel:
    return MlflowClient().create_logged_model("0", "model", parent)


def show_model(parent: str) -> None:
    model = make_model(parent)
    MlflowClient().log_outputs(parent, [LoggedModelOutput(model.model_id, 0)])


def log_model(parent: str) -> str:
    model = make_model(parent)
    MlflowClient().finalize_logged_model(model.model_id, "READY")
    MlflowClient().log_outputs(parent, [LoggedModelOutput(model.model_id, 0)])
    return model.model_id


def register(parent: str) -> str:
    if not MlflowClient().get_run(parent).outputs.model_outputs:
        log_model(parent)
    run = MlflowClient().get_run(parent)
    splits = SimpleNamespace(
        run_id=parent, uri="runs:/x/splits", dataset=SimpleNamespace(description="Houses.")
    )
    winner = pd.Series({"run": "linear", "family": "linear", "val_rmse": 1.0, "test_rmse": 1.5})
    with mlflow.start_run(run_id=parent):
        return registry.register_version(f"of-{parent}", run, winner, splits).number


def runs(parent: str) -> list[object]:
    return list(MlflowClient().search_runs(["0"], f"tags.mlflow.parentRunId = '{parent}'"))


def models(parent: str) -> list[object]:
    return list(MlflowClient().search_logged_models(["0"], f"source_run_id = '{parent}'"))


def outputs(parent: str) -> list[object]:
    return MlflowClient().get_run(parent).outputs.model_outputs


def versions(parent: str) -> list[object]:
    return list(MlflowClient().search_model_versions(f"name = 'of-{parent}'"))


Make, Made = Callable[[str], object], Callable[[str], list[object]]
each_request = pytest.mark.parametrize(
    ("path", "make", "made"),
    [
        (RUN, make_run, runs),
        (MODEL, make_model, models),
        (OUTPUTS, show_model, outputs),
        (VERSION, register, versions),
    ],
    ids=["run", "model", "outputs", "version"],
)


@pytest.mark.parametrize(
    ("path", "make", "made"),
    [(RUN, make_run, runs), (MODEL, make_model, models), (VERSION, register, versions)],
    ids=["run", "model", "version"],
)
def test_mlflow_alone_makes_a_second_one_after_a_lost_answer(server, parent, path, make, made):
    server.faults[path] = [NONE]
    make(parent)
    assert len(made(parent)) == 2


@each_request
@pytest.mark.parametrize("fault", [HALF, NONE, PROXY])
def test_what_was_made_before_the_answer_was_lost_is_found(
    server, parent, path: str, make: Make, made: Made, fault
):
    http_retries.ask_again()
    server.faults[path] = [fault]
    server.asked.clear()
    found = make(parent)
    assert server.asked.count(path) == 1
    assert len(made(parent)) == 1
    if path == RUN:
        assert found.info.run_id == made(parent)[0].info.run_id
    elif path == MODEL:
        assert found.model_id == made(parent)[0].model_id
    elif path == VERSION:
        assert found == "1"


@each_request
@pytest.mark.parametrize("deaf", range(1, RETRIES + 1))
def test_what_was_not_heard_is_asked_for_again(
    server, parent, path: str, make: Make, made: Made, deaf
):
    http_retries.ask_again()
    server.faults[path] = [DEAF] * deaf
    server.asked.clear()
    make(parent)
    assert server.asked.count(path) == deaf + 1
    assert len(made(parent)) == 1


@each_request
def test_a_server_that_never_hears_is_given_up_after_all_retries(
    server, parent, path: str, make: Make, made: Made
):
    http_retries.ask_again()
    server.faults[path] = [DEAF] * 100
    server.asked.clear()
    with pytest.raises(MlflowException) as error:
        make(parent)
    assert server.asked.count(path) == RETRIES + 1
    assert "cannot be reached" in explain(error.value)
    server.faults.clear()
    assert made(parent) == []


def test_a_model_has_one_version_whichever_version_serves(server, parent):
    http_retries.ask_again()
    client, name = MlflowClient(), f"of-{parent}"
    assert register(parent) == "1"
    other = log_model(make_run(parent).info.run_id)
    client.create_model_version(name, source=f"models:/{other}", model_id=other)
    client.set_registered_model_alias(name, "champion", "2")
    assert register(parent) == "1"
    assert len(versions(parent)) == 2
    assert client.get_model_version_by_alias(name, "challenger").version == "1"


def test_a_process_that_has_no_time_asks_once_and_does_not_look(server, parent, monkeypatch):
    http_retries.ask_again()
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    server.faults[RUN] = [NONE]
    server.asked.clear()
    with pytest.raises(MlflowException):
        make_run(parent)
    assert server.asked == [RUN]


def test_a_server_that_is_away_is_not_looked_at_as_well(server, monkeypatch):
    http_retries.ask_again()
    looked = []
    monkeypatch.setattr(RestStore, "search_runs", lambda *given: looked.append(given))
    mlflow.set_tracking_uri("http://127.0.0.1:1")
    with pytest.raises(MlflowException) as error:
        make_run("x")
    assert "cannot be reached" in explain(error.value)
    assert looked == []


def test_a_refusal_is_not_asked_for_again(server, parent):
    http_retries.ask_again()
    server.asked.clear()
    with pytest.raises(MlflowException, match="No Experiment with id=77"):
        MlflowClient().create_run("77")
    assert server.asked == [RUN]
