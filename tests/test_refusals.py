"""What a user can get wrong: one line, before anything is computed, and the runs end FAILED."""

import shutil

import click
import mlflow
import pandas as pd
import pytest
import yaml
from conftest import ROOT, mlflow_run, parameters

import main
from sql_features.errors import WorkflowError
from steps import hpo, preprocess, register, train

MAIN = {
    "dataset": "green_taxi", "data": "sample", "target": "none", "task": "auto",
    "split_by": "auto", "features": "all", "models": "linear,random_forest,lightgbm",
    "tune": "best", "max_evals": "15", "timeout": "none", "metric": "auto", "validation": "auto",
    "top_n": "5", "register_as": "auto", "promote": "if_better", "seed": "42", "reuse": "true",
    "verbose": "false",
}  # fmt: skip
LIST = "linear, kneighbors, random_forest, gradient_boosting, lightgbm, xgboost"


def call(command: click.Command, given: dict[str, str]) -> None:
    given = {"verbose": "false"} | given
    words = [word for name, value in given.items() for word in (f"--{name}", value)]
    command.main(words, standalone_mode=False)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"models": "lihgtgbm"}, f"did you mean 'lightgbm'? Allowed: {LIST}."),
        ({"models": ","}, f"models=',': give at least one of {LIST}."),
        ({"tune": "bset"}, "did you mean 'best'? Allowed: best, all, linear"),
        ({"metric": "rsme"}, "did you mean 'rmse'? Allowed: auto, rmse, mae, mape, r2."),
        ({"metric": "log_loss"}, "unknown metric for regression: 'log_loss'"),
        ({"features": "zomcamp"}, "did you mean 'zoomcamp'? Allowed: all, zoomcamp, search, "),
        ({"features": "PU_DO,distance"}, "did you mean 'trip_distance'?"),
        ({"dataset": "green_taxis"}, "did you mean 'green_taxi'? Allowed: classification, energy"),
        ({"dataset": "/no/such.yaml"}, "dataset file /no/such.yaml cannot be read"),
        ({"max_evals": "ten"}, "max_evals='ten': give a whole number of at least 1."),
        ({"max_evals": "0"}, "max_evals='0': give a whole number of at least 1."),
        ({"max_evals": "1.5"}, "max_evals='1.5': give a whole number of at least 1."),
        ({"top_n": "-1"}, "top_n='-1': give a whole number of at least 1."),
        ({"reuse": "yes"}, "reuse='yes': give 'true' or 'false'."),
        ({"verbose": "2"}, "verbose='2': give 'true' or 'false'."),
        ({"seed": "x"}, "seed='x': give a whole number of at least 0."),
        ({"timeout": "0"}, "timeout='0': give a number of seconds above 0, or 'none'."),
        ({"timeout": "soon"}, "timeout='soon': give a number of seconds above 0, or 'none'."),
        ({"task": "clustering"}, "dataset 'green-taxi-duration' is for regression; give 'auto'."),
        ({"target": "price"}, "target='price' with data='sample': a dataset is inferred from a"),
        ({"target": "price", "data": "default"}, "target='price' with data='default': a dataset"),
        (
            {"target": "price", "data": "/x.csv", "task": "clustering"},
            "unknown task 'clustering': Allowed: auto, regression, binary, multiclass, classific",
        ),
        (
            {"target": "price", "data": "/x.csv", "split_by": "date"},
            "split_by='date': give 'auto', 'hash', 'hash:COLUMN' (rows alike in it stay together) ",
        ),
        (
            {"target": "price", "data": "/x.csv", "metric": "acuracy"},
            "unknown metric 'acuracy': did you mean 'accuracy'? Allowed: auto, rmse, mae, mape, ",
        ),
        (
            {"target": "price", "data": "/x.csv", "validation": "cv"},
            "validation='cv': give 'holdout' for the validation split, or 'cv:5' for that many",
        ),
        ({"target": "price", "data": "/x.csv", "models": "linaer"}, "did you mean 'linear'?"),
        ({"validation": "cv:1"}, "validation='cv:1': give 'holdout' for the validation split"),
        ({"split_by": "hash"}, "split_by='hash': dataset 'green-taxi-duration' has a file for eac"),
        ({"split_by": "time"}, "split_by='time': give 'auto', 'hash', 'hash:COLUMN'"),
        (
            {"dataset": "classification", "features": "search"},
            "features='search': dataset 'customer-churn' has no feature_sets to choose from",
        ),
        (
            {"dataset": "classification", "metric": "rmse"},
            "unknown metric for binary: 'rmse': Allowed: auto, log_loss, accuracy, balanced_accur",
        ),
        (
            {"dataset": "classification", "task": "multiclass"},
            "task='multiclass': dataset 'customer-churn' is for binary; give 'auto'.",
        ),
        ({"data": "ftp://host/x"}, "data 'ftp://host/x': give a local path or one of http://"),
        ({"register_as": "a/b"}, "register_as='a/b': "),
        ({"promote": "better"}, "unknown value of promote: 'better': did you mean 'if_better'?"),
    ],
)
def test_the_workflow_refuses_before_the_first_step(given, said):
    with pytest.raises(WorkflowError) as error:
        call(main.main, MAIN | given)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_an_unknown_parameter_is_named_with_the_nearest_one():
    with pytest.raises(click.NoSuchOption) as error:
        call(main.main, MAIN | {"modles": "linear"})
    assert "--modles" in error.value.format_message()
    assert "--models" in error.value.format_message()


