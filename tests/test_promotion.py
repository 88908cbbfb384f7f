"""Versions of the one workflow's model: promoted by a test, rolled back, copied, told of."""

import json
import shutil
import sqlite3

import mlflow
import pandas as pd
import pytest
from conftest import Store, Workflow, mlflow_run, parameters
from mlflow.entities import Run
from mlflow.tracking import MlflowClient

from sql_features.errors import WorkflowError
from steps import promote

NAME = "green-taxi-duration"


@pytest.fixture(scope="module")
def lived(workflow: Workflow, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A copy of the one workflow's store, with a second version: the linear model of train."""
    folder = tmp_path_factory.mktemp("lived")
    shutil.copy(workflow.caller / "mlflow.db", folder / "mlflow.db")
    with sqlite3.connect(folder / "mlflow.db") as database:
        location = str(folder / "mlruns/0")
        database.execute("UPDATE experiments SET artifact_location = ?", [location])
    store = Store(folder)
    mlflow.set_tracking_uri(store.uri)  # where the version's model is looked for
    linear = next(
        run
        for run in workflow.store.children(workflow.run("train"))
        if run.info.run_name == "linear"
    )
    (model,) = [one.model_id for one in linear.outputs.model_outputs]
    first = store.client.get_model_version(NAME, "1")
    scores = {"val_rmse": "0", "test_rmse": "0", "family": "linear", "run_id": linear.info.run_id}
    own = {key: text for key, text in first.tags.items() if "digest" in key or key == "splits"}
    store.client.create_model_version(
        NAME, f"models:/{model}", linear.info.run_id, model_id=model,
        tags=own | scores | {"register_run": first.tags["register_run"]},
    )  # fmt: skip
    store.client.set_registered_model_alias(NAME, "challenger", "2")
    return store


@pytest.fixture
def client(lived: Store) -> MlflowClient:
    mlflow.set_tracking_uri(lived.uri)
    return lived.client


def run(client: MlflowClient, **given: str) -> Run:
    """Run the step in this process, and return its run."""
    defaults = {"version": "challenger", "data": "auto", "rule": "if_better", "to": "none",
                "reason": "none", "verbose": "false", "model": NAME}  # fmt: skip
    words = [word for key, text in (defaults | given).items() for word in (f"--{key}", text)]
    promote.promote.main(words, standalone_mode=False)
    step = "tags.`workflow.step` = 'promote'"
    return client.search_runs(["0"], step, order_by=["attributes.start_time DESC"])[0]


def champion(client: MlflowClient, name: str = NAME) -> str:
    return str(client.get_model_version_by_alias(name, "champion").version)


def test_the_first_version_has_the_tags_of_its_promotion(client):
    version = client.get_model_version(NAME, "1")
    assert version.tags["replaced"] == "none"
    assert version.tags["reason"] == "promoted: the first version"
    assert version.tags["promoted_at"] > "2026" and version.tags["promoted_by"]
    assert version.aliases == ["champion"]


# The tests below go on from each other, as a model's life does.


def test_a_challenger_no_better_is_not_promoted_and_all_is_told(client):
    done = run(client)
    assert champion(client) == "1"
    sentence = done.data.tags["workflow.decision"]
    assert sentence.startswith("not promoted: ") and " than version 1, by chance" in sentence
    assert done.data.tags["workflow.result"].endswith(f"is no champion: {sentence}")
    told = json.loads(mlflow.artifacts.load_text(f"runs:/{done.info.run_id}/comparison.json"))
    assert told["champion"] == "1" and not told["promoted"] and told["metric"] == "rmse"
    first = client.get_run(client.get_model_version(NAME, "1").tags["register_run"])
    assert told["champion_score"] == pytest.approx(first.data.metrics["test_rmse"], rel=1e-9)
    assert told["seen_rows"] == 0 and told["used_before"] == 0 and told["rows"] > 2_000
    assert done.data.metrics["champion_improvement"] == told["improvement"]
    assert client.get_model_version(NAME, "2").tags["reason"] == sentence
    assert "comparison.png" in {one.path for one in client.list_artifacts(done.info.run_id)}
    assert f"[2 of {NAME}]" in done.data.tags["mlflow.note.content"].replace("\\", "")
    assert [one.tags[0].value for one in done.inputs.dataset_inputs] == ["test"]


def test_always_promotes_it_and_counts_the_decision_before(client):
    done = run(client, rule="always", reason="a demonstration")
    assert champion(client) == "2"
    told = json.loads(mlflow.artifacts.load_text(f"runs:/{done.info.run_id}/comparison.json"))
    assert told["used_before"] == 1 and told["needed"] is None
    tags = client.get_model_version(NAME, "2").tags
    assert tags["replaced"] == "1" and tags["reason"].endswith("; a demonstration")


def test_a_rollback_moves_the_alias_and_marks_the_version(client):
    done = run(client, version="previous", reason="wrong fares")
    assert champion(client) == "1"
    said = f"{NAME} version 1 is @champion again: rolled back from version 2; it predicts"
    assert done.data.tags["workflow.result"].startswith(said)
    assert client.get_model_version(NAME, "2").tags["rolled_back_at"] > "2026"
    tags = client.get_model_version(NAME, "1").tags
    assert tags["reason"] == "rolled back from version 2: wrong fares"
    assert json.loads(tags["earlier_promotions"])[0]["replaced"] == "none"


def test_what_was_rolled_back_from_needs_its_number(client):
    for rule in ("if_better", "always"):
        assert "it was rolled back from on" in run(client, rule=rule).data.tags["workflow.decision"]
        assert champion(client) == "1"
    assert " than version 1, by" in run(client, version="2").data.tags["workflow.decision"]
    with pytest.raises(WorkflowError, match=r"^version='previous': no earlier champion of green"):
        run(client, version="previous")


def test_a_copy_is_tested_under_the_other_name(client):
    run(client, model=f"{NAME}/1", to="production")
    assert champion(client, "production") == "1"
    copied = client.get_model_version("production", "1")
    assert copied.source == f"models:/{NAME}/1" and copied.tags["replaced"] == "none"
    assert "earlier_promotions" not in copied.tags
    again = run(client, model=f"{NAME}/1", to="production")
    assert "champion already" in again.data.tags["workflow.decision"]
    assert len(client.search_model_versions("name = 'production'")) == 1
    frame = pd.DataFrame(mlflow.pyfunc.load_model("models:/production@champion").input_example)
    assert len(mlflow.pyfunc.load_model("models:/production@champion").predict(frame)) == len(frame)


def test_a_version_that_cannot_be_loaded_is_not_rolled_back_to(client, lived):
    client.create_model_version(NAME, str(lived.folder / "nowhere"))
    client.set_model_version_tag(NAME, "3", "promoted_at", "2026-01-01T00:00:00.000Z")
    client.set_model_version_tag(NAME, "1", "replaced", "3")
    with pytest.raises(WorkflowError, match=r"^model 'models:/green-taxi-duration/3' cannot be"):
        run(client, version="3")
    client.set_model_version_tag(NAME, "1", "replaced", "2")
    assert champion(client) == "1"


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({"version": "best"}, "^version='best': give 'challenger', a number, 'previous' or"),
        ({"version": "9"}, "^model='green-taxi-duration/9': there is no version 9; there are"),
        ({"model": f"{NAME}/1", "version": "2"}, "both say which version: give model=green"),
        ({"rule": "better"}, "^unknown value of rule: 'better': did you mean 'if_better'"),
        ({"to": "a/b"}, "^to='a/b': give a name without '/' and ':', or 'none'"),
    ],
)
def test_what_is_no_version_or_rule_is_one_line(client, given, line):
    with pytest.raises(WorkflowError, match=line) as caught:
        run(client, **given)
    assert "\n" not in str(caught.value)


