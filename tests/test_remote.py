"""The project from a git URL, and the store on a tracking server."""

import os
import signal
import subprocess

import mlflow
import pytest
from conftest import ROOT, Store, free_port, mlflow_run, new_store, parameters
from in_process import run_here

from sql_features.errors import WorkflowError
from steps.reproduce import reproduce
from workflow.version import VERSION

QUICK = {"models": "linear", "tune": "all", "max_evals": 2, "top_n": 1}


EARLIER = "0.0.9"  # what the project of the git URL calls itself


@pytest.fixture(scope="module")
def git_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A git daemon on loopback that serves the project as it is now, uncommitted changes too.

    It is an earlier version of the project, at the tag v1.0; a later commit cannot be run.
    """
    folder = tmp_path_factory.mktemp("git")
    work, bare = folder / "work", folder / "project.git"
    listed = subprocess.check_output(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, text=True
    )
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (work / name).parent.mkdir(parents=True, exist_ok=True)
            (work / name).write_bytes((ROOT / name).read_bytes())
    version = f'"""The version."""\n\nVERSION = "{EARLIER}"\n'
    (work / "workflow" / "version.py").write_text(version)
    who = {"GIT_AUTHOR_NAME": "t", "GIT_AUTHOR_EMAIL": "t@example.org"}
    who |= {"GIT_COMMITTER_NAME": "t", "GIT_COMMITTER_EMAIL": "t@example.org"}
    for words in (
        ["init", "-q", "-b", "main", "."],
        ["add", "-A", "."],
        ["commit", "-q", "-m", "The project"],
        ["tag", "v1.0"],
        ["rm", "-q", "main.py"],
        ["commit", "-q", "-m", "Break it"],
        ["clone", "-q", "--bare", ".", str(bare)],
    ):
        subprocess.run(["git", *words], cwd=work, check=True, env=os.environ | who)
    port = free_port()
    daemon = subprocess.Popen(
        ["git", "daemon", "--export-all", f"--base-path={folder}", "--listen=127.0.0.1",
         f"--port={port}", "--reuseaddr", str(bare)],
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    url = f"git://127.0.0.1:{port}/project.git"
    for _ in range(100):
        if subprocess.run(["git", "ls-remote", url], capture_output=True).returncode == 0:
            break
    yield url
    os.killpg(daemon.pid, signal.SIGTERM)
    daemon.wait(10)


@pytest.fixture(scope="module")
def store_of_git_url(git_url, empty_store, tmp_path_factory, trips) -> Store:
    """The store in which a workflow of the git URL is finished, in the caller's folder."""
    caller = tmp_path_factory.mktemp("caller")
    store = new_store(empty_store, caller)
    (caller / "data").symlink_to(trips)
    before = set(ROOT.rglob("*")) - set(ROOT.rglob("*cache*/*"))
    done = mlflow_run("-v", "v1.0", *parameters(data="data", **QUICK), cwd=caller, uri=git_url)
    assert done.code == 0, done.err
    assert {path.name for path in caller.iterdir()} == {"data", "mlflow.db", "mlruns"}
    assert set(ROOT.rglob("*")) - set(ROOT.rglob("*cache*/*")) == before
    return store


def test_a_git_url_at_a_tag_runs_into_the_callers_store(git_url, store_of_git_url):
    store = store_of_git_url
    (main,) = store.runs("main")
    assert main.info.status == "FINISHED"
    assert main.data.tags["mlflow.source.name"] == git_url
    assert store.client.get_model_version_by_alias("green-taxi-duration", "champion")


def test_what_an_earlier_version_of_the_project_made_is_made_again(store_of_git_url, tmp_path):
    store = store_of_git_url
    (main,) = store.runs("main")
    assert main.data.tags["workflow.version"] == EARLIER != VERSION
    given = {"MLFLOW_TRACKING_URI": store.uri}
    model = parameters(model="green-taxi-duration/1")
    done = mlflow_run("-e", "reproduce", *model, cwd=tmp_path, **given)
    assert done.code == 0, done.out + done.err
    (run,) = store.runs("reproduce")
    assert (run.info.status, run.data.tags["workflow.verdict"]) == ("FINISHED", "identical")
    assert [one.info.run_id for one in store.runs("main")] == [main.info.run_id]
    line = "is made again, identical: raw data, 3 splits, 2 families, 2 trials, "
    assert line in run.data.tags["workflow.result"]
    mlflow.set_tracking_uri(store.uri)
    found = mlflow.artifacts.load_dict(f"runs:/{run.info.run_id}/reproduction.json")
    assert all(stage["count"] for stage in found["stages"]), found


def test_a_version_whose_data_have_changed_is_not_run_again(store_of_git_url, trips, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store_of_git_url.uri)
    changed = trips / "green_tripdata_2023-02.parquet"
    before = changed.read_bytes()
    changed.write_bytes(before + b" ")
    try:
        with pytest.raises(WorkflowError, match=r"raw data: .*/data/.*-02\.parquet has changed\."):
            reproduce.main(
                ["--model", "green-taxi-duration", "--code", "recorded", "--verbose", "false"],
                standalone_mode=False,
            )
    finally:
        changed.write_bytes(before)
    run = store_of_git_url.runs("reproduce")[-1]
    assert (run.info.status, run.data.tags["workflow.verdict"]) == ("FAILED", "different")


def test_everything_works_the_same_on_a_tracking_server(tracking_server, tmp_path, trips):
    caller, address = tmp_path / "caller", tracking_server.address
    caller.mkdir()
    secret = address.replace("://", "://me:hush@")  # the server asks for no password
    given = {"MLFLOW_TRACKING_URI": secret, "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true"}
    done = mlflow_run(*parameters(data=trips, **QUICK), cwd=caller, **given)
    assert done.code == 0, done.err
    assert "hush" not in done.out + done.err
    for path in tracking_server.store.folder.rglob("*"):
        assert not path.is_file() or b"hush" not in path.read_bytes(), path
    assert list(caller.iterdir()) == []
    mlflow.set_tracking_uri(address)
    client = mlflow.MlflowClient()
    version = client.get_model_version_by_alias("green-taxi-duration", "champion")
    (main,) = client.search_runs(["0"], "tags.`workflow.step` = 'main'")
    assert main.info.status == "FINISHED"
    assert main.info.artifact_uri.startswith("mlflow-artifacts:/")
    assert version.tags["test_rmse"] == f"{main.data.metrics['test_rmse']:.6g}"
    assert f"{address}/#/experiments/0/runs/{main.info.run_id}" in done.out
    model = mlflow.pyfunc.load_model("models:/green-taxi-duration@champion")
    assert len(model.predict(model.input_example)) == 5


def test_each_step_alone_works_from_the_artifacts_of_earlier_runs(store, trips):
    def run(step: str, **given: object) -> str:
        run_here(store, step, **given)
        return store.runs(step)[-1].info.run_id

    splits = f"runs:/{run('preprocess', data=trips)}/splits"
    train = run("train", splits=splits, models="random_forest", features="zoomcamp",
                hyperparameters='{"n_estimators": 7}')  # fmt: skip
    (_, forest) = store.children(store.client.get_run(train))
    assert forest.data.params["n_estimators"] == "7"
    register = run("register", splits=splits, candidates=train, register_as="by-hand")
    assert store.client.get_run(register).data.tags["workflow.winner"] == forest.info.run_id
    version = store.client.get_model_version_by_alias("by-hand", "champion")
    assert str(version.version) == "1"
