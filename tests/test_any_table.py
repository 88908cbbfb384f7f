"""A stranger's table: `mlflow run . -P data=... -P target=...`, and what comes of it."""

import io
import math
from pathlib import Path

import click
import mlflow
import numpy as np
import pandas as pd
import pytest
import yaml
from conftest import Store, Workflow, new_store
from in_process import run_here

from sql_features.errors import WorkflowError
from steps import hpo, predict, preprocess, register, train

ROWS = 400
LABELS = ["ash", "birch", "oak tree"]
MODEL = "models:/trees-kind@champion"


def call(command: click.Command, **given: object) -> None:
    given = {"verbose": "false"} | given
    words = [word for name, value in given.items() for word in (f"--{name}", str(value))]
    command.main(words, standalone_mode=False)


def trees(rows: int = ROWS) -> pd.DataFrame:
    """Make a table with all that a stranger's may have: names, gaps, dates, numbers as text."""
    rng = np.random.default_rng(3)
    kind = rng.integers(3, size=rows)
    height = rng.normal([12, 18, 25], 3, size=(rows, 3))[np.arange(rows), kind]
    planted = pd.Timestamp("2001-01-01") + pd.to_timedelta(rng.integers(0, 9_000, rows), unit="D")
    frame = pd.DataFrame(
        {
            "id": np.arange(1, rows + 1),
            "Height (m)": height.round(1),
            'bark "type"': np.where(rng.random(rows) < 0.8, kind, rng.integers(3, size=rows)),
            "select": rng.choice(["north", "south"], rows),
            "planted": planted.strftime("%-m/%-d/%y"),
            "rings": rng.integers(5, 90, rows).astype(str),
            "country": "here",
            "code": np.array(LABELS)[kind],
            "kind": np.array(LABELS)[kind],
        }
    )
    frame['bark "type"'] = frame['bark "type"'].map({0: "smooth", 1: "peeling", 2: "rough"})
    frame.loc[::9, "Height (m)"] = np.nan
    frame.loc[5, "rings"] = "unknown"
    frame.loc[7, "kind"] = None
    return frame


@pytest.fixture(scope="module")
def grove(tmp_path_factory: pytest.TempPathFactory, empty_store: Path) -> Workflow:
    """`mlflow run .` on a CSV beside the caller, with its target's name and little else."""
    caller = tmp_path_factory.mktemp("grove")
    store = new_store(empty_store, caller)
    trees().to_csv(caller / "trees.csv", index=False, sep=";")
    done = run_here(
        store, data=caller / "trees.csv", target="kind", models="linear,lightgbm", max_evals=2
    )
    return Workflow(store, done, caller)


@pytest.fixture
def definition(grove: Workflow) -> dict[str, object]:
    mlflow.set_tracking_uri(grove.store.uri)
    run_id = grove.run("preprocess").info.run_id
    return yaml.safe_load(mlflow.artifacts.load_text(f"runs:/{run_id}/splits/dataset.yaml"))


def test_the_dataset_is_inferred_and_says_what_it_leaves_out(grove, definition):
    assert definition["task"] == "multiclass"
    assert definition["name"] == "trees-kind"
    assert set(definition["left_out"]) == {"id", "country", "code"}
    assert "gives the target away" in definition["left_out"]["code"]
    assert {"Height (m)", 'bark "type"', "select", "rings", "planted_year"} <= set(
        definition["features"]
    )
    assert "dropped; 3 columns left out" in grove.run("preprocess").data.tags["workflow.result"]
    for column, reason in definition["left_out"].items():
        assert column in grove.done.out
        assert f"left out {column}: {reason}" not in grove.done.out  # it is in the report


def test_a_row_without_a_target_is_dropped_and_counted(grove):
    metrics = grove.run("preprocess").data.metrics
    dropped = [metrics[f"{split}_rows_dropped_target_missing"] for split in SPLITS]
    assert sum(dropped) == 1
    assert sum(metrics[f"{split}_rows"] for split in SPLITS) == ROWS - 1


SPLITS = ("train", "validation", "test")
REMARKS = ("left out", "warning:")


