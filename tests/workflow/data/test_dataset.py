from dataclasses import replace

import pytest

from sql_features.errors import WorkflowError
from workflow.data.dataset import Dataset
from workflow.data.split_rules import ByFiles, ByHash, ByTime
from workflow.models.search_space import Whole

HOUSES = Dataset(
    name="houses",
    task="regression",
    data="/data",
    split=ByFiles(train="a.csv", validation="b.csv", test="c.csv"),
    target="price / 1000",
    where="target > 0 AND area > 10",
    features={"area": "area", "place": "city || '_' || district", "rooms": "rooms"},
    feature_sets={"small": ["area", "rooms"]},
)


def refusal(**changes: object) -> str:
    with pytest.raises(WorkflowError) as caught:
        replace(HOUSES, **changes)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_every_row_counts_unless_where_says_otherwise():
    plain = Dataset(
        name="x", task="regression", data="/data", split=ByHash(), target="y", features={"x": "x"}
    )
    assert plain.where == "true"


def test_raw_columns_are_those_of_target_where_and_features():
    assert HOUSES.raw_columns == {"price", "area", "city", "district", "rooms"}


def test_where_may_spell_the_target_in_any_case():
    assert "Target" not in replace(HOUSES, where="Target > 0").raw_columns


def test_a_raw_column_called_target_that_is_the_target_is_a_raw_column():
    assert "target" in replace(HOUSES, target="target", where="target > 0").raw_columns


@pytest.mark.parametrize(
    ("split", "columns"),
    [
        (ByHash(), set()),
        (ByHash(key=("owner", "area")), {"owner"}),
        (ByTime(column="sold"), {"sold"}),
        (ByTime(column='"day sold" + hour'), {"day sold", "hour"}),
    ],
)
def test_the_raw_columns_are_also_those_that_decide_the_split(split, columns):
    assert replace(HOUSES, split=split).raw_columns == HOUSES.raw_columns | columns


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"name": "my houses"},
            "dataset name 'my houses': use letters, digits, '.', '_' and '-' only.",
        ),
        (
            {"name": "../houses"},
            "dataset name '../houses': use letters, digits, '.', '_' and '-' only.",
        ),
        (
            {"task": "regresion"},
            "unknown task 'regresion': did you mean 'regression'? Allowed: regression, binary, "
            "multiclass.",
        ),
        ({"features": {}}, "dataset 'houses' has no features."),
        (
            {"feature_sets": {"area": ["rooms"]}},
            "feature set 'area' has the name of a feature, or 'all' or 'search'.",
        ),
        (
            {"feature_sets": {"all": ["rooms"]}},
            "feature set 'all' has the name of a feature, or 'all' or 'search'.",
        ),
        (
            {"feature_sets": {"search": ["rooms"]}},
            "feature set 'search' has the name of a feature, or 'all' or 'search'.",
        ),
        ({"feature_sets": {"none": []}}, "feature set 'none' is empty."),
        (
            {"feature_sets": {"small": ["area", "room"]}},
            "unknown feature in set 'small': 'room': did you mean 'rooms'? Allowed: area, place, "
            "rooms.",
        ),
        ({"target": " "}, "target is empty: give a SQL expression."),
        (
            {"metric": "rsme"},
            "unknown metric for regression: 'rsme': did you mean 'rmse'? Allowed: auto, rmse, mae, "
            "mape, r2.",
        ),
        ({"metric": "log_loss"}, "unknown metric for regression: 'log_loss': Allowed: auto, rmse,"),
        (
            {"validation": "cv:1"},
            "validation='cv:1': give 'holdout' for the validation split, or 'cv:5' for that many "
            "folds (2 to 20) of train and validation together.",
        ),
        (
            {"thresholds": {"rmes": 3.0}},
            "unknown metric in thresholds: 'rmes': did you mean 'rmse'? Allowed: rmse, mae, mape, "
            "r2.",
        ),
        (
            {"search": {"lightbgm": {"num_leaves": Whole(3, 9)}}},
            "unknown family in search: 'lightbgm': did you mean 'lightgbm'? Allowed: linear, ",
        ),
    ],
)
def test_an_invalid_definition_is_refused_with_what_is_wrong(changes, message):
    assert refusal(**changes).startswith(message)


