import ctypes
import errno
import os
import socket
import sqlite3
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import aiohttp
import botocore.exceptions
import duckdb
import numpy as np
import pytest
import requests
import sqlalchemy
import urllib3
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from sql_features.errors import WorkflowError
from workflow.runtime.infrastructure_errors import LIBRARIES, NEXT, explain, is_unreachable

DISK, WRITE = "the disk is full (", "nothing can be written ("
AWAY = (
    "the tracking server or the artifact store cannot be reached, though it was asked again and "
    "again ("
)
REFUSED, LOCKED = "access is refused (", "the store is locked by another process for too long ("
MEMORY = "out of memory. "


def one_line(error: BaseException, starts: str) -> bool:
    line = explain(error)
    return line is not None and line.startswith(starts) and line.endswith(NEXT) and "\n" not in line


@pytest.mark.parametrize(
    ("number", "starts"),
    [
        (errno.ENOSPC, DISK),
        (errno.EDQUOT, DISK),
        (errno.EROFS, WRITE),
        (errno.EACCES, WRITE),
        (errno.ECONNREFUSED, AWAY),
        (errno.ECONNRESET, AWAY),
    ],
    ids=errno.errorcode.get,
)
def test_an_error_of_the_system_is_explained_by_its_number(number, starts):
    error = OSError(number, os.strerror(number), "/data/model.bin")
    assert one_line(error, starts)
    assert "/data/model.bin" in explain(error) or number in (errno.ECONNREFUSED, errno.ECONNRESET)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES])
def test_an_error_in_another_language_is_explained_too(number):
    assert explain(OSError(number, "Auf dem Gerät")) is not None


@pytest.mark.parametrize("number", [errno.ENOENT, errno.EISDIR, errno.EBADF, errno.EPIPE])
def test_other_errors_of_the_system_are_bugs(number):
    assert explain(OSError(number, os.strerror(number))) is None


def boto(code: str, message: str, operation: str = "PutObject") -> Exception:
    return botocore.exceptions.ClientError({"Error": {"Code": code, "Message": message}}, operation)


