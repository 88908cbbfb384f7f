"""A dataset's definition: one small YAML file, checked when it is read."""

import re
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import fsspec
import yaml

from workflow import caller, sources
from workflow.errors import WorkflowError, unknown
from workflow.samples import SAMPLES
from workflow.sql import TARGET, columns_of

SHIPPED = Path(__file__).resolve().parent.parent / "datasets"
SPLITS = ("train", "validation", "test")
TASKS = ("regression",)
ALL = "all"  # every feature
SAMPLE, DEFAULT = "sample", "default"  # what `data` may be beside a place
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """Where rows come from, how they are split, what the target is, which rows count, the features.

    Attributes:
        name: The dataset's name, and by default the registered model's.
        task: One of `TASKS`.
        data: The folder or URL prefix of the files.
        split: File name of each of `SPLITS`, relative to `data`.
        target: Row-wise SQL over raw columns.
        where: Row-wise SQL that is true for the rows that count; may name `target`.
        features: Row-wise SQL by feature name.
        feature_sets: Names of features by the name of a set.
        sample: The built-in sample's name, if there is one.
    """

    name: str
    description: str = ""
    task: str
    data: str
    split: dict[str, str]
    target: str
    where: str = "true"
    features: dict[str, str]
    feature_sets: dict[str, list[str]] = field(default_factory=dict)
    sample: str | None = None

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise WorkflowError(
                f"dataset name {self.name!r}: use letters, digits, '.', '_' and '-' only."
            )
        if self.task not in TASKS:
            raise unknown("task", self.task, TASKS)
        for split in self.split:
            if split not in SPLITS:
                raise unknown("split", split, SPLITS)
        if missing := [split for split in SPLITS if split not in self.split]:
            raise WorkflowError(f"dataset '{self.name}' names no file for {', '.join(missing)}.")
        if not self.features:
            raise WorkflowError(f"dataset '{self.name}' has no features.")
        folded: dict[str, str] = {}
        for name in self.features:
            if not name.strip() or name == ALL or "," in name:
                raise WorkflowError(
                    f"feature '{name}': give it a name without a comma, not '{ALL}'."
                )
            if (other := folded.setdefault(name.casefold(), name)) != name:
                raise WorkflowError(
                    f"features '{other}' and '{name}' are one name to SQL: rename one."
                )
        for name, members in self.feature_sets.items():
            if name == ALL or name in self.features:
                raise WorkflowError(f"feature set '{name}' has the name of a feature, or '{ALL}'.")
            if not members:
                raise WorkflowError(f"feature set '{name}' is empty.")
            for member in members:
                if member not in self.features:
                    raise unknown(f"feature in set '{name}':", member, self.features)
        _ = self.raw_columns  # parses every expression

    @property
    def raw_columns(self) -> frozenset[str]:
        """The raw columns that target, filter and features name, as they spell them."""
        named = columns_of(self.where, "where")
        filtered_by = {name for name in named if name.casefold() != TARGET}
        return columns_of(self.target, "target") | filtered_by | feature_columns(self.features)

    def select(self, features: str) -> dict[str, str]:
        """Return the SQL of the features asked for.

        Args:
            features: `all`, the name of a feature set, or a comma-separated list of features.

        Raises:
            WorkflowError: A name that is neither.
        """
        sets = {ALL: list(self.features), **self.feature_sets}
        names = sets.get(features) or [name.strip() for name in features.split(",")]
        for name in names:
            if name in sets:
                raise WorkflowError(
                    f"features='{features}': '{name}' is a set; give it alone, or features only: "
                    f"{', '.join(self.features)}."
                )
            if name not in self.features:
                raise unknown("feature", name, [*sets, *self.features])
        return {name: self.features[name] for name in names}

    def to_yaml(self) -> str:
        """Return the definition as the text of a dataset file."""
        given = {key: value for key, value in asdict(self).items() if value}
        return yaml.safe_dump(given, sort_keys=False, allow_unicode=True, width=100)


