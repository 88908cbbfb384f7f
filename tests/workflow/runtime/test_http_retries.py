import os
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from mlflow.exceptions import MlflowException
from mlflow.store.artifact.http_artifact_repo import HttpArtifactRepository
from mlflow.tracking import MlflowClient
from requests import Session
from requests.exceptions import ChunkedEncodingError

from workflow.runtime import http_retries
from workflow.runtime.infrastructure_errors import explain

RETRIES = 2
CONTENT = os.urandom(3_000_000)  # more than is read at once


class Server:
    """Answers every request, the first ones with an answer that breaks off.

    Attributes:
        url: Its address.
        breaks: How many answers are still to break off.
        asked: Method and body of each request.
    """

    def __init__(self, serve: Callable[[type[BaseHTTPRequestHandler]], str]) -> None:
        self.breaks, self.asked = 0, []

        class Answering(BaseHTTPRequestHandler):
            def do_GET(handler) -> None:
                size = int(handler.headers.get("Content-Length", 0))
                self.asked.append((handler.command, handler.rfile.read(size)))
                answer = CONTENT if handler.command == "GET" else b"{}"
                handler.send_response(200)
                handler.send_header("Content-Length", str(len(answer)))
                handler.end_headers()
                if self.breaks:
                    self.breaks -= 1
                    answer = answer[: len(answer) // 2]
                    handler.close_connection = True
                handler.wfile.write(answer)

            do_POST = do_PUT = do_GET

            def log_message(self, *_: object) -> None:
                pass

        self.url = serve(Answering)


@pytest.fixture
def server(
    serve: Callable[[type[BaseHTTPRequestHandler]], str], monkeypatch: pytest.MonkeyPatch
) -> Server:
    for owner, name in ((Session, "send"), (HttpArtifactRepository, "_download_file")):
        monkeypatch.setattr(owner, name, getattr(owner, name))  # put back in the end
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", str(RETRIES))
    return Server(serve)


def log(server: Server, folder: Path) -> None:
    MlflowClient(server.url).log_metric("0" * 32, "rmse", 4.5, timestamp=1, synchronous=True)


def upload(server: Server, folder: Path) -> None:
    (folder / "model.bin").write_bytes(CONTENT)
    artifacts = HttpArtifactRepository(f"{server.url}/api/2.0/mlflow-artifacts/artifacts/0")
    artifacts.log_artifact(str(folder / "model.bin"))


def download(server: Server, folder: Path) -> None:
    artifacts = HttpArtifactRepository(f"{server.url}/api/2.0/mlflow-artifacts/artifacts/0")
    artifacts._download_file("model.bin", str(folder / "model.bin"))
    assert (folder / "model.bin").read_bytes() == CONTENT


each_request = pytest.mark.parametrize("request_made", [log, upload, download])
Made = Callable[[Server, Path], None]


@each_request
def test_mlflow_alone_gives_up_when_an_answer_breaks_off(server, request_made: Made, tmp_path):
    server.breaks = 1
    with pytest.raises((MlflowException, ChunkedEncodingError)) as error:
        request_made(server, tmp_path)
    assert "cannot be reached" in explain(error.value)


@each_request
@pytest.mark.parametrize("breaks", range(RETRIES + 1))
def test_an_answer_that_breaks_off_is_asked_for_again(server, request_made: Made, breaks, tmp_path):
    http_retries.ask_again()
    server.breaks = breaks
    request_made(server, tmp_path)
    assert len(server.asked) == breaks + 1
    assert len(set(server.asked)) == 1  # the whole of a file, each time
    if request_made is upload:
        assert server.asked[0] == ("PUT", CONTENT)


@each_request
def test_an_answer_that_always_breaks_off_fails_after_all_retries(
    server, request_made: Made, tmp_path
):
    http_retries.ask_again()
    server.breaks = 100
    with pytest.raises((MlflowException, ChunkedEncodingError)) as error:
        request_made(server, tmp_path)
    assert len(server.asked) == RETRIES + 1
    assert "cannot be reached" in explain(error.value)


def test_a_process_that_has_no_time_asks_once(server, monkeypatch, tmp_path):
    http_retries.ask_again()
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    server.breaks = 1
    with pytest.raises(MlflowException):
        log(server, tmp_path)
    assert len(server.asked) == 1
