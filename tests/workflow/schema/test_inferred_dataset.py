from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from workflow.data.dataset_file import from_yaml, to_yaml
from workflow.data.split_rules import SPLITS, ByHash, ByTime
from workflow.data.split_writer import read_raw, write_splits
from workflow.data.splits import WHOLE
from workflow.schema.infer import Inferred, infer
from workflow.schema.inferred_dataset import comments, from_table

FOUND = Inferred(
    task="regression",
    why="numbers with fractions",
    target='"price"',
    columns={"area": "DOUBLE", 'the "city"': "VARCHAR", "price": "DOUBLE", "sold": "DATE"},
    features={"area": '"area"', "city": '"the ""city"""', "sold year": 'year("sold")'},
    notes={"sold year": "from 2001 to 2020", "area": "odd \x07 name"},
    doubts={},
    left_out={"id": "a number for each row", "note\n2": "free text"},
    time=None,
    repeats=False,
    rows=300,
    rows_without_target=7,
)


def table(data: str = "/data/houses.csv", split_by: str = "auto", **changes: object):
    return from_table(replace(FOUND, **changes), "price", data, split_by)


def test_placeholders_are_split_as_the_same_rows_with_blanks(tmp_path):
    random = np.random.default_rng(5)
    frame = pd.DataFrame({name: random.normal(size=300).round(2) for name in ("a", "b", "price")})
    blank = frame.mask(random.random(frame.shape) < 0.2)
    written = {}
    for name, text in (("blank", ""), ("t", "?")):
        path, folder = tmp_path / f"{name}.csv", tmp_path / name / "splits"
        folder.mkdir(parents=True)
        blank.to_csv(path, index=False, na_rep=text)
        dataset = from_table(infer([path], target="price"), "price", str(path), "auto")
        write_splits(dataset, read_raw(dataset, {WHOLE: [path]}), folder)
        written[name] = [pd.read_parquet(folder / f"{split}.parquet") for split in SPLITS]
    assert sum(map(len, written["t"])) == blank["price"].notna().sum()
    for one, other in zip(written["t"], written["blank"], strict=True):
        pd.testing.assert_frame_equal(one, other)


@pytest.mark.parametrize("split_by", ["auto", "hash", "hash:city", "time:sold"])
def test_an_inferred_dataset_is_read_back_as_it_was_written(split_by):
    found = replace(FOUND, time='"sold"' if split_by.startswith("time") else None)
    dataset = from_table(found, "price", "/data/houses.csv", split_by)
    text = to_yaml(dataset, comments(found, dataset.split))
    assert from_yaml(text, "x") == dataset
    assert list(from_yaml(text, "x").features) == list(found.features)
    for said in ("numbers with fractions", "sold year: from 2001 to 2020", "300 rows, 7"):
        assert said in "".join(line for line in text.splitlines(True) if line.startswith("# "))


def test_an_inferred_dataset_has_the_target_and_features_that_were_found():
    dataset = table()
    assert dataset.name == "houses-price"
    assert dataset.task == "regression"
    assert dataset.data == "/data/houses.csv"
    for name in ("target", "columns", "features", "left_out"):
        assert getattr(dataset, name) == getattr(FOUND, name)


@pytest.mark.parametrize("split_by", ["auto", "hash"])
def test_the_key_of_a_split_by_hash_is_written_without_the_target(split_by):
    assert table(split_by=split_by).split == ByHash(key=("area", "sold", 'the "city"'))


def test_rows_alike_by_nature_are_split_each_by_itself():
    rule = table(repeats=True).split
    assert rule == ByHash(key=("area", "sold", 'the "city"'), repeats=True)
    assert "each is split by itself" in comments(replace(FOUND, repeats=True), rule)["split"]
    rule = table(repeats=True, split_by="hash:city").split  # these are to stay together
    assert rule == ByHash(key=("city",))
    assert "go to the same split" in comments(replace(FOUND, repeats=True), rule)["split"]


def test_a_requested_key_or_time_becomes_the_split_rule():
    assert table(split_by="hash:city").split == ByHash(key=("city",))
    parsed = "strptime(\"sold\", '%d.%m.%Y')"
    assert table(split_by="time:sold", time=parsed).split == ByTime(column=parsed)


@pytest.mark.parametrize(
    ("rows", "how"),
    [(9_999, "cv:5"), (10_000, "cv:3"), (29_999, "cv:3"), (30_000, "holdout")],
)
def test_a_small_table_is_validated_by_folds(rows, how):
    assert table(rows=rows).validation == how


@pytest.mark.parametrize(
    ("data", "name"),
    [
        ("/data/houses.csv.gz", "houses-price"),
        ("/data/my houses (2).csv", "my-houses-2--price"),
        ("/data/houses/", "houses-price"),
        ("/data/*.csv", "data-price"),
        ("/data/visits/*/*.csv", "visits-price"),
        ("/data/sales/year=*/[0-9].csv", "sales-price"),
        ("/data/sales-20*.csv", "sales-20--price"),
        ("/*.csv", "price"),
        ("s3://bucket/2023/houses.parquet", "houses-price"),
        ("/data/größe.csv", "gr-e-price"),
        ("/", "price"),
    ],
)
def test_an_inferred_dataset_is_named_after_its_file_and_target(data, name):
    assert table(data).name == name


@pytest.mark.parametrize("target", ["größe in m²", "価格", "../x", "a/b:c", "-", "#"])
def test_a_target_of_any_name_gives_a_valid_dataset_name(target):
    dataset = from_table(FOUND, target, "/data/*.csv", "auto")
    assert from_yaml(to_yaml(dataset), "x") == dataset


def test_a_signature_is_no_part_of_a_name_and_is_not_written():
    dataset = table("https://host/my.houses.csv?X-Amz-Signature=abc/hush.csv")
    assert dataset.name == "my-price"
    assert dataset.description == "price of my."
    text = to_yaml(dataset, comments(FOUND, dataset.split))
    assert "hush" not in text
    assert "data: https://host/my.houses.csv?...\n" in text
