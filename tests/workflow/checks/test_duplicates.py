from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pandas.api.types import is_float_dtype
from splits_of import looked_at, ordinary, rows

from workflow.checks import split_scan
from workflow.checks.duplicates import duplicates
from workflow.checks.finding import Finding

REPEATED, SHARED = "duplicated rows", "rows shared with train"
Look = Callable[[dict[str, pd.DataFrame]], dict[tuple[str, str], Finding]]  # by check and split


@pytest.fixture
def look(tmp_path: Path) -> Look:
    def look(frames: dict[str, pd.DataFrame]) -> dict[tuple[str, str], Finding]:
        task = "regression" if is_float_dtype(frames["train"]["target"]) else "binary"
        with looked_at(frames, tmp_path, task) as (connection, (train, *others), step):
            found = list(duplicates(connection, train, others, step))
        return {(finding.check, finding.split): finding for finding in found}

    return look


def test_splits_without_common_rows_are_right(look):
    found = look(ordinary())
    assert list(found) == [
        *((REPEATED, split) for split in ("train", "validation", "test")),
        *((SHARED, split) for split in ("validation", "test")),
    ]
    assert {(finding.level, finding.value) for finding in found.values()} == {("ok", 0)}


def test_copies_of_rows_are_found(look):
    frames = ordinary()
    frames["train"] = pd.concat([frames["train"], frames["train"].head(200)])
    finding = look(frames)[REPEATED, "train"]
    assert (finding.level, finding.value) == ("warning", 0.25)


def test_rows_of_test_that_are_in_train_are_found(look):
    frames = ordinary()
    frames["test"] = pd.concat([frames["test"], frames["train"].head(50)])
    found = look(frames)
    finding = found[SHARED, "test"]
    assert (finding.level, finding.value) == ("warning", pytest.approx(50 / 251))
    assert found[SHARED, "validation"].value == 0


def test_a_test_that_is_train_is_an_error(look):
    frames = ordinary()
    frames["test"] = frames["train"].sample(300, random_state=0)
    finding = look(frames)[SHARED, "test"]
    assert finding.level == "error"
    assert finding.message.startswith("100.0% of test's rows are in train too: the model has seen")


def test_rows_that_differ_in_the_target_alone_are_not_alike(look):
    frames = ordinary()
    frames["test"] = frames["train"].assign(target=lambda frame: frame["target"] + 1)
    assert look(frames)[SHARED, "test"].value == 0


def test_rows_of_few_possible_values_are_alike_by_nature(look):
    rng = np.random.default_rng(0)
    found = look(
        {
            split: pd.DataFrame(
                {
                    "x": rng.choice([1.0, 2.0, 3.0], 400),
                    "colour": rng.choice(["red", "blue"], 400),
                    "target": rng.choice(["yes", "no"], 400),
                }
            )
            for split in ordinary()
        }
    )
    assert {finding.level for finding in found.values()} == {"ok"}
    assert found[SHARED, "test"].value == 1
    assert "as is expected" in found[SHARED, "test"].message
    assert "as is expected" in found[REPEATED, "train"].message


def test_columns_that_follow_from_each_other_are_alike_by_nature(look):
    rng = np.random.default_rng(0)
    towns = {split: rng.integers(0, 200, 1000) for split in ordinary()}
    found = look(
        {
            split: pd.DataFrame(
                {
                    "x": town * 1.0,
                    "colour": (town // 20).astype(str),
                    "target": rng.choice(["y", "n"], 1000),
                }
            )
            for split, town in towns.items()
        }
    )
    assert {finding.level for finding in found.values()} == {"ok"}


def test_a_table_copied_before_it_was_split_is_found(look):
    whole = pd.concat([rows(600, 0)] * 2).sample(frac=1, random_state=0)
    found = look({"train": whole[:800], "validation": whole[800:1000], "test": whole[1000:]})
    assert found[REPEATED, "train"].level == "warning"
    assert found[SHARED, "test"].level == "warning"
    assert "error" not in {finding.level for finding in found.values()}


def test_copies_are_found_in_a_sample_of_many_rows(look, monkeypatch):
    monkeypatch.setattr(split_scan, "HASHED", 500)
    frames = {split: rows(n, n) for split, n in (("train", 6000), ("test", 2001))}
    frames["test"] = pd.concat([frames["test"], frames["train"].head(2000)])
    finding = look(frames)[SHARED, "test"]
    assert finding.value == pytest.approx(0.5, abs=0.1)
    assert finding.message.startswith("about ")
