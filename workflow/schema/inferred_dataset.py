"""The definition of a dataset that is inferred from a bare table, and the comments in its file."""

import re

from sql_features.expressions import feature_columns
from workflow import addresses
from workflow.data.dataset import Dataset
from workflow.data.request import read_rule
from workflow.data.split_key import default_key
from workflow.data.split_rules import ByHash, ByTime, Split
from workflow.schema.infer import Inferred

# The validation of tables with fewer rows than this: in so few, a single holdout is too noisy. From
# 10,000 rows on, three folds choose the same models as five.
PATTERN = re.compile(r"\[[^]]*\]|[*?]")  # what stands for other characters in a path
FOLDS = {10_000: "cv:5", 30_000: "cv:3"}


def from_table(found: Inferred, target: str, data: str, split_by: str) -> Dataset:
    """Return the definition of an inferred dataset.

    Args:
        found: What has been inferred from the table.
        target: The target's column.
        data: Where the table is, a URL with its query.
        split_by: `auto`, or the rule of the split.
    """
    stem = _stem(data)
    rule = read_rule(split_by) or ByHash()
    if isinstance(rule, ByTime):
        assert found.time is not None  # it was asked for
        rule = ByTime(column=found.time)
    elif isinstance(rule, ByHash) and not rule.key:
        # The key is written down so that rows stay in their split when features are edited.
        key = default_key(found.features, feature_columns(found.features))
        rule = ByHash(key=key, repeats=found.repeats or None)
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


def _stem(data: str) -> str:
    """Return what a table is called: its file, or of a pattern the last part that has a name.

    >>> _stem("/data/visits/*/*.csv"), _stem("/data/sales-20*.csv"), _stem("/data/a[1].csv")
    ('visits', 'sales-20*', 'a[1]')
    """
    own = addresses.file_name(data).partition(".")[0]
    parts = [own, *reversed(addresses.stripped(data).rstrip("/").split("/")[:-1])]
    named = (one for one in parts if re.search(r"\w", PATTERN.sub("", one).partition("=")[0]))
    return next((one for one in named if one == own or "=" not in one), own)


def comments(found: Inferred, rule: Split) -> dict[str, str]:
    """Return the comments in the file of an inferred dataset, by the key they stand above."""
    if isinstance(rule, ByTime):
        split = "The latest rows are the test."
    elif isinstance(rule, ByHash) and rule.repeats:
        split = (
            "Rows are alike by nature, so each is split by itself: by the key, and its number "
            "among the rows alike in the key. Appended rows move none."
        )
    else:
        split = "Rows alike in the key go to the same split, whatever other rows there are."
    notes = "".join(f"\n  {name}: {note}" for name, note in found.notes.items())
    return {
        "name": "Inferred from the table. Edit it, and pass it back: -P dataset=<this file> "
        "-P data=default",
        "task": found.why,
        "split": split,
        "columns": "DuckDB types of the raw columns, or how their texts are read.",
        "missing": "Texts that mean missing in every column.",
        "target": f"{found.rows:,} rows, {found.rows_without_target:,} of them without a target.",
        "validation": "cv:5 judges by folds of train and validation, holdout by validation alone.",
        "features": f"Row-wise SQL (DuckDB's), by name.{notes}",
        "left_out": "Columns that are no feature, and why.",
    }
