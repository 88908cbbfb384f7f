import pytest
from hypothesis import given
from hypothesis import strategies as st

from sql_features.errors import WorkflowError
from workflow.errors import StepFailed, unknown


@given(st.text())
def test_an_error_is_always_one_line(text):
    assert len(str(WorkflowError(text)).splitlines()) <= 1


def test_line_breaks_and_indentation_become_single_spaces():
    assert str(WorkflowError("line one\n    line two\t!\n")) == "line one line two !"


def test_a_failed_step_is_an_error_that_a_user_can_cause():
    with pytest.raises(WorkflowError, match=r"^train: no rows\.$"):
        raise StepFailed("train: no rows.")


def test_an_unknown_name_gets_the_nearest_and_all_allowed_ones():
    error = unknown("model", "lihgtgbm", ["linear", "lightgbm"])
    assert str(error) == (
        "unknown model 'lihgtgbm': did you mean 'lightgbm'? Allowed: linear, lightgbm."
    )


def test_no_name_is_suggested_when_none_is_near():
    error = unknown("model", "prophet", ["linear", "lightgbm"])
    assert str(error) == "unknown model 'prophet': Allowed: linear, lightgbm."


@pytest.mark.parametrize("given", ["LIGHTGBM", "LightGbm", "light_gbm"])
def test_the_nearest_name_does_not_go_by_case(given):
    assert "did you mean 'LightGBM'?" in str(unknown("model", given, ["linear", "LightGBM"]))


def test_allowed_names_may_come_from_a_generator():
    assert "Allowed: a, b." in str(unknown("letter", "z", (letter for letter in "ab")))
