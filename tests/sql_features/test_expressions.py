import duckdb
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sql_features.errors import WorkflowError
from sql_features.expressions import (
    BARE_CLOCKS,
    CLOCKS,
    ROW_WISE,
    columns_of,
    feature_columns,
    isolated,
    literal,
    quote,
)

TEXTS = st.text(st.characters(codec="utf-8"))
NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1)


def refusal(expression: str) -> str:
    with pytest.raises(WorkflowError) as caught:
        columns_of(expression, "feature 'f'")
    return str(caught.value)


@given(TEXTS)
@example("it's")
@example("''; DROP TABLE t --")
def test_a_quoted_text_evaluates_to_itself(text):
    assert duckdb.execute(f"SELECT {literal(text)}").fetchone() == (text,)


@given(NAMES)
@example('a "b"')
@example("SELECT")
def test_a_quoted_name_names_that_column(name):
    cursor = duckdb.execute(f"SELECT 1 AS {quote(name)}")
    assert cursor.description[0][0] == name


# DuckDB's tree does not tell "localtime" from localtime, so neither may name a column.
@given(NAMES.filter(lambda name: name.casefold() not in BARE_CLOCKS))
def test_any_quoted_name_is_found_as_a_column(name):
    assert columns_of(f"{quote(name)} + 1", "target") == {name}


@given(TEXTS)
def test_a_text_in_an_expression_is_no_column(text):
    assert columns_of(f"{literal(text)} || a", "target") == {"a"}


def test_duckdbs_catalogue_agrees_on_the_functions_known_as_row_wise():
    known = duckdb.execute(
        "SELECT function_name FROM duckdb_functions() GROUP BY 1 "
        "HAVING bool_and(function_type = 'scalar' AND stability = 'CONSISTENT' "
        "AND NOT list_contains(parameter_types, 'LAMBDA'))"
    ).fetchall()
    assert {name for (name,) in known} >= ROW_WISE
    assert not ROW_WISE & CLOCKS


@pytest.mark.parametrize(
    ("expression", "columns"),
    [
        ("1 + 1", set()),
        ("a + b * a", {"a", "b"}),
        ("PULocationID || '_' || DOLocationID", {"PULocationID", "DOLocationID"}),
        ('"trip distance" / "select"', {"trip distance", "select"}),
        ("Größe || 距离", {"Größe", "距离"}),
        ("CASE WHEN a THEN b ELSE c END", {"a", "b", "c"}),
        ("a BETWEEN b AND c", {"a", "b", "c"}),
        ("a IN (1, b)", {"a", "b"}),
        ("a::INTEGER", {"a"}),
        ("EXTRACT(hour FROM t)", {"t"}),
        ("epoch(ended - started) / 60", {"started", "ended"}),
        ("address.city", {"address"}),
        ("tags['colour']", {"tags"}),
        ("list_transform([a, b], x -> x + c)", {"a", "b", "c"}),
        ("list_transform([a], lambda x: x + c)", {"a", "c"}),
        ("list_transform([a], (x, i) -> x + i)", {"a"}),
        ("[x + c for x in [a, b]]", {"a", "b", "c"}),
        ("list_aggregate([a, b], 'sum')", {"a", "b"}),
        ("a -- in metres", {"a"}),
        ("a /* b */ + c", {"a", "c"}),
    ],
)
def test_the_columns_of_an_expression_are_found(expression, columns):
    assert columns_of(expression, "target") == columns


@pytest.mark.parametrize(
    ("expression", "culprit"),
    [
        ("sum(a)", "sum()"),
        ("a / max(a)", "max()"),
        ("COUNT(*)", "count_star()"),
        ("count(DISTINCT a)", "count()"),
        ("avg(a) FILTER (WHERE b)", "avg()"),
        ("quantile_cont(a, 0.5)", "quantile_cont()"),
        ("CASE WHEN a THEN first(b) END", "first()"),
    ],
)
def test_an_aggregate_is_refused_with_its_name_and_the_reason(expression, culprit):
    assert refusal(expression) == (
        f"feature 'f' is not row-wise: {expression!r} uses {culprit}, whose value depends on other "
        "rows; it would differ between training and serving. Use only expressions of a single row."
    )


@pytest.mark.parametrize(
    "expression", ["row_number() OVER ()", "lag(a) OVER (ORDER BY b)", "1 + sum(a) OVER ()"]
)
def test_a_window_function_is_refused_with_the_reason(expression):
    message = refusal(expression)
    assert "uses a window function, whose value depends on the rows around it" in message
    assert "it would differ between training and serving" in message


