import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
import skops.io
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from sql_features.errors import WorkflowError
from sql_features.transformer import SqlFeatures
from workflow.paths import PROJECT
from workflow.tracking.logged_models import TRUSTED

COLUMNS = {"a": "BIGINT", "b": "DOUBLE", "s": "VARCHAR", "t": "TIMESTAMP"}
FEATURES = {
    "pair": "a || '_' || s",
    "ratio": "b / a",
    "hour": "hour(t)",
    "upper": "upper(s)",
    "big": "b > 10",
    "filled": "coalesce(b, -1)",
    "log": "CASE WHEN b > 0 THEN ln(b) END",
}


def computed(
    features: dict[str, str],
    columns: dict[str, str],
    frame: pd.DataFrame,
    optional: list[str] | None = None,
) -> pd.DataFrame:
    return SqlFeatures(features, columns, optional).fit(frame).transform(frame)


def frame_of(rows: list[tuple]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    return frame.astype({"a": "Int64", "b": "float64", "s": "str", "t": "datetime64[us]"})


ROWS = st.lists(
    st.tuples(
        st.none() | st.integers(-(2**40), 2**40),
        st.none() | st.floats(),
        st.none() | st.text(st.characters(codec="utf-8"), max_size=5),
        st.none() | st.datetimes(pd.Timestamp(1900, 1, 1), pd.Timestamp(2200, 1, 1)),
    ),
    min_size=1,
    max_size=6,
)


@given(ROWS)
@settings(max_examples=20, deadline=None)
def test_a_row_alone_has_the_features_it_has_in_the_frame(rows):
    raw = frame_of(rows)
    sql = SqlFeatures(FEATURES, COLUMNS).fit(raw)
    whole = sql.transform(raw)
    alone = pd.concat([sql.transform(raw.iloc[[row]]) for row in range(len(raw))])
    pd.testing.assert_frame_equal(whole, alone, check_dtype=False, check_exact=True)


@given(ROWS)
@settings(max_examples=20, deadline=None)
def test_features_are_finite_doubles_text_or_missing(rows):
    features = computed(FEATURES, COLUMNS, frame_of(rows))
    assert list(features) == list(FEATURES)
    for name in ("ratio", "hour", "big", "filled", "log"):
        assert features[name].dtype == "float64"
        assert not np.isinf(features[name]).any()
    for name in ("pair", "upper"):
        assert all(isinstance(value, str) for value in features[name].dropna())


def test_the_order_and_the_index_of_200_000_rows_are_kept():
    numbers = np.random.default_rng(0).permutation(200_000)
    raw = pd.DataFrame({"a": numbers}, index=numbers[::-1])
    features = computed({"x": "a + 0", "s": "a || ''"}, {"a": "BIGINT"}, raw)
    assert (features["x"].to_numpy() == numbers).all()
    assert (features["s"].to_numpy() == numbers.astype(str)).all()
    assert features.index.equals(raw.index)


@pytest.mark.parametrize(
    "zones",
    [
        {"pickup": [74, 74], "dropoff": [75, 75]},
        {"pickup": [74.0, 74.0], "dropoff": [75.0, 75.0]},
        {"pickup": ["74", "74"], "dropoff": ["75", "75"]},
        {"pickup": pd.array([74, 74], dtype="Int64"), "dropoff": np.array([75, 75], dtype="int8")},
        {
            "pickup": pd.Series([74, 74.0], dtype=object),
            "dropoff": pd.Series(["75", 75], dtype=object),
        },
    ],
    ids=["integers", "doubles", "texts", "nullable", "objects"],
)
def test_a_number_becomes_the_same_text_from_any_dtype(zones):
    features = computed(
        {"PU_DO": "pickup || '_' || dropoff"},
        {"pickup": "BIGINT", "dropoff": "BIGINT"},
        pd.DataFrame(zones),
    )
    assert list(features["PU_DO"]) == ["74_75", "74_75"]


@pytest.mark.parametrize("expression", ["b", "1 / (b - b)", "CAST(b AS FLOAT)"])
def test_an_infinite_number_is_missing(expression):
    raw = pd.DataFrame({"b": [np.inf, -np.inf, np.nan]})
    assert computed({"x": expression}, {"b": "DOUBLE"}, raw)["x"].isna().all()


def test_nan_and_none_are_missing():
    raw = pd.DataFrame({"b": [np.nan, 1.0], "s": pd.Series([None, "x"], dtype=object)})
    features = computed({"x": "b", "y": "s"}, {"b": "DOUBLE", "s": "VARCHAR"}, raw)
    assert features.isna().to_numpy().tolist() == [[True, True], [False, False]]


@pytest.mark.parametrize("dtype", [object, "float64", "str"])
def test_a_column_without_values_may_have_any_dtype(dtype):
    raw = pd.DataFrame({"s": pd.Series([None, None], dtype=dtype)})
    assert computed({"y": "s"}, {"s": "VARCHAR"}, raw)["y"].isna().all()


def test_the_dtype_of_a_category_does_not_depend_on_the_rows():
    raw = pd.DataFrame({"s": ["x", None]})
    sql = SqlFeatures({"y": "s"}, {"s": "VARCHAR"}).fit(raw)
    among, alone = sql.transform(raw), sql.transform(raw.tail(1))
    assert alone["y"].dtype == among["y"].dtype == sql.transform(raw.head(0))["y"].dtype
    assert type(alone["y"].iloc[0]) is type(among["y"].iloc[1])


def test_an_optional_column_that_is_absent_is_missing():
    raw = pd.DataFrame({"a": [1]})
    features = computed(
        {"x": "a", "y": "coalesce(b, -1)", "z": "b"}, {"a": "BIGINT", "b": "DOUBLE"}, raw, ["b"]
    )
    assert features["y"].tolist() == [-1]
    assert features["z"].isna().all()


def test_all_columns_may_be_absent_where_all_are_optional():
    raw = pd.DataFrame({"other": [1, 2]})
    assert len(computed({"y": "b"}, {"b": "DOUBLE"}, raw, ["b"])) == 2


def test_needed_columns_that_are_absent_are_named():
    with pytest.raises(ValueError, match=r"^the model needs the columns a, t$"):
        computed(FEATURES, COLUMNS, pd.DataFrame({"s": ["x"]}), ["b"])


@pytest.mark.parametrize(
    ("type", "value"),
    [("BIGINT", "x"), ("BIGINT", 1e300), ("BIGINT", np.inf), ("TIMESTAMP", "x"), ("TINYINT", 300)],
)
def test_a_value_that_does_not_fit_its_type_is_an_error(type, value):
    raw = pd.DataFrame({"sound": [1], "wrong": [value]})
    columns = {"sound": "BIGINT", "wrong": type}
    with pytest.raises(ValueError, match=r"^features cannot be computed: .*column wrong"):
        computed({"x": "sound", "y": "wrong || ''"}, columns, raw)


def test_a_fraction_where_training_had_whole_numbers_is_refused():
    with pytest.raises(ValueError, match="column a"):
        computed({"x": "a"}, {"a": "BIGINT"}, pd.DataFrame({"a": [12.6]}))


@pytest.mark.parametrize(
    "expression",
    [
        "(SELECT content FROM read_text('/etc/hostname'))",
        "(SELECT count(*) FROM '/etc/passwd')",
        "(SELECT count(*) FROM glob('/etc/*'))",
        "getenv('HOME')",
    ],
)
def test_no_expression_reaches_a_file_or_the_environment(expression):
    # columns_of refuses all of these; this is what holds should one come past it.
    with pytest.raises(WorkflowError, match="does not fit the data"):
        computed({"x": expression}, {"a": "BIGINT"}, pd.DataFrame({"a": [1]}))


def test_no_expression_reaches_another_frame_of_the_process():
    secret = pd.DataFrame({"a": [42]})
    with pytest.raises(WorkflowError, match="does not fit the data"):
        computed({"x": "(SELECT a FROM secret)"}, {"a": "BIGINT"}, secret)


def test_further_columns_are_ignored():
    raw = pd.DataFrame({"a": [1], "junk": [object()], 0: [[]], "select": ["x"]})
    assert computed({"x": "a"}, {"a": "BIGINT"}, raw).to_dict("list") == {"x": [1.0]}


NAMES = st.sampled_from(["trip distance", 'say "hi"', "select", "größe", "frame", "it's", "a;b"])


@given(NAMES, NAMES)
@settings(max_examples=30, deadline=None)
def test_columns_and_features_may_have_any_name(column, feature):
    quoted = '"' + column.replace('"', '""') + '"'
    features = computed({feature: quoted}, {column: "DOUBLE"}, pd.DataFrame({column: [1.5]}))
    assert features.to_dict("list") == {feature: [1.5]}


def test_a_feature_may_have_the_name_of_another_raw_column():
    raw = pd.DataFrame({"a": [1.0], "b": [2.0]})
    features = computed({"a": "b", "b": "a + 10"}, {"a": "DOUBLE", "b": "DOUBLE"}, raw)
    assert features.to_dict("list") == {"a": [2.0], "b": [11.0]}


def test_a_comment_in_an_expression_hides_nothing_after_it():
    features = computed({"x": "a -- one", "y": "a"}, {"a": "DOUBLE"}, pd.DataFrame({"a": [1.0]}))
    assert features.to_dict("list") == {"x": [1.0], "y": [1.0]}


def test_an_empty_frame_gives_an_empty_frame():
    features = computed(FEATURES, COLUMNS, frame_of([]))
    assert list(features) == list(FEATURES)
    assert len(features) == 0


def test_the_given_frame_is_not_changed():
    raw = frame_of([(1, 2.0, "x", None)])
    before = raw.copy()
    computed(FEATURES, COLUMNS, raw)
    pd.testing.assert_frame_equal(raw, before)


def test_a_clone_is_unfitted_and_has_the_same_parameters():
    sql = SqlFeatures(FEATURES, COLUMNS, ["b"]).fit(None)
    copy = clone(sql)
    assert copy.get_params() == sql.get_params()
    with pytest.raises(NotFittedError):
        copy.transform(frame_of([]))


def test_fitting_tells_numbers_from_categories():
    assert SqlFeatures(FEATURES, COLUMNS).fit(None).kinds_ == {
        "pair": "category", "ratio": "number", "hour": "number", "upper": "category",
        "big": "number", "filled": "number", "log": "number",
    }  # fmt: skip


def test_fitting_refuses_an_expression_that_does_not_fit():
    with pytest.raises(WorkflowError, match=r"^feature 'x' does not fit the data: 'nosuch'"):
        SqlFeatures({"x": "nosuch"}, COLUMNS).fit(None)


def test_the_features_names_come_in_order():
    assert SqlFeatures(FEATURES, COLUMNS).fit(None).get_feature_names_out() == list(FEATURES)


def test_skops_saves_and_loads_it_with_the_trusted_types_alone():
    raw = frame_of([(1, 2.0, "x", pd.Timestamp(2023, 1, 1, 5)), (None, None, None, None)])
    sql = SqlFeatures(FEATURES, COLUMNS, ["b"]).fit(raw)
    dumped = skops.io.dumps(sql)
    assert set(skops.io.get_untrusted_types(data=dumped)) <= set(TRUSTED)
    loaded = skops.io.loads(dumped, trusted=list(TRUSTED))
    pd.testing.assert_frame_equal(loaded.transform(raw), sql.transform(raw))


def test_threads_each_get_the_features_of_their_own_frame():
    sql = SqlFeatures({"x": "a * 2", "s": "a || ''"}, {"a": "BIGINT"}).fit(None)
    frames = [pd.DataFrame({"a": np.arange(n, n + 500)}) for n in range(0, 64)]
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(sql.transform, frames))
    for raw, features in zip(frames, results, strict=True):
        assert (features["x"] == raw["a"] * 2).all()
        assert (features["s"] == raw["a"].astype(str)).all()


