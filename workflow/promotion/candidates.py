"""A registered version as a candidate: its model, and the rows that it is judged on."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd

from sql_features.errors import WorkflowError
from sql_features.expressions import TARGET, quote
from workflow import digests
from workflow.data.new_rows import NewRows, open_rows, write_labelled
from workflow.data.parquet import scan_parquet
from workflow.data.row_clusters import RowClusters, row_clusters
from workflow.data.splits import Splits
from workflow.models.metrics import Metric, resolve
from workflow.parameters import AUTO
from workflow.promotion import reading_again
from workflow.promotion.comparing import Candidate, TestRows
from workflow.tracking import dataset_inputs, model_loading, names
from workflow.tracking.model_versions import RegisteredVersion


def rows_of_test(
    splits: Splits, raw: pd.DataFrame, actual: pd.Series, clusters: RowClusters
) -> TestRows:
    """Return the test split as rows to compare on.

    Args:
        splits: A preprocess run's.
        raw: (n_rows, n_columns) its raw columns.
        actual: (n_rows,) its targets.
        clusters: Of its rows.
    """
    return TestRows(
        name="the test split",
        scan=scan_parquet([splits.path("test")]),
        raw=raw,
        actual=actual,
        clusters=clusters,
        digest=splits.digests["test"],
        read_again=lambda types: reading_again.columns_of_test(splits, types),
    )


def given_rows(
    version: RegisteredVersion,
    splits: Splits,
    champion: RegisteredVersion | None,
    data: str,
    folder: Path,
) -> tuple[TestRows, NewRows]:
    """Return labelled rows of the user's, as a version's definition labels and filters them.

    Args:
        version: The candidate.
        splits: Its own.
        champion: Whose columns are read too, if there is one.
        data: Where the rows are, as `request.location` returns it.
        folder: An empty one, for what is read.

    Raises:
        WorkflowError: They cannot be read, or none has a target.
    """
    types = dict(splits.columns)
    if champion is not None:
        known = {name.casefold() for name in types}
        more = _columns_of(champion).items()
        types |= {name: type for name, type in more if name.casefold() not in known}
    raw_files, written = folder / "raw", folder / "labelled"
    raw_files.mkdir()
    written.mkdir()
    rows = open_rows(data, version.dataset, types, raw_files)
    labelled, report = write_labelled(rows, written)
    if not report.rows:
        dropped = ", ".join(f"{count:,} {reason}" for reason, count in report.dropped.items())
        raise WorkflowError(
            f"data {rows.name}: none of its {report.rows_read:,} rows can be scored ({dropped}). "
            "Give rows with the target, which the dataset's `where` keeps."
        )
    path = labelled.path("test")
    there = list(rows.spelled)
    raw, actual = labelled.read("test", there)
    kept = ", ".join(quote(name) for name in [*there, TARGET])
    found = TestRows(
        name=rows.name,
        scan=f"(SELECT {kept} FROM {scan_parquet([path])})",
        raw=raw,
        actual=actual,
        clusters=row_clusters(labelled, "test"),
        digest=digests.of_files([path]),
        given=True,
    )
    return found, rows


def _columns_of(version: RegisteredVersion) -> dict[str, str]:
    """Return the raw columns of a version with their types, as far as they are known."""
    try:
        return dataset_inputs.open_splits(version.splits_uri).columns
    except WorkflowError:  # its splits are gone
        return {}


@contextmanager
def opened(version: RegisteredVersion, rows: TestRows) -> Iterator[Candidate]:
    """Load a version as a candidate; leaving it closes its model.

    Raises:
        WorkflowError: The model cannot be loaded, or the version is none of this project's.
    """
    with model_loading.load(version.uri) as model:
        yield Candidate(
            version=version,
            dataset=version.dataset,
            metric=metric_of(version),
            seed=_seed(version),
            rows=rows,
            predict=lambda: model.predict(rows.raw)[1],
            labels=model.labels,
        )


def metric_of(version: RegisteredVersion) -> Metric:
    """Return the metric that a version was chosen by."""
    try:
        given = version.register_run.data.params.get("metric", AUTO)
    except WorkflowError:  # the run was deleted
        given = AUTO
    return resolve(given, version.dataset.task, version.dataset.metric)


def _seed(version: RegisteredVersion) -> int:
    try:
        return int(version.run.data.tags.get(names.SEED_TAG, 0))
    except WorkflowError:  # the run was deleted
        return 0