SPLITS = "runs:/0123456789abcdef0123456789abcdef/splits"


@pytest.mark.parametrize(
    ("command", "given", "said"),
    [
        (
            train.train,
            {"splits": SPLITS, "models": "linear", "hyperparameters": "{", "features": "all"},
            "hyperparameters='{' is not JSON",
        ),
        (
            train.train,
            {"splits": SPLITS, "models": "linear", "hyperparameters": "[1]", "features": "all"},
            'hyperparameters=\'[1]\': give a JSON object such as {"max_depth": 8}.',
        ),
        (
            train.train,
            {
                "splits": SPLITS, "models": "linear,lightgbm", "features": "all",
                "hyperparameters": '{"alpha": 1}',
            },
            "are for one family, but models=linear,lightgbm",
        ),
        (
            train.train,
            {"splits": SPLITS, "models": "linear", "hyperparameters": "{}", "features": "all"},
            f"splits='{SPLITS}' cannot be read",
        ),
        (
            train.train,
            {"splits": "/tmp/x", "models": "linear", "hyperparameters": "{}", "features": "all"},
            "splits='/tmp/x': give the splits of a preprocess run, as runs:/<run id>/splits.",
        ),
        (
            hpo.hpo,
            {
                "splits": SPLITS, "models": "linear", "features": "all", "max_evals": "5",
                "timeout": "none", "top_n": "many", "reuse": "true",
            },
            "top_n='many': give a whole number of at least 1.",
        ),
        (
            register.register,
            {"splits": SPLITS, "candidates": "x", "top_n": "1", "register_as": "auto",
             "promote": "if_better"},
            f"splits='{SPLITS}' cannot be read",
        ),
    ],
)  # fmt: skip
def test_a_step_refuses_wrong_parameters(store, command, given, said):
    mlflow.set_tracking_uri(store.uri)
    more = {} if command is register.register else {"seed": "42", "validation": "auto"}
    with pytest.raises(WorkflowError) as error:
        call(command, {"metric": "auto"} | more | given)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ({"target": "sum(total_amount)"}, "target is not row-wise: 'sum(total_amount)' uses sum()"),
        ({"where": "target >"}, "where is not a SQL expression: 'target >'"),
        ({"features": {"far": "trip_distence"}}, "did you mean 'trip_distance'?"),
        ({"features": {"when": "lpep_pickup_datetime"}}, "feature 'when' is of type TIMESTAMP"),
        ({"where": "target > 1e9"}, "the train split is empty: of 3,000 rows"),
    ],
)
def test_preprocess_refuses_wrong_sql_and_its_run_ends_failed(store, tmp_path, trips, sql, said):
    definition = yaml.safe_load((ROOT / "datasets/green_taxi.yaml").read_text())
    definition |= sql
    definition.pop("feature_sets")
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(definition))
    mlflow.set_tracking_uri(store.uri)
    given = MAIN | {"dataset": str(path), "data": str(trips)}
    with pytest.raises(WorkflowError) as error:
        call(
            preprocess.preprocess,
            {k: given[k] for k in ("dataset", "data", "target", "task", "split_by", "seed")},
        )
    assert said in str(error.value)
    for run in store.runs():
        assert run.info.status == "FAILED"
        assert not store.client.list_artifacts(run.info.run_id)


