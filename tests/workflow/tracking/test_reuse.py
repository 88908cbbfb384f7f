import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import mlflow
import pytest
from conftest import Store
from mlflow.entities import LoggedModelOutput, LoggedModelStatus, Run
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from workflow.tracking import dataset_inputs, environment, names, reuse, runs, source_files, step
from workflow.tracking.cache_key import Ingredients, differences
from workflow.tracking.names import KEY_TAG

HPO = Ingredients(
    step="hpo",
    parameters={"models": "linear", "max_evals": "2", "seed": "42"},
    inputs={"splits": "0123"},
    code={"steps/hpo.py": "aa", "workflow/models/families.py": "bb"},
    environment={"python": "3.11.7", "pandas": "3.1.1"},
)
FIRST = "the first in this experiment"


@dataclass(frozen=True)
class Experiment:
    """An experiment of its own in the shared store."""

    id: str
    folder: Path
    client: MlflowClient

    def finish(
        self,
        ingredients: Ingredients = HPO,
        *,
        trials: int = 1,
        params: dict[str, str] | None = None,
        during: Callable[[Run], None] = lambda _: None,
        **tags: str,
    ) -> Run:
        """Run a step, which logs artifacts and children with a model each."""
        with step.run(ingredients.step, ingredients, **tags) as run:
            mlflow.log_params({"seed": "42", "top_n": "5", **(params or {})})
            mlflow.log_metrics({"val_rmse": 1.25, "check_warnings": 0.0})
            mlflow.log_text("trial,rmse", "trials.csv")
            mlflow.log_text("<p>", "plots/search.html")
            for number in range(trials):
                with step.child(f"trial-{number:03d}", names.TRIAL) as child:
                    self.model(child)
            during(run)
        return self.run(run)

    def model(self, run: Run) -> str:
        """Log a model to a run."""
        model = self.client.create_logged_model(self.id, "model", source_run_id=run.info.run_id)
        folder = self.folder / "made"
        (folder / "data").mkdir(parents=True, exist_ok=True)
        (folder / "MLmodel").write_text("flavors: {}")
        (folder / "data/model.skops").write_text("fitted")
        self.client.log_model_artifacts(model.model_id, str(folder))
        self.client.finalize_logged_model(model.model_id, LoggedModelStatus.READY)
        self.client.log_outputs(run.info.run_id, [LoggedModelOutput(model.model_id, 0)])
        return model.model_id

    def run(self, run: Run) -> Run:
        return self.client.get_run(run.info.run_id)

    def children(self, run: Run) -> list[Run]:
        mine = f"tags.mlflow.parentRunId = '{run.info.run_id}'"
        return self.client.search_runs([self.id], mine)

    def find(self, ingredients: Ingredients = HPO, **at_least: int) -> tuple[str | None, str]:
        found, reason = reuse.find(ingredients, self.id, **at_least)
        return found and found.info.run_id, reason

    def files(self, run: Run) -> Path:
        return self.folder / run.info.run_id / "artifacts"

    def model_files(self, run: Run) -> Path:
        (model,) = runs.models(self.run(run))
        return Path(self.client.get_logged_model(model).artifact_location.removeprefix("file://"))


def new_experiment(client: MlflowClient, folder: Path) -> Experiment:
    place = str(folder / "artifacts")
    return Experiment(client.create_experiment(place, place), folder / "artifacts", client)


