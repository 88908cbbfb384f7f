import pytest

from sql_features.expressions import columns_of
from workflow.schema.column_roles import sql_name


@pytest.mark.parametrize(
    "name, sql",
    [
        ("Price", "Price"),
        ("year", "year"),
        ("order", '"order"'),
        ("left", '"left"'),
        ("1a", '"1a"'),
        ("größe", '"größe"'),
        ('say "hi"', '"say ""hi"""'),
        ("a.b", '"a.b"'),
    ],
)
def test_a_name_is_quoted_only_where_it_must_be(name, sql):
    assert sql_name(name) == sql
    assert columns_of(sql_name(name), "x") == {name}
