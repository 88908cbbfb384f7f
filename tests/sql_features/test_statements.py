import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from sql_features import statements
from sql_features.transformer import SqlFeatures
from workflow.paths import PROJECT


@pytest.fixture(autouse=True)
def no_plans():
    statements._plans.kept.clear()


def run(table: pa.Table, select: str = "SELECT x + 1 AS y FROM frame") -> list[float]:
    return statements.run(select, table, lambda _: select)["y"].tolist()


def test_a_plan_is_made_once_for_all_tables_of_a_schema(monkeypatch):
    written = []
    for rows in ([1], [2, 3], [], [4] * 5_000):
        table = pa.table({"x": pa.array(rows, pa.int64())})
        answer = statements.run(
            "key", table, lambda _: written.append(1) or "SELECT x + 1 AS y FROM frame"
        )
        assert answer["y"].tolist() == [one + 1 for one in rows]
    assert len(written) == len(statements._plans.kept) == 1
    assert run(pa.table({"x": [0.5]})) == [1.5]
    assert len(statements._plans.kept) == 2


def test_after_a_run_no_row_stays_in_memory():
    table = pa.table({"x": np.arange(1_000_000)})
    run(table)
    (plan,) = statements._plans.kept
    assert plan._rows.table.num_rows == 0


def test_the_plans_used_last_are_kept():
    table = pa.table({"x": [1]})
    for n in range(statements.KEPT + 3):
        run(table, f"SELECT x + {n} AS y FROM frame")
        run(table)
    assert len(statements._plans.kept) == statements.KEPT
    assert "SELECT x + 1 AS y FROM frame" in {plan._key for plan in statements._plans.kept}


def test_a_value_that_fails_spoils_no_later_run():
    select = "SELECT CAST(x AS BIGINT) AS y FROM frame"
    for _ in range(2):
        with pytest.raises(duckdb.Error, match="abc"):
            run(pa.table({"x": ["1", "abc"]}), select)
        assert run(pa.table({"x": ["7"]}), select) == [7]


def test_threads_run_one_plan_each_at_the_same_time():
    def many(start: int) -> bool:
        return all(
            run(pa.table({"x": [one, one + 1]})) == [one + 1, one + 2]
            for one in range(start, start + 200)
        )

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(many, range(0, 1_600, 200)))


def test_features_of_other_parameters_get_a_plan_of_their_own():
    raw = pd.DataFrame({"x": [1.0]})
    sql = SqlFeatures({"y": "x + 1"}, {"x": "DOUBLE"}).fit(raw)
    assert sql.transform(raw)["y"].tolist() == [2]
    sql.set_params(features={"y": "x + 2"}).fit(raw)
    assert sql.transform(raw)["y"].tolist() == [3]
    sql.set_params(missing=["n"], columns={"x": "VARCHAR"}, features={"y": "x"}).fit(raw)
    assert sql.transform(pd.DataFrame({"x": ["n", "m"]}))["y"].isna().tolist() == [True, False]
    sql.missing.append("m")
    assert sql.transform(pd.DataFrame({"x": ["n", "m"]}))["y"].isna().tolist() == [True, True]


FORK = """
import os, pickle, sys
import pandas as pd
from sql_features.transformer import SqlFeatures

raw = pd.DataFrame({"x": [1.5, 2.5], "s": ["a", None]})
sql = SqlFeatures({"y": "x * 2", "t": "s || '!'"}, {"x": "DOUBLE", "s": "VARCHAR"}).fit(raw)
expected = sql.transform(raw)
again = pickle.loads(pickle.dumps(sql))
pd.testing.assert_frame_equal(again.transform(raw), expected)
many = pd.concat([raw] * 100_000, ignore_index=True)
children = []
for _ in range(3):
    child = os.fork()
    if not child:
        same = sql.transform(raw).equals(expected) and len(sql.transform(many)) == len(many)
        sys.exit(0 if same else 1)
    children.append(child)
codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
pd.testing.assert_frame_equal(sql.transform(raw), expected)
print(codes)
"""


def test_features_that_have_run_can_be_pickled_and_forked():
    done = subprocess.run(
        [sys.executable, "-c", FORK],
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.stdout, done.returncode) == ("[0, 0, 0]\n", 0), done.stderr