@pytest.mark.parametrize("name", ["all", "search", "a,b", "", " "])
def test_a_reserved_or_blank_feature_name_is_refused(name):
    message = refusal(features={"area": "area", "rooms": "rooms", name: "1"})
    assert message == (
        f"feature '{name}': give it a name without a comma, not 'all' or 'search'."
    ).replace("  ", " ")


def test_feature_names_that_differ_only_in_case_are_refused():
    assert refusal(features={"area": "area", "Area": "rooms"}) == (
        "features 'area' and 'Area' are one name to SQL: rename one."
    )


@pytest.mark.parametrize(
    ("changes", "start"),
    [
        (
            {"target": "price / avg(price)"},
            "target is not row-wise: 'price / avg(price)' uses avg()",
        ),
        ({"where": "area > (SELECT 1)"}, "where is not row-wise: "),
        (
            {"features": {"rooms": "now()"}, "feature_sets": {}},
            "feature 'rooms' is not row-wise: 'now()' uses now()",
        ),
        (
            {"features": {"rooms": "rooms)"}, "feature_sets": {}},
            "feature 'rooms' is not a SQL expression: 'rooms)': ",
        ),
        (
            {"split": ByTime(column="max(sold)")},
            "split.column is not row-wise: 'max(sold)' uses max()",
        ),
        ({"split": ByTime(column="")}, "split.column is empty: give a SQL expression."),
    ],
)
def test_every_expression_is_checked_when_the_definition_is_made(changes, start):
    assert refusal(**changes).startswith(start)


def test_all_features_are_selected_in_order():
    assert list(HOUSES.select("all")) == ["area", "place", "rooms"]


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ("small", ["area", "rooms"]),
        ("rooms", ["rooms"]),
        ("rooms, area", ["rooms", "area"]),
        ("rooms,rooms", ["rooms"]),
    ],
)
def test_features_are_selected_by_set_or_by_name_in_the_order_asked(asked, names):
    assert HOUSES.select(asked) == {name: HOUSES.features[name] for name in names}
    assert list(HOUSES.select(asked)) == names


@pytest.mark.parametrize(
    ("asked", "start"),
    [
        ("aera", "unknown feature 'aera': did you mean 'area'?"),
        ("area,smal", "unknown feature 'smal': did you mean 'small'?"),
        ("serach", "unknown feature 'serach': did you mean 'search'?"),
        ("", "unknown feature '':"),
    ],
)
def test_an_unknown_feature_is_refused_with_the_nearest(asked, start):
    with pytest.raises(WorkflowError) as caught:
        HOUSES.select(asked)
    assert str(caught.value) == f"{start} Allowed: all, small, search, area, place, rooms."


@pytest.mark.parametrize("asked", ["small,place", "all,area"])
def test_a_set_in_a_list_is_not_suggested_for_itself(asked):
    with pytest.raises(WorkflowError) as caught:
        HOUSES.select(asked)
    first = asked.partition(",")[0]
    assert f"did you mean '{first}'" not in str(caught.value)


@pytest.mark.parametrize("asked", ["all", "small", "rooms,area"])
def test_one_selection_gives_a_search_one_feature_set(asked):
    assert HOUSES.selections(asked) == {asked: HOUSES.select(asked)}


def test_a_search_chooses_among_the_feature_sets_and_all():
    assert HOUSES.selections("search") == {
        "small": HOUSES.select("small"),
        "all": HOUSES.features,
    }


def test_a_set_of_every_feature_is_not_searched_twice():
    sets = {"small": ["area"], "whole": ["rooms", "place", "area"]}
    assert list(replace(HOUSES, feature_sets=sets).selections("search")) == ["small", "whole"]


def test_a_search_among_no_feature_sets_is_refused_with_what_to_do():
    with pytest.raises(WorkflowError) as caught:
        replace(HOUSES, feature_sets={}).selections("search")
    assert str(caught.value) == (
        "features='search': dataset 'houses' has no feature_sets to choose from; add some to its "
        "file, or give 'all'."
    )


def test_search_within_a_list_of_features_is_not_suggested_for_itself():
    with pytest.raises(WorkflowError) as caught:
        HOUSES.selections("search,area")
    assert "did you mean 'search'" not in str(caught.value)
