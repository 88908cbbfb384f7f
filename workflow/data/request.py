"""Which dataset the parameters ask for: a file's, or one inferred from the data."""

import re
from dataclasses import replace
from pathlib import Path

from sql_features.errors import WorkflowError
from sql_features.expressions import columns_of, feature_columns, quote
from workflow import digests
from workflow.data import sources
from workflow.data.dataset import Dataset
from workflow.data.dataset_file import is_name, load, to_yaml
from workflow.data.samples.built_in import SAMPLES
from workflow.data.split_rules import ByFiles, ByHash, ByTime, Split
from workflow.errors import unknown
from workflow.infer import ASKED, Inferred
from workflow.parameters import NONE
from workflow.runtime import calling_process

AUTO = "auto"
SAMPLE, DEFAULT = "sample", "default"  # what `data` may be beside a place
# How a table with fewer rows than this is judged: one holdout would be too noisy, and its rows are
# worth more to the model that is kept. From 10,000 on, three folds choose what five would.
FOLDS = {10_000: "cv:5", 30_000: "cv:3"}


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


def check_table(target: str, data: str, task: str, split_by: str) -> None:
    """Check the parameters of a dataset that is to be inferred, before its data are read.

    Raises:
        WorkflowError: There are no data, no such task, or no such rule of the split.
    """
    if task not in ASKED:
        raise unknown("task", task, ASKED)
    if data in (SAMPLE, DEFAULT):
        raise WorkflowError(
            f"target='{target}' with data='{data}': a dataset is inferred from a table of yours; "
            "give data=<file, folder, pattern or URL>, or leave target at 'none'."
        )
    read_rule(split_by)


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


def from_table(found: Inferred, target: str, data: str, split_by: str) -> Dataset:
    """Return the definition of an inferred dataset.

    Args:
        found: What is known of the table.
        target: The target's column.
        data: Where it is.
        split_by: `auto`, or the rule of the split.
    """
    stem = Path(data.rstrip("/")).name.partition(".")[0]
    rule = read_rule(split_by) or ByHash()
    if isinstance(rule, ByTime):
        rule = ByTime(column=found.time)
    elif not rule.key:
        # Written down, so that a row stays in its split when features are taken out or added.
        used = columns_of(found.target, "target") | feature_columns(found.features)
        rule = ByHash(key=tuple(sorted(used)))
    return Dataset(
        name=re.sub(r"[^A-Za-z0-9._-]+", "-", f"{stem}-{target}").strip("-._") or "table",
        description=f"{target} of {stem}.",
        task=found.task,
        data=data,
        split=rule,
        columns=found.columns,
        target=found.target,
        features=found.features,
        validation=next((how for rows, how in FOLDS.items() if found.rows < rows), "holdout"),
        left_out=found.left_out,
    )


def comments(found: Inferred) -> dict[str, str]:
    """Return what the file of an inferred dataset says above its keys."""
    notes = "".join(f"\n  {name}: {note}" for name, note in found.notes.items())
    return {
        "name": "Inferred from the table. Edit it, and pass it back: -P dataset=<this file> "
        "-P data=default",
        "task": found.why,
        "split": "Rows alike in the key go to the same split, whatever other rows there are."
        if found.time is None
        else "The latest rows are the test.",
        "columns": "DuckDB types of the raw columns.",
        "target": f"{found.rows:,} rows, {found.rows_without_target:,} of them without a target.",
        "validation": "cv:5 judges by folds of train and validation, holdout by validation alone.",
        "features": f"Row-wise SQL (DuckDB's), by name.{notes}",
        "left_out": "Columns that are no feature, and why.",
    }
