from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from sql_features.errors import WorkflowError
from workflow import digests
from workflow.data.dataset_file import load, to_yaml
from workflow.data.request import DEFAULT, MADE_UP, SAMPLE, DatasetRequest, read_rule
from workflow.data.samples.built_in import SAMPLES
from workflow.data.split_rules import ByFiles, ByHash, ByTime
from workflow.paths import DATASETS

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


def request(dataset: str = "green_taxi", data: str = SAMPLE, **given: str) -> DatasetRequest:
    return DatasetRequest(dataset=dataset, data=data, **given)


def typed(dataset: str, data: str) -> tuple[str, str]:
    """Return where a request looks for what a user typed: the dataset file and the data."""
    others = {"target": "none", "task": "auto", "split_by": "auto"}
    found = DatasetRequest.from_parameters(dataset=dataset, data=data, **others)
    assert found.parameters == {"dataset": found.dataset, "data": found.data} | others
    return found.dataset, found.data


def refusal(call: Callable[..., object], *arguments: object) -> str:
    with pytest.raises(WorkflowError) as caught:
        call(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_data_sample_means_the_built_in_sample():
    assert request(data=SAMPLE).resolve().data == SAMPLE


@pytest.mark.parametrize("name", SHIPPED_NAMES)
def test_a_sample_in_place_of_real_data_has_a_name_of_its_own(name):
    own = load(name)
    ending = "-sample" if name == "green_taxi" else ""  # the others are made up throughout
    resolved = request(name).resolve()
    assert resolved.name == own.name + ending
    says = f" {MADE_UP}" if ending else ""
    assert resolved.description == own.description + says
    assert request(name, data=DEFAULT).resolve().name == own.name
    assert request(name, data="/data").resolve().name == own.name


def test_a_logged_definition_of_a_sample_keeps_its_name(tmp_path):
    path = tmp_path / "dataset.yaml"
    path.write_text(to_yaml(request("green_taxi").resolve()))
    for data in (SAMPLE, DEFAULT):
        again = request(str(path), data).resolve()
        assert again.name == "green-taxi-duration-sample"
        assert again.description.count(MADE_UP) == 1


def test_data_default_means_the_place_in_the_dataset_file():
    assert request(data=DEFAULT).resolve() == load("green_taxi")


def test_a_given_place_replaces_the_one_in_the_dataset_file():
    resolved = request(data="s3://bucket/trips", task="regression").resolve()
    assert resolved == replace(load("green_taxi"), data="s3://bucket/trips")


@pytest.mark.parametrize("name", SHIPPED_NAMES)
def test_every_shipped_dataset_has_a_sample(name):
    assert load(name).sample in SAMPLES
    assert request(name).resolve().data == SAMPLE
    one_table = set(SAMPLES[load(name).sample]) == {None}
    assert one_table is not isinstance(load(name).split, ByFiles)


@pytest.mark.parametrize("task", ["binary", "classification", "clustering", ""])
def test_a_task_other_than_the_datasets_is_refused(task):
    assert refusal(request(task=task).resolve) == (
        f"task='{task}': dataset 'green-taxi-duration' is for regression; give 'auto'."
    )


def test_a_dataset_without_a_sample_says_what_to_give_instead(houses):
    assert refusal(request(houses).resolve) == (
        "data='sample': dataset 'houses' has no built-in sample; give a folder, a URL prefix, or "
        "'default' for /data."
    )


def test_a_given_split_rule_replaces_the_datasets_own():
    assert request("energy_demand", split_by="hash").resolve().split == ByHash()
    resolved = request("classification", split_by="time:age").resolve()
    assert resolved.split == ByTime(column='"age"')


def test_a_dataset_with_a_file_for_each_split_takes_no_rule():
    assert refusal(request(split_by="hash").resolve) == (
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
def test_a_split_rule_is_read_from_its_kind_and_column(text, rule):
    assert read_rule(text) == rule


@pytest.mark.parametrize("text", ["", "hsah", "time", "time:", "hash:", ":x", "random", "Hash"])
def test_an_unknown_split_rule_is_refused_with_the_known_ones(text):
    assert refusal(read_rule, text) == (
        f"split_by='{text}': give 'auto', 'hash', 'hash:COLUMN' (rows alike in it stay together) "
        "or 'time:COLUMN' (the latest rows are the test)."
    )


@pytest.mark.parametrize("task", ["auto", "regression", "binary", "multiclass", "classification"])
def test_an_inferred_dataset_may_have_any_task(task):
    asked = request(data="/data/houses.csv", target="price", task=task)
    assert asked.is_inferred
    asked.check_table()


@pytest.mark.parametrize("data", [SAMPLE, DEFAULT])
def test_a_target_without_a_table_is_refused(data):
    assert refusal(request(data=data, target="price").check_table) == (
        f"target='price' with data='{data}': a dataset is inferred from a table of yours; give "
        "data=<file, folder, pattern or URL>, or leave target at 'none'."
    )


def test_an_unknown_task_or_rule_of_a_table_is_refused():
    table = request(data="/d.csv", target="price")
    assert refusal(replace(table, task="regresion").check_table) == (
        "unknown task 'regresion': did you mean 'regression'? Allowed: auto, regression, binary, "
        "multiclass, classification."
    )
    rule = refusal(replace(table, split_by="day").check_table)
    assert rule.startswith("split_by='day': give")


def test_rows_are_not_split_by_the_target_alone(houses):
    why = (
        "the target cannot split the rows, as those of one label would all be in one split. Give "
        "'hash', or 'hash:COLUMN' with what rows belong to, such as a customer."
    )
    table = request(data="/d.csv", target="price", split_by="hash:Price")
    assert refusal(table.check_table) == f"split_by='hash:Price': {why}"
    replace(table, split_by="hash:customer").check_table()
    path = Path(houses)
    by_rule = TEXT.replace("{train: a.csv, validation: b.csv, test: c.csv}", "{by: hash}")
    path.write_text(by_rule)
    assert (
        refusal(request(houses, DEFAULT, split_by="hash:price").resolve)
        == f"split_by='hash:price': {why}"
    )
    # What a feature reads too is known to the model: it may be what rows belong to.
    path.write_text(by_rule.replace("price / 1000", "price / area"))
    assert request(houses, DEFAULT, split_by="hash:area").resolve().split == ByHash(key=("area",))
    # A file that says so itself goes on splitting as it did.
    path.write_text(
        TEXT.replace("{train: a.csv, validation: b.csv, test: c.csv}", "{by: hash, key: [price]}")
    )
    assert request(houses, DEFAULT).resolve().split == ByHash(key=("price",))


@pytest.mark.parametrize("data", [" https://me:hush@h/x.csv", "HTTPS:/me:hush@h/x.csv"])
def test_a_password_is_repeated_of_no_address_that_is_written_wrongly(houses, data):
    assert "hush" not in refusal(typed, houses, data)


def test_relative_paths_become_absolute_and_names_stay(tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_RUN_ID", raising=False)
    monkeypatch.chdir(tmp_path)
    assert typed("green_taxi", SAMPLE) == ("green_taxi", SAMPLE)
    assert typed("green_taxi", DEFAULT) == ("green_taxi", DEFAULT)
    assert typed("houses.yaml", "data") == (f"{tmp_path}/houses.yaml", f"{tmp_path}/data")
    assert typed("green_taxi", "*.csv")[1] == f"{tmp_path}/*.csv"
    assert typed("s3://b/h.yaml", "s3://b/data") == ("s3://b/h.yaml", "s3://b/data")


def test_an_unsupported_kind_of_url_is_refused():
    assert refusal(typed, "green_taxi", "ftp://host/x").startswith(
        "data 'ftp://host/x': give a local path or one of "
    )


def known(**given: str) -> dict[str, str]:
    return request(**given).contents()


@pytest.fixture
def house_files(tmp_path: Path) -> Path:
    folder = tmp_path / "houses"
    folder.mkdir()
    for name in ("a.csv", "b.csv", "c.csv", "other.csv"):
        (folder / name).write_text(f"area,price\n1,{ord(name[0])}\n")
    return folder


@pytest.mark.parametrize("name", SHIPPED_NAMES)
def test_the_content_of_a_sample_is_its_dataset_file_alone(name):
    assert set(known(dataset=name)) == {"dataset"}
    assert known(dataset=name) == known(dataset=str(DATASETS / f"{name}.yaml"))


def test_comments_and_spaces_do_not_change_a_dataset_files_content(houses, house_files):
    before = known(dataset=houses, data=str(house_files))
    Path(houses).write_text(TEXT.replace("task: regression", "task:   'regression'  # a comment"))
    assert known(dataset=houses, data=str(house_files)) == before


@pytest.mark.parametrize(
    ("was", "is_now"),
    [("price / 1000", "price"), ("{area: area}", "{area: area + 1}"), ("houses", "flats")],
)
def test_a_changed_definition_changes_the_dataset_files_content(houses, house_files, was, is_now):
    before = known(dataset=houses, data=str(house_files))
    Path(houses).write_text(TEXT.replace(was, is_now))
    now = known(dataset=houses, data=str(house_files))
    assert {name for name in now if now[name] != before[name]} == {"dataset"}
    assert set(now) == set(before)


def test_only_the_raw_files_that_a_dataset_names_count(houses, house_files):
    before = known(dataset=houses, data=str(house_files))
    assert set(before) == {"dataset", *(str(house_files / f"{name}.csv") for name in "abc")}
    (house_files / "other.csv").write_text("changed")
    assert known(dataset=houses, data=str(house_files)) == before
    (house_files / "b.csv").write_text("area,price\n1,2\n")
    now = known(dataset=houses, data=str(house_files))
    assert {name for name in now if now[name] != before[name]} == {str(house_files / "b.csv")}


def test_a_requested_split_rule_changes_the_content():
    one, other = (known(dataset="energy_demand", split_by=by) for by in ("auto", "hash"))
    assert one["dataset"] != other["dataset"]


def test_every_file_of_a_table_that_a_rule_splits_counts(tmp_path, house_files):
    path = tmp_path / "one.yaml"
    path.write_text(TEXT.replace("{train: a.csv, validation: b.csv, test: c.csv}", "{by: hash}"))
    found = known(dataset=str(path), data=f"{house_files}/[ab].csv")
    assert set(found) == {"dataset", str(house_files / "a.csv"), str(house_files / "b.csv")}


def test_an_inferred_dataset_counts_by_the_files_of_its_table_alone(house_files):
    path = house_files / "a.csv"
    found = known(data=str(path), target="price")
    assert found == {str(path): digests.of_files([path])}
    assert found == known(data=str(path), target="area", dataset="not read", task="binary")
    path.write_text("area,price\n2,2\n")
    assert known(data=str(path), target="price") != found


def test_a_new_file_of_a_table_changes_the_content(house_files):
    before = known(data=str(house_files), target="price")
    (house_files / "d.csv").write_text("area,price\n1,2\n")
    now = known(data=str(house_files), target="price")
    assert now == before | {str(house_files / "d.csv"): now[str(house_files / "d.csv")]}


def test_a_missing_raw_file_is_refused(houses, house_files):
    (house_files / "c.csv").unlink()
    with pytest.raises(WorkflowError, match=r"has no file 'c\.csv'"):
        known(dataset=houses, data=str(house_files))
    with pytest.raises(WorkflowError, match="there is no such file"):
        known(data=str(house_files / "no.csv"), target="price")


def test_contents_refuses_parameters_that_do_not_fit_the_dataset():
    with pytest.raises(WorkflowError, match=r"^task='binary': "):
        known(task="binary")


SIGNED = "https://host/houses.csv?X-Amz-Signature=hush/abc"
SHOWN = "https://host/houses.csv?..."
DATASET_QUERY, DATA_QUERY = "TABULAR_WORKFLOW_DATASET_QUERY", "TABULAR_WORKFLOW_DATA_QUERY"


@pytest.mark.parametrize("parameter", ["dataset", "data"])
@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://me:hush@host/x.yaml?hush", "https://host/x.yaml?..."),
        ("s3://AKIAhush:hu/sh@bucket/x.yaml", "s3://bucket/x.yaml"),
    ],
)
def test_an_address_with_a_password_is_refused_and_not_repeated(parameter, address, shown):
    given = {"dataset": "green_taxi", "data": SAMPLE} | {parameter: address}
    message = refusal(typed, *given.values())
    assert message.startswith(f"{parameter} '{shown}': no user, password or key may stand in an ")
    assert "MLflow has recorded it already" in message
    assert "credentials in the environment" in message
    assert "hush" not in message


@pytest.mark.parametrize("address", ["https:/me:hush@host/x.csv", "s3:hush@bucket", "https:hush"])
def test_an_address_without_its_slashes_is_refused_and_not_repeated(address):
    scheme = address.partition(":")[0]
    assert refusal(typed, "green_taxi", address) == (
        f"data: an address begins with {scheme}://, then its host."
    )
    assert refusal(typed, address, SAMPLE).startswith("dataset: an address begins with ")


def test_a_step_is_given_stripped_addresses_and_their_queries_apart(monkeypatch):
    given = {"target": "price", "task": "auto", "split_by": "auto"}
    whole = DatasetRequest.from_parameters(dataset=f"{SIGNED}.yaml", data=SIGNED, **given)
    assert whole.parameters == {"dataset": SHOWN, "data": SHOWN} | given
    assert whole.queries == {
        DATASET_QUERY: "X-Amz-Signature=hush/abc.yaml",
        DATA_QUERY: "X-Amz-Signature=hush/abc",
    }
    for name, query in whole.queries.items():
        monkeypatch.setenv(name, query)
    assert DatasetRequest.from_parameters(**whole.parameters) == whole
    assert request("/d.yaml", data="/data/202?.csv").queries == {}


@pytest.mark.parametrize("parameter", ["dataset", "data"])
def test_an_address_without_its_query_says_where_that_comes_from(parameter):
    given = {"dataset": "green_taxi", "data": SAMPLE} | {parameter: SHOWN}
    message = refusal(typed, *given.values())
    assert message.startswith(f"{parameter} '{SHOWN}': the query of this address is recorded ")
    assert {"dataset": DATASET_QUERY, "data": DATA_QUERY}[parameter] in message


def test_a_logged_dataset_file_gets_its_query_from_the_environment(houses, monkeypatch):
    definition = replace(load(houses), data=SIGNED, split=ByHash())
    text = to_yaml(definition)
    assert "hush" not in text
    assert f"data: {SHOWN}" in text
    assert DATA_QUERY in text  # a comment says where it comes from
    assert text == to_yaml(replace(definition, data="https://host/houses.csv?another=1"))
    Path(houses).write_text(text)
    message = refusal(request(houses, data=DEFAULT).resolve)
    assert message.startswith(f"data '{SHOWN}': the query of this address is recorded nowhere")
    monkeypatch.setenv(DATA_QUERY, "X-Amz-Signature=hush/abc")
    assert request(houses, data=DEFAULT).resolve() == definition
    assert request(houses, data="/d.csv").resolve().data == "/d.csv"


def test_a_dataset_file_with_a_password_in_it_is_refused(houses):
    Path(houses).write_text(TEXT.replace("/data", "https://me:hush@host/data"))
    message = refusal(request(houses, data=DEFAULT).resolve)
    assert message.startswith(f"'data' in dataset file {houses}: no user, password or key may ")
    assert "MLflow has recorded" not in message  # it has not
    assert "hush" not in message + refusal(request(houses).resolve)
    assert request(houses, data="/other").resolve().data == "/other"


@pytest.mark.parametrize("scheme", ["HTTPS", "Https", "S3"])
def test_a_scheme_may_be_written_in_capitals(scheme, houses):
    address = f"{scheme}://Bucket/X.csv"
    small = f"{scheme.lower()}://Bucket/X.csv"
    assert typed(address, address) == (small, small)
    Path(houses).write_text(TEXT.replace("/data", address))
    assert request(houses, DEFAULT).resolve().data == small


def test_a_host_with_a_port_that_is_no_number_is_refused_as_that():
    said = refusal(typed, "green_taxi", "http://host:abc/x.csv")
    assert "what stands after the ':' of the host is no port" in said
    assert "If it is a password, change it" in said and "abc" not in said