@pytest.fixture
def experiment(module_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Experiment:
    mlflow.set_tracking_uri(module_store.uri)
    made = new_experiment(module_store.client, tmp_path)
    monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", made.id)
    return made


@pytest.fixture(scope="module")
def finished(
    module_store: Store, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Experiment, Run]:
    with pytest.MonkeyPatch.context() as patch:
        mlflow.set_tracking_uri(module_store.uri)
        made = new_experiment(module_store.client, tmp_path_factory.mktemp("finished"))
        patch.setenv("MLFLOW_EXPERIMENT_ID", made.id)
        return made, made.finish(trials=2, during=used, family="linear")


@pytest.fixture
def whole(finished: tuple[Experiment, Run]) -> Iterator[tuple[Experiment, Run]]:
    """A run that is found, with its experiment; tests leave it as it was."""
    experiment, run = finished
    mlflow.set_tracking_uri(experiment.client.tracking_uri)
    yield experiment, run
    assert experiment.find() == (run.info.run_id, "")


@contextmanager
def without(path: Path, text: str | None = None) -> Iterator[None]:
    """Take a file or a folder away for a while, or leave a text in its place."""
    hidden = path.parent.parent / f"{path.name}.hidden"
    path.rename(hidden)
    if text is not None:
        path.write_text(text)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        hidden.rename(path)


def used(run: Run) -> None:
    logged = [
        dataset_inputs.dataset_input(
            name="trips", context=split, digest=f"d-{split}", source=f"/data/{split}.parquet",
            columns={"miles": "DOUBLE"},
        )
        for split in ("train", "validation")
    ]  # fmt: skip
    MlflowClient().log_inputs(run.info.run_id, logged)


def changed(kind: str, **values: str) -> Ingredients:
    return replace(HPO, **{kind: getattr(HPO, kind) | values})


def test_the_first_of_an_experiment_has_nothing_to_be_reused(experiment):
    assert experiment.find() == (None, FIRST)


def test_a_whole_result_of_the_same_is_found(whole):
    experiment, run = whole
    assert experiment.find() == (run.info.run_id, "")


@pytest.mark.parametrize(
    ("ingredients", "reason"),
    [
        (changed("code", **{"steps/hpo.py": "x"}), "steps/hpo.py changed"),
        (changed("inputs", splits="x"), "splits changed"),  # data, or another upstream step
        (changed("parameters", seed="43"), "seed was 42, is 43"),
        (changed("environment", pandas="3.1.2"), "pandas was 3.1.1, is 3.1.2"),
        (changed("code", **{"workflow/new.py": "x"}), "workflow/new.py is new"),
    ],
    ids=["code", "data", "parameter", "environment", "new file"],
)
def test_what_is_not_the_same_is_not_found_and_named(whole, ingredients, reason):
    assert whole[0].find(ingredients) == (None, reason)


def test_three_differences_are_named_and_the_others_counted(whole):
    given = {"seed": "43", "metric": "mae", "max_evals": "3", "models": "lightgbm"}
    several = replace(changed("parameters", **given), inputs={"splits": "x"})
    assert whole[0].find(several) == (
        None,
        "max_evals was 2, is 3; metric was not given, is mae; models was linear, is lightgbm and "
        "2 more",
    )


def test_differences_are_those_to_the_newest_that_has_finished(experiment):
    experiment.finish()
    experiment.finish(changed("parameters", seed="43"))
    assert experiment.find(changed("parameters", seed="44")) == (None, "seed was 43, is 44")


def test_another_step_is_not_compared(whole):
    assert whole[0].find(replace(HPO, step="train")) == (None, FIRST)


def test_another_experiment_is_not_looked_into(whole, experiment):
    assert experiment.find() == (None, FIRST)


@pytest.mark.parametrize("status", ["FAILED", "KILLED", "RUNNING", "SCHEDULED"])
def test_a_run_that_is_not_finished_is_not_found(whole, status):
    experiment, run = whole
    experiment.client.update_run(run.info.run_id, status)
    assert experiment.find() == (None, f"run {run.info.run_id} of it is {status}")
    experiment.client.set_terminated(run.info.run_id, "FINISHED", run.info.end_time)


def test_a_run_at_work_in_another_workflow_is_not_found(experiment):
    with step.run("hpo", HPO) as run:
        assert experiment.find() == (None, f"run {run.info.run_id} of it is RUNNING")
    assert experiment.find() == (run.info.run_id, "")


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt])
def test_a_step_that_breaks_off_is_not_found(experiment, error):
    def broken(_: Run) -> None:
        raise error

    with pytest.raises(error):
        experiment.finish(during=broken)
    found, reason = experiment.find()
    assert found is None
    assert reason.endswith("of it is FAILED")