def test_the_registered_model_takes_raw_rows_and_gives_probabilities(grove):
    mlflow.set_tracking_uri(grove.store.uri)
    raw = pd.read_csv(grove.caller / "trees.csv", sep=";")
    answer = mlflow.pyfunc.load_model(MODEL).predict(raw)
    shares = [f"probability_{label}" for label in LABELS]
    assert list(answer) == ["prediction", *shares]
    assert np.allclose(answer[shares].sum(axis=1), 1)
    likely = answer[shares].to_numpy().argmax(axis=1)
    assert (answer["prediction"] == np.array(LABELS)[likely]).all()
    assert (answer["prediction"] == raw["kind"]).mean() > 0.8


def test_a_value_never_seen_and_a_missing_one_are_predicted_too(grove):
    mlflow.set_tracking_uri(grove.store.uri)
    model = mlflow.pyfunc.load_model(MODEL)
    raw = pd.read_csv(grove.caller / "trees.csv", sep=";").head(2)
    raw['bark "type"'] = ["papery", None]
    raw["planted"] = [None, "12/24/19"]
    assert set(model.predict(raw)["prediction"]) <= set(LABELS)
    raw["planted"] = ["not a date", "12/24/19"]
    with pytest.raises(ValueError, match=r"column planted is read as DATE .* not fit not a date"):
        model.predict(raw)


def test_every_compared_classifier_has_its_plots(grove):
    client = grove.store.client
    for run in grove.store.children(grove.run("train"))[1:]:
        assert {one.path for one in client.list_artifacts(run.info.run_id, "plots")} == {
            f"plots/{name}.png"
            for name in (
                "calibration", "confusion_matrix", "feature_importance", "precision_recall", "roc",
            )
        }  # fmt: skip


def test_models_are_judged_by_folds_with_mean_and_deviation(grove):
    assert grove.run("hpo").data.params["validation"] == "auto"
    for run in grove.store.children(grove.run("hpo")):
        assert run.data.tags["workflow.validation"] == "cv:5"
        assert run.data.metrics["val_log_loss_std"] > 0
        assert 0 < run.data.metrics["val_accuracy"] <= 1


def test_the_winners_predictions_on_test_are_an_artifact(grove, tmp_path):
    mlflow.set_tracking_uri(grove.store.uri)
    run = grove.run("register")
    path = mlflow.artifacts.download_artifacts(
        f"runs:/{run.info.run_id}/predictions.parquet", dst_path=str(tmp_path)
    )
    answers = pd.read_parquet(path)
    assert len(answers) == grove.run("preprocess").data.metrics["test_rows"]
    right = (answers["prediction"] == answers["actual"]).mean()
    assert right == pytest.approx(run.data.metrics["test_accuracy"])


def test_sets_of_classes_hold_the_truth_as_the_folds_have_told(grove, tmp_path):
    mlflow.set_tracking_uri(grove.store.uri)
    told = grove.run("register").data.metrics["interval_coverage"]
    call(
        predict.predict, model=MODEL, data=grove.caller / "trees.csv",
        output=tmp_path / "out.jsonl", keep="kind", interval="0.9", invalid="refuse",
        overwrite="false",
    )  # fmt: skip
    frame = pd.read_json(tmp_path / "out.jsonl", lines=True)
    held = [kind in members for kind, members in frame[["kind", "prediction_set"]].to_numpy()]
    assert told > 0.8
    assert np.mean(held) > 0.85  # of all rows, also those that it was fitted on
    assert {one for members in frame["prediction_set"] for one in members} <= set(LABELS)


def test_the_logged_definition_passed_back_gives_the_same_splits(grove, tmp_path):
    mlflow.set_tracking_uri(grove.store.uri)
    first = grove.run("preprocess")
    path = mlflow.artifacts.download_artifacts(
        f"runs:/{first.info.run_id}/splits/dataset.yaml", dst_path=str(tmp_path)
    )
    call(
        preprocess.preprocess, dataset=path, data="default", target="none", task="auto",
        split_by="auto", seed=42,
    )  # fmt: skip
    again = grove.store.runs("preprocess")[-1]
    assert again.info.run_id != first.info.run_id
    for split in SPLITS:
        key = f"workflow.digest.{split}"
        assert again.data.tags[key] == first.data.tags[key]


