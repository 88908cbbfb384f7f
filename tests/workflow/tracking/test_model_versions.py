"""Versions by what users call them, against a real registry."""

import mlflow
import pytest
from mlflow.tracking import MlflowClient

from sql_features.errors import WorkflowError
from workflow.tracking import model_versions


@pytest.fixture(scope="module")
def registry(module_store):
    """A registry with three versions of `trips`, of which the second is the champion."""
    client = MlflowClient(module_store.uri)
    client.create_registered_model("trips")
    for number in range(3):
        client.create_model_version("trips", f"/models/{number}", tags={"place": str(number)})
    client.set_registered_model_alias("trips", "champion", "2")
    client.set_registered_model_alias("trips", "challenger", "3")
    client.create_registered_model("it's")
    return module_store


@pytest.fixture(autouse=True)
def uri(registry, isolated_mlflow):
    mlflow.set_tracking_uri(registry.uri)


@pytest.mark.parametrize(
    "model, number",
    [
        ("trips", "2"),
        ("trips/3", "3"),
        ("trips@challenger", "3"),
        ("models:/trips", "2"),
        ("models:/trips/1", "1"),
        ("models:/trips@challenger", "3"),
    ],
)
def test_a_version_is_found_by_each_form_of_its_name(model, number):
    found = model_versions.find(model)
    assert (found.name, found.number, found.uri) == ("trips", number, f"models:/trips/{number}")
    assert found.tags == {"place": str(int(number) - 1)}


@pytest.mark.parametrize(
    "model, line",
    [
        (
            "trip",
            r"^unknown registered model 'trip': did you mean 'trips'\? Allowed: it's, trips\.$",
        ),
        (
            "trips/9",
            r"^model='trips/9': there is no version 9; there are trips/3, trips/2, trips/1\.$",
        ),
        ("trips@best", r"^model='trips@best': no version is @best; there are trips/3"),
        ("it's", "^registered model 'it's' has no version: run the workflow first"),
        ("runs:/1/model", r"^model='runs:/1/model': give NAME \(its @champion\), NAME/3"),
        ("", "^model='': give NAME"),
    ],
)
def test_a_model_that_is_not_there_is_one_line_with_those_that_are(model, line):
    with pytest.raises(WorkflowError, match=line):
        model_versions.find(model)


def test_a_version_of_another_tool_says_what_it_has_no_record_of():
    version = model_versions.find("trips/1")
    lines = []
    for attribute in ("run", "register_run", "splits_uri", "dataset"):
        with pytest.raises(WorkflowError) as caught:
            getattr(version, attribute)
        lines.append(str(caught.value))
    assert all(line.startswith("model 'trips/1' has no record of ") for line in lines)


def test_versions_are_listed_from_the_newest():
    assert [one.number for one in model_versions.versions("trips")] == ["3", "2", "1"]
    assert model_versions.versions("nothing") == []
