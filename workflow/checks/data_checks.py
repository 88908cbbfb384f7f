"""Checks on the clean splits, before anything is computed from them.

An error makes every model worthless; a warning may make models worse, or their scores too good.
Checks that find nothing wrong are listed too. Each split is read once: rows, missing values,
classes and the ends of the target are those of all rows, copies and shifts those of `split_scan`'s
samples.
"""

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from sql_features.duckdb_types import kind_of
from sql_features.expressions import TARGET, connect
from workflow.checks import profile, split_scan, value_counts
from workflow.checks.drift import shifts
from workflow.checks.duplicates import duplicates
from workflow.checks.finding import ERROR, FEW, LEVELS, OK, TRAIN, WARNING, Finding
from workflow.checks.gaps import leaking_gaps
from workflow.checks.split_scan import Split, scan_splits
from workflow.plain_values import quoted

FEWEST_ROWS = 10  # of train: nothing is learned from fewer
MISSING = 0.5  # a greater share of missing values is worth a warning
MORE_MISSING = 0.1  # so is one that is greater than train's by this
IMBALANCED = 0.2  # part of an even share that the rarest class should have: of two classes 10 %
# What a message calls values, by the kind of their type; others are "of another kind".
KINDS = {
    "number": "a number",
    "boolean": "a number",
    "text": "text",
    "date": "a time",
    "time": "a time",
}


