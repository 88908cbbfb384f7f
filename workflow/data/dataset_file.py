"""A dataset as YAML: one small file, read from the project, a path or a URI, and written again."""

import math
from dataclasses import fields
from typing import Any

import fsspec
import yaml
from yaml.reader import Reader

from sql_features.errors import WorkflowError
from workflow.data import split_rules
from workflow.data.dataset import Dataset
from workflow.errors import unknown
from workflow.models.search_space import Choice, domain
from workflow.paths import DATASETS

KEYS = [one.name for one in fields(Dataset)]
LISTS = ("split", "feature_sets", "search")  # hold lists, or small mappings, of a line each
REQUIRED = ("name", "task", "data", "split", "target", "features")


def load(dataset: str) -> Dataset:
    """Read a dataset by its name under datasets/, or by the path or URI of its file.

    Raises:
        WorkflowError: There is no such dataset, or its definition is not valid.
    """
    if is_name(dataset):
        shipped = {path.stem: path for path in sorted(DATASETS.glob("*.yaml"))}
        if dataset not in shipped:
            raise unknown("dataset", dataset, [*shipped, "or the path or URI of a dataset file"])
        dataset = str(shipped[dataset])
    try:
        with fsspec.open(dataset, "rt", encoding="utf-8") as file:
            text = file.read()
    # Every protocol's library has errors of its own; what they mean to the user is the same.
    except Exception as error:
        raise WorkflowError(f"dataset file {dataset} cannot be read: {error}.") from error
    return from_yaml(text, where=dataset)


def is_name(dataset: str) -> bool:
    """Tell a shipped dataset's name from the path or URI of a file."""
    return not ("/" in dataset or "\\" in dataset or dataset.endswith((".yaml", ".yml")))


def from_yaml(text: str, where: str) -> Dataset:
    """Read a definition.

    Args:
        text: The YAML text.
        where: Where it comes from, for errors.

    Raises:
        WorkflowError: It is not YAML, or not a valid definition.
    """
    try:
        given = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise WorkflowError(f"dataset file {where} is not YAML: {error}.") from error
    if not isinstance(given, dict):
        raise WorkflowError(f"dataset file {where} holds no mapping of {', '.join(KEYS)}.")
    for key in given:
        if key not in KEYS:
            raise unknown(f"key in dataset file {where}:", str(key), KEYS)
    if missing := [key for key in REQUIRED if key not in given]:
        raise WorkflowError(f"dataset file {where} lacks {', '.join(missing)}.")
    return Dataset(**{key: _shaped(key, value, where) for key, value in given.items()})


def to_yaml(dataset: Dataset, comments: dict[str, str] | None = None) -> str:
    """Return a definition as the text of a dataset file.

    Args:
        dataset: The definition.
        comments: By key, what is said above it.
    """
    given = {key: getattr(dataset, key) for key in KEYS}
    given["split"] = split_rules.write(dataset.split)
    given["search"] = {
        family: {name: _plain(one) for name, one in space.items()}
        for family, space in dataset.search.items()
    }
    lines = []
    for key, value in given.items():
        if not value or (key, value) in (("metric", "auto"), ("where", "true")):
            continue
        # Of a column's name, for example; not even a comment may hold what YAML cannot print.
        comment = Reader.NON_PRINTABLE.sub(
            "\N{REPLACEMENT CHARACTER}", (comments or {}).get(key, "")
        )
        lines += [f"# {line}" for line in comment.splitlines()]
        text = yaml.safe_dump(
            {key: value},
            sort_keys=False,
            allow_unicode=True,
            width=100,
            default_flow_style=None if key in LISTS else False,
        )
        lines.append(text)
    return "\n".join(line.rstrip("\n") for line in lines) + "\n"


def _shaped(key: str, value: Any, where: str) -> Any:
    """Check the shape of a value; YAML reads a feature `1` as a number, SQL wants its text."""
    readers = {
        "columns": _text,
        "features": _text,
        "left_out": _text,
        "feature_sets": _list,
        "thresholds": _number,
        "search": _space,
    }
    if key not in (*readers, "split"):
        return _text(key, value, where)
    if not isinstance(value, dict):
        raise WorkflowError(f"'{key}' in dataset file {where} must be a mapping.")
    if key == "split":
        try:
            return split_rules.read(value)
        except WorkflowError as error:
            raise WorkflowError(f"dataset file {where}: {error}") from error
    return {str(name): readers[key](f"{key}.{name}", one, where) for name, one in value.items()}


def _text(key: str, value: Any, where: str) -> str:
    if value is None or isinstance(value, list | dict):
        raise WorkflowError(f"'{key}' in dataset file {where} must be a text, not {value!r}.")
    return str(value)


def _list(key: str, value: Any, where: str) -> list[str]:
    if not isinstance(value, list):
        raise WorkflowError(f"'{key}' in dataset file {where} must be a list, not {value!r}.")
    return [_text(key, one, where) for one in value]


def _number(key: str, value: Any, where: str) -> float:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not math.isfinite(value):
        raise WorkflowError(f"'{key}' in dataset file {where} must be a number, not {value!r}.")
    return float(value)


def _space(key: str, value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise WorkflowError(
            f"'{key}' in dataset file {where} must be a mapping of hyperparameters."
        )
    family = key.partition(".")[2]
    return {str(name): domain(f"{family}.{name}", one) for name, one in value.items()}


def _plain(one: Any) -> Any:
    """Return what `models.domain` reads."""
    if isinstance(one, Choice):
        return {"options": list(one.options)}
    return one.__dict__ if hasattr(one, "low") else one
