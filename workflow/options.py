"""The options of the entry points: each one's name, its help, and what reads its text.

An entry point's function is decorated with the options that it has, and is called with their
values. Defaults are in MLproject and nowhere else, so every option is required.
"""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import click

from workflow import parameters

TEXTS = f"{__name__}.texts"  # in a click context: the texts of the options, by their names

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


class Value(click.ParamType[Any]):
    """The type of an option whose text is turned into a value by a function of `parameters`.

    Args:
        read: Given the option's name and its text, it returns the value or raises a WorkflowError.
    """

    name = "text"

    def __init__(self, read: Callable[[str, str], Any]) -> None:
        self.read = read

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the value of an option's text."""
        assert param is not None and ctx is not None  # click gives both
        name = param.opts[0].removeprefix("--")
        if param.expose_value:
            ctx.meta.setdefault(TEXTS, {})[name] = value
        return self.read(name, value)


def _option(
    name: str,
    help: str,
    read: Callable[[str, str], Any] = lambda name, text: text,
    *,
    argument: str | None = None,
    **more: Any,
) -> Decorator:
    """Return the decorator that gives an entry point an option.

    Args:
        name: On the command line, and in MLproject.
        help: What may be given.
        read: What reads the text; see `Value`.
        argument: Of the decorated function, where it is not called like the option.
        more: For `click.option`.
    """
    names = (f"--{name}", argument or name)
    return click.option(*names, type=Value(read), required=True, help=help, **more)


# Which dataset: these five together are a workflow.data.request.DatasetRequest.
dataset = _option("dataset", "Name, path or URI of a dataset file.")
data = _option("data", "'sample', 'default', or a file, a folder, a pattern or a URL prefix.")
target = _option("target", "A column of `data`; 'none': the dataset's.")
task = _option("task", "'auto', or what to make of the target.")
split_by = _option("split_by", "'auto', 'hash', 'hash:COLUMN' or 'time:COLUMN'.")

# What earlier steps have made.
splits = _option("splits", "runs:/<preprocess run id>/splits.", argument="splits_uri")
candidates = _option(
    "candidates", "Comma-separated ids of train and hpo runs.", parameters.items, argument="run_ids"
)
run = _option("run", "Id of the run of a finished workflow.", argument="run_id")

# A registered version, after its training.
model = _option("model", "NAME (its champion), NAME/3, NAME@alias, or models:/ and one of these.")
new_data = _option("data", "A file, a folder, a pattern or a URL of rows.")
output = _option("output", "'auto': an artifact of the run; or a .parquet, .csv or .jsonl file.")
keep = _option("keep", "'none', 'all', or raw columns that go with predictions.", parameters.kept)
interval = _option(
    "interval",
    "'none', or the share of rows whose truth is to be in an interval, or in a set of classes.",
    parameters.share_or_none,
)
invalid = _option(
    "invalid",
    "What becomes of rows that cannot be scored: 'refuse' or 'null'.",
    partial(parameters.one_of, allowed=["refuse", "null"]),
)
overwrite = _option(
    "overwrite",
    "'true': an existing output is replaced.",
    parameters.true_or_false,
    argument="may_overwrite",
)
code = _option(
    "code",
    "'recorded': the commit that the version was made by; 'here': this folder's code.",
    partial(parameters.one_of, allowed=["recorded", "here"]),
)
window = _option(
    "window", "'none', or day, week or month and a column: 'day:pickup'.", parameters.window
)
notify = _option("notify", "'none', an http(s) address, or 'environment'.")
fail_on = _option(
    "fail_on",
    "'alert': exit code 1 on an alert; or 'never'.",
    parameters.alert_or_never,
    argument="fails_on_alert",
)

version = _option("version", "'challenger', a number, 'previous' or 'history'.")
labelled_rows = _option("data", "'auto': the version's test split; or labelled rows as in `data`.")
rule = _option(
    "rule", "As `promote`, of the workflow.", partial(parameters.one_of, allowed=parameters.RULES)
)
to = _option("to", "'none', or the registered model that it is copied to.", parameters.other_name)
reason = _option("reason", "'none', or why, for the version's tags.", parameters.text_or_none)

# How models are fitted, searched and chosen.
features = _option("features", "'all', 'search', a feature set, or a list of features.")
metric = _option("metric", "'auto' or a metric of the task.")
validation = _option("validation", "'auto', 'holdout' or 'cv:<folds>'.", parameters.validation)
hyperparameters = _option(
    "hyperparameters", "JSON object; overrides one family's defaults.", parameters.json_object
)
max_evals = _option("max_evals", "How many trials.", partial(parameters.whole_number, at_least=1))
timeout = _option("timeout", "Seconds for the search, or 'none'.", parameters.seconds)
top_n = _option(
    "top_n",
    "How many of the best models hpo keeps, and register scores on the test split.",
    partial(parameters.whole_number, at_least=1),
)
register_as = _option(
    "register_as", "Registered name; 'auto' is the dataset's.", parameters.registered_name
)
promote = _option(
    "promote",
    "When the version replaces the champion: 'if_better', 'not_worse', 'always' or 'never'.",
    partial(parameters.one_of, allowed=parameters.RULES),
)
seed = _option(
    "seed",
    "Seed of everything random.",
    partial(parameters.whole_number, below=2**32),  # as numpy takes it
)
reuse = _option(
    "reuse",
    "'true': no step or trial whose result exists is run again.",
    parameters.true_or_false,
    argument="may_reuse",
)


def models(families: Iterable[str]) -> Decorator:
    """Return the option `models`, which names some of these families."""
    read = partial(parameters.names, allowed=list(families))
    return _option("models", "Comma-separated model families.", read)


def tune(families: Iterable[str]) -> Decorator:
    """Return the option `tune`, which says which of these families are searched."""
    read = partial(parameters.names, allowed=["best", "all", *families])
    return _option("tune", "'best', 'all', or comma-separated model families.", read)


def verbose(obey: Callable[[bool], None]) -> Decorator:
    """Return the option `verbose`, which is not passed to the entry point's function.

    Args:
        obey: It is called with the value before any other option is read.
    """
    return _option(
        "verbose",
        "'true': print all that the steps and the libraries have to say.",
        parameters.true_or_false,
        is_eager=True,
        expose_value=False,
        callback=lambda context, option, value: obey(value),
    )
