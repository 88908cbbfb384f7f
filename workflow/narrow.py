"""The narrowest type that fits all texts of a column.

DuckDB's own detection also takes dates that are not ISO's for dates, in a format which a model that
is given such a text later would not know.
"""

import duckdb

from sql_features.expressions import quote

TYPES = ("BIGINT", "DOUBLE", "DATE", "TIMESTAMP", "BOOLEAN", "TIME", "VARCHAR")
WIDER = {(0, 1): 1, (2, 3): 3}  # the type that fits two, by their places; for any others, a text
PLACE = (  # of one text's type
    "CASE WHEN {0} IS NULL THEN NULL "
    "WHEN TRY_CAST({0} AS DOUBLE) IS NOT NULL THEN "
    "CASE WHEN TRY_CAST({0} AS BIGINT) IS NOT NULL "
    "AND regexp_full_match({0}, ' *[+-]?[0-9]+ *') THEN 0 ELSE 1 END "
    "WHEN TRY_CAST({0} AS TIMESTAMP) IS NOT NULL THEN "
    "CASE WHEN length({0}) <= 10 THEN 2 ELSE 3 END "
    "WHEN lower({0}) IN ('true', 'false') THEN 4 "
    "WHEN TRY_CAST({0} AS TIME) IS NOT NULL THEN 5 ELSE 6 END"
)


def narrowest(
    connection: duckdb.DuckDBPyConnection, source: str, names: list[str]
) -> dict[str, str]:
    """Return a type of `TYPES` by column.

    Args:
        connection: Any.
        source: SQL of a table.
        names: Its columns, of texts.
    """
    places = ((PLACE.format(quote(name)), n) for n, name in enumerate(names))
    narrow = ", ".join(f"CAST({place} AS TINYINT) AS c{n}" for place, n in places)
    ranges = ", ".join(f"[min(c{n}), max(c{n})]" for n in range(len(names)))
    query = f"SELECT {ranges} FROM (SELECT {narrow} FROM {source})"
    (found,) = connection.execute(query).fetchall()
    types = {}
    for name, (low, high) in zip(names, found, strict=True):
        place = low if low == high else WIDER.get((low, high))
        types[name] = "VARCHAR" if place is None else TYPES[place]
    return types
