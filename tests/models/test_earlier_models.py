"""Models of every release, and of the code before the first: what they predict never changes.

Every folder of a release beside this file is found by itself; `log_models.py` makes it.
"""

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from conftest import environment

from workflow.tracking import model_loading
from workflow.version import VERSION

HERE = Path(__file__).resolve().parent
FOLDERS = sorted(path.parent.parent for path in HERE.glob("*/*/model/MLmodel"))
each_model = pytest.mark.parametrize(
    "folder", FOLDERS, ids=[path.relative_to(HERE).as_posix() for path in FOLDERS]
)

PREDICT = """
import sys
import mlflow, pandas
model, rows, answer = sys.argv[1:]
predicted = mlflow.pyfunc.load_model(model).predict(pandas.read_parquet(rows))
pandas.DataFrame(predicted).to_parquet(answer)
"""


def kept(folder: Path) -> pd.DataFrame:
    """Return what the model predicted when it was logged."""
    return pd.read_parquet(folder / "predictions.parquet")


def test_every_release_has_a_model_of_each_kind():
    releases = {path.parent.name for path in FOLDERS}
    assert {"before-0.1.0", VERSION} <= releases
    assert {(path.parent.name, path.name) for path in FOLDERS} == {
        (release, kind) for release in releases for kind in ("regression", "classes")
    }


@each_model
def test_it_predicts_the_same_to_the_last_digit_in_the_project(folder):
    with model_loading.load(str(folder / "model")) as model:
        answer, predictions = model.predict(pd.read_parquet(folder / "rows.parquet"))
    expected = kept(folder).set_axis(list(answer), axis=1)
    pd.testing.assert_frame_equal(answer, expected, check_exact=True)
    numbers = expected if folder.name == "regression" else expected.drop(columns="prediction")
    assert (predictions.reshape(len(expected), -1) == numbers.to_numpy()).all()


@each_model
def test_it_predicts_the_same_to_the_last_digit_outside_the_project(folder, tmp_path):
    answer = tmp_path / "answer.parquet"
    done = subprocess.run(
        [sys.executable, "-B", "-c", PREDICT, folder / "model", folder / "rows.parquet", answer],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    pd.testing.assert_frame_equal(pd.read_parquet(answer), kept(folder), check_exact=True)
