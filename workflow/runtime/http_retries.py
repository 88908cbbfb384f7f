"""Answers of a server that break off in the middle are asked for again.

MLflow asks a server that is away again and again, until an answer begins: there urllib3's `Retry`
ends. A server that goes away in the middle of an answer would end the step, so the same request is
made again here, and waits as every other does.
"""

from collections.abc import Callable
from functools import wraps
from typing import TypeVar

import requests
from mlflow.environment_variables import MLFLOW_HTTP_REQUEST_MAX_RETRIES
from mlflow.store.artifact.http_artifact_repo import HttpArtifactRepository
from requests import PreparedRequest, Session
from requests.exceptions import ChunkedEncodingError
from requests.utils import rewind_body

T = TypeVar("T")


def ask_again() -> None:
    """Let all of this process's requests to MLflow's servers do so."""
    send, download = Session.send, HttpArtifactRepository._download_file

    @wraps(send)
    def sent(session: Session, request: PreparedRequest, **how: object) -> requests.Response:
        def whole() -> requests.Response:
            return send(session, request, **how)

        def rewind() -> None:
            if isinstance(request._body_position, int):  # a file, which has been read
                rewind_body(request)

        return _until_whole(whole, rewind)

    @wraps(download)
    def downloaded(store: HttpArtifactRepository, path: str, local: str) -> None:
        # A file is read piece by piece after `send`, and written from its beginning.
        _until_whole(lambda: download(store, path, local))

    Session.send, HttpArtifactRepository._download_file = sent, downloaded


def _until_whole(call: Callable[[], T], before_again: Callable[[], None] = lambda: None) -> T:
    again = MLFLOW_HTTP_REQUEST_MAX_RETRIES.get()
    while True:
        try:
            return call()
        except ChunkedEncodingError:
            if not again:
                raise
            again -= 1
            before_again()
