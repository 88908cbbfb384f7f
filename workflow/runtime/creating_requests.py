"""Requests that create something: made again only after a look whether the first one was heard.

An answer may be lost after the server has done the work. MLflow, and `http_retries`, then make the
request again, whatever it is, and a second run, model or version would be created. So a creating
request is repeated by itself only while it cannot be sent at all. Where its answer is lost, the
server is asked for what it creates, and only if that is not there is it made again. (A server that
is still at work on the first request would be asked too early.)
"""

import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeVar
from urllib.parse import urlsplit

from mlflow.entities import (
    LoggedModel,
    LoggedModelOutput,
    LoggedModelStatus,
    Run,
    RunTag,
    ViewType,
)
from mlflow.environment_variables import (
    MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR,
    MLFLOW_HTTP_REQUEST_MAX_RETRIES,
)
from mlflow.exceptions import MlflowException
from mlflow.store.tracking.rest_store import RestStore
from requests import PreparedRequest, Response, Session
from requests.adapters import MaxRetryError  # type: ignore[attr-defined]  # urllib3's
from requests.exceptions import RequestException

T = TypeVar("T")

CREATING = (
    "/mlflow/runs/create",
    "/mlflow/runs/outputs",
    "/mlflow/logged-models",
    "/mlflow/model-versions/create",
)
UNSURE = (408, 429, 500, 502, 503, 504)  # statuses after which MLflow repeats a request


class LostAnswer(RequestException):
    """A creating request may have been heard, but its answer is not known."""


def is_creating(request: PreparedRequest) -> bool:
    """Tell whether a request creates something each time it is heard."""
    return request.method == "POST" and urlsplit(str(request.url)).path.endswith(CREATING)


def send_once(
    send: Callable[..., Response], session: Session, request: PreparedRequest, **how: Any
) -> Response:
    """Send a creating request, again only while it cannot be sent.

    Args:
        send: `Session.send`.
        session: MLflow's, with its number of retries.
        request: The request.
        how: What else `Session.send` is given.

    Raises:
        LostAnswer: It was sent, and there is no answer, or none that says whether it was heard.
    """
    try:
        answer = send(_without_repeating(session), request, **how)
    except RequestException as error:
        if error.args and isinstance(error.args[0], MaxRetryError):  # it was never sent
            raise
        raise LostAnswer(str(error)) from error
    if answer.status_code in UNSURE:
        raise LostAnswer(f"too many {answer.status_code} error responses")
    return answer


def make_once(make: Callable[[], T], find: Callable[[], list[T]]) -> T:
    """Create something on a server; where the answer is lost, look for it before trying again.

    Args:
        make: Creates it by a creating request of MLflow's.
        find: Returns what `make` has created, or [].

    Raises:
        MlflowException: It was not created, or the server does not answer any more.
    """
    retries, factor = MLFLOW_HTTP_REQUEST_MAX_RETRIES.get(), MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR
    for repeated in range(retries):
        try:
            return make()
        except MlflowException as error:
            if not isinstance(error.__context__, LostAnswer):
                raise
        time.sleep(factor.get() * 2**repeated if repeated else 0)  # as urllib3 does
        if found := find():
            return found[0]
    return make()


def look_before_repeating() -> None:
    """Let MLflow's own client of a tracking server create runs and models in this way."""
    create_run: Callable[..., Run] = RestStore.create_run
    create_model: Callable[..., LoggedModel] = RestStore.create_logged_model
    log_outputs: Callable[..., None] = RestStore.log_outputs

    def run(
        store: RestStore,
        experiment_id: str,
        user_id: str,
        start_time: int,
        tags: list[RunTag],
        run_name: str | None,
    ) -> Run:
        return make_once(
            lambda: create_run(store, experiment_id, user_id, start_time, tags, run_name),
            lambda: _runs(store, experiment_id, start_time, tags, run_name),
        )

    def model(
        store: RestStore,
        experiment_id: str,
        name: str | None = None,
        source_run_id: str | None = None,
        **more: Any,
    ) -> LoggedModel:
        return make_once(
            lambda: create_model(store, experiment_id, name, source_run_id, **more),
            lambda: _pending_models(store, experiment_id, name, source_run_id),
        )

    def outputs(store: RestStore, run_id: str, models: list[LoggedModelOutput]) -> None:
        make_once(lambda: log_outputs(store, run_id, models), lambda: _shown(store, run_id, models))

    own = {"create_run": run, "create_logged_model": model, "log_outputs": outputs}
    for name, method in own.items():
        setattr(RestStore, name, method)


def _runs(
    store: RestStore, experiment_id: str, start_time: int, tags: list[RunTag], name: str | None
) -> list[Run]:
    """Return the runs that a request to create one has made: no other began in its millisecond."""
    given = {tag.key: tag.value for tag in tags}
    found = store.search_runs(
        [experiment_id], f"attributes.start_time = {start_time}", ViewType.ACTIVE_ONLY
    )
    return [
        run
        for run in found
        if given.items() <= run.data.tags.items() and name in (None, run.info.run_name)
    ]


def _pending_models(
    store: RestStore, experiment_id: str, name: str | None, run_id: str | None
) -> list[LoggedModel]:
    """Return the models of a run whose files are not there yet: a run logs one after the other."""
    if run_id is None:
        return []
    found = store.search_logged_models([experiment_id], f"source_run_id = '{run_id}'")
    pending = LoggedModelStatus.PENDING
    return [one for one in found if one.status == pending and name in (None, one.name)]


def _shown(store: RestStore, run_id: str, models: list[LoggedModelOutput]) -> list[None]:
    """Return a list of one if a run shows these models already."""
    outputs = store.get_run(run_id).outputs
    shown = {one.model_id for one in outputs.model_outputs} if outputs else set()
    return [None] if {one.model_id for one in models} <= shown else []


@lru_cache(maxsize=8)
def _without_repeating(session: Session) -> Session:
    """Return a session like MLflow's that repeats a request only while it cannot be sent."""
    once = Session()
    once.cookies = session.cookies
    for scheme in ("http://", "https://"):
        adapter: Any = session.get_adapter(scheme)
        retries = adapter.max_retries.new(
            read=False, status_forcelist=(), respect_retry_after_header=False
        )
        once.mount(scheme, type(adapter)(max_retries=retries))
    return once
