from typing import Any

import click
import pytest

from sql_features.errors import WorkflowError
from workflow import options

FAMILIES = {"linear": 1, "lightgbm": 2}


def value(option: options.Decorator, name: str, text: str) -> Any:
    """Return what an entry point is given for a text of its only option."""

    @click.command()
    @option
    def command(**given: Any) -> Any:
        (only,) = given.values()
        return only

    return command.main([f"--{name}", text], standalone_mode=False)


@pytest.mark.parametrize(
    ("option", "name", "text", "expected"),
    [
        (options.dataset, "dataset", "green_taxi", "green_taxi"),
        (options.target, "target", "none", "none"),
        (options.candidates, "candidates", "a, b,", ["a", "b"]),
        (options.models(FAMILIES), "models", "lightgbm,linear", ["lightgbm", "linear"]),
        (options.tune(FAMILIES), "tune", "best,linear", ["best", "linear"]),
        (options.hyperparameters, "hyperparameters", '{"a": 1}', {"a": 1}),
        (options.max_evals, "max_evals", "15", 15),
        (options.timeout, "timeout", "60", 60.0),
        (options.timeout, "timeout", "none", None),
        (options.validation, "validation", "auto", None),
        (options.validation, "validation", "cv:5", "cv:5"),
        (options.top_n, "top_n", "5", 5),
        (options.register_as, "register_as", "auto", None),
        (options.register_as, "register_as", "taxi", "taxi"),
        (options.seed, "seed", "0", 0),
        (options.seed, "seed", str(2**32 - 1), 2**32 - 1),
        (options.reuse, "reuse", "false", False),
        (options.window, "window", "none", None),
        (options.window, "window", "week:sold", ("week", "sold", None)),
        (options.window, "window", "day:a:b:today", ("day", "a:b", "today")),
        (options.window, "window", "day:a:2023-02-30", ("day", "a:2023-02-30", None)),
        (options.fail_on, "fail_on", "never", False),
    ],
)
def test_an_entry_point_is_given_values(option, name, text, expected):
    assert value(option, name, text) == expected


@pytest.mark.parametrize(
    ("option", "name", "text", "line"),
    [
        (options.max_evals, "max_evals", "0", "give a whole number of at least 1."),
        (options.top_n, "top_n", "-1", "give a whole number of at least 1."),
        (options.seed, "seed", "-1", "give a whole number of at least 0."),
        (options.seed, "seed", str(2**32), "give a whole number below 4294967296."),
        (options.timeout, "timeout", "0", "give a number of seconds above 0, or 'none'."),
        (options.reuse, "reuse", "yes", "give 'true' or 'false'."),
        (options.fail_on, "fail_on", "warning", "give 'alert' or 'never'."),
        (options.tune(FAMILIES), "tune", ",", "give at least one of best, all, linear, lightgbm."),
    ],
)
def test_a_text_that_an_option_does_not_take_is_refused(option, name, text, line):
    with pytest.raises(WorkflowError) as caught:
        value(option, name, text)
    assert str(caught.value) == f"{name}='{text}': {line}"


def test_an_option_that_is_not_given_is_missing():
    @click.command()
    @options.seed
    def command(seed: int) -> None: ...

    with pytest.raises(click.MissingParameter, match="seed"):
        command.main([], standalone_mode=False)


def test_verbose_is_obeyed_first_and_not_passed_on():
    obeyed = []

    @click.command()
    @options.seed
    @options.verbose(obeyed.append)
    def command(**given: Any) -> dict[str, Any]:
        return given

    with pytest.raises(WorkflowError, match=r"^seed='x'"):
        command.main(["--seed", "x", "--verbose", "true"], standalone_mode=False)
    assert obeyed == [True]
    given = command.main(["--seed", "1", "--verbose", "false"], standalone_mode=False)
    assert given == {"seed": 1}
    assert obeyed == [True, False]
