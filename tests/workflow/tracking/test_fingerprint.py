import mlflow
import pytest
from conftest import Store
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from workflow.tracking import cache_key, environment, fingerprint, source_files
from workflow.tracking.names import KEY_TAG


@pytest.fixture(autouse=True)
def client(module_store: Store) -> MlflowClient:
    mlflow.set_tracking_uri(module_store.uri)
    return module_store.client


def made(client: MlflowClient, key: str | None) -> str:
    """Make a run of a key and return its id."""
    return client.create_run("0", tags={KEY_TAG: key} if key else {}).info.run_id


def test_a_steps_ingredients_are_its_parameters_contents_code_and_environment():
    given = {"dataset": "green_taxi", "data": "/data", "seed": "42"}
    found = fingerprint.of("preprocess", given, {"/data/a.csv": "0123"})
    assert found.step == "preprocess"
    assert found.parameters == given
    assert found.inputs == {"/data/a.csv": "0123"}
    assert found.code == source_files.of("steps.preprocess")
    assert found.environment == environment.installed()


def test_what_was_given_is_left_as_it_was(client):
    given = {"splits": f"runs:/{made(client, 'k')}/splits", "candidates": made(client, "k")}
    before, contents = dict(given), {}
    fingerprint.of("register", given, contents)
    assert given == before
    assert contents == {}


def test_numbers_count_as_their_text():
    assert fingerprint.of("train", {"seed": 42}) == fingerprint.of("train", {"seed": "42"})


def test_splits_count_by_the_key_of_the_run_that_made_them(client):
    one, again, other = (made(client, key) for key in ("same", "same", "other"))
    found = [
        fingerprint.of("train", {"splits": f"runs:/{id}/splits", "seed": "1"})
        for id in (one, again, other)
    ]
    assert found[0].inputs == {"splits": "same"}
    assert found[0].parameters == {"seed": "1"}
    assert found[0] == found[1]
    assert cache_key.differences(found[1], found[2]) == ["splits changed"]


def test_candidates_count_by_the_keys_of_their_runs_in_their_order(client):
    train, hpo, again = (made(client, key) for key in ("t", "h", "t"))
    found = [
        fingerprint.of("register", {"candidates": ids})
        for ids in (f"{train},{hpo}", f"{again}, {hpo}", f"{hpo},{train}", train)
    ]
    assert [one.inputs["candidates"] for one in found] == ["t,h", "t,h", "h,t", "t"]
    assert found[0].parameters == {}


def test_a_run_without_a_key_counts_as_itself_alone(client):
    one, other = made(client, None), made(client, None)
    found = [fingerprint.of("train", {"splits": f"runs:/{id}/splits"}) for id in (one, other)]
    assert [run.inputs["splits"] for run in found] == [one, other]


@pytest.mark.parametrize("id", ["0" * 32, "no-run"])
def test_a_run_that_does_not_exist_is_left_to_the_step_to_refuse(id):
    assert fingerprint.of("train", {"splits": f"runs:/{id}/splits"}).inputs == {"splits": id}


@pytest.mark.parametrize("form", ["{},", ",{}", " {} ,, "])
def test_stray_commas_among_candidates_are_passed_over(client, form):
    given = {"candidates": form.format(made(client, "t"))}
    assert fingerprint.of("register", given).inputs == {"candidates": "t"}


def test_a_store_that_cannot_be_asked_is_an_error_not_another_key(monkeypatch):
    def away(*_: object) -> None:
        raise MlflowException("Max retries exceeded")

    monkeypatch.setattr(MlflowClient, "get_run", away)
    with pytest.raises(MlflowException, match="Max retries exceeded"):
        fingerprint.of("train", {"splits": "runs:/abc/splits"})
