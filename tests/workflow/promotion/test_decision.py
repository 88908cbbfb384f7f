"""Decisions about versions of a real registry; the models behind them are arrays."""

import uuid
from dataclasses import replace

import mlflow
import numpy as np
import pandas as pd
import pytest
from mlflow.models import ModelSignature
from mlflow.tracking import MlflowClient
from mlflow.types import ColSpec, DataType, Schema
from splits_of import written

from workflow.data.dataset import Dataset
from workflow.data.parquet import scan_parquet
from workflow.data.row_clusters import RowClusters
from workflow.data.split_rules import ByHash
from workflow.data.splits import Splits
from workflow.models.metrics import METRICS
from workflow.promotion import comparing, decision, moving
from workflow.promotion.comparing import Candidate, TestRows
from workflow.tracking import model_versions, names
from workflow.tracking.model_versions import RegisteredVersion

DEFINITION = Dataset(
    name="houses", task="regression", data="/", split=ByHash(), target="price", features={"x": "x"}
)  # fmt: skip
Y = np.random.default_rng(0).normal(size=400)
NOISE = np.random.default_rng(1).normal(size=400)
OFF = {"1": 1.0, "2": 0.9, "3": 0.9995, "4": 1.1, "5": 1.0}  # by version: how wrong it is
TAGS = {"splits": "runs:/1/splits", "digest.train": "t", "digest.validation": "v"}


@pytest.fixture
def registry(module_store, tmp_path, monkeypatch):
    """A registered model of the test's own, whose versions predict what `OFF` says."""
    mlflow.set_tracking_uri(module_store.uri)
    name = f"houses-{uuid.uuid4()}"
    MlflowClient().create_registered_model(name)
    for number, off in OFF.items():
        tags = TAGS | {"test_rmse": str(off), "family": "linear"}
        MlflowClient().create_model_version(name, f"/models/{number}", tags=tags)
    monkeypatch.setattr(RegisteredVersion, "dataset", DEFINITION)
    monkeypatch.setattr(comparing.model_loading, "load", Served)
    return name


