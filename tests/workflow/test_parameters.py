import pytest
from hypothesis import given
from hypothesis import strategies as st

from sql_features.errors import WorkflowError
from workflow.parameters import (
    folds,
    items,
    json_object,
    names,
    registered_name,
    seconds,
    true_or_false,
    validation,
    whole_number,
)

FAMILIES = ["linear", "lightgbm", "xgboost"]


@given(st.integers(0, 2**32 - 1))
def test_a_whole_number_is_read_back(number):
    assert whole_number("seed", str(number)) == number


@pytest.mark.parametrize("text", ["", "-1", "1.5", "1e3", "ten", "none", "nan"])
def test_a_text_that_is_no_whole_number_is_refused(text):
    with pytest.raises(WorkflowError) as caught:
        whole_number("seed", text)
    assert str(caught.value) == f"seed='{text}': give a whole number of at least 0."


def test_a_whole_number_below_the_least_is_refused():
    with pytest.raises(WorkflowError, match=r"^top_n='0': give a whole number of at least 1\.$"):
        whole_number("top_n", "0", at_least=1)


def test_a_whole_number_above_the_limit_is_refused():
    with pytest.raises(WorkflowError, match=r"^seed='9': give a whole number below 9\.$"):
        whole_number("seed", "9", below=9)
    assert whole_number("seed", "8", below=9) == 8


@pytest.mark.parametrize(("text", "number"), [("holdout", None), ("cv:2", 2), ("cv:20", 20)])
def test_validation_is_a_holdout_or_a_number_of_folds(text, number):
    assert folds(text) == number


@pytest.mark.parametrize(
    "text", ["", "auto", "cv", "cv:", "cv:1", "cv:21", "cv:-5", "cv:2.5", "cv:five", "5", "cv:²"]
)
def test_an_unknown_way_of_validation_is_refused(text):
    with pytest.raises(WorkflowError) as caught:
        folds(text)
    assert str(caught.value) == (
        f"validation='{text}': give 'holdout' for the validation split, or 'cv:5' for that many "
        "folds (2 to 20) of train and validation together."
    )


def test_validation_auto_is_left_to_the_dataset():
    assert validation("validation", "auto") is None
    assert validation("validation", "holdout") == "holdout"
    assert validation("validation", "cv:5") == "cv:5"
    with pytest.raises(WorkflowError, match=r"^validation='cv:99': "):
        validation("validation", "cv:99")


@pytest.mark.parametrize(("text", "value"), [("none", None), ("60", 60.0), ("0.5", 0.5)])
def test_a_time_limit_is_a_number_of_seconds_or_none(text, value):
    assert seconds("timeout", text) == value


@pytest.mark.parametrize("text", ["", "0", "-1", "inf", "nan", "1 minute", "None"])
def test_a_text_that_is_no_time_limit_is_refused(text):
    with pytest.raises(WorkflowError) as caught:
        seconds("timeout", text)
    assert str(caught.value) == f"timeout='{text}': give a number of seconds above 0, or 'none'."


@pytest.mark.parametrize(("text", "value"), [("true", True), ("false", False)])
def test_true_and_false_are_read(text, value):
    assert true_or_false("reuse", text) is value


@pytest.mark.parametrize("text", ["", "True", "FALSE", "yes", "no", "1", "0", " true", "none"])
def test_a_text_that_is_neither_true_nor_false_is_refused(text):
    with pytest.raises(WorkflowError) as caught:
        true_or_false("reuse", text)
    assert str(caught.value) == f"reuse='{text}': give 'true' or 'false'."


def test_the_items_of_a_list_are_stripped_and_may_be_none():
    assert items("candidates", " a,b ,,a") == ["a", "b", "a"]
    assert items("candidates", " , ") == []


@given(st.lists(st.sampled_from(FAMILIES), min_size=1))
def test_names_come_once_each_in_the_order_given(given):
    assert names("models", " , ".join(given), allowed=FAMILIES) == list(dict.fromkeys(given))


def test_stray_commas_in_a_list_are_ignored():
    assert names("models", ",linear,,xgboost, ", allowed=FAMILIES) == ["linear", "xgboost"]


def test_an_unknown_name_in_a_list_is_refused_with_the_nearest():
    with pytest.raises(WorkflowError) as caught:
        names("models", "linear,ligthgbm", allowed=FAMILIES)
    message = str(caught.value)
    assert message.startswith("unknown name in models")
    assert "'ligthgbm'" in message
    assert "did you mean 'lightgbm'?" in message
    assert message.endswith("Allowed: linear, lightgbm, xgboost.")


@pytest.mark.parametrize("text", ["", " ", ",", " , "])
def test_an_empty_list_is_refused_with_what_is_allowed(text):
    with pytest.raises(WorkflowError) as caught:
        names("models", text, allowed=FAMILIES)
    assert str(caught.value).endswith("give at least one of linear, lightgbm, xgboost.")


@pytest.mark.parametrize(
    ("text", "name"), [("auto", None), ("taxi", "taxi"), ("Green taxi, v2.1", "Green taxi, v2.1")]
)
def test_a_registered_name_stays_as_it_is(text, name):
    assert registered_name("register_as", text) == name


@pytest.mark.parametrize("text", ["", "  ", "team/taxi", "models:taxi"])
def test_a_name_that_the_registry_does_not_accept_is_refused(text):
    with pytest.raises(WorkflowError) as caught:
        registered_name("register_as", text)
    assert str(caught.value).startswith("register_as='")
    assert "give a name without '/' and ':', or 'auto' for the dataset's." in str(caught.value)


@pytest.mark.parametrize(
    ("text", "value"),
    [("{}", {}), ('{"max_depth": 8}', {"max_depth": 8}), ('{"a": null}', {"a": None})],
)
def test_a_json_object_is_read(text, value):
    assert json_object("hyperparameters", text) == value


@pytest.mark.parametrize("text", ["[1]", "1", '"max_depth"', "null"])
def test_json_that_is_no_object_is_refused_with_an_example(text):
    with pytest.raises(WorkflowError) as caught:
        json_object("hyperparameters", text)
    assert str(caught.value) == (
        f"hyperparameters='{text}': give a JSON object such as {{\"max_depth\": 8}}."
    )


@pytest.mark.parametrize("text", ["", "max_depth=8", "{'max_depth': 8}", "{max_depth: 8}"])
def test_a_text_that_is_not_json_is_refused(text):
    with pytest.raises(WorkflowError, match=r"^hyperparameters='.*' is not JSON: "):
        json_object("hyperparameters", text)