@pytest.mark.parametrize(
    "expression", ["(SELECT 1)", "a IN (SELECT b FROM t)", "EXISTS (FROM t)", "a > ALL (FROM t)"]
)
def test_a_subquery_is_refused_with_the_reason(expression):
    assert "uses a subquery, whose value depends on other rows" in refusal(expression)


@pytest.mark.parametrize("expression", ["*", "t.*", "COLUMNS(*)", "COLUMNS('a.*')", "row(*)"])
def test_a_star_is_refused_with_the_reason(expression):
    assert "uses *, whose value depends on whatever columns there are" in refusal(expression)


@pytest.mark.parametrize(
    "call",
    ["now()", "today()", "current_date()", "random()", "uuid()", "nextval('s')", "NOW()"],
)
def test_the_clock_and_random_numbers_are_refused_with_the_reason(call):
    name = call.partition("(")[0]
    assert f"uses {name.lower()}(), whose value depends on when it is asked" in refusal(call)


def test_a_random_number_inside_a_lambda_is_refused():
    assert "uses random()" in refusal("list_transform([a], x -> x + random())")


@pytest.mark.parametrize("expression", ["?", "a + $1", "$name"])
def test_a_placeholder_is_refused_with_the_reason(expression):
    assert "uses a placeholder, whose value depends on what is put there" in refusal(expression)


@pytest.mark.parametrize(
    "call", ["unnest([a])", "read_text('/etc/passwd')", "read_csv('x.csv')", "query('SELECT 1')"]
)
def test_a_function_that_makes_rows_is_refused(call):
    assert f"uses {call.partition('(')[0]}()" in refusal(call)


@pytest.mark.parametrize("expression", ["", "  ", "\n\t"])
def test_an_empty_expression_is_refused(expression):
    assert refusal(expression) == "feature 'f' is empty: give a SQL expression."


@pytest.mark.parametrize(
    "expression",
    ["a) AS value, (b", "1) AS value, (2", "1) UNION SELECT (2", "1) EXCEPT SELECT (2"],
)
def test_more_than_a_single_expression_is_refused(expression):
    assert refusal(expression) == (
        f"feature 'f' must be a single SQL expression, not {expression!r}."
    )


@pytest.mark.parametrize(
    "expression",
    [
        "1) FROM t --",
        "x; DROP TABLE y",
        "1) LIMIT (2",
        "1) AS value FROM t WHERE (1",
        "1) AS value ORDER BY (1",
        "1) AS value USING SAMPLE (10",
        "a FROM t",
        "a AS b",
        "DISTINCT a",
        "(a",
        "a)",
        "'a",
        '"a',
        "a +",
        "a /* never closed",
    ],
)
def test_an_expression_that_does_not_parse_is_refused(expression):
    message = refusal(expression)
    assert message.startswith(f"feature 'f' is not a SQL expression: {expression!r}: ")
    assert "\n" not in message


@given(TEXTS)
@settings(max_examples=200)
def test_any_text_is_accepted_or_refused_in_one_line(text):
    try:
        columns_of(text, "target")
    except WorkflowError as error:
        assert str(error).startswith("target ")


@pytest.mark.parametrize(
    "expression",
    [
        "hour(current_localtimestamp())",
        "epoch(age(t))",
        "epoch(ago(INTERVAL 1 DAY))",
        "epoch(pg_conf_load_time())",
    ],
)
def test_a_hidden_clock_is_refused(expression):
    assert "whose value depends on when it is asked" in refusal(expression)


@pytest.mark.parametrize("expression", ["current_date", "hour(CURRENT_TIMESTAMP)", "localtime"])
def test_the_clock_without_parentheses_is_refused(expression):
    assert "whose value depends on when it is asked" in refusal(expression)


def test_a_column_by_position_is_refused():
    assert "#1" in refusal("#1")


@pytest.mark.parametrize("expression", ["-- nothing", "/* nothing */"])
def test_a_comment_alone_is_refused_as_empty(expression):
    assert refusal(expression) == "feature 'f' is empty: give a SQL expression."


def test_a_column_with_a_lambda_parameters_name_is_found():
    assert columns_of("list_transform([a], x -> x)[1] + x", "target") == {"a", "x"}


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM '/tmp/x.parquet'",
        "COPY (SELECT 1) TO '/tmp/x.csv'",
        "ATTACH '/tmp/x.db'",
        "INSTALL httpfs",
        "LOAD '/tmp/x.so'",
        "SET enable_external_access = true",
        "SET threads = 1",
    ],
)
def test_the_isolated_database_has_no_access_to_files_or_settings(query):
    with pytest.raises(duckdb.Error, match=r"disabled|locked|configuration"):
        isolated().cursor().execute(query)


def test_the_columns_of_features_are_found():
    assert feature_columns({"x": "a + b", "y": "b || c"}) == {"a", "b", "c"}
    assert feature_columns({}) == set()