def test_a_run_that_is_deleted_is_not_found(whole):
    experiment, run = whole
    experiment.client.delete_run(run.info.run_id)
    assert experiment.find() == (None, FIRST)
    experiment.client.restore_run(run.info.run_id)


@pytest.mark.parametrize("path", ["trials.csv", "plots/search.html", "plots", "step.json"])
def test_a_run_that_has_lost_an_artifact_is_not_found(whole, path):
    experiment, run = whole
    with without(experiment.files(run) / path):
        lost = path.replace("plots/search.html", "plots").replace("plots", "plots/search.html")
        assert experiment.find() == (None, f"{lost} of run {run.info.run_id} is gone")


@pytest.mark.parametrize("path", ["trials.csv", "plots/search.html"])
@pytest.mark.parametrize("text", ["", "trial", "trial,rmse,more"])
def test_a_run_with_an_artifact_of_another_size_is_not_found(whole, path, text):
    experiment, run = whole
    with without(experiment.files(run) / path, text):
        assert experiment.find() == (None, f"{path} of run {run.info.run_id} is gone")


@pytest.mark.parametrize("text", ["", '{"ingredients": {', "null"])
def test_a_run_whose_record_is_cut_off_is_not_found(whole, text):
    experiment, run = whole
    with without(experiment.files(run) / "step.json", text):
        assert experiment.find() == (None, f"step.json of run {run.info.run_id} is gone")
        assert experiment.find(changed("parameters", seed="43")) == (None, FIRST)


def test_an_unreachable_store_has_not_lost_the_result(whole, monkeypatch):
    def away(_: str) -> None:
        raise ConnectionError("Max retries exceeded")

    with monkeypatch.context() as patch:
        patch.setattr(mlflow.artifacts, "load_dict", away)
        with pytest.raises(ConnectionError):
            whole[0].find()


def test_a_run_whose_artifacts_are_all_deleted_is_not_found(whole):
    experiment, run = whole
    with without(experiment.files(run)):
        assert experiment.find() == (None, f"step.json of run {run.info.run_id} is gone")


def test_artifacts_and_child_runs_added_later_do_not_matter(whole):
    experiment, run = whole
    experiment.client.log_text(run.info.run_id, "mine", "notes.txt")
    tags = {"mlflow.parentRunId": run.info.run_id}
    mine = experiment.client.create_run(experiment.id, tags=tags)
    assert experiment.find() == (run.info.run_id, "")
    experiment.client.delete_run(mine.info.run_id)


def test_a_run_that_has_lost_a_child_is_not_found(whole):
    experiment, run = whole
    lost = experiment.children(run)[0].info.run_id
    experiment.client.delete_run(lost)
    assert experiment.find() == (None, f"child run {lost} of run {run.info.run_id} is gone")
    experiment.client.restore_run(lost)


def test_a_run_that_has_lost_a_model_is_not_found(experiment):
    run = experiment.finish(trials=2)
    (model,) = runs.models(experiment.children(run)[0])
    experiment.client.delete_logged_model(model)
    assert experiment.find() == (None, f"model {model} of run {run.info.run_id} is gone")


@pytest.mark.parametrize("path", ["MLmodel", "data/model.skops", "data"])
@pytest.mark.parametrize("text", [None, "x"], ids=["removed", "truncated"])
def test_a_run_whose_model_has_lost_a_file_is_not_found(whole, path, text):
    experiment, run = whole
    child = experiment.children(run)[0]
    (model,) = runs.models(child)
    with without(experiment.model_files(child) / path, text):
        assert experiment.find() == (None, f"model {model} of run {run.info.run_id} is gone")