URL = "http://127.0.0.1:9000/bucket"
TEXTS = [
    (sqlite3.OperationalError("database or disk is full"), DISK),
    (sqlite3.OperationalError("attempt to write a readonly database"), WRITE),
    (sqlite3.OperationalError("unable to open database file"), WRITE),
    (sqlite3.OperationalError("database is locked"), LOCKED),
    (
        sqlalchemy.exc.OperationalError(
            "INSERT INTO runs", {}, sqlite3.OperationalError("database is locked")
        ),
        LOCKED,
    ),
    (
        sqlalchemy.exc.OperationalError(
            "SELECT 1", {}, Exception('connection to server at "db" failed: Connection refused')
        ),
        AWAY,
    ),
    (duckdb.IOException('IO Error: Could not write file "x": No space left on device'), DISK),
    (duckdb.IOException('IO Error: Cannot open file "/x": Permission denied'), WRITE),
    (requests.exceptions.ConnectionError("HTTPConnectionPool: Max retries exceeded"), AWAY),
    (requests.exceptions.ConnectionError("('Connection aborted.', RemoteDisconnected())"), AWAY),
    (urllib3.exceptions.NewConnectionError(None, "Failed to establish a new connection"), AWAY),
    (MlflowException("API request to http://h failed with error code 503 != 200."), AWAY),
    (MlflowException("API request failed with exception too many 500 error responses"), AWAY),
    (MlflowException("API request failed with error code 401 != 200."), REFUSED),
    (MlflowException("API request failed with error code 403 != 200."), REFUSED),
    (botocore.exceptions.EndpointConnectionError(endpoint_url=URL), AWAY),
    (botocore.exceptions.ConnectTimeoutError(endpoint_url=URL), AWAY),
    (botocore.exceptions.ReadTimeoutError(endpoint_url=URL), AWAY),
    (botocore.exceptions.ConnectionClosedError(endpoint_url=URL), AWAY),
    (boto("AccessDenied", "Access Denied"), REFUSED),
    (boto("403", "Forbidden", "HeadObject"), REFUSED),
    (PermissionError("Access Denied"), REFUSED),
    (PermissionError("Forbidden"), REFUSED),
    (boto("ExpiredToken", "The provided token has expired."), REFUSED),
    (boto("InvalidAccessKeyId", "The key you provided does not exist."), REFUSED),
    (boto("SignatureDoesNotMatch", "The signature does not match."), REFUSED),
    (botocore.exceptions.NoCredentialsError(), REFUSED),
    (aiohttp.ClientConnectionError("Connection reset by peer"), AWAY),
    (socket.gaierror(-2, "Name or service not known"), AWAY),
    (ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"), AWAY),
    (MemoryError(), MEMORY),
    (duckdb.OutOfMemoryException("Out of Memory Error: could not allocate block"), MEMORY),
    (np._core._exceptions._ArrayMemoryError((10**9,), np.dtype("float64")), MEMORY),
]


@pytest.mark.parametrize(
    ("error", "starts"), TEXTS, ids=[f"{type(error).__name__}: {error}"[:60] for error, _ in TEXTS]
)
def test_an_error_of_a_library_is_explained_in_one_line(error, starts):
    assert one_line(error, starts)


@pytest.mark.parametrize(
    "error",
    [
        ValueError("connection refused"),
        RuntimeError("no space left on device"),
        KeyError("permission denied"),
        AssertionError("max retries exceeded"),
        WorkflowError("the file says: access denied, database is locked"),
        TypeError("out of memory"),
        MlflowException("No such run"),
        requests.exceptions.InvalidURL("no host"),
        sqlite3.OperationalError("no such table: runs"),
        duckdb.BinderException("Binder Error: no column"),
        boto("NoSuchBucket", "The specified bucket does not exist"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_bug_is_not_explained_whatever_its_text(error):
    assert explain(error) is None
    assert not is_unreachable(error)


of_xgboost = type("XGBoostError", (ValueError,), {"__module__": "xgboost.core"})


def loaded(name: str) -> BaseException:
    with pytest.raises(OSError) as caught:
        ctypes.CDLL(name)
    return caught.value


@pytest.mark.parametrize(
    "error",
    [
        loaded("libno-such-library.so.1"),
        OSError("dlopen(/env/lib_lightgbm.dylib, 0x0006): Library not loaded: @rpath/libomp.dylib"),
        of_xgboost(
            "\nXGBoost Library (libxgboost.dylib) could not be loaded.\nLikely causes:\n"
            "  * OpenMP runtime is not installed"
        ),
    ],
    ids=["Linux", "macOS", "XGBoost"],
)
def test_a_library_of_the_system_that_is_missing_is_named(error):
    assert one_line(error, "a library of the system is missing (")
    assert "brew install libomp" in explain(error)


def raised(*errors: BaseException, explicit: bool = True) -> BaseException:
    """Return the last of some errors, each the reason for the next, as Python makes them."""
    try:
        if len(errors) > 1:
            try:
                raise raised(*errors[:-1], explicit=explicit)
            except BaseException as cause:
                if explicit:
                    raise errors[-1] from cause
                raise errors[-1]  # noqa: B904
        raise errors[-1]
    except BaseException as error:
        return error


FULL = "/data/model.bin"


@pytest.mark.parametrize("explicit", [True, False], ids=["cause", "context"])
def test_an_error_is_explained_by_its_first_cause(explicit):
    disk = OSError(errno.ENOSPC, "No space left on device", FULL)
    error = raised(disk, RuntimeError("cannot save"), ValueError("no model"), explicit=explicit)
    assert one_line(error, DISK)
    assert FULL in explain(error)


def test_of_several_causes_the_first_that_happened_is_told():
    disk = OSError(errno.ENOSPC, "No space left on device")
    error = raised(disk, requests.exceptions.ConnectionError("Max retries exceeded"))
    assert one_line(error, DISK)
    back = raised(requests.exceptions.ConnectionError("Max retries exceeded"), disk)
    assert one_line(back, AWAY)


def test_an_error_that_is_its_own_cause_is_gone_through_once():
    one, other = ValueError("a"), ValueError("b")
    one.__cause__, other.__cause__ = other, one
    assert explain(one) is None


def test_a_long_text_of_several_lines_is_cut_to_one():
    error = MlflowException("Connection refused\n" + "SELECT\n\t x " * 200)
    assert one_line(error, AWAY)
    assert len(explain(error)) < 600


def test_only_a_server_that_is_away_is_unreachable():
    assert is_unreachable(requests.exceptions.ConnectionError("Max retries exceeded"))
    assert is_unreachable(raised(ConnectionRefusedError(111, "Connection refused"), ValueError()))
    for error in (MemoryError(), OSError(errno.ENOSPC, "full"), sqlite3.OperationalError("locked")):
        assert not is_unreachable(error)


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """MLflow gives up at once."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR", "0")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")


def always(status: int) -> type[BaseHTTPRequestHandler]:
    """Answers everything with a status."""

    class Answering(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(status)

        do_POST = do_GET

        def log_message(self, *_: object) -> None:
            pass

    return Answering


def asked(uri: str) -> BaseException:
    with pytest.raises(Exception) as caught:
        MlflowClient(uri).get_run("0" * 32)
    return caught.value


def test_a_tracking_server_that_is_not_there_is_told(patience):
    assert one_line(asked("http://127.0.0.1:1"), AWAY)


def test_a_tracking_server_whose_name_is_not_known_is_told(patience):
    assert one_line(asked("http://no-such-host.invalid"), AWAY)


def test_a_tracking_server_that_does_not_answer_is_told(patience):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert one_line(asked(f"http://127.0.0.1:{silent.getsockname()[1]}"), AWAY)


@pytest.mark.parametrize(
    ("status", "starts"),
    [(500, AWAY), (502, AWAY), (503, AWAY), (504, AWAY), (401, REFUSED), (403, REFUSED)],
)
def test_a_tracking_server_that_fails_or_refuses_is_explained(serve, patience, status, starts):
    assert one_line(asked(serve(always(status))), starts)


def test_a_store_that_is_read_only_is_told(store, monkeypatch):
    path = store.folder / "mlflow.db"
    monkeypatch.chdir(path.parent)  # MLflow makes a folder of the URI
    client = MlflowClient(f"sqlite:///file:{path}?mode=ro&uri=true")
    with pytest.raises(MlflowException) as caught:
        client.create_run("0")
    assert one_line(caught.value, WRITE)


def test_a_database_that_another_process_locks_is_told(tmp_path):
    path = tmp_path / "store.db"
    engine = sqlalchemy.create_engine(f"sqlite:///{path}", connect_args={"timeout": 0.01})
    with sqlite3.connect(path, isolation_level=None) as other, engine.connect() as connection:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(sqlalchemy.exc.OperationalError) as caught:
            connection.execute(sqlalchemy.text("CREATE TABLE runs (id TEXT)"))
        other.execute("ROLLBACK")
    assert one_line(caught.value, LOCKED)
    assert one_line(MlflowException(caught.value), LOCKED)  # as MLflow tells it


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux")
def test_a_disk_that_is_full_is_told():
    with pytest.raises(OSError) as caught, Path("/dev/full").open("w") as file:
        file.write("x")
        file.flush()
    assert one_line(caught.value, DISK)


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_folder_that_cannot_be_written_to_is_told(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(OSError) as caught:
        (tmp_path / "model.bin").write_bytes(b"x")
    assert one_line(caught.value, WRITE)


@pytest.mark.parametrize("kind", [duckdb.IOException, duckdb.OutOfMemoryException])
def test_duckdbs_errors_are_known_by_the_name_of_its_module(kind):
    assert kind.__module__.partition(".")[0] in LIBRARIES