def test_order_of_time_chooses_features_without_the_test_split(store):
    mlflow.set_tracking_uri(store.uri)
    call(
        preprocess.preprocess, dataset="energy_demand", data="sample", target="none", task="auto",
        split_by="auto", seed=42,
    )  # fmt: skip
    run = store.runs("preprocess")[0]
    # Train and hpo never read the test split, so it may as well hold nothing.
    Path(run.info.artifact_uri.removeprefix("file://"), "splits", "test.parquet").write_bytes(b"")
    splits = f"runs:/{run.info.run_id}/splits"
    judged = {"splits": splits, "models": "linear", "features": "search", "metric": "auto"}
    call(train.train, **judged, hyperparameters="{}", validation="auto", seed=1)
    call(
        hpo.hpo,
        **judged,
        validation="auto",
        max_evals=4,
        timeout="none",
        top_n=1,
        seed=1,
        reuse="true",
    )
    trials = store.children(store.runs("hpo")[0])
    assert len({run.data.params["features"] for run in trials}) > 1
    assert {run.data.tags["workflow.validation"] for run in trials} == {"cv:5"}
    best = min(trials, key=lambda run: run.data.metrics["val_rmse"])
    (kept,) = [run for run in trials if run.outputs.model_outputs]
    assert kept.info.run_id == best.info.run_id


def test_a_model_below_the_datasets_threshold_is_not_registered(grove, tmp_path):
    mlflow.set_tracking_uri(grove.store.uri)
    first = grove.run("preprocess")
    path = Path(
        mlflow.artifacts.download_artifacts(
            f"runs:/{first.info.run_id}/splits/dataset.yaml", dst_path=str(tmp_path)
        )
    )
    path.write_text(path.read_text() + "\nthresholds: {accuracy: 0.9999}\n")
    call(
        preprocess.preprocess, dataset=path, data="default", target="none", task="auto",
        split_by="auto", seed=42,
    )  # fmt: skip
    splits = f"runs:/{grove.store.runs('preprocess')[-1].info.run_id}/splits"
    given = {"splits": splits, "metric": "auto"}
    fit = {"models": "linear", "features": "all", "validation": "holdout", "seed": 1}
    call(train.train, **given, **fit, hyperparameters="{}")
    candidates = grove.store.runs("train")[-1].info.run_id
    with pytest.raises(WorkflowError) as error:
        call(
            register.register, **given, candidates=candidates, top_n=1, register_as="strict",
            promote="if_better",
        )  # fmt: skip
    assert "worse than the threshold 0.9999 in dataset 'trees-kind'" in str(error.value)
    assert not grove.store.client.search_model_versions("name = 'strict'")


def test_a_metric_that_some_fold_lacks_has_no_value_and_a_reason(store, tmp_path):
    mlflow.set_tracking_uri(store.uri)
    frame = trees(120).rename(columns={"Height (m)": "height"})
    frame["rings"] = frame["rings"].replace("unknown", "0").astype(float)
    frame[["height", "rings"]].to_csv(tmp_path / "rings.csv", index=False)
    table = {"dataset": "green_taxi", "data": tmp_path / "rings.csv", "target": "rings"}
    call(preprocess.preprocess, **table, task="regression", split_by="auto", seed=42)
    given = {"splits": f"runs:/{store.runs('preprocess')[0].info.run_id}/splits"}
    fit = {"models": "linear", "features": "all", "validation": "cv:3", "seed": 1}
    call(train.train, **given, **fit, metric="auto", hyperparameters="{}")
    (run,) = store.runs("train")
    assert "; mape has no mean: some targets are 0 in fold " in run.data.tags["workflow.result"]
    for model in store.children(run):
        assert math.isnan(model.data.metrics["val_mape"])
        assert model.data.metrics["val_mae"] > 0
        assert model.data.tags["workflow.no_value"].startswith("mape: some targets are 0 in fold ")
    with pytest.raises(WorkflowError) as error:
        call(
            register.register, **given, candidates=run.info.run_id, metric="mape", top_n=1,
            register_as="auto", promote="if_better",
        )  # fmt: skip
    assert "mape" in str(error.value)


def refused(store: Store, folder: Path, frame: pd.DataFrame, target: str, **given: str) -> str:
    """Return the one line that preprocess says of a table."""
    mlflow.set_tracking_uri(store.uri)
    path = folder / "table.csv"
    frame.to_csv(path, index=False)
    with pytest.raises(WorkflowError) as error:
        call(
            preprocess.preprocess,
            **{"dataset": "green_taxi", "data": path, "target": target, "task": "auto"},
            **{"split_by": "auto", "seed": 1} | given,
        )
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_target_that_is_no_column_is_refused_with_the_nearest_name(store, tmp_path):
    assert "did you mean 'kind'?" in refused(store, tmp_path, trees(), "kinds")