def feature_columns(features: dict[str, str]) -> frozenset[str]:
    """Return the raw columns that features name, as they spell them."""
    read = (columns_of(expression, f"feature '{name}'") for name, expression in features.items())
    return frozenset().union(*read)


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
        keys = ", ".join(_keys(Dataset))
        raise WorkflowError(f"dataset file {where} holds no mapping of {keys}.")
    for key in given:
        if key not in _keys(Dataset):
            raise unknown(f"key in dataset file {where}:", str(key), _keys(Dataset))
    required = ("name", "task", "data", "split", "target", "features")
    if missing := [key for key in required if key not in given]:
        raise WorkflowError(f"dataset file {where} lacks {', '.join(missing)}.")
    return Dataset(**_texts(given, where))


def load(dataset: str) -> Dataset:
    """Read a dataset by its name under datasets/, or by the path or URI of its file.

    Raises:
        WorkflowError: There is no such dataset, or its definition is not valid.
    """
    if is_name(dataset):
        shipped = {path.stem: path for path in sorted(SHIPPED.glob("*.yaml"))}
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


def locate(name: str, data: str) -> tuple[str, str]:
    """Return the parameters `dataset` and `data` with relative paths made absolute.

    Raises:
        WorkflowError: A URL is of a kind that is not read, or a path is relative and the caller's
            folder cannot be found out.
    """
    if not is_name(name):
        name = caller.absolute(name)
    if data not in (SAMPLE, DEFAULT) and not sources.is_remote(data):
        data = caller.absolute(data)
    return name, data


def resolve(name: str, data: str, target: str, task: str) -> Dataset:
    """Return the definition that the parameters ask for.

    Args:
        name: A shipped dataset's name, or the absolute path or URI of a dataset file.
        data: `sample`, `default` (what the file says), an absolute path or a URL.
        target: `none`.
        task: `auto`, or the dataset's own.

    Raises:
        WorkflowError: The parameters do not fit the dataset.
    """
    if target != "none":
        raise WorkflowError(
            f"target='{target}': a dataset is not inferred from its data yet. Write a dataset file "
            "(docs/datasets.md), pass it as dataset=<path>, and leave target at 'none'."
        )
    definition = load(name)
    if task not in ("auto", definition.task):
        raise WorkflowError(
            f"task='{task}': dataset '{definition.name}' is for {definition.task}; give 'auto'."
        )
    if data == DEFAULT:
        return definition
    if data == SAMPLE and definition.sample not in SAMPLES:
        raise WorkflowError(
            f"data='{SAMPLE}': dataset '{definition.name}' has no built-in sample; give a folder, "
            f"a URL prefix, or '{DEFAULT}' for {definition.data}."
        )
    return replace(definition, data=data)


def is_name(dataset: str) -> bool:
    """Tell a shipped dataset's name from the path or URI of a file."""
    return not ("/" in dataset or "\\" in dataset or dataset.endswith((".yaml", ".yml")))


def _keys(cls: type) -> list[str]:
    return [one.name for one in fields(cls)]


def _texts(given: dict[str, Any], where: str) -> dict[str, Any]:
    """Check the shape of each value; YAML reads a feature `1` as a number, SQL wants its text."""
    shaped: dict[str, Any] = {}
    for key, value in given.items():
        if key in ("split", "features", "feature_sets"):
            if not isinstance(value, dict):
                raise WorkflowError(f"'{key}' in dataset file {where} must be a mapping.")
            read = _list if key == "feature_sets" else _text
            shaped[key] = {
                str(name): read(f"{key}.{name}", one, where) for name, one in value.items()
            }
        else:
            shaped[key] = _text(key, value, where)
    return shaped


def _text(key: str, value: Any, where: str) -> str:
    if value is None or isinstance(value, list | dict):
        raise WorkflowError(f"'{key}' in dataset file {where} must be a text, not {value!r}.")
    return str(value)


def _list(key: str, value: Any, where: str) -> list[str]:
    if not isinstance(value, list):
        raise WorkflowError(f"'{key}' in dataset file {where} must be a list, not {value!r}.")
    return [_text(key, one, where) for one in value]
