import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import psutil
import pytest
from conftest import ROOT, Store, environment
from mlflow.entities import Run
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, Schema
from sklearn.linear_model import LogisticRegression

from sql_features.errors import WorkflowError
from sql_features.labelled_pipeline import LabelledPipeline
from sql_features.transformer import SqlFeatures
from steps import register
from workflow.models.families import FAMILIES
from workflow.paths import SQL_FEATURES
from workflow.tracking import logged_models, model_loading
from workflow.tracking.model_loading import ForeignModel, LoadedModel, OwnModel

EARLIER = ROOT / "tests/models/before-0.1.0/regression"
CODE = "code/workflow/features.py"  # of the earlier model
RAW = pd.DataFrame({"a": [1, 2, 3, 4], "b": [0.5, None, 2.0, 1.5], "further": ["x"] * 4})


@pytest.fixture(scope="module")
def run(module_store: Store, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run with a model that has the project's own code."""
    mlflow.set_tracking_uri(module_store.uri)
    artifacts = str(tmp_path_factory.mktemp("artifacts"))
    experiment = module_store.client.create_experiment("models", artifacts)
    sql = SqlFeatures({"x": "a + coalesce(b, 0)"}, {"a": "BIGINT", "b": "DOUBLE"}, ["b"])
    steps = [("features", sql), ("estimator", LogisticRegression())]
    pipeline = LabelledPipeline(steps, labels=["no", "yes"]).fit(RAW, [0, 0, 1, 1])
    with mlflow.start_run(experiment_id=experiment) as active:
        logged_models.log(pipeline, RAW, FAMILIES["linear"], active.info.run_id)
    return module_store.client.get_run(active.info.run_id)


@pytest.fixture
def uri(run: Run, module_store: Store) -> str:
    mlflow.set_tracking_uri(module_store.uri)
    return logged_models.model_uri(run)


def changed(source: Path, target: Path, file: str, more: str) -> str:
    """Copy a model and add a text to one of its files; return where it is."""
    shutil.copytree(source, target)
    with (target / file).open("a") as opened:
        opened.write(more)
    return str(target)


def refusal(uri: str) -> str:
    with pytest.raises(WorkflowError) as caught:
        model_loading.load(uri)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_model_with_the_projects_code_is_loaded_in_this_process(uri):
    model = model_loading.load(uri)
    assert isinstance(model, OwnModel)
    assert model.labels == ["no", "yes"]
    assert model.signature.inputs.input_names() == ["a", "b"]
    answer, predictions = model.predict(RAW)
    assert list(answer) == ["prediction", "probability_no", "probability_yes"]
    np.testing.assert_array_equal(predictions, model.pipeline.predict_proba(RAW))


def test_a_model_is_found_by_its_run_too(run, uri):
    own, by_run = (model_loading.load(one) for one in (uri, f"runs:/{run.info.run_id}/model"))
    assert by_run.uri == f"runs:/{run.info.run_id}/model"
    pd.testing.assert_frame_equal(own.predict(RAW)[0], by_run.predict(RAW)[0], check_exact=True)


def test_one_more_statement_and_it_is_loaded_in_a_child_process(uri, tmp_path):
    own = model_loading.download(uri)
    other = changed(own.folder, tmp_path / "model", "code/sql_features/errors.py", "\nMORE = 1\n")
    with model_loading.load(other) as model:
        assert isinstance(model, ForeignModel)
        assert model.labels == ["no", "yes"]
        expected, (answer, predictions) = own.load().predict(RAW), model.predict(RAW)
    pd.testing.assert_frame_equal(answer, expected[0], check_exact=True)
    np.testing.assert_array_equal(predictions, expected[1])


@pytest.mark.parametrize(
    ("file", "own"),
    [
        ("code/sql_features/more.py", False),
        ("code/pandas.py", False),
        ("code/sql_features/data.csv", False),
        ("code/sql_features/__pycache__/errors.cpython-311.pyc", True),
    ],
)
def test_own_code_is_sql_features_with_nothing_beside_it(uri, tmp_path, file, own):
    folder = tmp_path / "model"
    shutil.copytree(model_loading.download(uri).folder, folder)
    (folder / file).parent.mkdir(exist_ok=True)
    (folder / file).write_text("")
    assert model_loading.download(str(folder)).has_own_code is own


@pytest.mark.parametrize(
    ("more", "own"),
    [("\n\n# a comment\n", True), ("\nMORE = 1\n", False), ("\nno Python\n", False)],
    ids=["comment", "statement", "syntax error"],
)
def test_a_comment_more_is_the_projects_code_still(uri, tmp_path, more, own):
    folder = model_loading.download(uri).folder
    model = changed(folder, tmp_path / "model", "code/sql_features/errors.py", more)
    assert model_loading.download(model).has_own_code is own


def test_a_comment_in_the_project_leaves_its_models_loadable_here(uri, tmp_path, monkeypatch):
    shutil.copytree(SQL_FEATURES, tmp_path / "sql_features")
    path = tmp_path / "sql_features/transformer.py"
    path.write_text(f"# A comment.\n{path.read_text()}")
    monkeypatch.setattr(model_loading, "SQL_FEATURES", tmp_path / "sql_features")
    assert isinstance(model_loading.load(uri), OwnModel)


def test_a_file_less_or_no_code_at_all_is_not_the_projects_code(uri, tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(model_loading.download(uri).folder, folder)
    (folder / "code/sql_features/errors.py").unlink()
    assert not model_loading.download(str(folder)).has_own_code
    shutil.rmtree(folder / "code")
    assert not model_loading.download(str(folder)).has_own_code


def test_optional_columns_may_be_absent_and_needed_ones_are_named(uri):
    model = model_loading.load(uri)
    assert len(model.predict(RAW[["a"]])[0]) == len(RAW)
    with pytest.raises(WorkflowError, match=r"cannot predict these rows \(it needs the columns a"):
        model.predict(RAW[["b"]])


def test_rows_of_another_type_are_refused_in_one_line(uri):
    with pytest.raises(WorkflowError, match=r"cannot predict these rows \(ValueError: .*fit x\)"):
        model_loading.load(uri).predict(RAW.assign(a="x"))


NOISY = """
import os, sys
print("printed at import")
compute = SqlFeatures.transform

def transform(self, X):
    print("printed")
    os.system("echo printed by a shell")
    assert sys.stdin.read() == ""
    return compute(self, X)

SqlFeatures.transform = transform
"""


def test_a_child_answers_batch_after_batch_whatever_it_prints(tmp_path):
    rows = pd.read_parquet(EARLIER / "rows.parquet")
    expected = pd.read_parquet(EARLIER / "predictions.parquet").to_numpy()[:, 0]
    noisy = changed(EARLIER / "model", tmp_path / "model", CODE, NOISY)
    with model_loading.load(noisy) as model:
        answer, predictions = model.predict(rows.set_axis(rows.index + 7))
        assert (predictions == expected).all()
        assert list(answer.index) == list(rows.index + 7)
        with pytest.raises(WorkflowError, match=r"\(ValueError: .*no whole number in column PUL"):
            model.predict(rows.assign(PULocationID=1.5))
        assert (model.predict(rows.head(3))[1] == expected[:3]).all()
        assert "printed by a shell" in model._printed.read_text()
        assert os.listdir(model._folder.name) == [model._printed.name]  # and no tracking store


def test_the_child_sees_nothing_of_the_project_nor_of_the_run(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("MLFLOW_RUN_ID", "0123")
    looks = (
        "\nimport importlib.util, os, sys\n"
        "seen = [importlib.util.find_spec(name) for name in ('steps', 'sql_features', 'main')]\n"
        "assert seen == [None] * 3, seen\n"
        f"assert not any({str(ROOT)!r} == path.rstrip('/') for path in sys.path), sys.path\n"
        "assert 'MLFLOW_RUN_ID' not in os.environ\n"
        f"assert __file__.startswith({str(tmp_path)!r}), __file__\n"
    )
    model = model_loading.load(changed(EARLIER / "model", tmp_path / "model", CODE, looks))
    model.close()
    assert not list(tmp_path.rglob("__pycache__"))


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ("\nimport no_such_package\n", "ModuleNotFoundError: No module named 'no_such_package'"),
        (
            "\nraise SystemExit('a\\n\\nlast line')\n",
            "its process has ended with code 1: last line",
        ),
    ],
    ids=["missing package", "exit"],
)
def test_a_model_whose_code_fails_is_refused_in_one_line(tmp_path, more, why):
    broken = changed(EARLIER / "model", tmp_path / "model", CODE, more)
    assert refusal(broken) == (
        f"model '{broken}' cannot be loaded ({why}). Give another model, or train and register it "
        "again with this version of the project."
    )


def test_a_broken_model_file_is_refused_in_one_line(uri, tmp_path):
    shutil.copytree(model_loading.download(uri).folder, tmp_path / "model")
    (tmp_path / "model/model.skops").write_bytes(b"PK broken")
    assert "(BadZipFile: File is not a zip file)" in refusal(str(tmp_path / "model"))


def test_a_broken_mlmodel_or_none_is_refused_in_one_line(tmp_path):
    folder = tmp_path / "model"
    assert f"model '{folder}' cannot be loaded (" in refusal(str(folder))
    folder.mkdir()
    assert f"model '{folder}' cannot be loaded (" in refusal(str(folder))
    (folder / "MLmodel").write_text("flavors: [")
    assert f"model '{folder}' cannot be loaded (" in refusal(str(folder))


def test_a_model_that_is_not_in_the_store_is_refused_in_one_line(uri):
    assert "'models:/m-0123' cannot be loaded (MlflowException: " in refusal("models:/m-0123")


def test_a_model_without_a_signature_of_columns_is_refused(uri, tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(model_loading.download(uri).folder, folder)
    text = (folder / "MLmodel").read_text()
    (folder / "MLmodel").write_text(text[: text.index("signature:")])
    assert "(it has no signature of columns)" in refusal(str(folder))


class Fake(LoadedModel):
    """A model with an answer of the test's."""

    def __init__(self, labels: list[str], answer: object) -> None:
        super().__init__("fake", ModelSignature(Schema([ColSpec(DataType.double, "a")])))
        self.labels, self.answer = labels, answer

    def close(self) -> None:
        """Hold nothing."""

    def _answer(self, rows: pd.DataFrame) -> object:
        return self.answer


@pytest.mark.parametrize(
    ("labels", "answer"),
    [
        ([], [1.0] * 4),
        ([], np.ones(3)),
        ([], np.ones((4, 2))),
        ([], pd.DataFrame({"prediction": [1.0] * 4})),
        (["no", "yes"], np.ones(4)),
        (["no"], pd.DataFrame({"prediction": ["no"] * 4, "probability_yes": 1.0})),
        (["no"], pd.DataFrame({"prediction": ["no"], "probability_no": 1.0})),
    ],
)
def test_an_answer_that_is_none_of_this_projects_is_refused(labels, answer):
    with pytest.raises(WorkflowError, match="neither a value a row nor a label"):
        Fake(labels, answer).predict(RAW)


def test_register_refuses_a_model_of_another_version(run, uri, tmp_path, monkeypatch):
    assert [one.has_own_code for one in register._files([run])] == [True]
    shutil.copytree(SQL_FEATURES, tmp_path / "sql_features")
    (tmp_path / "sql_features/errors.py").write_text("# of a later version\n")
    monkeypatch.setattr(model_loading, "SQL_FEATURES", tmp_path / "sql_features")
    with pytest.raises(WorkflowError) as caught:
        register._files([run])
    assert str(caught.value) == (
        f"candidates: the model of run {run.info.run_id} ({run.info.run_name}) was logged by "
        "another version of this project, so it cannot be analysed and registered here. Run train "
        "or hpo again, or register it with the version that has logged it."
    )


def test_a_child_ends_when_it_is_closed_and_its_death_is_told():
    rows = pd.read_parquet(EARLIER / "rows.parquet")
    model = model_loading.load(str(EARLIER / "model"))
    model.process.kill()
    for _ in range(2):
        with pytest.raises(WorkflowError, match="its process has ended with code -9"):
            model.predict(rows)
    folder = Path(model._folder.name)
    for _ in range(2):
        model.close()
    assert model.process.returncode == -signal.SIGKILL
    assert not folder.exists()


SLOW = """
import time
SqlFeatures.transform = lambda self, X: time.sleep(600)
"""
OWNER = """
import sys, threading, time
import pandas
from workflow.tracking import model_loading
rows = pandas.read_parquet(sys.argv[3])
idle, busy = [model_loading.load(uri) for uri in sys.argv[1:3]]
threading.Thread(target=busy.predict, args=[rows], daemon=True).start()
time.sleep(1)
print(idle.process.pid, busy.process.pid, flush=True)
time.sleep(600)
"""


def test_children_end_with_an_owner_that_is_killed(tmp_path):
    slow = changed(EARLIER / "model", tmp_path / "slow", CODE, SLOW)
    arguments = [str(EARLIER / "model"), slow, str(EARLIER / "rows.parquet")]
    owner = subprocess.Popen(
        [sys.executable, "-B", "-c", OWNER, *arguments],
        env=environment(PYTHONPATH=str(ROOT)),
        stdout=subprocess.PIPE,
        text=True,
    )
    watch = threading.Timer(300, owner.kill)
    watch.start()
    children = [psutil.Process(int(pid)) for pid in owner.stdout.readline().split()]
    os.kill(owner.pid, signal.SIGKILL)
    owner.communicate()
    watch.cancel()
    assert len(children) == 2
    assert psutil.wait_procs(children, timeout=60)[1] == []
