from dataclasses import replace
from pathlib import Path

import pytest

from sql_features.errors import WorkflowError
from workflow import digests
from workflow.data.dataset_file import from_yaml, load, to_yaml
from workflow.data.request import DEFAULT, SAMPLE, contents, locate, read_rule, resolve
from workflow.data.samples.built_in import SAMPLES
from workflow.data.split_rules import ByFiles, ByHash, ByTime
from workflow.paths import DATASETS
from workflow.schema.infer import Inferred
from workflow.schema.inferred_dataset import check_table, comments, from_table

SHIPPED_NAMES = sorted(path.stem for path in DATASETS.glob("*.yaml"))
TEXT = """
name: houses
task: regression
data: /data
split: {train: a.csv, validation: b.csv, test: c.csv}
target: price / 1000
features: {area: area}
"""


@pytest.fixture
def houses(tmp_path: Path) -> str:
    path = tmp_path / "houses.yaml"
    path.write_text(TEXT)
    return str(path)


def refusal(call: object, *arguments: object) -> str:
    with pytest.raises(WorkflowError) as caught:
        call(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_sample_is_what_is_used_for_data_sample():
    assert resolve("green_taxi", SAMPLE, "auto", "auto").data == SAMPLE


def test_the_files_own_place_is_what_is_used_for_data_default():
    assert resolve("green_taxi", DEFAULT, "auto", "auto") == load("green_taxi")


def test_a_place_that_is_given_takes_the_one_of_the_file():
    resolved = resolve("green_taxi", "s3://bucket/trips", "regression", "auto")
    assert resolved == replace(load("green_taxi"), data="s3://bucket/trips")


@pytest.mark.parametrize("name", SHIPPED_NAMES)
def test_every_shipped_dataset_has_a_sample(name):
    assert load(name).sample in SAMPLES
    assert resolve(name, SAMPLE, "auto", "auto").data == SAMPLE
    one_table = set(SAMPLES[load(name).sample]) == {None}
    assert one_table is not isinstance(load(name).split, ByFiles)


@pytest.mark.parametrize("task", ["binary", "classification", "clustering", ""])
def test_a_task_that_is_not_the_datasets_is_refused(task):
    assert refusal(resolve, "green_taxi", SAMPLE, task, "auto") == (
        f"task='{task}': dataset 'green-taxi-duration' is for regression; give 'auto'."
    )


def test_a_sample_that_the_dataset_does_not_have_is_refused_with_what_to_give(houses):
    assert refusal(resolve, houses, SAMPLE, "auto", "auto") == (
        "data='sample': dataset 'houses' has no built-in sample; give a folder, a URL prefix, or "
        "'default' for /data."
    )


def test_a_rule_takes_the_place_of_the_datasets_own():
    resolved = resolve("energy_demand", SAMPLE, "auto", "hash")
    assert resolved.split == ByHash()
    assert resolve("classification", SAMPLE, "auto", "time:age").split == ByTime(column='"age"')


def test_files_of_their_own_for_each_split_are_not_split_by_a_rule():
    assert refusal(resolve, "green_taxi", SAMPLE, "auto", "hash") == (
        "split_by='hash': dataset 'green-taxi-duration' has a file for each split; give 'auto'."
    )


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("auto", None),
        ("hash", ByHash()),
        ("hash:patient", ByHash(key=("patient",))),
        ("hash:a:b", ByHash(key=("a:b",))),
        ("time:day", ByTime(column='"day"')),
        ('time:the "day"', ByTime(column='"the ""day"""')),
    ],
)
def test_a_rule_is_named_by_its_kind_and_column(text, rule):
    assert read_rule(text) == rule


@pytest.mark.parametrize("text", ["", "hsah", "time", "time:", "hash:", ":x", "random", "Hash"])
def test_what_is_no_rule_is_refused_with_those_there_are(text):
    assert refusal(read_rule, text) == (
        f"split_by='{text}': give 'auto', 'hash', 'hash:COLUMN' (rows alike in it stay together) "
        "or 'time:COLUMN' (the latest rows are the test)."
    )


@pytest.mark.parametrize("task", ["auto", "regression", "binary", "multiclass", "classification"])
def test_a_table_of_the_users_own_is_taken_with_any_task(task):
    check_table("price", "/data/houses.csv", task, "auto")


@pytest.mark.parametrize("data", [SAMPLE, DEFAULT])
def test_nothing_is_inferred_without_data_of_the_users_own(data):
    assert refusal(check_table, "price", data, "auto", "auto") == (
        f"target='price' with data='{data}': a dataset is inferred from a table of yours; give "
        "data=<file, folder, pattern or URL>, or leave target at 'none'."
    )


