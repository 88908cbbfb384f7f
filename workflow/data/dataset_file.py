"""A dataset as YAML: one small file, read from the project, a path or a URI, and written again."""

import json
from dataclasses import asdict
from typing import Any

import fsspec
import yaml
from pydantic import TypeAdapter, ValidationError
from yaml.reader import Reader

from sql_features.errors import WorkflowError
from workflow import addresses
from workflow.data.column_reading import Reading
from workflow.data.dataset import KEYS, MIN_IMPROVEMENT, Dataset
from workflow.data.dataset_errors import explained
from workflow.data.fetch_errors import reason
from workflow.errors import unknown
from workflow.paths import DATASETS

ADAPTER = TypeAdapter(Dataset)
LEFT_OUT = (
    f"The query of this address is not recorded: put it into {addresses.QUERY_VARIABLES['data']}, "
    "or give the whole address as -P data=<URL>."
)
# Keys whose inner lists and mappings take a line each.
LISTS = ("split", "missing", "feature_sets", "search")
# Values that need not be said.
DEFAULTS = (("metric", "auto"), ("where", "true"), ("min_improvement", MIN_IMPROVEMENT))


class _Line(dict[str, Any]):
    """A mapping that is written in one line."""


class _Dumper(yaml.SafeDumper):  # type: ignore[misc]
    """Writes YAML that holds mappings of one line."""


_Dumper.add_representer(
    _Line,
    lambda dumper, value: dumper.represent_mapping("tag:yaml.org,2002:map", value, flow_style=True),
)


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
    # Every protocol's library has errors of its own, which mean the same to the user.
    except Exception as error:
        raise WorkflowError(
            f"dataset file {addresses.stripped(dataset)} cannot be read: {reason(error)}."
        ) from error
    return from_yaml(text, where=addresses.stripped(dataset))


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
    try:
        return ADAPTER.validate_python(given)
    except ValidationError as error:
        raise explained(error, where) from error


def to_yaml(dataset: Dataset, comments: dict[str, str] | None = None) -> str:
    """Return a definition as the text of a dataset file, with the address of its data stripped.

    Args:
        dataset: The definition.
        comments: Comment lines by the key that they stand above.
    """
    given = asdict(dataset) | {
        "data": addresses.stripped(dataset.data),
        "columns": {
            name: _Line(one.given) if isinstance(one, Reading) else one
            for name, one in dataset.columns.items()
        },
    }
    if given["data"] != dataset.data:
        comments = {"data": LEFT_OUT, **(comments or {})}
    unsaid = {"by": "files", "key": (), "repeats": None}
    given["split"] = {
        key: value
        for key, value in given["split"].items()
        if key not in unsaid or value != unsaid[key]
    }
    lines = []
    for key, value in given.items():
        said = value or (key, value) in (("missing", []), ("min_improvement", 0))
        if not said or (key, value) in DEFAULTS:
            continue
        # A comment may quote a name, but even a comment may not hold what YAML cannot print.
        comment = Reader.NON_PRINTABLE.sub(
            "\N{REPLACEMENT CHARACTER}", (comments or {}).get(key, "")
        )
        lines += [f"# {line}" for line in comment.splitlines()]
        text = yaml.dump(
            {key: value},
            Dumper=_Dumper,
            sort_keys=False,
            allow_unicode=True,
            width=100,
            default_flow_style=None if key in LISTS else False,
        )
        lines.append(text)
    return "\n".join(line.rstrip("\n") for line in lines) + "\n"


def schema() -> dict[str, Any]:
    """Return the JSON Schema of dataset files, by which an editor completes and checks them."""
    found = ADAPTER.json_schema()
    for rule in ("ByHash", "ByTime"):  # optional to Python alone: without it files are meant
        found["$defs"][rule]["required"] = ["by", *found["$defs"][rule].get("required", [])]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **found}


if __name__ == "__main__":
    print(json.dumps(schema(), indent=2))
