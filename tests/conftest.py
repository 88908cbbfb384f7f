"""Real `mlflow run` processes on small data, with MLflow's store and environment apart."""

import workflow.runtime.bootstrap  # first, as in every entry point: OpenMP gets one thread

# isort: split

import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import mlflow
import pytest
from mlflow.entities import Run
from mlflow.tracking import MlflowClient

from workflow.data.samples.built_in import make_sample
from workflow.paths import PROJECT as ROOT

SMALL, FEW = 3_000, 300  # rows a split
SERVER = {
    "DO_NOT_TRACK": "true",  # or what is clicked in the UI is sent to MLflow's makers
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # eight more processes, for language models
}


def pytest_configure() -> None:
    """Heed signals, here and in what is started, even under `nohup` or in a shell's background."""
    for one in (signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(one) == signal.SIG_IGN:
            signal.signal(one, signal.SIG_DFL)


@pytest.hookimpl(tryfirst=True)  # before xdist reads the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test with its kind, and say which tests have to share a process.

    A file's tests share one, and so do all that look at the one workflow. Those of tests/faults
    look at workflows of their own: any of them may run in any process.
    """
    for item in items:
        kind = kind_of(item.path)
        item.add_marker(kind)
        if kind == "faults":
            continue
        shared = "workflow" in getattr(item, "fixturenames", ())
        item.add_marker(pytest.mark.xdist_group("workflow" if shared else item.path.stem))


def kind_of(path: Path) -> str:
    """Return the marker of a file's tests: "browser", "faults", "e2e" or "unit"."""
    folder = path.parent.name
    if folder in ("browser", "faults"):
        return folder
    return "e2e" if path.parent == ROOT / "tests" else "unit"


@dataclass(frozen=True)
class Done:
    """A finished process."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Store:
    """A SQLite tracking store in a folder of its own, initialised."""

    folder: Path

    @property
    def uri(self) -> str:
        return f"sqlite:///{self.folder / 'mlflow.db'}"

    @property
    def client(self) -> MlflowClient:
        return MlflowClient(self.uri)

    def runs(self, step: str | None = None) -> list[Run]:
        """Return the runs of a step, or all, in the order they were started."""
        query = f"tags.`workflow.step` = '{step}'" if step else ""
        return self.client.search_runs(["0"], query, order_by=["attributes.start_time ASC"])

    def children(self, run: Run) -> list[Run]:
        query = f"tags.mlflow.parentRunId = '{run.info.run_id}'"
        return self.client.search_runs(["0"], query, order_by=["attributes.start_time ASC"])


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store's file just after its migration, which takes longer than most tests."""
    folder = tmp_path_factory.mktemp("empty")
    path = folder / "mlflow.db"
    client = MlflowClient(f"sqlite:///{path}")
    client.search_experiments()
    return path


def new_store(empty: Path, folder: Path, artifacts: str | None = None) -> Store:
    """Copy the empty store; artifacts go beside it, if no other place is given."""
    shutil.copy(empty, folder / "mlflow.db")
    with sqlite3.connect(folder / "mlflow.db") as database:
        database.execute(
            "UPDATE experiments SET artifact_location = ?", [artifacts or str(folder / "mlruns/0")]
        )
    return Store(folder)


@pytest.fixture
def store(empty_store: Path, tmp_path: Path) -> Store:
    folder = tmp_path / "store"
    folder.mkdir()
    return new_store(empty_store, folder)


@pytest.fixture(scope="module")
def module_store(empty_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """One for all tests of a file."""
    return new_store(empty_store, tmp_path_factory.mktemp("store"))


@pytest.fixture
def experiment(module_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The id of an experiment of the test's own in the store of its file."""
    mlflow.set_tracking_uri(module_store.uri)
    id = module_store.client.create_experiment(str(tmp_path), str(tmp_path / "artifacts"))
    monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", id)
    return id


@pytest.fixture(autouse=True)
def isolated_mlflow(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No test meets another's active run, run id or store, nor the developer's own."""
    for name in [name for name in os.environ if name.startswith("MLFLOW_")]:
        monkeypatch.delenv(name)
    yield
    while mlflow.active_run():
        mlflow.end_run()
    mlflow.set_tracking_uri(None)


def environment(**extra: str) -> dict[str, str]:
    """Return this process's environment with its Python first on PATH, and nothing of MLflow's."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
    kept.pop("PYTHONPATH", None)
    kept.pop("PYTHONDONTWRITEBYTECODE", None)  # `mlflow` would compile its imports each time
    path = os.pathsep.join([str(Path(sys.executable).parent), kept["PATH"]])
    return kept | {"PATH": path} | extra


def mlflow_run(
    *arguments: str, cwd: Path, uri: str | Path = ROOT, manager: str = "local", **extra: str
) -> Done:
    """Run `mlflow run URI --env-manager MANAGER ARGUMENTS` as a user would."""
    command = ["mlflow", "run", str(uri), "--env-manager", manager, *arguments]
    done = subprocess.run(
        command, cwd=cwd, env=environment(**extra), capture_output=True, text=True, timeout=560
    )
    return Done(done.returncode, done.stdout, done.stderr)


def parameters(**given: object) -> list[str]:
    """Return `-P name=value` for each parameter."""
    return [word for name, value in given.items() for word in ("-P", f"{name}={value}")]


def write_trips(folder: Path, rows: int) -> Path:
    """Write the first rows a split of the built-in sample, under the public data's file names."""
    for month, split in enumerate(("train", "validation", "test"), start=1):
        frame = make_sample("green_taxi", split, seed=1).head(rows)
        frame.to_parquet(folder / f"green_tripdata_2023-{month:02d}.parquet")
    return folder


@pytest.fixture(scope="session")
def trips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a little of the built-in sample."""
    return write_trips(tmp_path_factory.mktemp("trips"), SMALL)


@pytest.fixture(scope="session")
def few_trips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As `trips`, for tests of all else than models."""
    return write_trips(tmp_path_factory.mktemp("few_trips"), FEW)


def free_port() -> int:
    """Return a port of the loopback that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_for(url: str, process: subprocess.Popen, seconds: float = 180) -> None:
    """Wait until a server answers."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert process.poll() is None, "the server has ended"
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except OSError:
            time.sleep(0.3)
    raise TimeoutError(url)


def stop(process: subprocess.Popen) -> None:
    """End a server that leads a process group."""
    os.killpg(process.pid, signal.SIGTERM)
    process.wait(20)


def start_tracking_server(
    port: int, store_uri: str, artifacts: Path, folder: Path
) -> subprocess.Popen:
    """Start `mlflow server` on a port of the loopback, in a folder; it answers a little later."""
    return subprocess.Popen(
        ["mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1",
         "--backend-store-uri", store_uri, "--artifacts-destination", str(artifacts)],
        cwd=folder,
        env=environment(**SERVER),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip


class TrackingServer:
    """`mlflow server` with proxied artifacts, on one port of the loopback however often started.

    Args:
        empty: An initialised store, copied.
        folder: Where its store and its artifacts are.
    """

    def __init__(self, empty: Path, folder: Path) -> None:
        self.store = new_store(empty, folder, "mlflow-artifacts:/0")
        self.port = free_port()
        self.process: subprocess.Popen | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def client(self) -> MlflowClient:
        return MlflowClient(self.address)

    def start(self) -> None:
        """Start it and wait until it answers."""
        folder = self.store.folder
        self.process = start_tracking_server(
            self.port, self.store.uri, folder / "artifacts", folder
        )
        wait_for(f"{self.address}/health", self.process)

    def kill(self) -> None:
        """End it without a word, its workers too."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(20)


@pytest.fixture
def serve() -> Iterator[Callable[[Callable[..., BaseHTTPRequestHandler]], str]]:
    """Starts a web server in this process, and returns its address."""
    servers = []

    def start(handler: Callable[..., BaseHTTPRequestHandler]) -> str:
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=[0.02], daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def tracking_server(tmp_path: Path, empty_store: Path) -> Iterator[TrackingServer]:
    folder = tmp_path / "server"
    folder.mkdir()
    server = TrackingServer(empty_store, folder)
    try:
        server.start()
        yield server
    finally:
        if server.process.poll() is None:
            stop(server.process)


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, empty_store: Path, few_trips: Path):
    """The quick workflow of tests/faults, finished, for comparison."""
    import harness  # which imports from here

    return harness.undisturbed(new_store(empty_store, tmp_path_factory.mktemp("quick")), few_trips)


def stores_in_the_project() -> dict[str, int]:
    """Return what MLflow writes where nobody says otherwise, and when it was last written to."""
    stores = [ROOT / name for name in ("mlruns", "mlflow.db", "mlartifacts")]
    return {path.name: path.stat().st_mtime_ns for path in stores if path.exists()}


@dataclass(frozen=True)
class Workflow:
    """The one workflow that most end-to-end tests look at."""

    store: Store
    done: Done
    caller: Path

    def run(self, step: str) -> Run:
        (main,) = self.store.runs("main")
        if step == "main":
            return main
        (run,) = [run for run in self.store.children(main) if run.info.run_name == step]
        return run


@pytest.fixture(scope="session")
def stores_before() -> dict[str, int]:
    """As `stores_in_the_project`, before `workflow`: there may be those of a newcomer's own run."""
    return stores_in_the_project()


@pytest.fixture(scope="session")
def workflow(
    tmp_path_factory: pytest.TempPathFactory,
    empty_store: Path,
    trips: Path,
    stores_before: dict[str, int],
) -> Workflow:
    """`mlflow run .` from another folder, with a relative path to the data, in a fresh store."""
    caller = tmp_path_factory.mktemp("caller")
    store = new_store(empty_store, caller)
    (caller / "data").symlink_to(trips)
    done = mlflow_run(
        *parameters(data="data", max_evals=4, top_n=3, seed=7, tune="random_forest,lightgbm"),
        cwd=caller,
    )
    assert done.code == 0, done.out + done.err
    return Workflow(store, done, caller)
