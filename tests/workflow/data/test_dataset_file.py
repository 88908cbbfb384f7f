import math
import subprocess
import sys
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from sql_features.errors import WorkflowError
from sql_features.expressions import literal, quote
from workflow.data.dataset import Dataset
from workflow.data.dataset_file import KEYS, from_yaml, is_name, load, schema, to_yaml
from workflow.data.split_rules import ByFiles, ByHash, ByTime
from workflow.models.families import FAMILIES
from workflow.models.metrics import METRICS, TASKS
from workflow.models.search_space import Choice, Real, Whole
from workflow.paths import DATASETS, PROJECT

SHIPPED_NAMES = sorted(path.stem for path in DATASETS.glob("*.yaml"))
SCHEMA = PROJECT / "docs" / "dataset.schema.json"
TEXT = """
name: houses
task: regression
data: /data
split: {train: a.csv, validation: b.csv, test: c.csv}
target: price / 1000
where: target > 0 AND area > 10
features: {area: area, place: city || '_' || district, rooms: rooms}
feature_sets: {small: [area, rooms]}
"""
HOUSES = from_yaml(TEXT, "houses.yaml")


def refusal(text: str) -> str:
    with pytest.raises(WorkflowError) as caught:
        from_yaml(text, "houses.yaml")
    assert "\n" not in str(caught.value)
    return str(caught.value)


def changed(old: str, new: str) -> str:
    assert old in TEXT
    return TEXT.replace(old, new)


def with_more(more: str) -> str:
    return f"{TEXT}{more}\n"


def test_a_definition_is_read():
    assert HOUSES.target == "price / 1000"
    assert HOUSES.split == ByFiles(train="a.csv", validation="b.csv", test="c.csv")
    assert list(HOUSES.features) == ["area", "place", "rooms"]
    assert HOUSES.feature_sets == {"small": ["area", "rooms"]}
    assert HOUSES.sample is None


def test_optional_keys_have_defaults():
    assert HOUSES.metric == "auto"
    assert HOUSES.validation == "holdout"
    for nothing in (HOUSES.columns, HOUSES.thresholds, HOUSES.search, HOUSES.left_out):
        assert nothing == {}


def test_every_key_is_read():
    dataset = from_yaml(
        with_more(
            """
description: Prices of houses.
sample: houses
columns: {price: DOUBLE, district: VARCHAR}
metric: mae
validation: cv:5
thresholds: {mae: 40, r2: 0.5}
left_out: {id: a number for each row}
search:
  linear: {alpha: {low: 0.1, high: 10, log: true}}
  random_forest: {n_estimators: {low: 10, high: 90}, max_features: {options: [sqrt, 0.5]}}
  lightgbm: {num_leaves: 31, boosting_type: dart}
"""
        ),
        "x",
    )
    assert dataset.description == "Prices of houses."
    assert dataset.sample == "houses"
    assert dataset.columns == {"price": "DOUBLE", "district": "VARCHAR"}
    assert dataset.metric == "mae"
    assert dataset.validation == "cv:5"
    assert dataset.thresholds == {"mae": 40.0, "r2": 0.5}
    assert dataset.left_out == {"id": "a number for each row"}
    assert dataset.search == {
        "linear": {"alpha": Real(0.1, 10, log=True)},
        "random_forest": {
            "n_estimators": Whole(10, 90),
            "max_features": Choice(("sqrt", 0.5)),
        },
        "lightgbm": {"num_leaves": 31, "boosting_type": "dart"},
    }
    assert from_yaml(to_yaml(dataset), "again") == dataset


@pytest.mark.parametrize(
    ("given", "rule"),
    [
        ("{by: hash}", ByHash()),
        ("{by: hash, key: [owner, 2]}", ByHash(key=("owner", "2"))),
        ("{by: time, column: sold, test: 0.3}", ByTime(column="sold", test=0.3)),
    ],
)
def test_a_rule_of_the_split_is_read_and_written(given, rule):
    old = "{train: a.csv, validation: b.csv, test: c.csv}"
    dataset = from_yaml(changed(old, given), "x")
    assert dataset.split == rule
    assert from_yaml(to_yaml(dataset), "again") == dataset


def test_expressions_that_yaml_reads_as_numbers_are_taken_as_text():
    dataset = from_yaml(changed("rooms: rooms", "rooms: 1, 7: 2.5"), "x")
    assert dataset.features["rooms"] == "1"
    assert dataset.features["7"] == "2.5"