def test_a_table_of_one_class_is_refused(store, tmp_path):
    frame = trees().assign(kind="oak tree")
    assert "kind" in refused(store, tmp_path, frame, "kind")


def test_a_table_with_nothing_to_learn_from_is_refused(store, tmp_path):
    line = refused(store, tmp_path, trees()[["id", "country", "kind"]], "kind")
    assert "id" in line
    assert "country" in line


def test_a_table_too_short_to_split_is_refused(store, tmp_path):
    refused(store, tmp_path, trees(3), "kind")


def test_the_checks_are_a_table_with_a_row_for_each(grove):
    mlflow.set_tracking_uri(grove.store.uri)
    text = mlflow.artifacts.load_text(f"runs:/{grove.run('preprocess').info.run_id}/checks.csv")
    table = pd.read_csv(io.StringIO(text))
    assert {"null rate", "shift", "types", "duplicated rows", "classes"} <= set(table["check"])
    assert set(table["level"]) <= {"ok", "note", "warning"}


def test_a_trial_that_cannot_be_fitted_fails_alone_and_says_why(store, tmp_path, capsys):
    mlflow.set_tracking_uri(store.uri)
    trees(45).to_csv(tmp_path / "few.csv", index=False)
    table = {"dataset": "green_taxi", "data": tmp_path / "few.csv", "target": "kind"}
    call(preprocess.preprocess, **table, task="auto", split_by="auto", seed=42)
    # No workflow is above, whose summary would tell it.
    first, *more, last = capsys.readouterr().out.splitlines()
    assert first == "[preprocess] runs alone"
    assert "[preprocess] left out country: the same value in every row" in more
    told = [sum(line.startswith(f"[preprocess] {what}") for line in more) for what in REMARKS]
    assert f"; {told[0]} columns left out; {told[1]} warning" in last
    splits = f"runs:/{store.runs('preprocess')[0].info.run_id}/splits"
    judged = {"splits": splits, "models": "kneighbors", "features": "all", "metric": "auto"}
    # Up to 100 neighbours are searched, of fewer than 45 rows.
    call(
        hpo.hpo,
        **judged,
        validation="auto",
        max_evals=12,
        timeout="none",
        top_n=1,
        seed=3,
        reuse="true",
    )
    by_status = {"FAILED": [], "FINISHED": []}
    for run in store.children(store.runs("hpo")[0]):
        by_status[run.info.status].append(run)
    assert len(by_status["FAILED"]) + len(by_status["FINISHED"]) == 12
    for run in by_status["FAILED"]:
        assert int(run.data.params["n_neighbors"]) > 25
        assert "n_neighbors" in run.data.tags["workflow.error"]
    assert by_status["FAILED"]
    assert by_status["FINISHED"]


def test_a_dataset_files_part_that_lacks_a_column_is_warned_of(store, tmp_path):
    mlflow.set_tracking_uri(store.uri)
    frame = trees(300)[["rings", "select", "planted"]].assign(y=np.arange(300.0))
    (tmp_path / "parts").mkdir()
    frame[:200].to_csv(tmp_path / "parts" / "1.csv", index=False)
    frame[200:].drop(columns="select").to_csv(tmp_path / "parts" / "2.csv", index=False)
    path = tmp_path / "d.yaml"
    path.write_text(
        "{name: d, task: regression, data: parts, split: {by: hash, key: [y]}, target: y, "
        "features: {side: '\"select\"', rings: rings}}"
    )
    call(
        preprocess.preprocess, dataset=path, data=tmp_path / "parts", target="none", task="auto",
        split_by="auto", seed=42,
    )  # fmt: skip
    (run,) = store.runs("preprocess")
    checks = pd.read_csv(
        io.StringIO(mlflow.artifacts.load_text(f"runs:/{run.info.run_id}/checks.csv"))
    )
    found = checks[(checks["level"] == "warning") & (checks["column"] == "select")]
    assert any("in 1 of 2 files, not in 2.csv" in line for line in found["message"])
    assert run.data.metrics["check_warnings"] == (checks["level"] == "warning").sum()
