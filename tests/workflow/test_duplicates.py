import numpy as np
import pandas as pd
import pytest

from workflow import duplicates
from workflow.findings import Finding, Split
from workflow.sql import connect, quote

REPEATED, SHARED = "duplicated rows", "rows shared with train"


def rows(count: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "x": rng.normal(size=count),
            "colour": rng.choice(["red", "green", "blue"], count),
            "target": rng.normal(size=count),
        }
    )


def ordinary() -> dict[str, pd.DataFrame]:
    return {"train": rows(600, 0), "validation": rows(200, 1), "test": rows(201, 2)}


def look(frames: dict[str, pd.DataFrame]) -> dict[tuple[str, str], Finding]:
    """Return what is found by check and split."""
    splits = []
    with connect() as connection:
        for name, frame in frames.items():
            connection.register(name, frame)
            types = dict.fromkeys(frame, "")
            splits.append(
                Split(name=name, scan=quote(name), types=types, features=[], rows=len(frame))
            )
        found = list(duplicates.duplicates(connection, splits[0], splits[1:]))
    return {(finding.check, finding.split): finding for finding in found}


def test_rows_of_their_own_are_said_to_be_right():
    found = look(ordinary())
    assert list(found) == [
        *((REPEATED, split) for split in ("train", "validation", "test")),
        *((SHARED, split) for split in ("validation", "test")),
    ]
    assert {(finding.level, finding.value) for finding in found.values()} == {("ok", 0)}


def test_copies_of_rows_are_found():
    frames = ordinary()
    frames["train"] = pd.concat([frames["train"], frames["train"].head(200)])
    finding = look(frames)[REPEATED, "train"]
    assert (finding.level, finding.value) == ("warning", 0.25)


def test_rows_of_the_test_that_are_in_train_are_found():
    frames = ordinary()
    frames["test"] = pd.concat([frames["test"], frames["train"].head(50)])
    found = look(frames)
    finding = found[SHARED, "test"]
    assert (finding.level, finding.value) == ("warning", pytest.approx(50 / 251))
    assert found[SHARED, "validation"].value == 0


def test_a_test_that_is_train_is_an_error():
    frames = ordinary()
    frames["test"] = frames["train"].sample(300, random_state=0)
    finding = look(frames)[SHARED, "test"]
    assert finding.level == "error"
    assert finding.message.startswith("100.0% of test's rows are in train too: the model has seen")


def test_rows_that_differ_in_the_target_alone_are_not_alike():
    frames = ordinary()
    frames["test"] = frames["train"].assign(target=lambda frame: frame["target"] + 1)
    assert look(frames)[SHARED, "test"].value == 0


def test_rows_of_few_possible_values_are_alike_by_nature():
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


def test_columns_that_follow_from_each_other_are_alike_by_nature():
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


def test_a_table_copied_before_it_was_split_is_found():
    whole = pd.concat([rows(600, 0)] * 2).sample(frac=1, random_state=0)
    found = look({"train": whole[:800], "validation": whole[800:1000], "test": whole[1000:]})
    assert found[REPEATED, "train"].level == "warning"
    assert found[SHARED, "test"].level == "warning"
    assert "error" not in {finding.level for finding in found.values()}


def test_copies_are_found_in_a_sample_of_many_rows(monkeypatch):
    monkeypatch.setattr(duplicates, "HASHED", 500)
    frames = {split: rows(n, n) for split, n in (("train", 6000), ("test", 2001))}
    frames["test"] = pd.concat([frames["test"], frames["train"].head(2000)])
    finding = look(frames)[SHARED, "test"]
    assert finding.value == pytest.approx(0.5, abs=0.1)
    assert finding.message.startswith("about ")
