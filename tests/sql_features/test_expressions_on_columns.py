import pytest

from sql_features.errors import WorkflowError
from sql_features.expressions import kinds, type_of

COLUMNS = {
    "a": "BIGINT",
    "b": "DOUBLE",
    "s": "VARCHAR",
    "t": "TIMESTAMP",
    "zoned": "TIMESTAMP WITH TIME ZONE",
    "p": "STRUCT(x INTEGER)",
    'two "words"': "INTEGER",
}


def refusal(expression: str) -> str:
    with pytest.raises(WorkflowError) as caught:
        kinds({"f": expression}, COLUMNS)
    return str(caught.value)


@pytest.mark.parametrize(
    ("expression", "kind"),
    [
        ("a", "number"),
        ("A", "number"),
        ("a / b", "number"),
        ("a > 1", "number"),
        ("a::DECIMAL(5, 2)", "number"),
        ("hour(t)", "number"),
        ("p.x", "number"),
        ('"two ""words"""', "number"),
        ("list_sum([a, b])", "number"),
        ("s", "category"),
        ("a || '_' || b", "category"),
        ("s::ENUM('x', 'y')", "category"),
        ("'constant'", "category"),
        ("a -- a comment", "number"),
    ],
)
def test_the_sql_type_makes_a_feature_a_number_or_a_category(expression, kind):
    assert kinds({"f": expression}, COLUMNS) == {"f": kind}


def test_features_keep_their_order():
    assert list(kinds({"z": "a", "b": "s", "a": "b"}, COLUMNS)) == ["z", "b", "a"]


@pytest.mark.parametrize(
    ("expression", "type"),
    [
        ("t", "TIMESTAMP"),
        ("t::DATE", "DATE"),
        ("t - t", "INTERVAL"),
        ("zoned", "TIMESTAMP WITH TIME ZONE"),
        ("[a]", "BIGINT[]"),
        ("p", "STRUCT(x INTEGER)"),
    ],
)
def test_a_feature_of_another_type_is_refused_with_a_remedy(expression, type):
    assert refusal(expression) == (
        f"feature 'f' is of type {type}, neither a number nor text: make one of it, for example "
        "hour(x), epoch(x) or CAST(x AS VARCHAR)."
    )


@pytest.mark.parametrize("expression", ["a, b", "(a, b)"])
def test_a_list_of_expressions_is_no_feature(expression):
    assert "neither a number nor text" in refusal(expression)


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("nosuch", 'Referenced column "nosuch" not found'),
        ("nosuch(a)", "Function with name nosuch does not exist"),
        ("s + 1", "No function matches the given name and argument types"),
        ("read_text('/etc/passwd')", "is a table function but it was used as a scalar function"),
    ],
)
def test_an_expression_that_does_not_fit_is_refused_with_the_reason(expression, reason):
    message = refusal(expression)
    assert message.startswith(f"feature 'f' does not fit the data: {expression!r}: ")
    assert reason in message


@pytest.mark.parametrize("expression", ["geomean(a)", "wavg(a, b)", "sum(a)", "1 + geomean(b)"])
def test_an_aggregate_that_a_macro_hides_is_refused(expression):
    assert refusal(expression) == (
        f"feature 'f' is not row-wise: {expression!r} gathers many rows into one."
    )


def test_the_error_names_the_expression():
    with pytest.raises(WorkflowError, match=r"^target does not fit the data: 'nosuch': "):
        type_of("nosuch", COLUMNS, "target")


def test_an_expression_without_columns_has_a_type():
    assert type_of("1 + 1", COLUMNS, "target") == "INTEGER"


def test_a_constant_feature_needs_no_raw_columns():
    assert kinds({"one": "1"}, {}) == {"one": "number"}


@pytest.mark.parametrize("name", ["", "x y", "größe", "SELECT"])
def test_a_feature_may_have_any_name(name):
    assert kinds({name: "a"}, COLUMNS) == {name: "number"}
