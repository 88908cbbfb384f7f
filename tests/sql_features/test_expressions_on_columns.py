import pytest

from sql_features import expressions
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


def test_one_select_binds_all_features_of_a_wide_table(monkeypatch):
    bind, bound = expressions._bind, []
    monkeypatch.setattr(expressions, "_bind", lambda *of: bound.append(of) or bind(*of))
    columns = {f"c{n}": "DOUBLE" for n in range(300)} | {"t": "VARCHAR"}
    features = {f"f{n}": f"c{n} + 1" for n in range(300)} | {"text": "t"}
    assert set(kinds(features, columns).values()) == {"number", "category"}
    assert len(bound) == 1


@pytest.mark.parametrize(
    "wrong",
    ["nosuch + 1", "strptime(s, 1)", "s + 1", "entropy(a)", "geomean(a)"],
)
@pytest.mark.parametrize("place", [0, 7, 18])
def test_among_many_features_the_one_that_does_not_fit_is_named(wrong, place):
    features = {f"f{n}": "a" for n in range(19)} | {f"f{place}": wrong}
    with pytest.raises(WorkflowError, match=f"^feature 'f{place}' (does not fit|is not row-wise)"):
        kinds(features, COLUMNS)


def test_aggregates_alone_are_refused_by_the_name_of_the_first():
    with pytest.raises(WorkflowError, match=r"^feature 'f' is not row-wise"):
        kinds({"f": "geomean(a)", "g": "geomean(a)"}, COLUMNS)