@pytest.mark.parametrize("text", ["", "[]", "houses", "1"])
def test_a_file_without_a_mapping_is_refused(text):
    message = refusal(text)
    assert message.startswith("dataset file houses.yaml holds no mapping of ")
    for key in ("name", "split", "target", "features"):
        assert key in message


@pytest.mark.parametrize("text", ["a: [", "a: b: c", "\tname: x", "'", "name: \x07"])
def test_a_file_that_is_not_yaml_is_refused_in_one_line(text):
    assert refusal(text).startswith("dataset file houses.yaml is not YAML: ")


def test_an_unknown_key_is_refused_with_the_nearest():
    message = refusal(changed("features:", "feature:"))
    assert "in dataset file houses.yaml" in message
    assert "'feature': did you mean 'features'? Allowed: name, description, task" in message


def test_all_missing_keys_are_named():
    assert refusal("name: houses\ndata: /data") == (
        "dataset file houses.yaml lacks task, split, target, features."
    )


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "train: a.csv",
            "trian: a.csv",
            "dataset file houses.yaml: unknown split 'trian': did you mean 'train'? Allowed: "
            "train, validation, test, by.",
        ),
        (
            "train: a.csv, validation: b.csv, ",
            "",
            "dataset file houses.yaml: split names no file for train, validation; for one table "
            "give a rule instead: {by: hash} or {by: time, column: ...}.",
        ),
        (
            "split: {train: a.csv, validation: b.csv, test: c.csv}",
            "split: houses.csv",
            "'split' in dataset file houses.yaml must be a mapping.",
        ),
        (
            "features: {area: area, place: city || '_' || district, rooms: rooms}",
            "features: [area, rooms]",
            "'features' in dataset file houses.yaml must be a mapping.",
        ),
        (
            "feature_sets: {small: [area, rooms]}",
            "feature_sets: [area]",
            "'feature_sets' in dataset file houses.yaml must be a mapping.",
        ),
        (
            "[area, rooms]",
            "area",
            "'feature_sets.small' in dataset file houses.yaml must be a list, not 'area'.",
        ),
        (
            "rooms: rooms",
            "rooms: [rooms]",
            "'features.rooms' in dataset file houses.yaml must be a text, not ['rooms'].",
        ),
        (
            "where: target > 0 AND area > 10",
            "where: null",
            "'where' in dataset file houses.yaml must be a text, not None.",
        ),
        (
            "rooms: rooms",
            "rooms: null",
            "'features.rooms' in dataset file houses.yaml must be a text, not None.",
        ),
        ("data: /data", "data:", "'data' in dataset file houses.yaml must be a text, not None."),
        (
            "rooms: rooms",
            "rooms: now()",
            "feature 'rooms' is not row-wise: 'now()' uses now(), whose value depends on when it "
            "is asked; it would differ between training and serving. Use only expressions of a "
            "single row.",
        ),
    ],
)
def test_an_invalid_definition_is_refused_with_what_is_wrong(old, new, message):
    assert refusal(changed(old, new)) == message