def test_a_step_that_fails_fails_the_workflow_with_the_same_line(store, trips, tmp_path):
    folder = tmp_path / "incomplete"
    shutil.copytree(trips, folder)
    path = folder / "green_tripdata_2023-02.parquet"
    pd.read_parquet(path).drop(columns="trip_distance").to_parquet(path)
    done = mlflow_run(*parameters(data=folder), cwd=store.folder)
    line = f"unknown column in the validation file {path.name}: 'trip_distance'"
    assert done.code == 1
    assert f"error: {line}" in done.err
    assert "Traceback" not in done.err
    by_name = {run.info.run_name: run for run in store.runs()}
    assert set(by_name) == {"main", "preprocess"}
    for run in by_name.values():
        assert run.info.status == "FAILED"
        assert line in run.data.tags["workflow.error"]


def test_a_missing_raw_file_fails_the_workflow_before_its_first_step(store, trips, tmp_path):
    folder = tmp_path / "incomplete"
    shutil.copytree(trips, folder)
    (folder / "green_tripdata_2023-02.parquet").rename(folder / "green_tripdata_2023-12.parquet")
    done = mlflow_run(*parameters(data=folder), cwd=store.folder)
    line = f"data '{folder}' has no file 'green_tripdata_2023-02.parquet': did you mean"
    assert done.code == 1
    assert f"error: {line}" in done.err
    (run,) = store.runs()
    assert run.info.status == "FAILED"
    assert line in run.data.tags["workflow.error"]


def test_an_unknown_parameter_fails_the_run_in_one_line(store):
    done = mlflow_run(*parameters(modles="linear"), cwd=store.folder)
    (run,) = store.runs()
    assert done.code == 1
    assert run.info.status == "FAILED"
    assert "--models" in run.data.tags["workflow.error"]
    assert [line for line in done.err.splitlines() if line.startswith("error: ")] == [
        f"error: {run.data.tags['workflow.error']}"
    ]
    assert "Traceback" not in done.err


def test_a_model_no_better_than_the_baseline_is_not_registered(store, tmp_path, trips):
    folder = tmp_path / "noise"
    folder.mkdir()
    for path in trips.iterdir():
        frame = pd.read_parquet(path)
        minutes = frame["lpep_dropoff_datetime"] - frame["lpep_pickup_datetime"]
        shuffled = minutes.sample(frac=1, random_state=1).to_numpy()
        frame["lpep_dropoff_datetime"] = frame["lpep_pickup_datetime"] + shuffled
        frame.to_parquet(folder / path.name)
    mlflow.set_tracking_uri(store.uri)
    asked = ("dataset", "target", "task", "split_by", "seed")
    call(preprocess.preprocess, {name: MAIN[name] for name in asked} | {"data": str(folder)})
    splits = f"runs:/{store.runs('preprocess')[0].info.run_id}/splits"
    given = {"splits": splits, "models": "kneighbors", "features": "zoomcamp", "metric": "auto"}
    given |= {"hyperparameters": '{"n_neighbors": 1}', "validation": "auto", "seed": "1"}
    call(train.train, given)
    given = {"splits": splits, "candidates": store.runs("train")[0].info.run_id, "top_n": "1"}
    given["promote"] = "if_better"
    with pytest.raises(WorkflowError) as error:
        call(register.register, given | {"metric": "auto", "register_as": "auto"})
    assert "nothing is registered: kneighbors (kneighbors) has val_rmse" in str(error.value)
    assert "of the baseline, which knows no feature" in str(error.value)
    (run,) = store.runs("register")
    assert run.info.status == "FAILED"
    assert not store.client.search_registered_models()
    artifacts = {one.path for one in store.client.list_artifacts(run.info.run_id)}
    assert artifacts == {"leaderboard.csv", "predictions.parquet"}
    # Splits of the same name whose test rows the candidate may know.
    call(preprocess.preprocess, {name: MAIN[name] for name in asked} | {"data": str(trips)})
    other = f"runs:/{store.runs('preprocess')[1].info.run_id}/splits"
    with pytest.raises(WorkflowError) as error:
        given |= {"splits": other}
        call(register.register, given | {"metric": "auto", "register_as": "auto"})
    assert "candidates: kneighbors (" in str(error.value)
    assert f"another train split than that of splits='{other}'" in str(error.value)
    assert len(store.runs("register")) == 1
