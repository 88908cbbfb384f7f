import csv
import datetime as dt
import io
import json
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn import datasets as sklearn_datasets
from table_files import write_table

from sql_features.errors import WorkflowError
from sql_features.expressions import columns_of, connect
from sql_features.transformer import SqlFeatures
from workflow.data import readers
from workflow.data.column_reading import Reading, type_of
from workflow.schema.column_roles import sql_name
from workflow.schema.column_stats import NARROW, Table
from workflow.schema.infer import Inferred, infer
from workflow.schema.leakage import LEAK, PAIRED

DATA = Path("/work/shared/data")
RANDOM = np.random.default_rng(3)
N = 400
PRICE = RANDOM.normal(100, 20, N).round(2)  # a target that nothing below predicts


class Maker:
    """Writes tables and infers what they are."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def infer(self, suffix: str = ".csv", *, target: str = "y", **columns: object) -> Inferred:
        options = {key: columns.pop(key) for key in ("task", "split_by") if key in columns}
        columns = columns if target in columns else columns | {target: PRICE}
        return infer([self.write(suffix, **columns)], target=target, **options)

    def write(self, suffix: str, **columns: object) -> Path:
        return write_table(pd.DataFrame(columns), self.folder / f"t{suffix}")

    def refusal(self, **columns: object) -> str:
        with pytest.raises(WorkflowError) as caught:
            self.infer(**columns)
        assert "\n" not in str(caught.value)
        return str(caught.value)


@pytest.fixture
def maker(tmp_path: Path) -> Maker:
    return Maker(tmp_path)


def some(*values: object, n: int = N) -> list:
    """Return n of the values, by chance, each at least once where n allows it."""
    picked = [values[i] for i in RANDOM.integers(0, len(values), n)]
    picked[: len(values)] = values[:n]
    return picked


# Real tables, as a careful analyst would describe them.


@pytest.mark.skipif(not DATA.exists(), reason="needs the shared data")
def test_bike_sharing_is_inferred_without_the_parts_of_the_count():
    inferred = infer([DATA / "bike_sharing_hourly.csv"], target="cnt", split_by="time:dteday")
    assert (inferred.task, inferred.target) == ("regression", "cnt")
    assert inferred.time == "dteday"
    assert inferred.columns["dteday"] == Reading(type="DATE", format=("%m/%d/%y",))
    assert inferred.columns["hr2"] == Reading(type="TIME", format=("%I %p",))
    parts = ["year", "month", "day", "day_of_week", "day_of_year", "time"]
    assert list(inferred.features) == [
        *(f"dteday_{part}" for part in parts),
        *("season", "yr", "mnth", "hr", "holiday", "weekday", "workingday", "weathersit"),
        *("temp", "atemp", "hum", "windspeed", "mnth2", "weekday2", "hr2"),
    ]
    assert inferred.features["dteday_day_of_week"] == "isodow(dteday)"
    assert inferred.features["hr2"] == "epoch(hr2) / 3600"
    assert inferred.features["temp"] == "temp"
    leak = f"casual + registered = cnt: {LEAK}"
    assert inferred.left_out["casual"] == inferred.left_out["registered"] == leak
    assert "counts rows" in inferred.left_out["X"]
    assert "counts rows" in inferred.left_out["instant"]
    assert "has no name" in inferred.left_out["column0"]
    assert len(inferred.left_out) == 5
    assert inferred.columns["hr"] == "DOUBLE"
    assert (inferred.rows, inferred.rows_without_target) == (17520, 0)


@pytest.mark.skipif(not DATA.exists(), reason="needs the shared data")
def test_california_housing_is_inferred_with_every_column():
    inferred = infer([DATA / "california_housing.csv"], target="Price")
    assert (inferred.task, inferred.target, inferred.left_out) == ("regression", "Price", {})
    assert len(inferred.features) == 9
    assert all(name == sql for name, sql in inferred.features.items())
    assert inferred.columns["ocean_proximity"] == "VARCHAR"
    assert "1.0 % missing" in inferred.notes["total_bedrooms"]


@pytest.mark.parametrize(
    "name, task, features, left_out",
    [
        ("breast_cancer", "binary", 30, []),
        ("wine", "multiclass", 13, []),
        ("iris", "multiclass", 4, []),
        ("digits", "multiclass", 61, ["pixel_0_0", "pixel_4_0", "pixel_4_7"]),
    ],
)
def test_tables_of_scikit_learn_are_inferred(tmp_path, name, task, features, left_out):
    frame = getattr(sklearn_datasets, f"load_{name}")(as_frame=True).frame
    frame.to_csv(tmp_path / "t.csv", index=False)
    inferred = infer([tmp_path / "t.csv"], target="target")
    assert (inferred.task, inferred.target) == (task, "target")
    assert inferred.columns["target"] == "BIGINT"
    assert len(inferred.features) == features
    assert list(inferred.left_out) == left_out


# The task.


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".jsonl"])
@pytest.mark.parametrize(
    "values, task",
    [
        ((True, False), "binary"),
        (("yes", "no"), "binary"),
        ((0, 1), "binary"),
        ((1.5, 2.5), "binary"),
        (("a", "b", "c"), "multiclass"),
        ((1, 2, 3), "multiclass"),
        ((1.0, 2.0, 3.0, None), "multiclass"),
        ((1.0, 2.5, 3.0), "regression"),
        (tuple(range(30)), "regression"),
        (("a", "b", None), "binary"),
    ],
)
def test_the_task_follows_from_the_target(maker, suffix, values, task):
    inferred = maker.infer(suffix, x=PRICE, y=some(*values))
    assert inferred.task == task
    with connect() as connection:
        scan = readers.scan([maker.folder / f"t{suffix}"], inferred.columns)
        query = f"SELECT DISTINCT {inferred.target} AS y FROM {scan} WHERE y IS NOT NULL"
        labels = {value for (value,) in connection.execute(query).fetchall()}
    assert labels == {value for value in values if value is not None}
    if all(isinstance(value, str) or value in (None, 0, 1, 2, 3) for value in values):
        assert {type(label) for label in labels} <= {int, str, bool}


def test_the_reason_for_the_task_is_said(maker):
    assert maker.infer(x=PRICE, y=some("a", "b", "c")).why == "'y' has 3 different texts"
    assert maker.infer(x=PRICE, y=some(0, 1)).why == "'y' has 2 different whole numbers"


def test_few_rows_of_each_whole_number_are_a_regression(maker):
    x = RANDOM.normal(size=12)
    assert maker.infer(x=x, y=[1, 2, 3, 4] * 3).task == "regression"


def test_the_task_that_is_given_holds_where_it_can(maker):
    assert maker.infer(x=PRICE, y=some(1, 2, 3), task="regression").task == "regression"
    assert maker.infer(x=PRICE, y=some(*range(30)), task="classification").task == "multiclass"
    assert maker.infer(x=PRICE, y=some(0, 1), task="classification").task == "binary"
    assert maker.infer(x=PRICE, y=some(True, False), task="regression").task == "regression"


@pytest.mark.parametrize(
    "values, task, words",
    [
        (some("a", "b"), "regression", "needs numbers"),
        (some(1, 2, 3), "binary", "which is multiclass, not binary"),
        (some(1, 2), "multiclass", "which is binary, not multiclass"),
        (PRICE, "classification", "too many for classes"),
        ([f"n{n}" for n in range(N)], "auto", "too many for classes"),
        ([f"n{n % 250}" for n in range(N)], "auto", "too many for classes"),
        (some(5), "auto", "the same value in all of 400 rows"),
        ([None] * N, "auto", "no value in any of 400 rows"),
        (some("2011-01-31", "2012-01-31"), "auto", "holds dates (ISO)"),
    ],
)
def test_a_target_that_cannot_be_learned_is_refused(maker, values, task, words):
    assert words in maker.refusal(x=PRICE, y=values, task=task)


def test_an_unknown_target_is_refused_with_the_columns(maker):
    with pytest.raises(WorkflowError, match=r"did you mean 'Price'.*Allowed: Price, x"):
        infer([maker.write(".csv", Price=PRICE, x=PRICE)], target="price")


def test_rows_without_a_target_are_counted(maker):
    values = [*PRICE[:-3], None, np.inf, np.nan]
    inferred = maker.infer(x=RANDOM.normal(size=N), y=values)
    assert (inferred.rows, inferred.rows_without_target) == (N, 3)


def test_a_target_of_numbers_with_a_few_words_is_a_regression(maker):
    inferred = maker.infer(x=RANDOM.normal(size=N), y=["no sale", *map(str, PRICE[1:])])
    assert (inferred.task, inferred.target) == ("regression", "y")
    assert inferred.columns["y"] == Reading(type="DOUBLE", invalid="missing")
    assert inferred.rows_without_target == 1


# Features.


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".jsonl"])
def test_numbers_booleans_and_categories_are_features_as_they_are(maker, suffix):
    inferred = maker.infer(
        suffix,
        number=RANDOM.normal(size=N),
        gaps=some(1.0, 2.0, None),
        flag=some(True, False),
        few=some("red", "green", None),
        many=[f"zone {n % 300}" for n in RANDOM.permutation(N)],
    )
    assert inferred.features == {name: name for name in ("number", "gaps", "flag", "few", "many")}
    assert inferred.left_out == {}
    expected = {"number": "DOUBLE", "gaps": "DOUBLE", "flag": "BOOLEAN", "few": "VARCHAR"}
    expected |= {"many": "VARCHAR", "y": "DOUBLE"}
    assert inferred.columns == ({} if suffix == ".parquet" else expected)


def test_texts_that_are_mostly_numbers_are_numbers(maker):
    few = [f"{n} apples" if n % 20 == 0 else str(n % 7) for n in range(N)]
    inferred = maker.infer(mixed=few, not_mixed=some("a", "1", "2"))
    assert inferred.features == {"mixed": "mixed", "not_mixed": "not_mixed"}
    assert inferred.columns["mixed"] == Reading(type="DOUBLE", invalid="missing")
    assert inferred.notes["mixed"] == "numbers, but for 20 texts of 400"
    assert inferred.columns["not_mixed"] == "VARCHAR"


def test_numbers_with_commas_are_numbers(maker):
    inferred = maker.infer(
        decimal=[f"{n % 90},{n % 10}" for n in range(N)],
        thousands=some("1,234", "999", "12,345.5"),
    )
    assert inferred.features == {"decimal": "decimal", "thousands": "thousands"}
    assert inferred.columns["decimal"] == Reading(type="DOUBLE", decimal=",")
    assert inferred.columns["thousands"] == Reading(type="DOUBLE", group=",")


NUMBERS = RANDOM.normal(3_000, 400, N).round(2)


def euro(number: float) -> str:
    return f"{number:,.2f}".replace(",", "_").replace(".", ",").replace("_", ".")


@pytest.mark.parametrize(
    "write, reading",
    [
        (euro, {"decimal": ",", "group": "."}),
        (lambda one: f"{one:.2f}".replace(".", ","), {"decimal": ","}),
        (lambda one: f"${one:,.2f}", {"group": ",", "strip": ("$",)}),
        (lambda one: f"{one:.2f} EUR", {"strip": ("EUR",)}),
        (lambda one: f"{one:.1f}%", {"strip": ("%",)}),
        (lambda one: f"{one:.1f} m2", {"strip": ("m2",)}),
        (lambda one: f"{one:,.2f}".replace(",", "\u00a0"), {"group": " "}),
        (lambda one: f"{one:,.2f}".replace(",", "'"), {"group": "'"}),
        (lambda one: f"({one:.2f})" if one > 4_000 else f"{one:.2f}", {"negative": "parentheses"}),
        (lambda one: f"{one:.2f}-" if one > 4_000 else f"{one:.2f}", {"negative": "trailing"}),
    ],
)
@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".jsonl"])
def test_numbers_are_found_however_they_are_written(maker, suffix, write, reading):
    texts = [write(one) for one in NUMBERS]
    inferred = maker.infer(suffix, x=texts)
    assert inferred.features == {"x": "x"}
    assert inferred.columns["x"] == Reading(type="DOUBLE", **reading)
    assert inferred.doubts == {}
    # A number is the target as well as it is a feature.
    inferred = maker.infer(suffix, x=RANDOM.normal(size=N), y=texts)
    assert (inferred.task, inferred.target) == ("regression", "y")
    assert inferred.columns["y"] == Reading(type="DOUBLE", **reading)


def test_thousands_are_told_from_decimals_by_the_other_columns(maker):
    points = some("5.466", "283.274", "199", n=N)
    comma, point = [f"{n},5" for n in range(N)], [f"{n}.5" for n in range(N)]
    # Whole numbers: pandas makes 283.274 of the text, which a model then refuses.
    both = Reading(type="BIGINT", decimal=",", group=".")
    inferred = maker.infer(y=comma, x=points)
    assert inferred.columns["x"] == both
    assert "5.466 as 5466" in inferred.doubts["x"] and "x: DOUBLE" in inferred.doubts["x"]
    inferred = maker.infer(y=point, x=points)
    assert inferred.columns["x"] == "DOUBLE" and inferred.doubts == {}
    inferred = maker.infer(y=comma, x=some("1,234", "567"))
    assert inferred.columns["x"] == Reading(type="DOUBLE", decimal=",")


def test_what_cannot_be_known_of_points_is_said_with_both_readings(maker):
    whole = [str(n) for n in RANDOM.permutation(N)]
    inferred = maker.infer(x=some("5.466", "283.274", "199"), y=whole, other=some("a", "b"))
    assert inferred.columns["x"] == "DOUBLE"
    assert inferred.doubts == {
        "x": "column 'x': 5.466 as 5.466, 283.274 as 283.274, 199 as 199: nothing in the file "
        "tells which of two readings is right; if they are 5466, 283274, 199, write columns: "
        "{x: {type: DOUBLE, decimal: ',', group: .}} in the dataset file."
    }
    inferred = maker.infer(x=some("5,466", "283,274", "199"), y=whole)
    assert inferred.columns["x"] == Reading(type="DOUBLE", group=",")
    assert "if they are 5.466, 283.274, 199, write" in inferred.doubts["x"]


def test_the_texts_of_a_doubt_are_numbers_where_some_texts_are_not(maker):
    points = [f"{1 + n}.{100 + n}" for n in RANDOM.permutation(N)]
    points[:2] = ["no idea", "gone"]
    inferred = maker.infer(y=[f"{n},5" for n in range(N)], x=points)
    assert inferred.columns["x"].invalid == "missing"
    first = min(points[2:])
    assert inferred.doubts["x"].startswith(f"column 'x': {first} as {first.replace('.', '')}, ")


@pytest.mark.parametrize(
    ("write", "signs"),
    [
        (lambda n, x: f"{x}k" if n % 3 else f"{x}", ["k", None]),
        (lambda n, x: f"{x} kg" if n != 7 else f"{x}", ["kg", None]),
        (lambda n, x: f"{x} kg" if n % 2 else f"{x} g", ["g", "kg"]),
        (lambda n, x: f"${x}" if n % 2 else f"{x} EUR", ["$", "EUR"]),
        (lambda n, x: f"{x}%" if n % 2 else f"{x}", ["%", None]),
    ],
)
@pytest.mark.parametrize("distinct", [400, 60])
def test_numbers_of_several_units_stay_texts_and_are_said(maker, write, signs, distinct):
    numbers = [n % distinct + 0.5 for n in RANDOM.permutation(N)]
    inferred = maker.infer(x=[write(n, x) for n, x in enumerate(numbers)], z=PRICE[::-1])
    assert "x" in inferred.left_out or inferred.columns["x"] == "VARCHAR"
    said = [f"'{sign}'" if sign else "none" for sign in signs]
    either = [f"numbers of different units ({' or '.join(one)})" for one in (said, said[::-1])]
    doubt = inferred.doubts["x"]
    assert any(one in doubt for one in either) and "{x: {type: DOUBLE, strip: [" in doubt
    taken = "left out" if "x" in inferred.left_out else "taken for a category"
    assert f", and is {taken}: give them one unit" in doubt


def test_a_number_without_the_unit_of_the_others_may_be_zero(maker):
    inferred = maker.infer(x=[f"${n}" if n else "0" for n in RANDOM.integers(0, 90, N)])
    assert inferred.columns["x"] == Reading(type="DOUBLE", strip=("$",))
    assert inferred.doubts == {}


def test_an_unknown_sign_of_all_numbers_is_said(maker):
    texts = [f"{3 * n}A" for n in RANDOM.permutation(N)]
    inferred = maker.infer(x=texts)
    assert inferred.columns["x"] == Reading(type="DOUBLE", strip=("A",))
    assert "'A' is taken for the unit of all its numbers, '" in inferred.doubts["x"]
    assert "if they are codes, write columns: {x: VARCHAR}" in inferred.doubts["x"]


@pytest.mark.parametrize(
    "write",
    [
        lambda x: f"<{x}",
        lambda x: f"{x}D-3",
        lambda x: f"{x}\u00b10.5",
        lambda x: f"{x}*",
        lambda x: f"{1 + x % 12:.0f}/{x:02.0f}",
        lambda x: f"{1 + x % 28:.0f} Maart {x:.0f}",
    ],
)
def test_what_looks_like_numbers_or_dates_is_not_left_out_in_silence(maker, write):
    inferred = maker.infer(x=[write(n + 0.25) for n in RANDOM.permutation(N)], z=PRICE[::-1])
    assert "x" in inferred.left_out or inferred.columns["x"] == "VARCHAR"
    doubt = inferred.doubts["x"]
    assert "different texts in 400 rows, with digits, such as " in doubt
    assert "if they are numbers or dates, say in the dataset file how they are written" in doubt


def test_identifiers_and_names_with_digits_are_not_warned_of(maker):
    codes = [f"ORD-{n:05d}" for n in RANDOM.permutation(N)]
    inferred = maker.infer(order=codes, ages=some("10-19", "20-29", "30-39"), z=PRICE[::-1])
    assert "order" in inferred.left_out and not inferred.doubts


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".jsonl"])
def test_texts_that_stand_for_a_gap_are_missing(maker, suffix):
    columns = {}
    for place, text in enumerate(("?", "-", ".", "\\N", "missing", "n.a.", "#DIV/0!", "no answer")):
        columns[f"c{place}"] = [
            text if n % 5 == place % 5 else f"{one}" for n, one in enumerate(NUMBERS)
        ]
        expected = Reading(type="DOUBLE", missing=(text,))
        columns_of_one = maker.infer(suffix, **columns).columns
        assert columns_of_one[f"c{place}"] == expected
    blank = {n: [one if one[0].isdigit() else None for one in c] for n, c in columns.items()}
    found, same = maker.infer(suffix, **columns), maker.infer(suffix, **blank)
    assert (found.features, found.notes) == (same.features, same.notes)


def test_several_texts_that_stand_for_a_gap_are_missing(maker):
    texts = [str(one) for one in NUMBERS]
    texts[:9] = ["?", " - ", "-", "N.A.", "#WERT!", "?", "12 apples", "", "NA"]
    reading = maker.infer(x=texts).columns["x"]
    assert reading.type == "DOUBLE" and reading.invalid == "missing"
    assert set(reading.missing) == {"?", "-", "N.A.", "#WERT!"}
    assert maker.infer(x=RANDOM.normal(size=N), y=texts).rows_without_target == 9


def test_two_texts_that_are_no_gaps_leave_a_category(maker):
    texts = ["low" if n % 4 == 0 else "high" if n % 4 == 1 else str(n % 50) for n in range(N)]
    inferred = maker.infer(x=texts)
    assert inferred.columns["x"] == "VARCHAR"
    assert inferred.doubts["x"] == (
        "column 'x': 200 of 400 texts are numbers, others are not, such as 'high', 'low', so it is "
        "taken for a category: if the others mean missing, write columns: {x: {type: DOUBLE, "
        "invalid: missing}} in the dataset file."
    )


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".jsonl"])
def test_digits_with_leading_zeros_stay_texts(maker, suffix):
    codes = {"zip": some("00501", "94110", "02139"), "varies": some("01", "7", "012")}
    inferred = maker.infer(suffix, **codes, n=some("0", "12", "7"), x=some("0.5", "00.7", "1"))
    assert inferred.columns["zip"] == Reading(type="VARCHAR", width=5)
    assert inferred.columns["varies"] == Reading(type="VARCHAR", width="varies")
    assert inferred.features["zip"] == "zip" and inferred.notes["zip"] == "3 different texts"
    assert inferred.columns["n"] == inferred.columns["x"] == "DOUBLE"
    inferred = maker.infer(suffix, x=RANDOM.normal(size=N), y=some("01", "02", "10"))
    assert (inferred.task, inferred.target) == ("multiclass", "y")
    assert inferred.columns["y"] == Reading(type="VARCHAR", width=2)


def test_one_code_with_a_leading_zero_among_thousands_is_found(maker):
    codes = [str(n) for n in RANDOM.integers(10_000, 10_200, 9_000)]
    codes[4321] = "00501"
    inferred = maker.infer(x=codes, y=RANDOM.normal(size=9_000))
    assert inferred.columns["x"] == Reading(type="VARCHAR", width=5)


def test_texts_with_digits_that_are_a_category_by_chance_are_said(maker):
    texts = [f"{n // 2}/{n % 7}/x" for n in range(0, 2 * N, 3)]
    texts += texts[: N - len(texts)]
    doubt = maker.infer(x=texts).doubts["x"]
    assert doubt.startswith("column 'x' has 267 different texts in 400 rows, with digits, such as ")
    assert "{x: {type: DOUBLE, strip: [kg]}}" in doubt and "'0/0/x', '1/3/x', '3/6/x'" in doubt


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".jsonl"])
def test_a_last_row_that_is_a_total_is_said(maker, suffix):
    areas = some("west", "north")
    doubts = maker.infer(suffix, area=[*areas, "Total"], y=[*PRICE, PRICE.sum()]).doubts
    assert "'Total' in the last row alone: if that row is the sum" in doubts["area"]
    assert maker.infer(suffix, area=[*areas[:-1], "total", "Total"], y=[*PRICE, 1.5]).doubts
    assert not maker.infer(suffix, area=["Total", *areas], y=[*PRICE, 1.5]).doubts
    assert not maker.infer(suffix, area=[*areas, "Total"] * 2, y=[*PRICE, 1.5] * 2).doubts


@pytest.mark.parametrize("values", [("Q1", "Q2"), ("5 PM", "6 PM"), ("5 kg", "7 lb"), ("A", "B7")])
def test_codes_and_different_units_are_no_numbers(maker, values):
    inferred = maker.infer(x=some(*values))
    assert type_of(inferred.columns["x"]) == ("TIME" if "5 PM" in values else "VARCHAR")


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".jsonl"])
def test_a_date_is_turned_into_its_parts_that_vary(maker, suffix):
    days = [dt.date(2011, 1, 1) + dt.timedelta(days=int(n)) for n in RANDOM.integers(0, 28, N)]
    texts = [day.strftime("%m/%d/%y") if n else None for n, day in enumerate(days)]
    inferred = maker.infer(suffix, day=texts)
    assert inferred.columns["day"] == Reading(type="DATE", format=("%m/%d/%y",))
    assert inferred.features == {
        "day_day": "day(day)",
        "day_day_of_week": "isodow(day)",
        "day_day_of_year": "dayofyear(day)",
        "day_time": "epoch(day) / 86400",
    }
    assert "%m/%d/%y, 0.2 % missing" in inferred.notes["day_time"]


def test_typed_dates_and_times_of_parquet_are_turned_into_features(maker):
    start = dt.datetime(2011, 1, 1)
    stamps = [start + dt.timedelta(minutes=int(n)) for n in RANDOM.integers(0, 900_000, N)]
    inferred = maker.infer(".parquet", at=stamps, time=[stamp.time() for stamp in stamps])
    assert inferred.features["at_hour"] == f"hour({sql_name('at')})"
    assert inferred.features["at_year"] and inferred.features["at_minute"]
    assert inferred.features["time"] == f"epoch({sql_name('time')}) / 3600"


def test_numbers_are_dates_only_where_the_name_says_so(maker):
    days = [int(f"2011{m:02d}{d:02d}") for m in range(1, 13) for d in range(1, 29)]
    days = some(*days)
    for suffix in (".csv", ".parquet", ".jsonl"):
        inferred = maker.infer(suffix, order_date=days, amount=days)
        assert inferred.features["order_date_month"] == "month(order_date)"
        assert inferred.features["amount"] == "amount"
        assert inferred.columns["order_date"] == Reading(type="DATE", format=("%Y%m%d",))


def test_days_and_months_are_in_one_order_in_all_columns_of_a_file(maker):
    days = [dt.date(2011, 1 + int(m), 1 + int(d)) for m, d in RANDOM.integers(0, 12, (N, 2))]
    later = [day + dt.timedelta(days=15) for day in days]
    texts = [[day.strftime("%d/%m/%Y") for day in those] for those in (days, later)]
    inferred = maker.infer(sold=texts[0], paid=texts[1])
    assert inferred.columns["sold"] == Reading(type="DATE", format=("%d/%m/%Y",))
    assert inferred.notes["sold_day"] == "dates, %d/%m/%Y, the day first as in other columns"
    assert not inferred.doubts
    alone = maker.infer(sold=texts[0], split_by="time:sold")
    assert alone.columns["sold"] == Reading(type="DATE", format=("%m/%d/%Y",))
    assert "{sold: {type: DATE, format: ['%d/%m/%Y']}}" in alone.doubts["sold"]


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".jsonl"])
def test_one_line_of_another_kind_makes_dates_no_category(maker, suffix):
    days = [str(dt.date(2011, 1, 1) + dt.timedelta(days=n)) for n in range(N)]
    inferred = maker.infer(suffix, sold=["Total", *days[1:]], units=["date", *days[1:]])
    iso = Reading(type="DATE", format=("ISO",), invalid="missing")
    assert inferred.columns["sold"] == inferred.columns["units"] == iso
    assert inferred.features["units_month"] == "month(units)"


def test_durations_are_seconds_as_features_and_as_the_target(maker):
    seconds = RANDOM.integers(0, 200_000, N)
    texts = [f"{n // 3600}:{n // 60 % 60:02}:{n % 60:02}" for n in seconds]
    laps = [f"{n // 60}:{n % 60:02}" for n in RANDOM.integers(0, 20_000, N)]
    inferred = maker.infer(lap=laps, y=[*texts[:-1], "did not finish"])
    assert inferred.columns["lap"] == Reading(type="DOUBLE", format=("m:s",))
    assert inferred.columns["y"] == Reading(type="DOUBLE", format=("h:m:s",), invalid="missing")
    assert (inferred.task, inferred.target, inferred.rows_without_target) == ("regression", "y", 1)


@pytest.mark.parametrize(
    "name, feature",
    [
        ("a b", "a b"),
        ("a,b", "a b"),
        (" a ", "a"),
        ("all", "all_2"),
        ("Search", "Search_2"),
        ("line\nbreak", "line break"),
        (",", "column"),
    ],
)
def test_a_feature_gets_a_valid_name(maker, name, feature):
    inferred = maker.infer(**{name: RANDOM.normal(size=N)})
    assert list(inferred.features) == [feature]


def test_feature_names_are_unique_whatever_their_case(maker):
    days = some("2011-01-01", "2012-02-02")
    inferred = maker.infer(day=days, DAY_YEAR=RANDOM.normal(size=N))
    assert len({name.casefold() for name in inferred.features}) == len(inferred.features)
    assert inferred.features["DAY_YEAR_2"] == "DAY_YEAR"


# What is left out.


@pytest.mark.parametrize(
    "name, values, words",
    [
        ("constant", some("a"), "the same value"),
        ("nothing", [None] * N, "no value"),
        ("customer_id", RANDOM.choice(10**9, N, replace=False), "identifier"),
        ("PassengerId", RANDOM.choice(10**9, N, replace=False), "identifier"),
        ("n", RANDOM.permutation(N) + 1, "every whole number from 1 to 400"),
        ("counter", np.arange(N) * 0.5, "grows from row to row"),
        ("code", [f"x{n}" for n in RANDOM.permutation(N)], "an identifier: 400 different texts"),
        ("review", [f"it was the {n}th of {n} good books" for n in range(N)], "free text"),
        ("infinite", some(np.inf, -np.inf), "no finite number"),
        ("launched", some("2011-01-31", None), "the same date"),
        ("Target", some(1, 2), "means the target"),
        ("current_date", some("2011-01-31", "2012-01-31"), "means the clock"),
        ("copy", PRICE, "a copy of y: gives the target away"),
        ("cents", 100 * PRICE + 7, "gives the target away"),
        ("far", RANDOM.permutation(N) + 5, "every whole number"),
    ],
)
def test_a_column_that_would_mislead_is_left_out(maker, name, values, words):
    inferred = maker.infer(good=RANDOM.normal(size=N), **{name: values})
    assert list(inferred.features) == ["good"]
    assert words in inferred.left_out[name]
    assert name not in inferred.columns


def test_sums_that_equal_the_target_are_left_out_one_after_the_other(maker):
    parts = RANDOM.integers(0, 100, (N, 4))
    inferred = maker.infer(
        good=RANDOM.normal(size=N),
        a=parts[:, 0],
        b=parts[:, 1],
        gross=parts[:, 0] + parts[:, 1] + parts[:, 2],
        rebate=parts[:, 2],
        y=parts[:, 0] + parts[:, 1],
    )
    assert list(inferred.features) == ["good"]
    assert inferred.left_out["a"] == inferred.left_out["b"] == f"a + b = y: {LEAK}"
    assert inferred.left_out["gross"] == f"gross - rebate = y: {LEAK}"


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
@pytest.mark.parametrize("rows", [40, N])
def test_a_date_that_is_filled_only_for_one_class_is_left_out(maker, suffix, rows):
    churn = np.arange(rows) % 3 == 0
    opened = pd.Timestamp("2024-01-01") + pd.to_timedelta(RANDOM.integers(0, 500, rows), unit="D")
    inferred = maker.infer(
        suffix,
        opened_at=opened,
        closed_at=pd.Series(opened + pd.Timedelta(days=90)).where(churn),
        x=RANDOM.normal(size=rows),
        y=np.where(churn, "yes", "no"),
    )
    assert inferred.left_out == {"closed_at": f"filled exactly where y is 'yes': {LEAK}"}
    assert "opened_at_month" in inferred.features


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
@pytest.mark.parametrize("rows", [20, N])
def test_the_end_of_what_the_target_measures_is_left_out(maker, suffix, rows):
    start = pd.Timestamp("2024-01-01") + pd.to_timedelta(RANDOM.integers(0, 9**7, rows), unit="s")
    lasts = np.round(60 + RANDOM.gamma(2, 400, rows))
    dropoff = start + pd.to_timedelta(lasts, unit="s")
    inferred = maker.infer(
        suffix, pickup=start, dropoff=dropoff, x=RANDOM.normal(size=rows), y=lasts / 60
    )
    how = "dropoff - pickup: a copy of y, but for unit, start and rounding"
    assert inferred.left_out == {"dropoff": f"{how}: {LEAK}"}
    assert {"x", "pickup_hour"} <= set(inferred.features)


def test_dates_that_are_too_many_to_compare_say_so(maker):
    days = {f"d{n}": some("2011-01-31", "2012-02-28") for n in range(PAIRED + 1)}
    inferred = maker.infer(".parquet", **days)
    silent = {name for name, note in inferred.notes.items() if "not compared" not in note}
    assert {name for name in inferred.notes if name.startswith(f"d{PAIRED}_")}.isdisjoint(silent)
    assert len(silent) < len(inferred.notes)


def test_an_index_of_pandas_and_nested_values_are_left_out(tmp_path):
    frame = pd.DataFrame({"x": RANDOM.normal(size=N), "l": [[1]] * N, "b": [b"x\xff", b"y"] * 200})
    frame.assign(y=PRICE).set_index(pd.Index(some("a", "b"), name="key")).to_parquet(
        tmp_path / "t.parquet"
    )
    inferred = infer([tmp_path / "t.parquet"], target="y")
    assert list(inferred.features) == ["x"]
    assert "index" in inferred.left_out["key"]
    assert set(inferred.left_out) == {"key", "l", "b"}


def test_ordinary_columns_are_not_taken_for_identifiers(maker):
    inferred = maker.infer(
        humid=RANDOM.integers(0, 10**9, N),
        longitude=RANDOM.normal(size=N),
        sorted=np.sort(RANDOM.normal(size=N)),
        one_or_nothing=some("yes", None),
        user_id=some(*range(50)),
    )
    assert inferred.left_out == {}


def test_a_table_without_a_feature_is_refused_with_reasons(maker):
    said = maker.refusal(a=some("x"), b=np.arange(N))
    assert "a: the same value in every row; b: counts rows" in said
    assert "docs/datasets.md" in said
    assert "no other column" in maker.refusal()


# The time to split by.


@pytest.mark.parametrize(
    "column, values",
    [
        ("at", some("1/31/11", "2/28/11")),
        ("at", some("2011-01-31", "2011-02-28")),
        ("step", np.arange(N)),
    ],
)
def test_rows_can_be_split_by_a_date_or_a_number(maker, column, values):
    x = RANDOM.normal(size=N)
    inferred = maker.infer(x=x, **{column: values}, split_by=f"time:{column}")
    assert inferred.time == sql_name(column)
    assert column in inferred.columns  # though a counter is no feature
    assert maker.infer(x=x, **{column: values}).time is None


@pytest.mark.parametrize(
    "split_by, words",
    [
        ("time:zone", "These columns do: x, at."),
        ("time:y", "These columns do: x, at."),
        ("time:att", "did you mean 'at'"),
    ],
)
def test_rows_cannot_be_split_by_anything_else(maker, split_by, words):
    columns = {"x": RANDOM.normal(size=N), "at": some("1/31/11", "2/28/11"), "zone": some("a", "b")}
    assert words in maker.refusal(**columns, split_by=split_by)


# Whatever is in the files.


def test_several_files_are_one_table(maker, tmp_path):
    one = maker.write(".csv", x=RANDOM.normal(size=N), y=PRICE).rename(tmp_path / "one.csv")
    two = maker.write(".csv", y=PRICE, x=["?", *map(str, RANDOM.normal(size=N - 1))])
    inferred = infer([one, two], target="y")
    assert inferred.columns["x"] == Reading(type="DOUBLE", missing=("?",))
    assert inferred.rows == 2 * N


@pytest.mark.parametrize("content", ["a,y\n", "", "\n", "y\n1\n2\n", '{"a": 1', "a,y\n1\n"])
def test_a_broken_or_empty_file_is_refused_in_one_line(tmp_path, content):
    for suffix in (".csv", ".jsonl"):
        path = tmp_path / f"t{suffix}"
        path.write_text(content)
        with pytest.raises(WorkflowError) as caught:
            infer([path], target="y")
        assert "\n" not in str(caught.value)


def test_nothing_is_left_in_the_temporary_folder(maker, tmp_path, monkeypatch):
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    maker.infer(x=RANDOM.normal(size=N))
    maker.refusal()
    assert list(folder.iterdir()) == []


def test_the_same_table_is_inferred_alike_each_time(maker):
    columns = {"x": RANDOM.normal(size=N), "z": some("a", "b"), "leak": PRICE + 1}
    assert maker.infer(**columns) == maker.infer(**columns)


NAMES = st.sampled_from(
    [
        *("a", "A", "a b", "order", '"q"', "ß", "ss", "it's", "x,y", "target", "Target", "all"),
        *("date", "", "  ", "id", "line\nbreak", "row", "1", "{x}", "%s", "İ", "null", "column1"),
        *("c0", "goal", "current_date"),
    ]
)
ODD = [0, 1, 2.5, 10**25, 2**63, 1e300, "inf", "nan", "", None, True, "?", "1,5", "1/2/03", "a\n;"]
COLUMNS = st.sampled_from(
    [
        st.floats(-1e6, 1e6),
        st.sampled_from(ODD[:8]),
        st.sampled_from(ODD),
        st.sampled_from(["a", "b", ""]),
        st.sampled_from([True, False]),
        st.integers(0, 3),
        st.integers(20110101, 20110128),
        st.dates(dt.date(2011, 1, 1), dt.date(2012, 1, 1)).map(str),
        st.datetimes(dt.datetime(1990, 1, 1)).map(lambda t: t.strftime("%m/%d/%y %H:%M")),
        st.text(max_size=5).filter(lambda text: "\0" not in text),
        st.just(""),
    ]
)
ARROW = st.sampled_from(
    [
        (pa.float64(), st.floats()),
        (pa.int64(), st.integers(-(2**63), 2**63 - 1)),
        (pa.bool_(), st.booleans()),
        (pa.string(), st.sampled_from(["a", "b", "1", "2"])),
        (pa.timestamp("ns"), st.datetimes(dt.datetime(1990, 1, 1), dt.datetime(2030, 1, 1))),
        (pa.timestamp("us", "UTC"), st.datetimes(dt.datetime(1990, 1, 1))),
        (pa.date32(), st.dates(dt.date(1990, 1, 1))),
        (pa.time64("us"), st.times()),
        (pa.binary(), st.binary(max_size=3)),
        (pa.list_(pa.int64()), st.just([1])),
        (pa.null(), st.none()),
    ]
)


@st.composite
def files(draw: st.DrawFn) -> tuple[str, bytes, list[str], pd.DataFrame]:
    """Return a file's suffix, its bytes, its names, and what pandas makes of it."""
    suffix = draw(st.sampled_from([".csv", ".jsonl", ".parquet"]))
    unique = None if suffix == ".csv" else str
    names = draw(st.lists(NAMES, min_size=1, max_size=4, unique_by=unique))
    size = draw(st.sampled_from([0, 1, 3, 15, 40]))
    if suffix == ".parquet":
        arrays = []
        for type, values in (draw(ARROW) for _ in names):
            column = draw(st.lists(st.none() | values, min_size=size, max_size=size))
            arrays.append(pa.array(column, type))
        pq.write_table(pa.table(arrays, names=names), buffer := io.BytesIO())
        return suffix, buffer.getvalue(), names, pd.read_parquet(io.BytesIO(buffer.getvalue()))
    columns = [draw(st.lists(draw(COLUMNS), min_size=size, max_size=size)) for _ in names]
    rows = list(zip(*columns, strict=True))
    if suffix == ".jsonl":
        records = [dict(zip(names, row, strict=True)) for row in rows]
        return suffix, "\n".join(map(json.dumps, records)).encode(), names, pd.DataFrame(records)
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])))
    writer.writerows([names, *rows])
    content = text.getvalue().encode()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            frame = pd.read_csv(io.BytesIO(content))
    except (pd.errors.ParserError, pd.errors.EmptyDataError):
        frame = pd.DataFrame()
    return suffix, content, names, frame


