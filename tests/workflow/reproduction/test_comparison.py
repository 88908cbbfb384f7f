from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from workflow import digests
from workflow.reproduction.comparison import changed_files, compare, explanation
from workflow.reproduction.record import Record

RECORD = Record(
    files={"dataset": "d", "s3://bucket/x.parquet": "etag"},
    data={"dataset file": "d", "raw table": "t"},
    code={"main.py": "m", "steps/train.py": "s"},
    environment={"python": "3.11.7", "scikit-learn": "1.9.1"},
    splits={"train": "1", "validation": "2", "test": "3"},
    models={
        "train: linear": {"status": "FINISHED", "alpha": "1.0", "val_rmse": 1.5},
        "hpo: trial-000": {"status": "FINISHED", "alpha": "0.5", "val_rmse": 1.25},
    },
    leaderboard=pd.DataFrame({"run": ["trial-000", "linear"], "test_rmse": ["1.3", "1.6"]}),
    predictions=pd.DataFrame({"prediction": [1.0, np.nan, 3.0], "actual": [1.0, 2.0, 3.0]}),
    model={"MLmodel": "a", "model.skops": "b"},
)


def first(**changed: object) -> tuple[str, str]:
    """Return the first stage that differs from RECORD, and how."""
    stages = compare(RECORD, replace(RECORD, **changed))
    return next(((one.name, one.difference) for one in stages if one.difference), ("", ""))


def test_equal_records_are_identical_and_counted():
    stages = compare(RECORD, replace(RECORD))
    assert not any(stage.difference for stage in stages)
    assert [stage.count for stage in stages] == [2, 3, 1, 1, 2, 3, 2]


@pytest.mark.parametrize(
    "changed, stage, difference",
    [
        ({"data": RECORD.data | {"raw table": "u"}}, "raw data", "raw table has changed"),
        (
            {"splits": {"train": "1", "validation": "0", "test": "0"}},
            "splits", "the rows of the validation split differ (and 1 more)",
        ),
        (
            {"models": RECORD.models | {"train: linear": {"status": "FINISHED", "alpha": "1.0",
                                                           "val_rmse": 1.5000000000000002}}},
            "families", "train: linear: val_rmse was 1.5, is 1.5000000000000002",
        ),
        (
            {"models": {"train: linear": RECORD.models["train: linear"]}},
            "trials", "hpo: trial-000 was not made again",
        ),
        (
            {"models": RECORD.models | {"hpo: trial-001": {}}},
            "trials", "hpo: trial-001 is new",
        ),
        (
            {"leaderboard": RECORD.leaderboard.iloc[::-1]},
            "finalists", "place 1: run was trial-000, is linear (2 of 2 places differ)",
        ),
        (
            {"predictions": RECORD.predictions.assign(prediction=[1.0, np.nan, 4.0])},
            "predictions on test", "row 3: prediction was 3.0, is 4.0 (1 of 3 rows differ)",
        ),
        (
            {"predictions": RECORD.predictions.head(2)},
            "predictions on test", "it has 2 rows, and had 3",
        ),
        ({"model": {"MLmodel": "a", "model.skops": "c"}}, "files of the model",
         "model.skops differs"),
    ],
)  # fmt: skip
def test_the_first_difference_is_named(changed, stage, difference):
    assert first(**changed) == (stage, difference)


def test_what_comes_first_in_the_work_is_named_first():
    assert first(splits={**RECORD.splits, "test": "0"}, model={})[0] == "splits"


@pytest.mark.parametrize(
    "changed, means",
    [
        ({"data": {}, "code": {}}, "The data have changed"),
        ({"code": RECORD.code | {"main.py": "x"}, "environment": {}},
         "The code is another one: main.py"),
        ({"environment": RECORD.environment | {"scikit-learn": "1.8.0"}},
         "The environment is another one: scikit-learn was 1.9.1, is 1.8.0"),
        ({}, "Data, code and environment are the same"),
    ],
)  # fmt: skip
def test_a_difference_is_explained_by_what_changed_before_it(changed, means):
    assert explanation(RECORD, replace(RECORD, **changed)).startswith(means)


def test_a_local_file_that_has_changed_is_seen_before_anything_is_run(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("a\n1\n")
    record = replace(RECORD, files={"dataset": "d", str(path): digests.of_files([path])})
    assert changed_files(record).difference == ""
    path.write_text("a\n1\n2\n")
    assert changed_files(record).difference == f"{path} has changed"
    path.unlink()
    assert changed_files(record).difference == f"{path} is not there"
