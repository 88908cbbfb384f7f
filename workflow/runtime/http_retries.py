"""Requests whose answer breaks off in the middle are made again.

MLflow retries a request by urllib3's `Retry`, but only until an answer begins. A server that goes
away in the middle of an answer would end the step; so the request is made again here, with the same
number of retries and the same waits. Requests that create something are an exception
(`creating_requests`).
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

import requests
from mlflow.environment_variables import MLFLOW_HTTP_REQUEST_MAX_RETRIES
from mlflow.store.artifact.http_artifact_repo import HttpArtifactRepository
from requests import PreparedRequest, Session
from requests.exceptions import ChunkedEncodingError
from requests.utils import rewind_body

from workflow.runtime import creating_requests

T = TypeVar("T")


def ask_again() -> None:
    """Retry in this way all requests of this process, and all downloads of artifacts."""
    send = Session.send
    download: Callable[..., None] = HttpArtifactRepository._download_file

    @wraps(send)
    def sent(session: Session, request: PreparedRequest, **how: Any) -> requests.Response:
        if creating_requests.is_creating(request):
            return creating_requests.send_once(send, session, request, **how)

        def rewind() -> None:
            if isinstance(request._body_position, int):  # the body is a file that has been read
                rewind_body(request)

        return _until_whole(lambda: send(session, request, **how), rewind)

    @wraps(download)
    def downloaded(store: HttpArtifactRepository, path: str, local: str) -> None:
        # The file comes piece by piece after `send`; the whole download starts again.
        _until_whole(lambda: download(store, path, local))

    creating_requests.look_before_repeating()
    Session.send = sent  # type: ignore[assignment, method-assign]
    HttpArtifactRepository._download_file = downloaded  # type: ignore[method-assign]


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
