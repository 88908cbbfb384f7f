import duckdb
import pytest

from workflow.schema import column_stats

ROWS = "range(1000) AS rows(n)"
COLUMNS = [
    "n AS whole",
    "CASE WHEN n % 10 = 0 THEN 'NaN'::DOUBLE WHEN n % 7 = 0 THEN 'inf'::DOUBLE ELSE n / 4 END AS f",
    "CASE WHEN n % 3 > 0 THEN (n % 5)::VARCHAR || '.0' END AS digits",
    "CASE WHEN n % 2 = 0 THEN 'true' ELSE 'a long text' END AS words",
    "n % 2 = 0 AS flag",
    "[n] AS nested",
    "to_seconds(n % 20) AS lasts",
]


class Counting:
    """A connection that counts the queries that it is asked."""

    def __init__(self) -> None:
        self.connection, self.queries = duckdb.connect(), 0

    def execute(self, query):
        self.queries += 1
        return self.connection.execute(query)


def profile(source: str, connection=None, **more) -> column_stats.Table:
    connection = connection or duckdb.connect()
    described = connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()
    types = {name: type for name, type, *_ in described}
    return column_stats.profile(connection, source, types, text=False, **more)


def test_a_column_is_counted_by_the_kind_of_its_values():
    table = profile(f"(SELECT {', '.join(COLUMNS)} FROM {ROWS})")
    f, digits, words = (table.columns[name] for name in ("f", "digits", "words"))
    assert table.rows == 1000
    assert (f.known, f.numbers, f.wholes, f.lowest, f.highest) == (900, 900, 172, 0.25, 249.75)
    assert (digits.known, digits.numbers, digits.distinct) == (666, 666, 5)
    assert (words.known, words.numbers, words.booleans, words.words) == (1000, 0, 500, 2.0)
    assert table.columns["lasts"].distinct == 20


def test_a_wide_table_has_the_statistics_of_a_narrow_one(monkeypatch):
    source = f"(SELECT {', '.join(COLUMNS)} FROM {ROWS})"
    narrow = profile(source).columns
    monkeypatch.setattr(column_stats, "NARROW", 3)
    monkeypatch.setattr(column_stats, "COUNTED", 2000)
    assert profile(source).columns == narrow


def test_each_part_of_a_wide_table_is_looked_at_while_its_copy_is_there(monkeypatch):
    monkeypatch.setattr(column_stats, "NARROW", 3)
    seen = []

    def look(part: column_stats.Table) -> None:
        described = part.connection.execute(f"DESCRIBE {part.source}").fetchall()
        assert [name for name, *_ in described] == list(part.columns)
        seen.append(part.columns)

    source = f"(SELECT {', '.join(COLUMNS)} FROM {ROWS})"
    columns = profile(source, look=look).columns
    assert [column for part in seen for column in part.items()] == list(columns.items())
    assert max(map(len, seen)) == 3


@pytest.mark.parametrize("wide", [200, 400])
def test_columns_of_numbers_are_counted_many_in_a_query(wide):
    connection = Counting()
    columns = ", ".join(f"n % {place + 2} AS c{place}" for place in range(wide))
    connection.execute(f"CREATE TABLE wide AS SELECT {columns} FROM {ROWS}")
    assert profile("wide", connection).columns["c7"].distinct == 9
    assert connection.queries <= 5 + wide / 20