class Served:
    """A champion that predicts as `OFF` says, and takes the column x."""

    labels = ()
    signature = ModelSignature(Schema([ColSpec(DataType.double, "x")]))

    def __init__(self, uri: str) -> None:
        self.off = OFF[uri.rpartition("/")[2]]

    def __enter__(self) -> "Served":
        return self

    def __exit__(self, *cause: object) -> None:
        pass

    def predict(self, raw: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
        return raw, (Y + self.off * NOISE)[raw.index]


def candidate(name: str, number: str, folder, **rows: object) -> Candidate:
    raw = pd.DataFrame({"x": np.arange(400.0)})
    path = written({"test": raw.assign(target=Y)}, folder)["test"]
    given = TestRows(
        name="the test split",
        scan=scan_parquet([path]),
        raw=raw,
        actual=pd.Series(Y),
        clusters=RowClusters(np.arange(400), "rows"),
        digest="abc",
    )
    return Candidate(
        version=model_versions.numbered(name, number),
        dataset=DEFINITION,
        metric=METRICS["regression"]["rmse"],
        seed=0,
        rows=replace(given, **rows),
        predict=lambda: Y + OFF[number] * NOISE,
        labels=(),
    )


def champion(name: str) -> str:
    return model_versions.aliased(name, names.ALIAS).number


def test_the_first_version_is_promoted_and_a_better_one_replaces_it(registry, tmp_path):
    first = decision.decide(candidate(registry, "1", tmp_path), "if_better")
    assert first.is_plain and champion(registry) == "1"
    found = decision.decide(candidate(registry, "2", tmp_path), "if_better")
    assert found.promoted and champion(registry) == "2"
    assert found.sentence == "promoted: 10.0 % better than version 1, by chance from 10.0 to 10.0 %"
    tags = model_versions.numbered(registry, "2").tags
    assert (tags["replaced"], tags["reason"]) == ("1", found.sentence)
    assert found.content()["rows"] == 400 and found.content()["used_before"] == 0


@pytest.mark.parametrize(
    ("number", "rule", "promoted", "words"),
    [
        ("3", "if_better", False, "not promoted: 0.1 % better than version 1, by chance from 0."),
        ("3", "not_worse", True, "promoted: 0.1 % better than version 1"),
        ("4", "not_worse", False, "not promoted: 10.0 % worse than version 1, by chance from -10"),
        ("4", "always", True, "promoted by the rule 'always': 10.0 % worse than version 1"),
        ("2", "never", False, "not promoted: the rule is 'never'"),
        ("5", "if_better", False, "not promoted: it predicts the same as version 1"),
    ],
)
def test_each_rule_decides_by_the_tests_bound(registry, tmp_path, number, rule, promoted, words):
    decision.decide(candidate(registry, "1", tmp_path), "if_better")
    found = decision.decide(candidate(registry, number, tmp_path), rule)
    assert (found.promoted, champion(registry)) == (promoted, number if promoted else "1")
    assert found.sentence.startswith(words)
    reason = model_versions.numbered(registry, number).tags["reason"]
    assert reason == found.sentence


def test_a_champion_without_tags_counts_as_champion(registry, tmp_path):
    MlflowClient().set_registered_model_alias(registry, names.ALIAS, "1")
    assert not decision.decide(candidate(registry, "3", tmp_path), "if_better").promoted
    assert champion(registry) == "1"


@pytest.mark.parametrize("seen", [200, 350])
def test_rows_that_the_champion_was_fitted_on_are_left_out(registry, tmp_path, monkeypatch, seen):
    decision.decide(candidate(registry, "1", tmp_path), "if_better")
    MlflowClient().set_model_version_tag(registry, "1", "digest.train", "another")
    (tmp_path / "splits").mkdir()
    fitted = pd.DataFrame({"x": np.arange(float(seen)), "target": Y[:seen]})
    written({"train": fitted, "validation": fitted[:1]}, tmp_path / "splits")
    splits = Splits("runs:/1/splits", tmp_path / "splits")
    monkeypatch.setattr(comparing.dataset_inputs, "open_splits", lambda uri: splits)
    found = decision.decide(candidate(registry, "2", tmp_path), "if_better")
    if seen == 200:
        assert found.promoted and found.content()["seen_rows"] == 200
        assert found.content()["rows"] == 200
        assert "(200 rows that it was fitted on are left out)" in found.sentence
    else:
        assert not found.promoted and found.compared is None
        assert "has only 50 rows to compare on, and 100 are needed; it was fitted" in found.sentence
        assert "give labelled rows to -e promote as data=<file>" in found.sentence


@pytest.mark.parametrize(
    ("definition", "words"),
    [
        ({"target": "price / 2"}, "its target is another: price / 2, not price"),
        ({"where": "x > 0"}, "its filter is another: x > 0, not true"),
        ({"task": "binary"}, "its task is binary, not regression"),
    ],
)
def test_a_champion_of_another_definition_is_not_compared(
    registry, tmp_path, monkeypatch, definition, words
):
    decision.decide(candidate(registry, "1", tmp_path), "if_better")
    MlflowClient().set_model_version_tag(registry, "1", "splits", "runs:/2/splits")
    monkeypatch.setattr(RegisteredVersion, "dataset", replace(DEFINITION, **definition))
    found = decision.decide(candidate(registry, "2", tmp_path), "if_better")
    assert (
        not found.promoted and f"version 1 cannot be compared with it ({words})" in found.sentence
    )
    forced = decision.decide(candidate(registry, "2", tmp_path), "always")
    assert forced.promoted and "without a test" in forced.sentence


def test_columns_that_the_champion_needs_and_rows_lack_are_named(registry, tmp_path):
    decision.decide(candidate(registry, "1", tmp_path), "if_better")
    raw = pd.DataFrame({"y": np.arange(400.0)})
    found = decision.decide(candidate(registry, "2", tmp_path, raw=raw), "if_better")
    assert "it needs the columns x, which the test split lacks" in found.sentence


def test_what_was_rolled_back_from_is_a_candidate_only_by_its_number(registry, tmp_path):
    decision.decide(candidate(registry, "1", tmp_path), "if_better")
    moving.tag(model_versions.numbered(registry, "2"), names.ROLLED_BACK_AT, moving.now())
    for rule in ("if_better", "always"):
        found = decision.decide(candidate(registry, "2", tmp_path), rule)
        assert not found.promoted
        assert "it was rolled back from on 20" in found.sentence
        assert "as version=2 to make it a candidate again" in found.sentence
    named = decision.decide(candidate(registry, "2", tmp_path), "if_better", named=True)
    assert named.promoted and champion(registry) == "2"


def test_the_same_model_made_again_is_no_candidate_after_a_rollback(registry, tmp_path):
    decision.decide(candidate(registry, "4", tmp_path), "if_better")
    moving.tag(model_versions.numbered(registry, "1"), names.ROLLED_BACK_AT, moving.now())
    MlflowClient().set_model_version_tag(registry, "5", "test_rmse", "1.0")
    found = decision.decide(candidate(registry, "5", tmp_path), "if_better")
    assert "it is the model of version 1, which was rolled back from" in found.sentence


def test_a_champion_that_changes_meanwhile_is_compared_anew(registry, tmp_path, monkeypatch):
    decision.decide(candidate(registry, "1", tmp_path), "if_better")
    compare, calls = decision.compare_with_champion, []

    def slow(one: Candidate, other: RegisteredVersion):
        if not calls:
            MlflowClient().set_registered_model_alias(registry, names.ALIAS, "4")
        calls.append(other.number)
        return compare(one, other)

    monkeypatch.setattr(decision, "compare_with_champion", slow)
    found = decision.decide(candidate(registry, "2", tmp_path), "if_better")
    assert calls == ["1", "4"] and found.champion.number == "4" and champion(registry) == "2"
