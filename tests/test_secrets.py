"""The query of a signed address: used, and found nowhere in what a workflow leaves behind."""

import sqlite3
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import click
import mlflow
import numpy as np
import pandas as pd
import pytest
from conftest import Workflow, mlflow_run, new_store, parameters

from sql_features.errors import WorkflowError
from steps import preprocess
from workflow.tracking import names

ROWS = 600
SECRET = "hush"
QUERY = f"X-Amz-Credential=AK{SECRET}&X-Amz-Signature={SECRET}/{SECRET}%2Bis.csv"


def table() -> bytes:
    rng = np.random.default_rng(5)
    frame = pd.DataFrame(rng.normal(size=(ROWS, 2)), columns=["a", "b"])
    frame["y"] = 3 * frame["a"] + frame["b"] + rng.normal(0, 0.1, ROWS)
    return frame.to_csv(index=False).encode()


class Signed(BaseHTTPRequestHandler):
    """Gives its one file to whoever has a signature; which one, it does not ask."""

    body = table()

    def do_GET(self) -> None:
        self.send_response(200 if "X-Amz-Signature=" in self.path else 403)
        self.send_header("ETag", '"one"')
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(self.body)

    do_HEAD = do_GET

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def place() -> Iterator[str]:
    """The address of the file, without a query."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Signed)
    threading.Thread(target=server.serve_forever, args=[0.02], daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/waves.csv"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory, empty_store: Path, place: str) -> Workflow:
    """`mlflow run .` on the signed address; what it writes elsewhere lands in its folder too."""
    caller = tmp_path_factory.mktemp("signed")
    store = new_store(empty_store, caller)
    (caller / "tmp").mkdir()
    done = mlflow_run(
        *parameters(
            data=f"{place}?{QUERY}", target="y", models="linear", max_evals=2, verbose="true"
        ),
        cwd=caller,
        TMPDIR=str(caller / "tmp"),
    )
    assert done.code == 0, done.out + done.err
    return Workflow(store, done, caller)


def call(command: click.Command, **given: object) -> None:
    given = {"task": "auto", "split_by": "auto", "seed": 42, "verbose": "false"} | given
    words = [word for name, value in given.items() for word in (f"--{name}", str(value))]
    command.main(words, standalone_mode=False)


def test_a_signature_is_found_in_mlflows_own_param_and_line_alone(signed, tmp_path):
    run_id = signed.run("main").info.run_id
    with sqlite3.connect(signed.store.folder / "mlflow.db") as database:
        database.execute("VACUUM INTO ?", [str(tmp_path / "whole.db")])
    with sqlite3.connect(tmp_path / "whole.db") as copy:
        own = "FROM params WHERE run_uuid = ? AND key = 'data'"
        (value,) = copy.execute(f"SELECT value {own}", [run_id]).fetchone()
        assert SECRET in value
        copy.execute(f"DELETE {own}", [run_id])
        copy.commit()
        copy.execute("VACUUM INTO ?", [str(tmp_path / "store.db")])
    files = [path for path in signed.caller.rglob("*") if path.is_file()]
    assert len(files) > 30  # the store's and the artifacts
    others = [path for path in files if not path.name.startswith("mlflow.db")]
    for path in [*others, tmp_path / "store.db"]:
        assert SECRET.encode() not in path.read_bytes(), path
        assert SECRET not in str(path)
    lines = (signed.done.out + signed.done.err).splitlines()
    (line,) = [one for one in lines if SECRET in one]
    assert "INFO mlflow.projects.backend.local: === Running command 'python -B main.py" in line


def test_what_is_left_of_the_address_says_what_was_read(signed, place):
    mlflow.set_tracking_uri(signed.store.uri)
    main, step = signed.run("main"), signed.run("preprocess")
    assert step.data.params["data"] == f"'{place}?...'"  # quoted for the shell by MLflow
    assert main.data.tags[names.MODEL_TAG] == "waves-y"
    (source,) = {one.dataset.source for one in step.inputs.dataset_inputs}
    assert source == f'{{"url": "{place}?..."}}'
    assert f"-P data='{place}?...'" in main.data.tags[names.NOTE_TAG]


def test_another_signature_of_the_same_file_is_the_same_data(signed, place):
    mlflow.set_tracking_uri(signed.store.uri)
    first = signed.run("preprocess")
    call(
        preprocess.preprocess,
        dataset="green_taxi", data=f"{place}?X-Amz-Signature=another", target="y",
    )  # fmt: skip
    again = signed.store.runs("preprocess")[-1]
    assert again.info.run_id != first.info.run_id
    assert again.data.tags[names.KEY_TAG] == first.data.tags[names.KEY_TAG]


def test_the_logged_definition_passed_back_asks_for_the_query(signed, place, tmp_path, monkeypatch):
    mlflow.set_tracking_uri(signed.store.uri)
    first = signed.run("preprocess")
    uri = f"runs:/{first.info.run_id}/splits/dataset.yaml"
    path = mlflow.artifacts.download_artifacts(uri, dst_path=str(tmp_path))
    given = {"dataset": path, "data": "default", "target": "none"}
    with pytest.raises(WorkflowError, match="TABULAR_WORKFLOW_DATA_QUERY") as error:
        call(preprocess.preprocess, **given)
    assert f"data '{place}?...': the query of this address is recorded nowhere" in str(error.value)
    monkeypatch.setenv("TABULAR_WORKFLOW_DATA_QUERY", QUERY)
    call(preprocess.preprocess, **given)
    again = signed.store.runs("preprocess")[-1]
    for split in ("train", "validation", "test"):
        tag = f"{names.DIGEST_TAG}.{split}"
        assert again.data.tags[tag] == first.data.tags[tag]
