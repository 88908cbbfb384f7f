"""Which dataset the parameters ask for: a file's, or one inferred from the data."""

from dataclasses import replace

from sql_features.errors import WorkflowError
from sql_features.expressions import quote
from workflow import digests
from workflow.data import sources
from workflow.data.dataset import Dataset
from workflow.data.dataset_file import is_name, load, to_yaml
from workflow.data.samples.built_in import SAMPLES
from workflow.data.split_rules import ByFiles, ByHash, ByTime, Split
from workflow.parameters import NONE
from workflow.runtime import calling_process

AUTO = "auto"
SAMPLE, DEFAULT = "sample", "default"  # what `data` may be beside a place


def locate(name: str, data: str) -> tuple[str, str]:
    """Return the parameters `dataset` and `data` with relative paths made absolute.

    Raises:
        WorkflowError: A URL is of a kind that is not read, or a path is relative and the caller's
            folder cannot be found out.
    """
    if not is_name(name):
        name = calling_process.absolute(name)
    if data not in (SAMPLE, DEFAULT) and not sources.is_remote(data):
        data = calling_process.absolute(data)
    return name, data


def resolve(name: str, data: str, task: str, split_by: str) -> Dataset:
    """Return the definition in a dataset file, with what the parameters change.

    Args:
        name: A shipped dataset's name, or the absolute path or URI of a dataset file.
        data: `sample`, `default` (what the file says), an absolute path or a URL.
        task: `auto`, or the dataset's own.
        split_by: `auto`, or a rule instead of the dataset's.

    Raises:
        WorkflowError: The parameters do not fit the dataset.
    """
    definition = load(name)
    if task not in (AUTO, definition.task):
        raise WorkflowError(
            f"task='{task}': dataset '{definition.name}' is for {definition.task}; give 'auto'."
        )
    if rule := read_rule(split_by):
        if isinstance(definition.split, ByFiles):
            raise WorkflowError(
                f"split_by='{split_by}': dataset '{definition.name}' has a file for each split; "
                "give 'auto'."
            )
        definition = replace(definition, split=rule)
    data = definition.data if data == DEFAULT else data
    if data == SAMPLE and definition.sample not in SAMPLES:
        raise WorkflowError(
            f"data='{SAMPLE}': dataset '{definition.name}' has no built-in sample; give a folder, "
            f"a URL prefix, or '{DEFAULT}' for {definition.data}."
        )
    return replace(definition, data=data)


def contents(dataset: str, data: str, target: str, task: str, split_by: str) -> dict[str, str]:
    """Return what is known of the content of what the parameters name: dataset file, raw files.

    Args:
        dataset: A shipped dataset's name, or the absolute path or URI of a dataset file.
        data: As `locate` returns it.
        target: A column, or `none`.
        task: As it was given.
        split_by: As it was given.

    Raises:
        WorkflowError: A file is not there, or the parameters do not fit the dataset.
    """
    if target != NONE:
        return sources.identities(data)
    definition = resolve(dataset, data, task, split_by)
    found = {"dataset": digests.of_text(to_yaml(definition))}
    if definition.data == SAMPLE:
        return found  # its rows are made by the code
    by_files = isinstance(definition.split, ByFiles)
    names = definition.split.files.values() if by_files else None
    return found | sources.identities(definition.data, names)


def read_rule(split_by: str) -> Split | None:
    """Return the rule that the parameter `split_by` names, or None for `auto`.

    Raises:
        WorkflowError: It names none.
    """
    if split_by == AUTO:
        return None
    rule, given, column = split_by.partition(":")
    if rule == "hash" and (column or not given):
        return ByHash(key=(column,) if column else ())
    if rule == "time" and column:
        return ByTime(column=quote(column))
    raise WorkflowError(
        f"split_by='{split_by}': give 'auto', 'hash', 'hash:COLUMN' (rows alike in it stay "
        "together) or 'time:COLUMN' (the latest rows are the test)."
    )