def test_a_file_that_mlflow_adds_to_a_model_does_not_matter(whole):
    experiment, run = whole
    (experiment.model_files(experiment.children(run)[0]) / "registered_model_meta").write_text("x")
    assert experiment.find() == (run.info.run_id, "")


REGISTER = replace(HPO, step="register")


def registered(experiment: Experiment, name: str) -> Run:
    """Run a step that registers the model of a run of its own, and leaves it the champion."""
    client = experiment.client

    def during(run: Run) -> None:
        with step.child("winner", names.TRIAL) as winner:
            model = experiment.model(winner)
        if not client.search_registered_models(f"name = '{name}'"):
            client.create_registered_model(name)
        version = client.create_model_version(
            name, f"models:/{model}", winner.info.run_id, model_id=model
        )
        client.set_registered_model_alias(name, names.ALIAS, version.version)
        tags = {
            names.MODEL_TAG: name,
            names.VERSION_TAG: str(version.version),
            names.WINNER_TAG: winner.info.run_id,
            names.CHAMPION_TAG: str(version.version),
        }
        mlflow.set_tags(tags)

    return experiment.finish(REGISTER, trials=0, during=during)


def test_a_registration_is_found_while_its_version_and_champion_are_there(experiment):
    run = registered(experiment, "taxi")
    assert experiment.find(REGISTER) == (run.info.run_id, "")
    client = experiment.client
    winner = run.data.tags[names.WINNER_TAG]
    source = f"models:/{runs.models(client.get_run(winner))[0]}"
    later = client.create_model_version("taxi", source, winner)
    assert experiment.find(REGISTER) == (run.info.run_id, "")
    client.set_registered_model_alias("taxi", names.ALIAS, later.version)
    assert experiment.find(REGISTER) == (None, "champion of taxi was 1, is 2")
    client.delete_registered_model_alias("taxi", names.ALIAS)
    assert experiment.find(REGISTER) == (None, "champion of taxi was 1, is none")
    client.set_registered_model_alias("taxi", names.ALIAS, "1")
    assert experiment.find(REGISTER) == (run.info.run_id, "")
    client.set_tag(run.info.run_id, names.CHAMPION_TAG, "2")  # it was not promoted
    client.set_registered_model_alias("taxi", names.ALIAS, later.version)
    assert experiment.find(REGISTER) == (run.info.run_id, "")
    client.delete_registered_model("taxi")
    assert experiment.find(REGISTER) == (None, "taxi version 1 is gone")


def test_a_registration_without_the_winners_model_is_not_found(experiment):
    run = registered(experiment, "houses")
    winner = experiment.client.get_run(run.data.tags[names.WINNER_TAG])
    (model,) = runs.models(winner)
    shutil.rmtree(experiment.model_files(winner))
    assert experiment.find(REGISTER) == (None, f"model {model} of run {run.info.run_id} is gone")


@pytest.mark.parametrize(
    ("least", "reason"), [(4, ""), (5, ""), (6, "top_n was 5, is 6"), (50, "top_n was 5, is 50")]
)
def test_a_smaller_top_n_is_not_reused(whole, least, reason):
    experiment, run = whole
    assert experiment.find(top_n=least) == (None if reason else run.info.run_id, reason)


def test_of_several_the_newest_whole_one_is_found(experiment):
    one, two, three = (experiment.finish(params={"top_n": str(n)}) for n in (5, 5, 2))
    assert experiment.find()[0] == three.info.run_id
    assert experiment.find(top_n=5)[0] == two.info.run_id
    (experiment.files(two) / "trials.csv").unlink()
    assert experiment.find(top_n=5) == (one.info.run_id, "")
    experiment.client.delete_run(one.info.run_id)
    assert experiment.find(top_n=5) == (None, "top_n was 2, is 5")


def test_a_later_failed_run_does_not_hide_a_whole_one(experiment):
    run = experiment.finish()
    experiment.client.set_terminated(experiment.finish().info.run_id, "FAILED")
    assert experiment.find() == (run.info.run_id, "")


