"""Promotions and rollbacks, read back from the tags of a real registry."""

import uuid

import mlflow
import pytest
from mlflow.tracking import MlflowClient

from workflow.promotion import history, moving
from workflow.tracking import model_versions, names


@pytest.fixture
def registry(module_store, monkeypatch):
    """A registered model of the test's own with four versions; each moment is a second later."""
    mlflow.set_tracking_uri(module_store.uri)
    client, name = MlflowClient(), f"houses-{uuid.uuid4()}"
    client.create_registered_model(name)
    for number in range(4):
        client.create_model_version(name, f"/models/{number}")
    seconds = iter(range(60))
    monkeypatch.setattr(moving, "now", lambda: f"2026-11-28T06:31:{next(seconds):02d}.000Z")
    return name


def promote(name: str, number: str, reason: str = "better") -> None:
    version = model_versions.numbered(name, number)
    moving.promote(version, model_versions.aliased(name, names.ALIAS), reason)


def told(name: str) -> list[tuple[str, str, str]]:
    """Return version, second of the beginning and of the end of each term."""
    return [(one.version, one.since[17:19], one.until[17:19]) for one in history.terms(name)]


def test_the_terms_of_champions_follow_each_other(registry):
    for number in ("1", "2", "4"):
        promote(registry, number)
    assert told(registry) == [("4", "02", ""), ("2", "01", "02"), ("1", "00", "01")]
    assert model_versions.numbered(registry, "4").tags[names.REPLACED] == "2"


def test_a_version_that_was_promoted_twice_has_both_terms(registry):
    for number in ("1", "2", "1", "3"):
        promote(registry, number)
    assert [one[0] for one in told(registry)] == ["3", "1", "2", "1"]
    (first,) = [one for one in history.terms(registry) if not one.since.endswith("x")][-1:]
    assert (first.version, first.since[17:19]) == ("1", "00")


@pytest.mark.parametrize("tags", range(1, 5))
def test_a_promotion_that_was_killed_is_told_once_when_it_is_done_again(
    registry, monkeypatch, tags
):
    promote(registry, "1")
    with monkeypatch.context() as patch:
        left = iter(range(tags))

        def tag(version, name, text):
            if next(left, None) is None:
                raise KeyboardInterrupt
            moving.MlflowClient().set_model_version_tag(version.name, version.number, name, text)

        patch.setattr(moving, "tag", tag)
        patch.setattr(
            MlflowClient, "set_registered_model_alias", lambda *_: (_ for _ in ()).throw(EOFError)
        )
        with pytest.raises((KeyboardInterrupt, EOFError)):
            promote(registry, "2")
    assert [one[0] for one in told(registry)] == ["1"]  # it is still the champion
    promote(registry, "2")
    assert [one[0] for one in told(registry)] == ["2", "1"]
    assert names.EARLIER_PROMOTIONS not in model_versions.numbered(registry, "2").tags


def test_a_champion_of_earlier_versions_of_the_project_ends_the_history(registry):
    MlflowClient().set_registered_model_alias(registry, names.ALIAS, "1")
    assert told(registry) == [("1", "", "")]
    promote(registry, "2")
    assert told(registry) == [("2", "00", ""), ("1", "", "00")]