def check(
    splits: Mapping[str, Path],
    *,
    task: str,
    features: dict[str, str],
    raw_types: Mapping[str, Mapping[str, str]],
    ordered_by: Collection[str] = (),
    more: Sequence[Finding] = (),
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Look in the splits for what makes a model worthless, or its scores wrong.

    Args:
        splits: Parquet file by split, train among them, with raw columns and the target.
        task: "regression", or one whose target is a class.
        features: SQL expression by feature name.
        raw_types: By split, the DuckDB type of each raw column in its raw file.
        ordered_by: The raw columns by which rows are split, if they are split by time: these differ
            from train's by intent.
        more: What other checks have found, for the same table.

    Returns:
        (n_findings, 6) frame with the columns of `Finding`, a row for each check, the worst first;
        and the splits' profile, see `profile.describe`.
    """
    with connect() as connection:
        scanned, step = scan_splits(connection, splits, task, features)
        (train,) = [split for split in scanned if split.name == TRAIN]
        others = [split for split in scanned if split.rows and split.name != TRAIN]
        kinds = value_counts.kinds(train, task)
        samples = {one.name: value_counts.read(connection, one, kinds) for one in scanned}
        found = list(map(_rows, scanned))
        shifted: list[Finding] = []
        if train.rows:  # without them there is an error already, and nothing to compare with
            found += _types(train, others, raw_types)
            found += _missing(train, others)
            found += _targets(train, others) if task == "regression" else _classes(train, others)
            found += duplicates(connection, train, others, step)
            found += leaking_gaps(connection, train, task)
            shifted = list(shifts(train, others, samples, kinds, ordered_by))
    found = sorted([*more, *found, *shifted], key=lambda finding: LEVELS.index(finding.level))
    return pd.DataFrame(found), profile.describe(scanned, samples, kinds, shifted)


def _rows(split: Split) -> Finding:
    level, note = OK, ""
    if not split.rows or (split.name == TRAIN and split.rows < FEWEST_ROWS):
        least = FEWEST_ROWS if split.name == TRAIN else 1
        level = ERROR
        note = f", which is too few: give at least {least:,}, or look at `where` and `split`"
    elif split.rows < FEWEST_ROWS:
        level, note = WARNING, ", so its scores are little more than chance: give more"
    rows = f"{split.rows:,} row{'' if split.rows == 1 else 's'}"
    return Finding("rows", split.name, "", split.rows, level, f"{split.name} has {rows}{note}.")


def _types(
    train: Split, others: list[Split], raw_types: Mapping[str, Mapping[str, str]]
) -> Iterator[Finding]:
    def folded(split: Split) -> dict[str, str]:
        return {name.casefold(): type for name, type in raw_types.get(split.name, {}).items()}

    expected = folded(train)
    for split in others:
        found = folded(split)
        for column in train.types:
            there, here = expected.get(column.casefold()), found.get(column.casefold())
            if there is None or here is None:
                continue  # it is the target, computed from raw columns
            level, message = OK, f"is {here} in {split.name} and {there} in train."
            kind, trains = (KINDS.get(kind_of(type), "of another kind") for type in (here, there))
            if kind != trains:
                level = WARNING
                message = (
                    f"is {kind} ({here}) in {split.name}'s file and {trains} "
                    f"({there}) in train's: its values could be read as train's type, but look "
                    "whether they mean the same, and give it one type in all files."
                )
            message = f"column {quoted(column)} {message}"
            yield Finding("types", split.name, column, int(level == WARNING), level, message)


def _missing(train: Split, others: list[Split]) -> Iterator[Finding]:
    empty = [column for column in train.features if train.missing[column] == train.rows]
    if empty and empty == train.features:
        message = (
            f"none of the columns that the features read has a value in train ("
            f"{', '.join(map(quoted, empty[:5]))}{', ...' if len(empty) > 5 else ''}): no model "
            "learns from them; look at how the file is read."
        )
        yield Finding("null rate", TRAIN, "", 1.0, ERROR, message)
    for split in [train, *others]:
        for column in train.features:
            before = train.missing[column] / train.rows
            rate = split.missing[column] / split.rows
            message = f"column {quoted(column)} is missing in {rate:.1%} of {split.name}'s rows"
            level = WARNING
            if split is train and column in empty:
                message = f"column {quoted(column)} has no value in train"
                cure = ": no feature learns anything from it; leave it out"
            elif (
                split is not train
                and rate > before + MORE_MISSING
                and rate > 2 * before
                and split.missing[column] >= FEW
            ):
                cure = f", but of {before:.1%} of train's: look at what fills it"
            elif rate > MISSING and (split is train or before <= MISSING):
                cure = ": look whether it is worth its place"
            else:
                level, cure = OK, ""
            yield Finding("null rate", split.name, column, rate, level, f"{message}{cure}.")


def _targets(train: Split, others: list[Split]) -> Iterator[Finding]:
    for split in [train, *others]:
        least, greatest = split.ends
        spread = greatest - least
        level, message = OK, f"the target goes from {least:.6g} to {greatest:.6g} in {split.name}."
        if not spread:
            level = ERROR if split is train else WARNING
            message = (
                f"the target is {least:.6g} in every row of {split.name}: "
                + ("there is nothing to learn" if split is train else "r2 means nothing there")
                + "; look at `target` and `where`."
            )
        yield Finding("constant target", split.name, TARGET, spread, level, message)


def _classes(train: Split, others: list[Split]) -> Iterator[Finding]:
    if uncounted := [split for split in [train, *others] if not split.classes]:
        for split in uncounted:
            message = (
                f"the target has more than {split_scan.MOST_CLASSES:,} different values in "
                f"{split.name}, too many for classes: choose another target, or task=regression "
                "for a number."
            )
            yield Finding("classes", split.name, TARGET, math.nan, ERROR, message)
        return
    for split in [train, *others]:
        known = len(split.classes)
        check, level, message = "classes", OK, f"the target has {known:,} classes in {split.name}."
        if known == 1:
            level = ERROR
            message = f"the target is {quoted(*split.classes)} in every row of {split.name}: "
            if split is train:
                check = "constant target"
                message += "there is nothing to learn; look at `target` and `where`."
            else:
                message += (
                    "no score can tell models apart there; look at `where`, or split the rows "
                    "differently."
                )
        yield Finding(check, split.name, TARGET, known, level, message)
    yield _rare(train)
    if len(train.classes) > 1:
        yield _balance(train)
    for split in others:
        unseen = {name: rows for name, rows in split.classes.items() if name not in train.classes}
        rows = sum(unseen.values())
        level, message = OK, f"train has every class of {split.name}."
        if unseen:
            level = WARNING
            message = (
                f"{rows:,} of {split.name}'s {split.rows:,} rows are of classes that train lacks, "
                f"{_counted(unseen)}: no model can know them; give train some, or leave them out "
                "with `where`."
            )
        yield Finding("unseen classes", split.name, TARGET, rows, level, message)


def _rare(train: Split) -> Finding:
    rare = {name: rows for name, rows in train.classes.items() if rows < FEW}
    level, message = OK, f"every class has at least {FEW} rows in train."
    if rare:
        level = WARNING
        message = (
            f"{len(rare):,} of {len(train.classes):,} classes have fewer than {FEW} rows in train, "
            f"{_counted(rare)}: too few to learn them; give more, or make one class of them."
        )
    return Finding("rare classes", TRAIN, TARGET, len(rare), level, message)


def _balance(train: Split) -> Finding:
    (most, rows), *_, (least, fewest) = train.classes.items()
    smallest = fewest / train.rows
    message = (
        f"of train's rows class {quoted(most)} {rows / train.rows:.1%} is the most frequent and "
        f"{quoted(least)} {smallest:.1%} the least"
    )
    level = OK
    if smallest < IMBALANCED / len(train.classes):
        level = WARNING
        message += ": accuracy says little there, judge by log_loss, f1 or roc_auc"
    return Finding("imbalance", TRAIN, TARGET, smallest, level, f"{message}.")


def _counted(classes: Mapping[str, int]) -> str:
    shown = [f"{quoted(name)} ({rows:,})" for name, rows in list(classes.items())[:5]]
    return ", ".join(shown) + (", ..." if len(classes) > len(shown) else "")
