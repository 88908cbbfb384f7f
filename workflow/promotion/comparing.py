"""A version against the champion, on rows that neither was fitted on."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from sql_features.errors import WorkflowError
from workflow.data.dataset import Dataset
from workflow.data.row_clusters import RowClusters
from workflow.evaluation.comparison import Comparison, compare
from workflow.evaluation.scores import codes, undefined
from workflow.models.metrics import Metric
from workflow.promotion.errors import NotComparable
from workflow.promotion.seen_rows import FITTED, seen_rows
from workflow.tracking import dataset_inputs, model_loading, names
from workflow.tracking.model_versions import RegisteredVersion

LEAST_ROWS = 100  # of fewer, nothing is decided


@dataclass(frozen=True, kw_only=True)
class TestRows:
    """Rows with the target, on which versions are compared.

    Attributes:
        name: What they are, for messages.
        scan: The SQL that reads their raw columns and the target, in the order of the frame.
        raw: (n_rows, n_columns) raw columns.
        actual: (n_rows,) targets.
        clusters: Of the rows.
        digest: Of the rows.
        given: Whether the user has given them, and vouches that they mean the same to both.
        read_again: Returns columns that they lack, by their types, from the data that they are of;
            see `reading_again.columns_of_test`.
    """

    __test__ = False  # no test of pytest's

    name: str
    scan: str
    raw: pd.DataFrame
    actual: pd.Series
    clusters: RowClusters
    digest: str
    given: bool = False
    read_again: Callable[[dict[str, str]], pd.DataFrame] | None = None


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A version that may become the champion.

    Attributes:
        version: It.
        dataset: The definition that it was trained on.
        metric: What it was chosen by.
        seed: Of the resamples.
        rows: Those that it is judged on.
        predict: Returns its predictions of `rows.raw`, as `LoadedModel.predict` does.
        labels: (n_classes,) in the order of the probabilities; empty for a regression.
    """

    version: RegisteredVersion
    dataset: Dataset
    metric: Metric
    seed: int
    rows: TestRows
    predict: Callable[[], np.ndarray]
    labels: list[Any]


@dataclass(frozen=True, kw_only=True)
class ComparedVersions:
    """What came out.

    Attributes:
        comparison: The candidate against the champion.
        seen: How many rows were left out because the champion was fitted on them, or on such;
            None where that cannot be known.
        same: Whether both predict the same for every row.
    """

    comparison: Comparison
    seen: int | None
    same: bool


def compare_with_champion(candidate: Candidate, champion: RegisteredVersion) -> ComparedVersions:
    """Compare a candidate with the champion.

    Raises:
        NotComparable: They do not compare on these rows.
    """
    rows, metric = candidate.rows, candidate.metric
    try:
        _check_alike(candidate, champion)
        unseen, seen = _unseen(candidate, champion)
        kept = np.flatnonzero(unseen)
        if len(kept) < LEAST_ROWS:
            left = f"; it was fitted on the other {seen:,}" if seen else ""
            raise NotComparable(
                f"{rows.name} has only {len(kept):,} rows to compare on, and {LEAST_ROWS} are "
                f"needed{left}"
            )
        actual = rows.actual.iloc[kept]
        with model_loading.load(champion.uri) as model:
            raw = _with_columns(rows, champion, model.signature.inputs.input_names()).iloc[kept]
            if not rows.given and set(model.labels) != set(candidate.labels):
                raise NotComparable("its classes are others")
            _, theirs = model.predict(raw)
            labels = model.labels
    except WorkflowError as error:
        raise NotComparable(str(error).rstrip(".")) from error
    ours = candidate.predict()[kept]
    y, y_theirs = (
        codes(actual, one) if one else actual.to_numpy() for one in (candidate.labels, labels)
    )
    if why := undefined(metric, y):
        raise NotComparable(f"{metric.name} has no value on {rows.name}, where {why}")
    ids = pd.factorize(rows.clusters.ids[kept])[0]
    comparison = compare(
        metric,
        (y, ours),
        (y_theirs, theirs),
        clusters=RowClusters(ids, rows.clusters.kind),
        seed=candidate.seed,
        against=f"version {champion.number}",
    )
    same = labels == candidate.labels and np.array_equal(ours, theirs)
    return ComparedVersions(comparison=comparison, seen=seen, same=same)


def _check_alike(candidate: Candidate, champion: RegisteredVersion) -> None:
    """Check that the two predict the same thing, of the same kind of rows."""
    ours = candidate.dataset
    if candidate.rows.given:
        if champion.dataset.task != ours.task:
            raise NotComparable(f"its task is {champion.dataset.task}, not {ours.task}")
        return
    if champion.tags.get(names.VERSION_SPLITS) == candidate.version.splits_uri:
        return
    theirs = champion.dataset
    if theirs.task != ours.task:
        raise NotComparable(f"its task is {theirs.task}, not {ours.task}")
    for what, one, other in (
        ("target", theirs.target, ours.target),
        ("filter", theirs.where, ours.where),
    ):
        if _plain(one) != _plain(other):
            raise NotComparable(f"its {what} is another: {_line(one)}, not {_line(other)}")


def _unseen(candidate: Candidate, champion: RegisteredVersion) -> tuple[np.ndarray, int | None]:
    """Return (n_rows,) which rows the champion was not fitted on, and how many it was.

    Of equal splits nothing has to be looked for: a split's test rows are none of its others.
    """
    rows = candidate.rows
    every = np.ones(len(rows.actual), dtype=bool)
    versions = [champion]
    if rows.given:
        versions.append(candidate.version)
    elif all(_digest(champion, one) == _digest(candidate.version, one) != "" for one in FITTED):
        return every, 0
    seen = ~every
    for version in versions:
        try:
            splits = dataset_inputs.open_splits(version.splits_uri)
        except WorkflowError as error:
            if not rows.given:
                raise NotComparable(
                    "the rows that it was fitted on are gone, so nobody knows which of these rows "
                    "are among them"
                ) from error
            return every, None
        seen |= seen_rows(rows.scan, splits)
    return ~seen, int(seen.sum())


def _digest(version: RegisteredVersion, split: str) -> str:
    tag = names.DIGEST_TAG.removeprefix("workflow.")
    return version.tags.get(f"{tag}.{split}", "")


def _with_columns(rows: TestRows, champion: RegisteredVersion, needed: list[str]) -> pd.DataFrame:
    """Return the raw rows with all columns that the champion takes, as far as they can be had."""
    absent = [name for name in needed if name not in rows.raw.columns]
    if not absent:
        return rows.raw
    if rows.read_again is not None:
        known = dataset_inputs.open_splits(champion.splits_uri).columns
        if set(absent) <= set(known):
            again = rows.read_again({name: known[name] for name in absent})
            return rows.raw.assign(**{str(name): again[name].to_numpy() for name in again})
    raise NotComparable(f"it needs the columns {', '.join(absent)}, which {rows.name} lacks")


def _plain(sql: str) -> str:
    return re.sub(r"\s+", " ", sql).strip()


def _line(sql: str) -> str:
    text = _plain(sql)
    return text if len(text) <= 60 else f"{text[:57]}..."