def test_a_task_or_rule_of_a_table_that_is_none_is_refused():
    assert refusal(check_table, "price", "/d.csv", "regresion", "auto") == (
        "unknown task 'regresion': did you mean 'regression'? Allowed: auto, regression, binary, "
        "multiclass, classification."
    )
    assert refusal(check_table, "price", "/d.csv", "auto", "day").startswith("split_by='day': give")


def test_relative_places_are_made_absolute_and_names_are_left(tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_RUN_ID", raising=False)
    monkeypatch.chdir(tmp_path)
    assert locate("green_taxi", SAMPLE) == ("green_taxi", SAMPLE)
    assert locate("green_taxi", DEFAULT) == ("green_taxi", DEFAULT)
    assert locate("houses.yaml", "data") == (f"{tmp_path}/houses.yaml", f"{tmp_path}/data")
    assert locate("green_taxi", "*.csv")[1] == f"{tmp_path}/*.csv"
    assert locate("s3://b/h.yaml", "s3://b/data") == ("s3://b/h.yaml", "s3://b/data")


def test_a_place_of_a_kind_that_is_not_read_is_refused():
    assert refusal(locate, "green_taxi", "ftp://host/x").startswith(
        "data 'ftp://host/x': give a local path or one of "
    )


FOUND = Inferred(
    task="regression",
    why="numbers with fractions",
    target='"price"',
    columns={"area": "DOUBLE", 'the "city"': "VARCHAR", "price": "DOUBLE", "sold": "DATE"},
    features={"area": '"area"', "city": '"the ""city"""', "sold year": 'year("sold")'},
    notes={"sold year": "from 2001 to 2020", "area": "odd \x07 name"},
    left_out={"id": "a number for each row", "note\n2": "free text"},
    time=None,
    rows=300,
    rows_without_target=7,
)


def table(data: str = "/data/houses.csv", split_by: str = "auto", **changes: object):
    return from_table(replace(FOUND, **changes), "price", data, split_by)


@pytest.mark.parametrize("split_by", ["auto", "hash", "hash:city", "time:sold"])
def test_an_inferred_dataset_is_written_with_comments_and_read_back_the_same(split_by):
    found = replace(FOUND, time='"sold"' if split_by.startswith("time") else None)
    dataset = from_table(found, "price", "/data/houses.csv", split_by)
    text = to_yaml(dataset, comments(found))
    assert from_yaml(text, "x") == dataset
    assert list(from_yaml(text, "x").features) == list(found.features)
    for said in ("numbers with fractions", "sold year: from 2001 to 2020", "300 rows, 7"):
        assert said in "".join(line for line in text.splitlines(True) if line.startswith("# "))


def test_an_inferred_dataset_has_what_was_found():
    dataset = table()
    assert dataset.name == "houses-price"
    assert dataset.task == "regression"
    assert dataset.data == "/data/houses.csv"
    for name in ("target", "columns", "features", "left_out"):
        assert getattr(dataset, name) == getattr(FOUND, name)


@pytest.mark.parametrize("split_by", ["auto", "hash"])
def test_the_key_of_an_inferred_split_is_written_down(split_by):
    assert table(split_by=split_by).split == ByHash(key=("area", "price", "sold", 'the "city"'))


def test_a_key_or_time_that_is_asked_for_is_the_rule():
    assert table(split_by="hash:city").split == ByHash(key=("city",))
    parsed = "strptime(\"sold\", '%d.%m.%Y')"
    assert table(split_by="time:sold", time=parsed).split == ByTime(column=parsed)


@pytest.mark.parametrize(
    ("rows", "how"),
    [(9_999, "cv:5"), (10_000, "cv:3"), (29_999, "cv:3"), (30_000, "holdout")],
)
def test_a_small_table_is_judged_by_folds(rows, how):
    assert table(rows=rows).validation == how


@pytest.mark.parametrize(
    ("data", "name"),
    [
        ("/data/houses.csv.gz", "houses-price"),
        ("/data/my houses (2).csv", "my-houses-2--price"),
        ("/data/houses/", "houses-price"),
        ("/data/*.csv", "price"),
        ("s3://bucket/2023/houses.parquet", "houses-price"),
        ("/data/größe.csv", "gr-e-price"),
        ("/", "price"),
    ],
)
def test_the_name_of_an_inferred_dataset_is_its_files_and_targets(data, name):
    assert table(data).name == name


@pytest.mark.parametrize("target", ["größe in m²", "価格", "../x", "a/b:c", "-", "#"])
def test_a_target_of_any_name_gives_a_dataset_with_a_name(target):
    dataset = from_table(FOUND, target, "/data/*.csv", "auto")
    assert from_yaml(to_yaml(dataset), "x") == dataset


def known(**given: str) -> dict[str, str]:
    """Return what is known of the content of what parameters name."""
    default = {"dataset": "green_taxi", "data": SAMPLE, "target": "none", "task": "auto"}
    return contents(**default | {"split_by": "auto"} | given)


@pytest.fixture
def house_files(tmp_path: Path) -> Path:
    folder = tmp_path / "houses"
    folder.mkdir()
    for name in ("a.csv", "b.csv", "c.csv", "other.csv"):
        (folder / name).write_text(f"area,price\n1,{ord(name[0])}\n")
    return folder


@pytest.mark.parametrize("name", SHIPPED_NAMES)
def test_the_content_of_a_sample_is_its_dataset_alone_as_the_code_makes_its_rows(name):
    assert set(known(dataset=name)) == {"dataset"}
    assert known(dataset=name) == known(dataset=str(DATASETS / f"{name}.yaml"))


def test_the_content_of_a_dataset_file_is_what_it_says_not_how_it_is_written(houses, house_files):
    before = known(dataset=houses, data=str(house_files))
    Path(houses).write_text(TEXT.replace("task: regression", "task:   'regression'  # a comment"))
    assert known(dataset=houses, data=str(house_files)) == before


@pytest.mark.parametrize(
    ("was", "is_now"),
    [("price / 1000", "price"), ("{area: area}", "{area: area + 1}"), ("houses", "flats")],
)
def test_a_dataset_file_that_says_something_else_is_another_content(
    houses, house_files, was, is_now
):
    before = known(dataset=houses, data=str(house_files))
    Path(houses).write_text(TEXT.replace(was, is_now))
    now = known(dataset=houses, data=str(house_files))
    assert {name for name in now if now[name] != before[name]} == {"dataset"}
    assert set(now) == set(before)


def test_the_files_that_a_dataset_names_count_by_their_content_and_no_other(houses, house_files):
    before = known(dataset=houses, data=str(house_files))
    assert set(before) == {"dataset", *(str(house_files / f"{name}.csv") for name in "abc")}
    (house_files / "other.csv").write_text("changed")
    assert known(dataset=houses, data=str(house_files)) == before
    (house_files / "b.csv").write_text("area,price\n1,2\n")
    now = known(dataset=houses, data=str(house_files))
    assert {name for name in now if now[name] != before[name]} == {str(house_files / "b.csv")}


def test_a_rule_that_is_asked_for_is_part_of_the_dataset():
    one, other = (known(dataset="energy_demand", split_by=by) for by in ("auto", "hash"))
    assert one["dataset"] != other["dataset"]


def test_the_table_of_a_dataset_that_is_split_by_rule_counts_by_each_of_its_files(
    tmp_path, house_files
):
    path = tmp_path / "one.yaml"
    path.write_text(TEXT.replace("{train: a.csv, validation: b.csv, test: c.csv}", "{by: hash}"))
    found = known(dataset=str(path), data=f"{house_files}/[ab].csv")
    assert set(found) == {"dataset", str(house_files / "a.csv"), str(house_files / "b.csv")}


def test_a_table_whose_dataset_is_inferred_counts_by_its_files_alone(house_files):
    path = house_files / "a.csv"
    found = known(data=str(path), target="price")
    assert found == {str(path): digests.of_files([path])}
    assert found == known(data=str(path), target="area", dataset="not read", task="binary")
    path.write_text("area,price\n2,2\n")
    assert known(data=str(path), target="price") != found


def test_a_new_file_of_a_table_is_another_content(house_files):
    before = known(data=str(house_files), target="price")
    (house_files / "d.csv").write_text("area,price\n1,2\n")
    now = known(data=str(house_files), target="price")
    assert now == before | {str(house_files / "d.csv"): now[str(house_files / "d.csv")]}


def test_a_file_that_is_not_there_is_refused_before_anything_runs(houses, house_files):
    (house_files / "c.csv").unlink()
    with pytest.raises(WorkflowError, match=r"has no file 'c\.csv'"):
        known(dataset=houses, data=str(house_files))
    with pytest.raises(WorkflowError, match="there is no such file"):
        known(data=str(house_files / "no.csv"), target="price")


def test_parameters_that_do_not_fit_the_dataset_are_refused_here_too():
    with pytest.raises(WorkflowError, match=r"^task='binary': "):
        known(task="binary")
