import pytest

from sql_features.duckdb_types import is_numeric, kind_of
from sql_features.expressions import isolated


@pytest.mark.parametrize(
    ("type", "kind"),
    [
        ("DOUBLE", "number"),
        ("FLOAT", "number"),
        ("UTINYINT", "number"),
        ("HUGEINT", "number"),
        ("DECIMAL(18,3)", "number"),
        ("BOOLEAN", "boolean"),
        ("VARCHAR", "text"),
        ("UUID", "text"),
        ("ENUM('x', 'y]')", "text"),
        ("DATE", "date"),
        ("TIMESTAMP", "date"),
        ("TIMESTAMP_NS", "date"),
        ("TIMESTAMP WITH TIME ZONE", "date"),
        ("TIME", "time"),
        ("TIME WITH TIME ZONE", "time"),
        ("INTERVAL", "duration"),
        ("BIGINT[]", "nested"),
        ("DOUBLE[3]", "nested"),
        ("STRUCT(x INTEGER)", "nested"),
        ("MAP(VARCHAR, INTEGER)", "nested"),
        ("UNION(n INTEGER, s VARCHAR)", "nested"),
        ("BLOB", "other"),
        ("JSON", "other"),
    ],
)
def test_a_type_has_the_kind_of_its_values(type, kind):
    assert kind_of(type) == kind
    # DuckDB spells the type so.
    spelled = isolated().cursor().execute(f"SELECT CAST(NULL AS {type})").description[0][1]
    assert kind_of(str(spelled)) == kind


@pytest.mark.parametrize(
    ("type", "numeric"),
    [
        ("DOUBLE", True),
        ("BOOLEAN", True),
        ("UTINYINT", True),
        ("HUGEINT", True),
        ("DECIMAL(18,3)", True),
        ("VARCHAR", False),
        ("TIMESTAMP", False),
        ("DOUBLE[]", False),
        ("INTERVAL", False),
    ],
)
def test_numbers_and_booleans_are_numeric(type, numeric):
    assert is_numeric(type) is numeric