def test_labelled_rows_of_the_users_are_what_is_compared_on(client, lived, workflow):
    month = pd.read_parquet(workflow.caller / "data" / "green_tripdata_2023-03.parquet")
    seen = pd.read_parquet(workflow.caller / "data" / "green_tripdata_2023-01.parquet").head(500)
    path = lived.folder / "april.parquet"
    pd.concat([month.head(600), seen]).to_parquet(path)
    done = run(client, version="2", data=str(path))
    told = json.loads(mlflow.artifacts.load_text(f"runs:/{done.info.run_id}/comparison.json"))
    assert told["rows_of"] == "april.parquet"
    assert 550 < told["rows"] <= 600  # those of March that are left by the definition's filter
    assert 450 < told["seen_rows"] <= 500
    (logged,) = done.inputs.dataset_inputs
    assert (logged.dataset.name, logged.tags[0].value) == ("april.parquet", "labelled")
    assert logged.dataset.digest == told["rows_digest"]
    with pytest.raises(WorkflowError, match=r"^unknown column in fare\.csv, which `target`"):
        (lived.folder / "fare.csv").write_text("fare,trip_distance\n1,2\n")
        run(client, version="2", data=str(lived.folder / "fare.csv"))


def test_mlflow_run_prints_who_was_champion_when(client, lived):
    done = mlflow_run(
        "-e", "promote", *parameters(model=NAME, version="history"),
        cwd=lived.folder, MLFLOW_TRACKING_URI=lived.uri,
    )  # fmt: skip
    assert done.code == 0, done.out + done.err
    lines = [line for line in done.out.splitlines() if line[:1].isdigit()]
    assert [line.split()[0] for line in lines] == ["1", "2", "1"]
    assert "(rolled back)" in lines[1] and "rolled back from version 2" in lines[0]
    assert f"{NAME} version 1 is @champion since 20" in done.out
