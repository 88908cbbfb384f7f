import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from splits_of import ordinary, written

from sql_features.expressions import quote
from workflow.checks import data_checks, profile, split_scan
from workflow.data.split_rules import SPLITS

Frames = Mapping[str, pd.DataFrame]
Look = Callable[..., tuple[pd.DataFrame, dict[str, Any]]]


def looked_at(paths: Mapping[str, Path], columns: list[str], **given: object) -> tuple:
    known = {"task": "regression", "features": {f"f{n}": quote(c) for n, c in enumerate(columns)}}
    table, profile = data_checks.check(paths, **known, raw_types={}, **given)
    # It is plain JSON.
    assert json.loads(json.dumps(profile, allow_nan=False)) == profile
    return table, profile


@pytest.fixture
def look(tmp_path: Path) -> Look:
    def look(frames: Frames, task: str = "regression", **given: object) -> tuple:
        features = {f"f{n}": quote(c) for n, c in enumerate(frames["train"]) if c != "target"}
        return data_checks.check(
            written(frames, tmp_path), task=task, features=features, raw_types={}, **given
        )

    return look


def column(profile: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = [one for one in profile["columns"] if one["name"] == name]
    return found


def test_the_target_comes_first_then_the_columns_as_in_the_file(look):
    _, profile = look(ordinary())
    assert profile["rows"] == {"train": 600, "validation": 200, "test": 201}
    assert profile["sampled"] == profile["rows"]
    roles = [(one["name"], one["role"], one["kind"]) for one in profile["columns"]]
    assert roles == [
        ("target", "target", "number"),
        ("x", "feature column", "number"),
        ("colour", "feature column", "text"),
    ]


def test_numbers_have_a_summary_of_each_split(look):
    frames = ordinary()
    frames["train"]["x"] = frames["train"]["x"].where(frames["train"]["x"] < 1)
    found = column(look(frames)[1], "x")
    for split, frame in frames.items():
        said = frame["x"].describe()
        of_pandas = {
            f"p{name[:-1]}" if name[-1] == "%" else name: said[name] for name in said.index
        }
        assert found["summary"][split] == pytest.approx(
            {name: value for name, value in of_pandas.items() if name != "count"}, rel=1e-5
        )
        assert found["missing"][split] == pytest.approx(frame["x"].isna().mean(), rel=1e-5)
        assert found["distinct"][split] == frame["x"].nunique()


def test_shares_are_of_the_rows_with_a_value_and_bins_are_trains(look):
    frames = ordinary()
    frames["test"]["x"] = [np.nan, *[1e6] * 100, *[0.001] * 100]
    found = column(look(frames)[1], "x")
    edges = np.array(found["edges"])
    assert edges[0] <= frames["train"]["x"].min()
    assert edges[-1] >= frames["train"]["x"].max()
    assert len(found["shares"]["train"]) == len(edges) - 1
    assert sum(found["shares"]["train"]) == pytest.approx(1, abs=1e-4)
    assert found["outside"] == {"train": 0, "validation": 0, "test": 100}
    assert max(found["shares"]["test"]) == 0.5
    counts, _ = np.histogram(frames["train"]["x"], edges)
    assert found["shares"]["train"] == pytest.approx(counts / 600, abs=1e-5)


def test_texts_are_the_most_frequent_of_train_and_all_others(look):
    frames = ordinary()
    frames["train"]["colour"] = np.repeat([f"<b>{place}" for place in range(12)], 50)
    frames["test"]["colour"] = "<b>3"
    found = column(look(frames)[1], "colour")
    top = sorted(f"<b>{place}" for place in range(12))[:10]
    assert found["values"] == [*top, "other values"]
    assert found["shares"]["train"][-1] == pytest.approx(1 / 6, rel=1e-4)
    assert dict(zip(found["values"], found["shares"]["test"], strict=True))["<b>3"] == 1
    assert "edges" not in found
    assert found["distinct"] == {"train": 12, "validation": 3, "test": 1}


def test_few_texts_have_no_bin_of_other_values(look):
    found = column(look(ordinary())[1], "colour")
    assert sorted(found["values"]) == ["blue", "green", "red"]


def test_labels_are_short_in_one_line_and_differ(look):
    frames = ordinary()
    texts = ["", " ", "a\n b", *(f"{'z' * 60}{one}" for one in "123")]
    frames["train"]["colour"] = np.resize(texts, 600)
    labels = column(look(frames)[1], "colour")["values"]
    assert labels[:3] == ["''", "' '", "a b"]
    cut = "z" * 39 + "…"
    assert labels[3:] == [cut, f"{cut} (2)", f"{cut} (3)", "other values"]


def test_classes_are_texts_whatever_they_are(look):
    frames = {s: f.assign(target=np.resize([2, 2, 1], len(f))) for s, f in ordinary().items()}
    found = column(look(frames, "binary")[1], "target")
    assert (found["kind"], found["values"]) == ("text", ["2", "1"])
    assert found["shares"]["train"] == pytest.approx([2 / 3, 1 / 3], rel=1e-4)


def test_booleans_are_false_or_true(look):
    frames = {split: frame.assign(x=frame["x"] > 5) for split, frame in ordinary().items()}
    frames["test"]["x"] = True
    found = column(look(frames)[1], "x")
    assert (found["kind"], found["values"]) == ("boolean", ["false", "true"])
    assert (found["shares"]["train"], found["shares"]["test"]) == ([1, 0], [0, 1])


def test_times_of_all_splits_are_drawn_together(look):
    frames = ordinary()
    for place, frame in enumerate(frames.values()):
        hours = pd.to_timedelta(np.arange(len(frame)) + place * 600, unit="h")
        frame["when"] = pd.Timestamp("2024-01-01") + hours
    found = column(look(frames)[1], "when")
    assert found["kind"] == "time"
    assert found["summary"]["train"] == {"min": "2024-01-01T00:00:00", "max": "2024-01-25T23:00:00"}
    assert found["edges"][0] <= "2024-01-01T00:00:00"
    assert found["outside"] == dict.fromkeys(SPLITS, 0)
    assert [sum(found["shares"][split][-9:]) > 0 for split in SPLITS] == [False, False, True]
    assert found["drift"] == found["drift_level"] == {"validation": None, "test": None}
    assert "a split by time shifts it" in found["why"]


def test_drift_is_what_the_checks_have_found(look):
    frames = ordinary()
    frames["test"]["x"] += 1
    table, profile = look(frames)
    assert column(profile, "x")["drift_level"] == {"validation": "ok", "test": "warning"}
    shifts = table.query("check == 'shift'").set_index(["column", "split"])
    for one in profile["columns"]:
        assert one["why"] is None
        for split in ("validation", "test"):
            finding = shifts.loc[one["name"], split]
            assert one["drift"][split] == finding["value"]
            assert one["drift_level"][split] == finding["level"]


def test_a_column_that_rows_are_split_by_is_drawn_but_not_compared(look):
    found = column(look(ordinary(), ordered_by={"X"})[1], "x")
    assert found["drift"] == {"validation": None, "test": None}
    assert found["why"].endswith("rows are split by it.")
    assert len(found["shares"]["train"]) > 10


def test_a_split_without_a_row_or_a_value_has_no_shares(look):
    frames = ordinary()
    frames["test"] = frames["test"].head(0)
    frames["validation"] = frames["validation"].head(1)
    frames["train"]["x"] = np.nan
    _, profile = look(frames)
    assert profile["rows"] == {"train": 600, "validation": 1, "test": 0}
    x, target = column(profile, "x"), column(profile, "target")
    assert x["missing"] == {"train": 1, "validation": 0, "test": None}
    assert (x["edges"], x["outside"]) == ([], {"train": 0, "validation": 1, "test": 0})
    assert x["shares"] == {"train": None, "validation": [], "test": None}
    assert x["summary"]["train"] is None
    assert target["shares"]["test"] is None
    assert target["drift"]["test"] is target["drift_level"]["test"] is None
    assert target["summary"]["validation"]["std"] is None  # of one row


def test_splits_without_a_row_have_a_profile(look):
    _, profile = look({split: frame.head(0) for split, frame in ordinary().items()})
    assert set(profile["rows"].values()) == {0}
    assert all(one["why"] == "there are no rows to compare." for one in profile["columns"])


def test_of_a_long_split_a_sample_is_drawn_and_all_rows_are_counted(look, monkeypatch):
    monkeypatch.setattr(split_scan, "SAMPLED", 100)
    frames = ordinary()
    frames["train"].loc[:59, "x"] = np.nan
    _, profile = look(frames)
    assert profile["rows"]["train"] == 600
    assert profile["sampled"]["train"] < 200
    assert column(profile, "x")["missing"]["train"] == 0.1


def test_the_size_of_a_profile_is_bounded_whatever_the_columns(look, monkeypatch):
    monkeypatch.setattr(profile, "DRAWN", 3)
    monkeypatch.setattr(profile, "LISTED", 5)
    frames = ordinary()
    for frame in frames.values():
        for place in range(4):
            frame[f"{'long' * 100}{place}"] = "w" * 10_000
    _, found = look(frames)
    assert found["unlisted"] == 2
    assert ["distinct" in one for one in found["columns"]] == [True, True, True, False, False]
    assert all(len(one["name"]) <= 100 for one in found["columns"])
    assert found["columns"][4]["drift_level"]["test"] == "ok"
    assert len(json.dumps(found)) < 10_000


def test_every_type_that_parquet_has_is_profiled(tmp_path):
    values = {
        "huge": "n::HUGEINT * 170141183460469231731687303715884105",
        "decimal": "CAST(n AS DECIMAL(38, 10)) / 7",
        "unsigned": "18446744073709551615::UBIGINT - n::UBIGINT",
        "float": "CASE n WHEN 1 THEN 'inf'::FLOAT WHEN 2 THEN 'nan'::FLOAT ELSE n / 3 END",
        "date": "CASE WHEN n = 1 THEN 'infinity'::DATE ELSE DATE '2020-01-01' + n::INT END",
        "clock": "TIME '10:00:00' + to_seconds(n)",
        "zoned": "TIMESTAMPTZ '2020-01-01 00:00:00+00' + to_hours(n)",
        "nanoseconds": "TIMESTAMP_NS '2020-01-01 00:00:00.000000001'",
        "duration": "to_days(n::INT)",
        "uuid": "uuid()",
        "list": "[n, NULL]",
        "struct": "{'a': n}",
        "map": "MAP {'a': n}",
        "blob": "'\\xAA'::BLOB",
        "nothing": "NULL::DOUBLE",
        "<script>alert(1)</script>": "'<script>'",
        "Case": "n",
        "case": "n",
        "target_": "n",
    }
    selected = ", ".join(f"{sql} AS {quote(name)}" for name, sql in values.items())
    paths = {split: tmp_path / f"{split}.parquet" for split in SPLITS}
    for rows, path in zip((30, 20, 1), paths.values(), strict=True):
        duckdb.sql(f"SELECT {selected}, n::DOUBLE AS target FROM range({rows}) t(n)").write_parquet(
            str(path)
        )
    columns = [name for name, *_ in duckdb.sql(f"DESCRIBE FROM '{paths['train']}'").fetchall()]
    _, profile = looked_at(paths, [name for name in columns if name != "target"])
    kinds = {one["name"]: one["kind"] for one in profile["columns"]}
    assert len(kinds) == len(values) + 1
    assert {kinds[name] for name in ("list", "struct", "map", "blob", "duration")} == {"other"}
    assert {kinds[name] for name in ("date", "clock", "zoned", "nanoseconds")} == {"time"}
    assert {kinds[name] for name in ("huge", "decimal", "unsigned", "float")} == {"number"}
    assert column(profile, "float")["missing"]["train"] == pytest.approx(2 / 30, rel=1e-4)
    assert column(profile, "clock")["summary"]["train"]["max"] == "10:00:29"
    assert column(profile, "date")["summary"]["train"]["max"] == "2020-01-30"
    assert column(profile, "<script>alert(1)</script>")["values"] == ["<script>"]


CELLS = {
    "number": st.none() | st.floats(),
    "whole": st.integers(-(2**63), 2**63 - 1),
    "text": st.none() | st.text(max_size=60),
    "boolean": st.none() | st.booleans(),
    "time": st.none() | st.datetimes(),
}
DTYPES = {"number": float, "whole": int, "text": "str", "boolean": "boolean", "time": "<M8[us]"}


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    data=st.data(),
    sizes=st.tuples(*[st.integers(0, 30)] * 3),
    kinds=st.sets(st.sampled_from(list(CELLS))),
)
def test_the_shares_of_any_tables_profile_are_those_of_its_rows(tmp_path, data, sizes, kinds):
    paths = {}
    for split, size in zip(SPLITS, sizes, strict=True):
        frame = pd.DataFrame({"target": np.arange(size, dtype=float)})
        for kind in sorted(kinds):
            cells = data.draw(st.lists(CELLS[kind], min_size=size, max_size=size))
            frame[kind] = (
                pd.array(cells, dtype=DTYPES[kind])
                if kind != "time"
                else pd.Series(cells, dtype=DTYPES[kind])
            )
        paths[split] = tmp_path / f"{split}.parquet"
        frame.to_parquet(paths[split], index=False)
    _, profile = looked_at(paths, sorted(kinds))
    for one in profile["columns"]:
        bins = len(one["values"]) if "values" in one else max(len(one["edges"]) - 1, 0)
        assert bins <= 43
        for split, size in zip(SPLITS, sizes, strict=True):
            assert (one["missing"][split] is None) == (size == 0)
            shares = one["shares"][split]
            if shares is None:
                assert size == 0 or one["missing"][split] == 1
                continue
            known = round(size * (1 - one["missing"][split]))
            beyond = one.get("outside", {split: 0})[split] / known
            assert len(shares) == bins
            assert sum(shares) + beyond == pytest.approx(1, abs=1e-3)