def test_the_record_is_written_last_before_finished(experiment, monkeypatch):
    seen, plain = [], MlflowClient.log_dict

    def noted(client: MlflowClient, run_id: str, made: dict, path: str) -> None:
        seen.append((client.get_run(run_id).info.status, sorted(made["result"]["artifacts"])))
        plain(client, run_id, made, path)

    monkeypatch.setattr(MlflowClient, "log_dict", noted)
    experiment.finish()
    assert seen == [("RUNNING", ["plots/search.html", "trials.csv"])]


def workflow_run(experiment: Experiment) -> Run:
    return experiment.client.create_run(experiment.id, run_name="main")


def inputs_of(run: Run) -> list[tuple]:
    return [
        (one.dataset.name, one.dataset.digest, one.dataset.source, one.tags[0].value)
        for one in run.inputs.dataset_inputs
    ]


def shown(experiment: Experiment, run: Run) -> tuple[Run, Run]:
    """Show a run in a workflow's; return the workflow's and what is shown."""
    workflow = workflow_run(experiment)
    reuse.add_reused_run(run, workflow)
    (copy,) = experiment.children(workflow)
    return workflow, copy


def test_a_shown_run_is_a_finished_child_with_all_of_its_data(whole):
    experiment, run = whole
    workflow, copy = shown(experiment, run)
    assert copy.data.params == run.data.params
    assert copy.data.metrics == run.data.metrics == {"val_rmse": 1.25, "check_warnings": 0.0}
    assert inputs_of(copy) == inputs_of(run)
    assert len(inputs_of(copy)) == 2
    for name in ("run_name", "status", "start_time", "end_time", "experiment_id"):
        assert getattr(copy.info, name) == getattr(run.info, name)
    assert copy.info.status == "FINISHED"
    assert copy.data.tags["family"] == "linear"
    assert copy.data.tags["workflow.step"] == "hpo"
    assert copy.data.tags[names.REUSED_TAG] == run.info.run_id
    assert copy.data.tags["mlflow.parentRunId"] == workflow.info.run_id


def test_a_shown_run_has_a_note_with_a_link_to_its_source(whole):
    experiment, run = whole
    _, copy = shown(experiment, run)
    note = copy.data.tags["mlflow.note.content"]
    assert f"(#/experiments/{experiment.id}/runs/{run.info.run_id})" in note


def test_a_shown_run_has_no_key_process_or_child_of_its_own(whole):
    experiment, run = whole
    _, copy = shown(experiment, run)
    assert KEY_TAG not in copy.data.tags
    assert names.PROCESS_TAG not in copy.data.tags
    assert experiment.children(copy) == []


def test_the_run_that_is_shown_stays_as_it_was(whole):
    experiment, run = whole
    run = experiment.run(run)
    shown(experiment, run)
    now = experiment.run(run)
    assert now.to_dictionary() == run.to_dictionary()


def test_a_run_without_inputs_params_or_metrics_is_shown(experiment):
    with step.run("train", replace(HPO, step="train")) as run:
        pass
    _, copy = shown(experiment, experiment.run(run))
    assert copy.data.params == copy.data.metrics == {}
    assert copy.info.status == "FINISHED"


def test_a_shown_run_is_never_found_as_a_result(experiment):
    run = experiment.finish()
    shown(experiment, run)
    assert experiment.find() == (run.info.run_id, "")
    experiment.client.delete_run(run.info.run_id)
    assert experiment.find() == (None, FIRST)
    assert experiment.find(changed("parameters", seed="43")) == (None, FIRST)


def test_a_copy_can_leave_out_metrics_by_their_prefix(whole):
    _, run = whole
    copy = runs.copy(run, {"a": "b"}, without=("val_", "model_"))
    assert copy.data.metrics == {"check_warnings": 0.0}
    assert copy.data.tags["a"] == "b"
    assert runs.copy(run, {}).data.metrics == run.data.metrics


