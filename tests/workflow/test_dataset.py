from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workflow.dataset import (
    DEFAULT,
    SAMPLE,
    SHIPPED,
    SPLITS,
    Dataset,
    feature_columns,
    from_yaml,
    is_name,
    load,
    locate,
    resolve,
)
from workflow.errors import WorkflowError
from workflow.samples import SAMPLES
from workflow.sql import literal, quote

SHIPPED_NAMES = sorted(path.stem for path in SHIPPED.glob("*.yaml"))
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
    return str(caught.value)


def changed(old: str, new: str) -> str:
    assert old in TEXT
    return TEXT.replace(old, new)


def test_a_definition_is_read():
    assert HOUSES.target == "price / 1000"
    assert HOUSES.split == {"train": "a.csv", "validation": "b.csv", "test": "c.csv"}
    assert list(HOUSES.features) == ["area", "place", "rooms"]
    assert HOUSES.feature_sets == {"small": ["area", "rooms"]}
    assert HOUSES.sample is None


def test_every_row_counts_unless_where_says_otherwise():
    assert from_yaml(changed("where: target > 0 AND area > 10\n", ""), "x").where == "true"


def test_the_raw_columns_are_those_of_target_where_and_features_but_not_the_target_itself():
    assert HOUSES.raw_columns == {"price", "area", "city", "district", "rooms"}


def test_where_may_spell_the_target_in_any_case():
    dataset = from_yaml(changed("target > 0", "Target > 0"), "x")
    assert "Target" not in dataset.raw_columns


def test_the_columns_of_features_are_found():
    assert feature_columns({"x": "a + b", "y": "b || c"}) == {"a", "b", "c"}
    assert feature_columns({}) == set()


def test_expressions_that_yaml_reads_as_numbers_are_taken_as_text():
    dataset = from_yaml(changed("rooms: rooms", "rooms: 1, 7: 2.5"), "x")
    assert dataset.features["rooms"] == "1"
    assert dataset.features["7"] == "2.5"


@pytest.mark.parametrize("text", ["", "[]", "houses", "1"])
def test_a_file_that_is_no_mapping_is_refused(text):
    message = refusal(text)
    assert message.startswith("dataset file houses.yaml holds no mapping of ")
    for key in ("name", "split", "target", "features"):
        assert key in message


@pytest.mark.parametrize("text", ["a: [", "a: b: c", "\tname: x", "'"])
def test_a_file_that_is_not_yaml_is_refused_in_one_line(text):
    message = refusal(text)
    assert message.startswith("dataset file houses.yaml is not YAML: ")
    assert "\n" not in message


def test_an_unknown_key_is_refused_with_the_nearest():
    message = refusal(changed("features:", "feature:"))
    assert "in dataset file houses.yaml" in message
    assert "'feature': did you mean 'features'? Allowed: name, description, task" in message


def test_keys_that_are_lacking_are_all_named():
    assert refusal("name: houses\ndata: /data") == (
        "dataset file houses.yaml lacks task, split, target, features."
    )


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "name: houses",
            "name: my houses",
            "dataset name 'my houses': use letters, digits, '.', '_' and '-' only.",
        ),
        (
            "name: houses",
            "name: ../houses",
            "dataset name '../houses': use letters, digits, '.', '_' and '-' only.",
        ),
        (
            "task: regression",
            "task: regresion",
            "unknown task 'regresion': did you mean 'regression'? Allowed: regression.",
        ),
        (
            "train: a.csv",
            "trian: a.csv",
            "unknown split 'trian': did you mean 'train'? Allowed: train, validation, test.",
        ),
        (
            "train: a.csv, validation: b.csv, ",
            "",
            "dataset 'houses' names no file for train, validation.",
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
            "features: {area: area, place: city || '_' || district, rooms: rooms}",
            "features: {}",
            "dataset 'houses' has no features.",
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
            "small:",
            "area:",
            "feature set 'area' has the name of a feature, or 'all'.",
        ),
        (
            "small:",
            "all:",
            "feature set 'all' has the name of a feature, or 'all'.",
        ),
        ("target: price / 1000", "target: ' '", "target is empty: give a SQL expression."),
    ],
)
def test_a_definition_that_is_not_valid_is_refused_with_what_is_wrong(old, new, message):
    assert refusal(changed(old, new)) == message


def test_a_feature_set_of_an_unknown_feature_is_refused_with_the_nearest():
    message = refusal(changed("[area, rooms]", "[area, room]"))
    assert "in set 'small'" in message
    assert "'room': did you mean 'rooms'? Allowed: area, place, rooms." in message


@pytest.mark.parametrize(
    ("old", "new", "start"),
    [
        ("price / 1000", "price / avg(price)", "target is not row-wise: 'price / avg(price)' uses"),
        ("area > 10", "area > (SELECT 1)", "where is not row-wise: "),
        ("rooms: rooms", "rooms: now()", "feature 'rooms' is not row-wise: 'now()' uses now()"),
        ("rooms: rooms", "rooms: rooms)", "feature 'rooms' is not a SQL expression: 'rooms)': "),
    ],
)
def test_every_expression_is_checked_when_the_file_is_read(old, new, start):
    assert refusal(changed(old, new)).startswith(start)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("where: target > 0 AND area > 10", "where: null"),
        ("rooms: rooms", "rooms: null"),
        ("data: /data", "data:"),
    ],
)
def test_a_value_left_out_is_refused(old, new):
    refusal(changed(old, new))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("rooms: rooms", "Area: rooms"),
        ("rooms: rooms", "'': rooms"),
        ("rooms: rooms", "all: rooms"),
        ("rooms: rooms", "'a,b': rooms"),
        ("[area, rooms]", "[]"),
    ],
)
def test_a_feature_name_that_cannot_be_asked_for_is_refused(old, new):
    refusal(changed(old, new).replace("[area, rooms]", "[area]"))


NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]*", fullmatch=True)
WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=12)
EXPRESSIONS = st.one_of(
    WORDS.map(quote),
    WORDS.map(literal),
    st.integers().map(str),
    st.tuples(WORDS, WORDS).map(lambda pair: f"{quote(pair[0])}\n  || {literal(pair[1])} -- why\n"),
)


@st.composite
def datasets(draw: st.DrawFn) -> Dataset:
    named = WORDS.filter(lambda name: name.strip() and "," not in name and name != "all")
    asked = draw(st.lists(named, min_size=1, max_size=4, unique_by=str.casefold))
    features = {name: draw(EXPRESSIONS) for name in asked}
    members = st.lists(st.sampled_from(asked), min_size=1)
    sets = draw(st.dictionaries(WORDS.filter(lambda name: name != "all"), members, max_size=2))
    return Dataset(
        name=draw(NAMES),
        description=draw(st.just("") | WORDS),
        task="regression",
        data=draw(WORDS),
        split={split: draw(WORDS) for split in SPLITS},
        target=draw(EXPRESSIONS),
        where=draw(EXPRESSIONS),
        features=features,
        feature_sets={
            name: members for name, members in sets.items() if name not in {"all", *features}
        },
        sample=draw(st.none() | NAMES),
    )


@given(datasets())
@settings(max_examples=40, deadline=None)
def test_a_definition_comes_back_from_its_text_as_it_was(dataset):
    again = from_yaml(dataset.to_yaml(), "round trip")
    assert again == dataset
    assert list(again.features) == list(dataset.features)


@pytest.mark.parametrize("name", SHIPPED_NAMES)
def test_a_shipped_dataset_loads_by_its_name(name):
    dataset = load(name)
    assert dataset.description
    assert dataset.sample is None or dataset.sample in SAMPLES


def test_shipped_datasets_have_names_of_their_own():
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
def test_what_is_no_text_file_is_refused(tmp_path, content):
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


def test_all_features_are_selected_in_order():
    assert list(HOUSES.select("all")) == ["area", "place", "rooms"]


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ("small", ["area", "rooms"]),
        ("rooms", ["rooms"]),
        ("rooms, area", ["rooms", "area"]),
        ("rooms,rooms", ["rooms"]),
    ],
)
def test_features_are_selected_by_set_or_by_name_in_the_order_asked(asked, names):
    assert HOUSES.select(asked) == {name: HOUSES.features[name] for name in names}
    assert list(HOUSES.select(asked)) == names


@pytest.mark.parametrize(
    ("asked", "start"),
    [
        ("aera", "unknown feature 'aera': did you mean 'area'?"),
        ("area,smal", "unknown feature 'smal': did you mean 'small'?"),
        ("", "unknown feature '':"),
    ],
)
def test_an_unknown_feature_is_refused_with_the_nearest(asked, start):
    with pytest.raises(WorkflowError) as caught:
        HOUSES.select(asked)
    assert str(caught.value) == f"{start} Allowed: all, small, area, place, rooms."


@pytest.mark.parametrize("asked", ["small,place", "all,area"])
def test_a_set_in_a_list_is_not_suggested_for_itself(asked):
    with pytest.raises(WorkflowError) as caught:
        HOUSES.select(asked)
    first = asked.partition(",")[0]
    assert f"did you mean '{first}'" not in str(caught.value)


def test_the_sample_is_what_is_used_for_data_sample():
    assert resolve("green_taxi", SAMPLE, "none", "auto").data == SAMPLE


def test_the_files_own_place_is_what_is_used_for_data_default():
    assert resolve("green_taxi", DEFAULT, "none", "auto") == load("green_taxi")


def test_a_place_that_is_given_takes_the_one_of_the_file():
    resolved = resolve("green_taxi", "s3://bucket/trips", "none", "regression")
    assert resolved == replace(load("green_taxi"), data="s3://bucket/trips")


def test_a_task_that_is_not_the_datasets_is_refused():
    with pytest.raises(WorkflowError) as caught:
        resolve("green_taxi", SAMPLE, "none", "classification")
    assert str(caught.value) == (
        "task='classification': dataset 'green-taxi-duration' is for regression; give 'auto'."
    )


def test_a_sample_that_the_dataset_does_not_have_is_refused_with_what_to_give(tmp_path):
    path = tmp_path / "houses.yaml"
    path.write_text(TEXT)
    with pytest.raises(WorkflowError) as caught:
        resolve(str(path), SAMPLE, "none", "auto")
    assert str(caught.value) == (
        "data='sample': dataset 'houses' has no built-in sample; give a folder, a URL prefix, or "
        "'default' for /data."
    )


def test_relative_places_are_made_absolute_and_names_are_left(tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_RUN_ID", raising=False)
    monkeypatch.chdir(tmp_path)
    assert locate("green_taxi", SAMPLE) == ("green_taxi", SAMPLE)
    assert locate("green_taxi", DEFAULT) == ("green_taxi", DEFAULT)
    assert locate("houses.yaml", "data") == (f"{tmp_path}/houses.yaml", f"{tmp_path}/data")
    assert locate("s3://b/h.yaml", "s3://b/data") == ("s3://b/h.yaml", "s3://b/data")


def test_a_place_of_a_kind_that_is_not_read_is_refused():
    with pytest.raises(WorkflowError, match=r"^data 'ftp://host/x': give a local path or one of "):
        locate("green_taxi", "ftp://host/x")
