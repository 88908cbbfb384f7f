from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from sql_features.errors import WorkflowError
from sql_features.expressions import quote
from workflow.data import dataset_file
from workflow.data.dataset import Dataset
from workflow.data.split_rules import SHARE, SPLITS, ByFiles, ByHash, ByTime, Split

FILES = {"train": "a.csv", "validation": "b.csv", "test": "c.csv"}
REST = {"name": "x", "task": "regression", "data": "/", "target": "y", "features": {"x": "x"}}


def read(split: dict[Any, Any]) -> Split:
    text = yaml.safe_dump({**REST, "split": split}, sort_keys=False)
    return dataset_file.from_yaml(text, "x.yaml").split


def write(split: Split) -> dict[str, Any]:
    return yaml.safe_load(dataset_file.to_yaml(Dataset(**REST, split=split)))["split"]


def refusal(given: dict[Any, Any]) -> str:
    with pytest.raises(WorkflowError) as caught:
        read(given)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("dataset file x.yaml: ")
    return str(caught.value).removeprefix("dataset file x.yaml: ")


def test_a_file_for_each_split_needs_no_rule():
    assert read(FILES) == ByFiles(train="a.csv", validation="b.csv", test="c.csv")
    assert read({"by": "files", **FILES}) == read(FILES)
    assert read(FILES).files == FILES
    assert tuple(read(FILES).files) == SPLITS


def test_a_split_by_hash_has_default_key_and_shares():
    assert read({"by": "hash"}) == ByHash(key=(), validation=SHARE, test=SHARE)
    given = {"by": "hash", "key": ["patient"], "validation": 0.1, "test": 0.3}
    assert read(given) == ByHash(key=("patient",), validation=0.1, test=0.3)
    assert read({"by": "hash", "repeats": True}) == ByHash(repeats=True)


def test_a_split_by_time_names_its_column():
    assert read({"by": "time", "column": "day"}) == ByTime(column="day")


def test_reading_does_not_change_the_mapping():
    given = {"by": "time", "column": "day", "test": 0.2}
    read(given)
    assert given == {"by": "time", "column": "day", "test": 0.2}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"train": "a", "validation": "b", "tset": "c"},
            "unknown split 'tset': did you mean 'test'? Allowed: train, validation, test, by.",
        ),
        (
            {"train": "a"},
            "split names no file for validation, test; for one table give a rule instead: "
            "{by: hash} or {by: time, column: ...}.",
        ),
        ({}, "split names no file for train, validation, test; for one table give a rule"),
        ({"train": None, "validation": "b", "test": "c"}, "split.train must be a text, not None."),
        ({**FILES, "test": ["c"]}, "split.test must be a text, not ['c']."),
        (
            {"by": "hsah"},
            "unknown rule in split.by: 'hsah': did you mean 'hash'? Allowed: hash, time.",
        ),
        ({"by": None}, "unknown rule in split.by: 'None': Allowed: hash, time."),
        ({"by": ["hash"]}, "unknown rule in split.by: '['hash']': did you mean 'hash'? Allowed"),
        ({"by": {"hash": 1}}, "unknown rule in split.by: "),
        (
            {"by": "hash", "column": "day"},
            "unknown key in split by hash: 'column': Allowed: key, repeats, validation, test.",
        ),
        (
            {"by": "time", "column": "day", "key": ["x"]},
            "unknown key in split by time: 'key': Allowed: column, validation, test.",
        ),
        (
            {"by": "hash", 1: 2},
            "unknown key in split by hash: '1': Allowed: key, repeats, validati",
        ),
        ({"by": "time"}, "split by time lacks `column`: name a column, or SQL, of the time."),
        ({"by": "time", "column": None}, "split.column must be a text, not None."),
        ({"by": "hash", "key": "x"}, "split.key must be a list of raw columns, not 'x'."),
        ({"by": "hash", "key": None}, "split.key must be a list of raw columns, not None."),
        ({"by": "hash", "repeats": "yes"}, "split.repeats must be true or false, not 'yes'."),
        ({"by": "hash", "key": [["x"]]}, "split.key must be a text, not ['x']."),
    ],
)
def test_an_invalid_split_is_refused_with_what_is_allowed(given, message):
    assert refusal(given).startswith(message)


@pytest.mark.parametrize("share", [0, 1, -0.1, 1.5, "0.2", "20%", None, True, [0.1], float("nan")])
@pytest.mark.parametrize("name", ["validation", "test"])
def test_a_share_outside_0_and_1_is_refused(name, share):
    assert refusal({"by": "hash", name: share}) == (
        f"split.{name}: give a share of the rows between 0 and 1, not {share}."
    )


@pytest.mark.parametrize(("validation", "test"), [(0.5, 0.5), (0.9, 0.2), (0.85, SHARE)])
def test_shares_that_leave_nothing_for_train_are_refused(validation, test):
    assert refusal({"by": "hash", "validation": validation, "test": test}) == (
        f"split: validation {validation} and test {test} leave no row for train: give shares that "
        "sum to less than 1."
    )


SHARES = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("validation", "test"), st.floats(0.01, 0.49))
)
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=8)
COLUMNS = TEXTS.map(quote)
RULES = st.one_of(
    st.builds(ByFiles, train=TEXTS, validation=TEXTS, test=TEXTS),
    st.builds(
        lambda key, repeats, shares: ByHash(key=tuple(key), repeats=repeats, **shares),
        st.lists(TEXTS),
        st.sampled_from([None, True, False]),
        SHARES,
    ),
    st.builds(lambda column, shares: ByTime(column=column, **shares), COLUMNS, SHARES),
)


@given(RULES)
@settings(max_examples=50, deadline=None)
def test_a_rule_comes_back_as_it_was_written(rule: Split):
    assert read(write(rule)) == rule


@given(st.dictionaries(st.sampled_from(["by", "key", "column", *SPLITS]) | TEXTS,
                       st.none() | st.booleans() | st.floats() | TEXTS | st.lists(TEXTS)
                       | st.sampled_from(["hash", "time", "files"])))  # fmt: skip
@settings(max_examples=50, deadline=None)
def test_any_mapping_is_read_or_refused_in_one_line(given):
    try:
        rule = read(given)
    except WorkflowError as error:
        assert "\n" not in str(error)
    else:
        assert read(write(rule)) == rule
