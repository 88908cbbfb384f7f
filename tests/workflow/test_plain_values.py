import datetime
import uuid

import numpy as np
import pandas as pd
import pytest

from workflow import plain_values


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1, 1),
        (np.int64(7), 7),
        (74.0, 74),
        (0.1 + 0.2, 0.3),
        (-73.98765432, -73.9877),
        (12_345_678, 12_345_678),
        (2.0**60, 1.15292e18),
        (float("nan"), None),
        (float("-inf"), "-inf"),
        (None, None),
        (pd.NA, None),
        (pd.NaT, None),
        (np.bool_(False), "false"),
        (pd.Timestamp("2023-03-01 10:00"), "2023-03-01 10:00:00"),
        (datetime.date(2023, 3, 1), "2023-03-01"),
        (datetime.time(1, 2), "01:02:00"),
        (uuid.UUID(int=5), "00000000-0000-0000-0000-00000…"),
        ("<script>", "<script>"),
        ("", "(empty)"),
        ("two\nlines", "two lines"),
        (b"\x00", "b'\\x00'"),
        (np.array([1, 2]), "[1 2]"),
        ({"a": None}, "{'a': None}"),
        ("x" * 10_000, "x" * 29 + "…"),
    ],
)
def test_a_value_is_a_number_or_short_text(value, expected):
    assert plain_values.cell(value) == expected
    assert type(plain_values.cell(value)) is type(expected)


@pytest.mark.parametrize(
    ("ends", "expected"),
    [
        ([], []),
        ([(0, 0), (1, 1)], ["0", "1"]),
        ([(0, 7.766666), (7.783333, 24)], ["0 to 7.767", "7.783 to 24"]),
        ([(2019, 2020), (2021, 2023)], ["2019 to 2020", "2021 to 2023"]),
        ([(100001, 100002), (100003, 100004)], ["100001 to 100002", "100003 to 100004"]),
        ([(-1.5, -0.25)], ["-1.5 to -0.25"]),
    ],
)
def test_ranges_have_as_few_digits_as_tell_them_apart(ends, expected):
    assert plain_values.ranges(ends) == expected