SPACE = (
    "search space linear.alpha: give {low: 1, high: 9} with low below high (and log: true if both "
    "are above 0), {options: [a, b]}, or one value to fix, not "
)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("columns: [a]", "'columns' in dataset file houses.yaml must be a mapping."),
        ("columns: {a: }", "'columns.a' in dataset file houses.yaml must be a text, not None."),
        (
            "metric: [rmse]",
            "'metric' in dataset file houses.yaml must be a text, not ['rmse'].",
        ),
        ("metric: f1", "unknown metric for regression: 'f1': Allowed: auto, rmse, mae, mape, r2."),
        (
            "validation: 5",
            "validation='5': give 'holdout' for the validation split, or 'cv:5'",
        ),
        ("monitoring: 3", "'monitoring' in dataset file houses.yaml must be a mapping, not 3."),
        (
            "monitoring: {windows: 0}",
            "'monitoring.windows' in dataset file houses.yaml must be a whole number of at least "
            "1, not 0.",
        ),
        (
            "monitoring: {max_degradation: 2}",
            "'monitoring.max_degradation' in dataset file houses.yaml must be a number below 1, "
            "not 2.",
        ),
        (
            "monitoring: {wndows: 2}",
            "unknown key in monitoring of dataset file houses.yaml: 'wndows': did you mean "
            "'windows'? Allowed: max_degradation, windows, violations.",
        ),
        (
            "monitoring: {violations: 2}",
            "'monitoring' in dataset file houses.yaml: violations 2 can never be found in "
            "windows 1: give no more violations than windows.",
        ),
        ("thresholds: 3", "'thresholds' in dataset file houses.yaml must be a mapping."),
        (
            "thresholds: {rmse: low}",
            "'thresholds.rmse' in dataset file houses.yaml must be a number, not 'low'.",
        ),
        (
            "thresholds: {rmse: true}",
            "'thresholds.rmse' in dataset file houses.yaml must be a number, not True.",
        ),
        (
            "thresholds: {rmse: .nan}",
            "'thresholds.rmse' in dataset file houses.yaml must be a number, not nan.",
        ),
        ("thresholds: {auc: 0.9}", "unknown metric in thresholds: 'auc': Allowed: rmse, mae, "),
        ("search: [linear]", "'search' in dataset file houses.yaml must be a mapping."),
        (
            "search: {linear: alpha}",
            "'search.linear' in dataset file houses.yaml must be a mapping of hyperparameters.",
        ),
        (
            "search: {liner: {alpha: 1}}",
            "unknown family in search: 'liner': did you mean 'linear'? Allowed: linear, kneighbors",
        ),
        ("search: {linear: {alpha: {low: 1}}}", f"{SPACE}{{'low': 1}}."),
        ("search: {linear: {alpha: {low: 3, high: 2}}}", f"{SPACE}{{'low': 3, 'high': 2}}."),
        ("search: {linear: {alpha: [1, 2]}}", f"{SPACE}[1, 2]."),
        ("left_out: [id]", "'left_out' in dataset file houses.yaml must be a mapping."),
        ("sample: {}", "'sample' in dataset file houses.yaml must be a text, not {}."),
    ],
)
def test_a_value_of_the_wrong_shape_is_refused(more, message):
    assert refusal(with_more(more)).startswith(message)


def searched(given: Any) -> Any:
    """Return what is searched where a file says this of a hyperparameter."""
    search = {"lightgbm": {"num_leaves": given}}
    text = yaml.safe_dump({**yaml.safe_load(TEXT), "search": search}, sort_keys=False)
    return from_yaml(text, "x").search["lightgbm"]["num_leaves"]


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (3, 3),
        ("sqrt", "sqrt"),
        (None, None),
        ({"low": 1, "high": 9}, Whole(1, 9)),
        ({"low": 1, "high": 9, "log": True}, Whole(1, 9, log=True)),
        ({"low": 0.5, "high": 9}, Real(0.5, 9)),
        ({"low": -1, "high": 1.5, "log": False}, Real(-1, 1.5)),
        ({"options": ["a", 2, None]}, Choice(("a", 2, None))),
    ],
)
def test_a_search_value_is_a_range_options_or_fixed(given, found):
    assert searched(given) == found
    assert type(searched(given)) is type(found)


@pytest.mark.parametrize(
    "given",
    [
        {}, [], [1, 2], {"low": 1}, {"low": 2, "high": 2}, {"low": 2, "high": 1},
        {"low": 0, "high": 1, "log": True}, {"low": "a", "high": "b"},
        {"low": 1, "high": 2, "step": 1}, {"low": 1, "high": 2, "log": "yes"}, {"options": []},
        {"options": "ab"}, {"options": [1, 2], "log": True}, {"low": 1, "high": math.inf},
        {"low": -math.inf, "high": 1}, {"low": math.nan, "high": 1},
    ],
)  # fmt: skip
def test_an_invalid_search_value_is_refused_with_what_is_allowed(given):
    with pytest.raises(WorkflowError) as caught:
        searched(given)
    assert str(caught.value) == (
        "search space lightgbm.num_leaves: give {low: 1, high: 9} with low below high (and log: "
        "true if both are above 0), {options: [a, b]}, or one value to fix, not "
        f"{given!r}."
    )


WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=12)
NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]*", fullmatch=True)
EXPRESSIONS = st.one_of(
    WORDS.map(quote),
    WORDS.map(literal),
    st.integers().map(str),
    st.tuples(WORDS, WORDS).map(lambda pair: f"{quote(pair[0])}\n  || {literal(pair[1])} -- why\n"),
)
SHARES = st.floats(0.01, 0.49)
SPLITS = st.one_of(
    st.builds(ByFiles, train=WORDS, validation=WORDS, test=WORDS),
    st.builds(ByHash, key=st.lists(WORDS, max_size=3).map(tuple), validation=SHARES, test=SHARES),
    st.builds(ByTime, column=EXPRESSIONS, validation=SHARES, test=SHARES),
)
NUMBERS = st.floats(1e-6, 1e6)
DOMAINS = st.one_of(
    st.tuples(st.integers(1, 9), st.integers(10, 99), st.booleans()).map(lambda a: Whole(*a)),
    st.tuples(st.floats(1e-6, 1), st.floats(2, 1e9), st.booleans()).map(lambda a: Real(*a)),
    st.lists(WORDS | NUMBERS | st.none() | st.booleans(), min_size=1).map(
        lambda options: Choice(tuple(options))
    ),
    WORDS,
    NUMBERS,
    st.integers(),
    st.booleans(),
    st.none(),
)