@given(file=files(), data=st.data(), task=st.sampled_from(["auto", "classification", "regression"]))
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)
def test_any_table_is_inferred_or_refused_in_one_line(tmp_path, file, data, task):
    suffix, content, names, frame = file
    path = tmp_path / f"t{suffix}"
    path.write_bytes(content)
    target = data.draw(st.sampled_from(names))
    split_by = data.draw(st.sampled_from(["auto", *(f"time:{name}" for name in names)]))
    try:
        inferred = infer([path], target=target, task=task, split_by=split_by)
    except WorkflowError as error:
        assert "\n" not in str(error)
        return
    features = inferred.features
    assert features and len({name.casefold() for name in features}) == len(features)
    assert all(name.strip() and "," not in name for name in features)
    assert not {"all", "search"} & {name.casefold() for name in features}
    expressions = [*features.values(), inferred.target, *filter(None, [inferred.time])]
    used = frozenset().union(*(columns_of(sql, "expression") for sql in expressions))
    with connect() as connection:
        scan = readers.scan([path], inferred.columns)
        found = readers.columns(connection, scan)
        assert used <= set(found)
        if suffix != ".parquet":
            assert used == set(inferred.columns)
            expected = {name: type_of(one) for name, one in inferred.columns.items()}
            assert {name: found[name] for name in used} == expected
        # Not fetched as Python values: of a time with a zone that would need pytz.
        connection.sql(f"SELECT {', '.join(expressions)} FROM {scan}").to_arrow_table()
    # A model with these features takes the frame that pandas makes of the file.
    raw = frozenset().union(*(columns_of(sql, "feature") for sql in features.values()))
    assert raw <= set(frame.columns)
    texts = {n: one.given for n, one in inferred.columns.items() if isinstance(one, Reading)}
    columns = {name: found[name] for name in raw}
    readings = {name: reading for name, reading in texts.items() if name in raw}
    model = SqlFeatures(features, columns, readings=readings).fit(frame)
    if any(kind == "object" for kind in frame[list(raw)].dtypes):
        return
    # Of whole numbers with gaps pandas makes doubles: of the greatest 2^63, which is none of them.
    floats = frame[[name for name in raw if columns[name] == "BIGINT"]].select_dtypes("float")
    if (floats >= 2**63).any(axis=None):
        with pytest.raises(ValueError, match=r"has other digits|out of range"):
            model.transform(frame)
    else:
        assert model.transform(frame).shape[1] == len(features)


def test_queries_of_a_wide_tables_dates_read_few_columns(maker, monkeypatch):
    asked = []
    ask = Table.ask

    def noted(table, query):
        asked.append(query)
        return ask(table, query)

    monkeypatch.setattr(Table, "ask", noted)
    days = pd.date_range("2020-01-01", periods=N).strftime("%Y-%m-%d")
    columns = {f"d{n}": np.roll(days, 7 * n) for n in range(NARROW + 5)}
    inferred = maker.infer(**columns)
    assert len(inferred.features) == 6 * len(columns)  # of a date without a time of day
    counts = [query for query in asked if "dayofyear" in query]
    assert [query.count(' AS "d') for query in counts] == [NARROW, 5]
    assert not any("DISTINCT" in query for query in counts)