ZONED = """
import pandas as pd
from sql_features.transformer import SqlFeatures
raw = pd.DataFrame({"t": pd.to_datetime(["2023-01-01 05:00:00Z"])})
for type in ("TIMESTAMP WITH TIME ZONE", "TIMESTAMP"):
    print(SqlFeatures({"hour": "hour(t)"}, {"t": type}).fit(raw).transform(raw)["hour"][0])
"""


def test_the_hour_of_a_zoned_time_does_not_depend_on_the_machine():
    done = subprocess.run(
        [sys.executable, "-c", ZONED],
        env={**os.environ, "TZ": "Asia/Tokyo", "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["5.0", "5.0"]


@pytest.mark.parametrize(
    ("type", "format", "texts"),
    [
        ("DATE", "%d.%m.%Y", ["03.04.2024", "2024-04-03", "2024-04-03T00:00:00.000"]),
        ("TIMESTAMP", "%d.%m.%Y %H:%M", ["03.04.2024 00:00", "2024-04-03 00:00:00"]),
        ("TIME", ["%I:%M %p"], ["12:00 AM", "00:00:00"]),
    ],
)
def test_dates_that_json_has_made_iso_texts_are_read_in_any_format(type, format, texts):
    readings = {"moment": {"type": type, "format": format}}
    sql = SqlFeatures({"x": "epoch(moment)"}, {"moment": type}, readings=readings)
    found = sql.fit(None).transform(pd.DataFrame({"moment": texts}))
    assert found["x"].nunique() == 1 and found["x"].notna().all()
    with pytest.raises(ValueError, match="does not fit 3 April"):
        sql.transform(pd.DataFrame({"moment": ["3 April"]}))


def test_a_number_that_pandas_has_made_of_a_grouped_text_is_refused():
    readings = {"x": {"type": "BIGINT", "decimal": ",", "group": "."}}
    sql = SqlFeatures({"x": "x"}, {"x": "BIGINT"}, readings=readings).fit(None)
    assert sql.transform(pd.DataFrame({"x": ["283.274", "7"]}))["x"].tolist() == [283274, 7]
    assert sql.transform(pd.DataFrame({"x": [283274, 7]}))["x"].tolist() == [283274, 7]
    with pytest.raises(ValueError, match="no whole number in column x"):
        sql.transform(pd.DataFrame({"x": [283.274, 7]}))


@pytest.mark.parametrize(
    "type, values, words",
    [
        ("DATE", [1575158400000], "takes dates, or texts such as 2024-12-31 or"),
        ("TIMESTAMP", [pd.Timedelta(hours=1)], "takes dates, or texts such as 2024-12-31 or"),
        ("TIMESTAMP WITH TIME ZONE", [True], "takes dates, or texts such as 2024-12-31 or"),
        ("TIME", [7], "takes times of day, or texts such as 23:59:59, since it was TIME in"),
        ("DOUBLE", [pd.Timedelta(hours=1)], "takes numbers, or texts of numbers, since it was"),
        ("BIGINT", [pd.Timestamp("2024-01-01")], "takes numbers, or texts of numbers, since it"),
        ("BOOLEAN", [pd.Timestamp("2024-01-01")], "takes True and False, 1 and 0, or the texts"),
        ("INTERVAL", [7], "takes durations, such as of pandas.to_timedelta, since it was INTERVAL"),
    ],
)
def test_values_of_another_kind_are_refused_with_what_is_taken(type, values, words):
    frame = pd.DataFrame({"sold on": values})
    with pytest.raises(ValueError) as caught:
        computed({"x": '"sold on" IS NULL'}, {"sold on": type}, frame)
    said = str(caught.value)
    assert said.startswith(f"features cannot be computed: column sold on {words}")
    assert "it was given as " in said and "\n" not in said and "Unimplemented" not in said


def test_the_frames_of_features_share_no_index_with_what_was_given():
    raw = pd.DataFrame({"s": ["x", None], "a": [1.0, None]}, index=[7, 9])
    features = computed({"y": "s", "z": "a", "w": "a + 1"}, {"s": "VARCHAR", "a": "DOUBLE"}, raw)
    features.index.name = "row"
    features["z"] = features["z"].fillna(0)
    assert raw.index.name is None
    expected = pd.DataFrame(
        {"y": ["x", None], "z": [1.0, 0.0], "w": [2.0, np.nan]}, pd.Index([7, 9], name="row")
    )
    pd.testing.assert_frame_equal(features, expected)