@st.composite
def datasets(draw: st.DrawFn) -> Dataset:
    reserved = {"all", "search"}
    named = WORDS.filter(lambda name: name.strip() and "," not in name and name not in reserved)
    asked = draw(st.lists(named, min_size=1, max_size=4, unique_by=str.casefold))
    features = {name: draw(EXPRESSIONS) for name in asked}
    members = st.lists(st.sampled_from(asked), min_size=1)
    sets = draw(st.dictionaries(WORDS, members, max_size=2))
    task = draw(st.sampled_from(TASKS))
    metrics = st.sampled_from(sorted(METRICS[task]))
    spaces = st.dictionaries(WORDS, DOMAINS, max_size=3)
    return Dataset(
        name=draw(NAMES),
        description=draw(st.just("") | WORDS),
        task=task,
        data=draw(WORDS),
        split=draw(SPLITS),
        columns=draw(st.dictionaries(WORDS, st.sampled_from(["DOUBLE", "VARCHAR"]), max_size=2)),
        target=draw(EXPRESSIONS),
        where=draw(EXPRESSIONS),
        features=features,
        feature_sets={
            name: members for name, members in sets.items() if name not in {*reserved, *features}
        },
        metric=draw(st.just("auto") | metrics),
        validation=draw(st.sampled_from(["holdout", "cv:2", "cv:20"])),
        thresholds=draw(st.dictionaries(metrics, NUMBERS, max_size=2)),
        search=draw(st.dictionaries(st.sampled_from(sorted(FAMILIES)), spaces, max_size=2)),
        left_out=draw(st.dictionaries(WORDS, WORDS, max_size=2)),
        sample=draw(st.none() | NAMES),
    )


COMMENTS = st.dictionaries(st.sampled_from(KEYS), st.text(max_size=40), max_size=4)


@given(datasets(), COMMENTS)
@settings(max_examples=40, deadline=None)
def test_a_written_definition_is_read_back_unchanged(dataset, comments):
    again = from_yaml(to_yaml(dataset, comments), "round trip")
    assert again == dataset
    assert list(again.features) == list(dataset.features)


def test_comments_stand_above_their_keys_line_by_line():
    text = to_yaml(HOUSES, {"task": "one\ntwo", "target": "three", "metric": "not written"})
    lines = text.splitlines()
    assert lines[lines.index("task: regression") - 2 :][:2] == ["# one", "# two"]
    assert lines[lines.index("target: price / 1000") - 1] == "# three"
    assert "not written" not in text


@pytest.mark.parametrize("odd", ["\x00", "\x07", "\x7f", "\ufffe", "\r", "\x85", "\u2028", "# :"])
def test_a_comment_with_odd_characters_leaves_the_file_readable(odd):
    text = to_yaml(HOUSES, {"features": f"column a{odd}name: of no use"})
    assert from_yaml(text, "x") == HOUSES


def test_defaults_are_not_written():
    assert set(yaml.safe_load(to_yaml(HOUSES))) == {
        "name", "task", "data", "split", "target", "where", "features", "feature_sets",
        "validation",
    }  # fmt: skip


@pytest.mark.parametrize("name", SHIPPED_NAMES)
def test_a_shipped_dataset_loads_and_is_read_back_unchanged(name):
    dataset = load(name)
    assert dataset.description
    assert from_yaml(to_yaml(dataset), "again") == dataset


@pytest.mark.parametrize("name", SHIPPED_NAMES)
def test_a_shipped_dataset_names_the_schema_for_editors(name):
    path = DATASETS / f"{name}.yaml"
    first, *_ = path.read_text(encoding="utf-8").splitlines()
    key, _, schema_path = first.partition("=")
    assert key == "# yaml-language-server: $schema"
    assert (path.parent / schema_path).resolve() == SCHEMA


