"""The key of a split by hash: its columns, whether rows are alike in it by nature, and its hash.

Rows that are alike in the key go to one split, so that no copy of a row is on both sides. Where a
table has few possible rows, rows are alike that are no copies: there each row is split by itself.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

import duckdb

from sql_features.duckdb_types import kind_of
from sql_features.expressions import connect, feature_columns, quote
from workflow.data.split_rules import ByHash

AGREE = 0.01  # the least chance that two rows agree in a column of few values: as of 100 values
ALIKE = 2.0  # other rows that a row has alike by chance, from which on that is by nature
LONG = {"BIGINT", "UBIGINT", "HUGEINT", "UHUGEINT"}  # types of more digits than a double holds
FEW = 1_000  # values of a column, up to which several columns are counted in one query:
TOGETHER = 20  # so many, as what DuckDB takes for it grows with the square of their number


def decided(rule: ByHash, features: dict[str, str], scan: str, columns: dict[str, str]) -> ByHash:
    """Return the rule with what it leaves open: the key, and whether rows repeat by nature.

    It is decided once and written down, so that rows stay in their split when features are edited.
    A rule that has a key is returned as it is.

    Args:
        rule: The rule of the dataset file.
        features: SQL expression by feature name.
        scan: SQL of the raw rows.
        columns: DuckDB type by raw column, as the file spells it.
    """
    if rule.key:
        return rule
    key = default_key(features, columns)
    repeats = rule.repeats
    if repeats is None:
        with connect() as connection:
            repeats = repeat_by_nature(connection, scan, key)
    return replace(rule, key=key, repeats=repeats or None)


def default_key(features: dict[str, str], columns: Iterable[str]) -> tuple[str, ...]:
    """Return the raw columns that features read, as `columns` spells them.

    The target is none of them, nor what `target` alone reads: rows of one label would share a split
    that those of another are not in, and a model would learn the labels the wrong way round.
    """
    read = {name.casefold() for name in feature_columns(features)}
    return tuple(sorted(name for name in columns if name.casefold() in read))


def repeat_by_nature(
    connection: duckdb.DuckDBPyConnection, source: str, key: Collection[str]
) -> bool:
    """Tell whether rows that are alike in the key are so by nature, and need not be copies.

    They are if the values are few: two rows agree in any one column of the key with a chance of
    `AGREE` or more, and in all of them, as if no column depended on another, with so great a chance
    that a row has `ALIKE` others alike. That some are alike then says nothing. A column of more
    values measures or names something: rows alike in it too may well be copies. So may rows of
    columns that depend on each other, where being alike is more frequent than this chance says.

    Args:
        connection: The one that `source` belongs to.
        source: SQL of the table.
        key: Columns of it. A missing value is one of their values.
    """
    ((rows,),) = connection.execute(f"SELECT count(*) FROM {source}").fetchall()
    pairs: int = rows * (rows - 1)
    alike: float = rows - 1
    for agreeing in _pairs_that_agree(connection, source, key):
        alike *= agreeing / max(pairs, 1)
        if agreeing < AGREE * pairs or alike < ALIKE:
            return False
    return alike >= ALIKE


def _pairs_that_agree(
    connection: duckdb.DuckDBPyConnection, source: str, key: Collection[str]
) -> Iterator[int]:
    """Yield of each column how many ordered pairs of rows agree in it, from that of most values."""
    # A hash is there for a missing value too.
    hashes = [f"hash({quote(name)})" for name in key]
    if not hashes:
        return
    about = ", ".join(f"approx_count_distinct({one})" for one in hashes)
    (distinct,) = connection.execute(f"SELECT {about} FROM {source}").fetchall()
    many = sorted(zip(distinct, hashes, strict=True), reverse=True)
    few = [one for values, one in many if values <= FEW]
    for _, one in many[: len(many) - len(few)]:
        counted = f"SELECT count(*) AS n FROM {source} GROUP BY {one}"
        ((agreeing,),) = connection.execute(f"SELECT sum(n * (n - 1)) FROM ({counted})").fetchall()
        yield agreeing
    squares = "list_sum(list_transform(map_values(histogram({})), lambda n: n * (n - 1)))"
    for first in range(0, len(few), TOGETHER):
        wanted = ", ".join(squares.format(one) for one in few[first : first + TOGETHER])
        (found,) = connection.execute(f"SELECT {wanted} FROM {source}").fetchall()
        yield from (agreeing or 0 for agreeing in found)  # there may be no row


def hash_of(key: Iterable[str], types: dict[str, str]) -> str:
    """Return the SQL of a number in [0, 1) that depends on nothing but the values of the key.

    It does not depend on their types either, which other rows of a text file may change: 1 and 1.0
    are the same, as are a number, a time or a boolean and its text.

    Args:
        key: Raw columns.
        types: DuckDB type by raw column.
    """
    folded = {name.casefold(): type for name, type in types.items()}
    return _hash(*(_as_text(quote(name), folded[name.casefold()]) for name in key))


def hash_of_occurrence(position: str, occurrence: str) -> str:
    """Return the SQL of a number in [0, 1) for a row among those that are alike in the key.

    Args:
        position: SQL of the key's hash.
        occurrence: SQL of the row's number among them, from 1.
    """
    return _hash(position, occurrence)


def _hash(*values: str) -> str:
    """Return the SQL of a number in [0, 1) for values; the empty text stands for none."""
    given = ", ".join(values or ["''"])
    return f"md5_number(concat_ws(chr(31), {given})) / 2.0::DOUBLE ** 128"


def _as_text(column: str, type: str) -> str:
    """Return the SQL of a value's text, the same whichever type the value is read as."""
    number = f"CAST(TRY_CAST({column} AS DOUBLE) AS VARCHAR)"
    # A double holds 15 digits of every number; of longer whole ones each digit counts.
    whole = f"TRY_CAST({column} AS HUGEINT)"
    is_long = f"TRY_CAST(CAST({whole} AS DOUBLE) AS HUGEINT) IS DISTINCT FROM {whole}"
    exact = f"CASE WHEN {is_long} THEN CAST({whole} AS VARCHAR) ELSE {number} END"
    time = f"CAST(TRY_CAST({column} AS TIMESTAMP) AS VARCHAR)"
    text = f"CAST({column} AS VARCHAR)"
    if type == "VARCHAR":
        # To try a time on every text would take longer than all the rest.
        one = (
            f"CASE WHEN lower({column}) IN ('true', 'false') THEN lower({column}) "
            f"WHEN {column} LIKE '____-__-__%' THEN {time} "
            f"WHEN length({column}) > 15 THEN {exact} ELSE {number} END"
        )
    elif type == "DOUBLE":
        return f"coalesce({text}, chr(0))"  # all that is needed, in a third of the time
    elif type in LONG or type.startswith("DECIMAL"):
        one = exact
    else:
        one = {"number": number, "date": time}.get(kind_of(type), text)
    return f"coalesce({one}, {text}, chr(0))"