def test_a_run_with_very_many_params_is_copied_whole(experiment):
    params = {f"p{number:03d}": str(number) for number in range(130)}

    def many(_: Run) -> None:
        for start in (0, 65):
            mlflow.log_params(dict(list(params.items())[start : start + 65]))

    run = experiment.finish(during=many, trials=0)
    assert params.items() <= runs.copy(run, {}).data.params.items()


@pytest.fixture
def client(module_store: Store) -> MlflowClient:
    mlflow.set_tracking_uri(module_store.uri)
    return module_store.client


def made(client: MlflowClient, key: str | None) -> str:
    """Make a run of a key and return its id."""
    return client.create_run("0", tags={KEY_TAG: key} if key else {}).info.run_id


def test_ingredients_are_parameters_contents_code_and_environment():
    given = {"dataset": "green_taxi", "data": "/data", "seed": "42"}
    found = reuse.ingredients("preprocess", given, {"/data/a.csv": "0123"})
    assert found.step == "preprocess"
    assert found.parameters == given
    assert found.inputs == {"/data/a.csv": "0123"}
    assert found.code == source_files.of("steps.preprocess")
    assert found.environment == environment.installed()


def test_what_was_given_is_left_as_it_was(client):
    given = {"splits": f"runs:/{made(client, 'k')}/splits", "candidates": made(client, "k")}
    before, contents = dict(given), {}
    reuse.ingredients("register", given, contents)
    assert given == before
    assert contents == {}


def test_numbers_count_as_their_text():
    assert reuse.ingredients("train", {"seed": 42}) == reuse.ingredients("train", {"seed": "42"})


def test_splits_count_by_the_key_of_the_run_that_made_them(client):
    one, again, other = (made(client, key) for key in ("same", "same", "other"))
    found = [
        reuse.ingredients("train", {"splits": f"runs:/{id}/splits", "seed": "1"})
        for id in (one, again, other)
    ]
    assert found[0].inputs == {"splits": "same"}
    assert found[0].parameters == {"seed": "1"}
    assert found[0] == found[1]
    assert differences(found[1], found[2]) == ["splits changed"]


def test_candidates_count_by_the_keys_of_their_runs_in_order(client):
    train, hpo, again = (made(client, key) for key in ("t", "h", "t"))
    found = [
        reuse.ingredients("register", {"candidates": ids})
        for ids in (f"{train},{hpo}", f"{again}, {hpo}", f"{hpo},{train}", train)
    ]
    assert [one.inputs["candidates"] for one in found] == ["t,h", "t,h", "h,t", "t"]
    assert found[0].parameters == {}


def test_a_run_without_a_key_counts_as_itself_alone(client):
    one, other = made(client, None), made(client, None)
    found = [reuse.ingredients("train", {"splits": f"runs:/{id}/splits"}) for id in (one, other)]
    assert [run.inputs["splits"] for run in found] == [one, other]


@pytest.mark.parametrize("id", ["0" * 32, "no-run"])
def test_a_run_that_does_not_exist_is_left_to_the_step_to_refuse(client, id):
    assert reuse.ingredients("train", {"splits": f"runs:/{id}/splits"}).inputs == {"splits": id}


@pytest.mark.parametrize("form", ["{},", ",{}", " {} ,, "])
def test_stray_commas_among_candidates_are_passed_over(client, form):
    given = {"candidates": form.format(made(client, "t"))}
    assert reuse.ingredients("register", given).inputs == {"candidates": "t"}


def test_an_unreachable_store_is_an_error_not_another_key(monkeypatch):
    def away(*_: object) -> None:
        raise MlflowException("Max retries exceeded")

    monkeypatch.setattr(MlflowClient, "get_run", away)
    with pytest.raises(MlflowException, match="Max retries exceeded"):
        reuse.ingredients("train", {"splits": "runs:/abc/splits"})