def test_the_schema_in_docs_is_current():
    command = [sys.executable, "-m", "workflow.data.dataset_file"]
    written = subprocess.run(
        command, cwd=PROJECT, capture_output=True, check=True, text=True
    ).stdout
    assert SCHEMA.read_text(encoding="utf-8") == written


@pytest.mark.parametrize("name", SHIPPED_NAMES)
def test_a_shipped_dataset_fits_the_schema(name):
    given = yaml.safe_load((DATASETS / f"{name}.yaml").read_text(encoding="utf-8"))
    Draft202012Validator(schema()).validate(given)


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"metrc": "rmse"}, []),
        ({"task": "regresion"}, ["task"]),
        ({"metric": "rsme"}, ["metric"]),
        ({"validation": "5"}, ["validation"]),
        ({"split": {"column": "sold"}}, ["split"]),
        ({"split": {"by": "hash", "column": "sold"}}, ["split"]),
        ({"features": ["area"]}, ["features"]),
        ({"features": {"area": None}}, ["features", "area"]),
        ({"thresholds": {"rsme": 3}}, ["thresholds"]),
        ({"thresholds": {"rmse": "low"}}, ["thresholds", "rmse"]),
        ({"search": {"liner": {"alpha": 1}}}, ["search"]),
        ({"search": {"linear": {"alpha": [1]}}}, ["search", "linear", "alpha"]),
    ],
)
def test_the_schema_refuses_what_the_reader_refuses(changes, place):
    given = yaml.safe_load(TEXT) | changes
    with pytest.raises(WorkflowError):
        from_yaml(yaml.safe_dump(given), "x")
    (error,) = Draft202012Validator(schema()).iter_errors(given)
    assert list(error.path) == place


def test_shipped_datasets_have_different_names():
    names = [load(name).name for name in SHIPPED_NAMES]
    assert len(set(names)) == len(names)


def test_a_dataset_loads_by_the_path_or_uri_of_its_file(tmp_path):
    path = tmp_path / "größe.yaml"
    path.write_text(TEXT, encoding="utf-8")
    assert load(str(path)) == load(f"file://{path}") == HOUSES


def test_an_unknown_name_is_refused_with_the_nearest():
    with pytest.raises(WorkflowError) as caught:
        load("gren_taxi")
    message = str(caught.value)
    assert message.startswith("unknown dataset 'gren_taxi': did you mean 'green_taxi'? Allowed: ")
    assert message.endswith("or the path or URI of a dataset file.")


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(WorkflowError) as caught:
        load(str(tmp_path / "no.yaml"))
    assert str(caught.value).startswith(f"dataset file {tmp_path}/no.yaml cannot be read: ")
    assert "No such file" in str(caught.value)


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", None], ids=["binary", "folder"])
def test_a_binary_file_or_a_folder_is_refused(tmp_path, content):
    path = tmp_path / "houses.yaml"
    path.mkdir() if content is None else path.write_bytes(content)
    with pytest.raises(WorkflowError, match=r"^dataset file .*houses\.yaml cannot be read: "):
        load(str(path))


def test_a_bucket_that_is_not_reached_is_a_one_line_error(monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(WorkflowError, match=r"^dataset file s3://bucket/x\.yaml cannot be read: "):
        load("s3://bucket/x.yaml")


@pytest.mark.parametrize(
    ("dataset", "name"),
    [
        ("green_taxi", True),
        ("green.taxi", True),
        ("houses.yaml", False),
        ("houses.yml", False),
        ("./houses", False),
        ("s3://bucket/houses", False),
        (r"C:\houses", False),
    ],
)
def test_a_name_is_told_from_a_path(dataset, name):
    assert is_name(dataset) is name


@given(st.recursive(st.none() | st.booleans() | NUMBERS | st.just(math.inf) | WORDS,
                    lambda more: st.lists(more, max_size=2)
                    | st.dictionaries(st.sampled_from(["low", "high", "options", "log"]), more),
                    max_leaves=4), st.sampled_from(KEYS))  # fmt: skip
@settings(max_examples=100, deadline=None)
def test_any_value_is_read_or_refused_in_one_line(value, key):
    given = yaml.safe_load(TEXT)
    for one in (value, {"linear": {"alpha": value}}, {"area": value}):
        try:
            dataset = from_yaml(yaml.safe_dump(given | {key: one}), "x")
        except WorkflowError as error:
            assert "\n" not in str(error)
        else:
            assert from_yaml(to_yaml(dataset), "again") == dataset
