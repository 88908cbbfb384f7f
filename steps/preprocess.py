"""Turns raw files into clean, split Parquet, and logs it with the dataset's definition."""

import workflow.runtime.bootstrap  # noqa: F401

# isort: split

import json
import tempfile
from dataclasses import replace
from itertools import chain
from pathlib import Path

import click
import mlflow

from sql_features.errors import WorkflowError
from sql_features.expressions import columns_of
from workflow import addresses, digests, options
from workflow.checks import data_checks, finding, text_readings, time_zones
from workflow.data import readers, sources, split_writer, splits
from workflow.data.dataset import Dataset
from workflow.data.dataset_file import to_yaml
from workflow.data.request import SAMPLE, DatasetRequest
from workflow.data.samples.built_in import SAMPLES, make_sample
from workflow.data.split_rules import SPLITS, ByFiles, ByTime
from workflow.runtime import terminal
from workflow.schema import inferred_dataset
from workflow.schema.infer import Inferred, infer
from workflow.tracking import dataset_inputs, names, reuse, step

MAX_LEFT_OUT_SHOWN = 20  # columns
# The last part of a metric's name, by the reason for which rows are dropped; else it is `where`.
DROPPED = {"target missing": "target_missing", "time missing": "time_missing"}


@click.command()
@options.dataset
@options.data
@options.target
@options.task
@options.split_by
@options.seed
@step.verbose
def preprocess(dataset: str, data: str, target: str, task: str, split_by: str, seed: int) -> None:
    request = DatasetRequest.from_parameters(
        dataset=dataset, data=data, target=target, task=task, split_by=split_by
    )
    if request.is_inferred:
        request.check_table()
    else:
        definition = request.resolve()
    contents = request.contents()
    ingredients = reuse.ingredients("preprocess", step.parameters() | request.parameters, contents)
    with step.run("preprocess", ingredients), tempfile.TemporaryDirectory() as folder:
        raw_folder, out = Path(folder, "raw"), Path(folder, "splits")
        raw_folder.mkdir()
        out.mkdir()
        if request.is_inferred:
            files = {splits.WHOLE: sources.gather(request.data, raw_folder)}
            found = infer(files[splits.WHOLE], target=target, task=task, split_by=split_by)
            definition = inferred_dataset.from_table(found, target, request.data, split_by)
            comments = inferred_dataset.comments(found, definition.split)
            _print_inferred(found)
        else:
            files, comments = _raw_files(definition, raw_folder, seed), {}
            absent = _absent_columns(definition, files)
        missing = readers.missing_texts(chain(*files.values()), definition.missing)
        definition = replace(definition, missing=missing)
        with terminal.timed("preprocess", "wrote the splits"):
            raw = split_writer.read_raw(definition, files)
            definition = split_writer.with_key(definition, raw)
            reports = split_writer.write_splits(definition, raw, out)
        text = to_yaml(definition, comments)
        (out / splits.DEFINITION).write_text(text, encoding="utf-8")
        if request.contents() != contents:
            raise WorkflowError(
                f"data '{addresses.stripped(request.data)}' were changed while they were read: "
                "run it again."
            )
        with terminal.timed("preprocess", "checked the splits"):
            doubts = {splits.WHOLE: found.doubts} if request.is_inferred else absent
            warnings = _check_splits(
                definition, files, raw, out, doubts, inferred=request.is_inferred
            )
        with terminal.timed("preprocess", "logged the splits"):
            _log_splits(definition, files, out, reports)
        step.log_summary(_summary(definition, reports, warnings))


def _summary(
    definition: Dataset, reports: dict[str, split_writer.SplitReport], warnings: int
) -> str:
    """Return the result in one sentence: rows by split, what was dropped, how many warnings."""
    kept = ", ".join(f"{report.rows:,} {split}" for split, report in reports.items())
    read = sum(report.rows_read for report in reports.values())
    dropped = read - sum(report.rows for report in reports.values())
    left = len(definition.left_out)
    columns = f"; {left:,} column{'' if left == 1 else 's'} left out" if left else ""
    warned = f"; {warnings:,} warning{'' if warnings == 1 else 's'}" if warnings else ""
    return f"{kept} rows; {dropped:,} of {read:,} dropped{columns}{warned}"


def _raw_files(definition: Dataset, folder: Path, seed: int) -> dict[str, list[Path]]:
    """Return the local raw files: by split, or under `splits.WHOLE` where they hold one table.

    Args:
        folder: Where remote files are copied to, and a built-in sample is written.
        seed: Of a built-in sample.
    """
    if definition.data == SAMPLE:
        files = {}
        for split in SAMPLES[definition.sample]:
            part = split or splits.WHOLE
            files[part] = [folder / f"{part}.parquet"]
            make_sample(definition.sample, split, seed).to_parquet(files[part][0])
        return files
    if not isinstance(definition.split, ByFiles):
        return {splits.WHOLE: sources.gather(definition.data, folder)}
    files = definition.split.files
    fetched = sources.fetch(definition.data, files.values(), folder)
    return {split: [fetched[name]] for split, name in files.items()}


def _absent_columns(definition: Dataset, files: dict[str, list[Path]]) -> dict[str, dict[str, str]]:
    """Return by part and column a sentence on each column that some of several files lack.

    Raises:
        WorkflowError: A file is of another table.
    """
    target = columns_of(definition.target, "target")
    return {
        part: readers.absent_columns(paths, target, definition.raw_columns)
        for part, paths in files.items()
    }


def _print_inferred(found: Inferred) -> None:
    """Say what has been inferred from the table, and which columns are no features."""
    step.remark("preprocess", f"{found.task}: {found.why}; {len(found.features)} features")
    for name, reason in list(found.left_out.items())[:MAX_LEFT_OUT_SHOWN]:
        step.remark("preprocess", f"left out {name}: {reason}")
    if (more := len(found.left_out) - MAX_LEFT_OUT_SHOWN) > 0:
        step.remark("preprocess", f"left out {more} more columns: see dataset.yaml")


def _check_splits(
    definition: Dataset,
    files: dict[str, list[Path]],
    raw: dict[str, split_writer.RawRows],
    out: Path,
    doubts: dict[str, dict[str, str]],
    *,
    inferred: bool,
) -> int:
    """Check the raw texts and the clean splits, and log the checks with a profile of the columns.

    Args:
        files: The raw files, by split or as one table.
        raw: What is known of them.
        out: The folder with the splits.
        doubts: By the keys of `files` and by column, what is not certain of the raw files.
        inferred: Whether the dataset was inferred.

    Returns:
        How many warnings there are.

    Raises:
        WorkflowError: No model can learn from these splits.
    """
    rule = definition.split
    table, profile = data_checks.check(
        {split: out / f"{split}.parquet" for split in SPLITS},
        task=definition.task,
        features=definition.features,
        raw_types={split: raw.get(split, next(iter(raw.values()))).columns for split in SPLITS},
        ordered_by=columns_of(rule.column, "split.column") if isinstance(rule, ByTime) else (),
        more=[
            *(one for part in doubts for one in text_readings.doubts(doubts[part], part)),
            *text_readings.check(definition, files, inferred=inferred),
            *time_zones.check(definition, files, {part: one.columns for part, one in raw.items()}),
        ],
    )
    mlflow.log_text(table.to_csv(index=False), names.CHECKS)
    mlflow.log_text(json.dumps(profile, allow_nan=False), names.PROFILE)
    warnings = finding.warnings(table)
    mlflow.log_metric(names.CHECK_WARNINGS, len(warnings))
    errors = finding.errors(table)
    # The workflow's summary shows the warnings; after an error there is no summary.
    say = terminal.say if errors else step.remark
    for line in finding.notes(table).values():
        say("preprocess", line)
    for line in warnings:
        say("preprocess", f"warning: {line}")
    if errors:
        raise WorkflowError(" ".join(errors))
    return len(warnings)


def _log_splits(
    definition: Dataset,
    files: dict[str, list[Path]],
    out: Path,
    reports: dict[str, split_writer.SplitReport],
) -> None:
    """Log the splits in `out` as artifacts and as MLflow datasets, with digests and counts of rows.

    Args:
        files: The raw files, by split or as one table.
        out: The folder with the splits and dataset.yaml.
        reports: How many rows of each split were read and dropped.
    """
    run_id = mlflow.active_run().info.run_id
    mlflow.log_artifacts(str(out), names.SPLITS_FOLDER)
    mlflow.log_dict(
        {
            split: {"read": report.rows_read, "kept": report.rows, "dropped": report.dropped}
            for split, report in reports.items()
        },
        names.ROW_COUNTS,
    )
    clean = {split: digests.of_files([out / f"{split}.parquet"]) for split in SPLITS}
    raw = {part: digests.of_files(paths) for part, paths in files.items()}
    mlflow.set_tags(
        dataset_inputs.digest_tags(clean)
        | {f"{names.RAW_DIGEST_TAG}.{part}": digest for part, digest in raw.items()}
    )
    metrics = {}
    for split, report in reports.items():
        metrics[f"{split}_{names.ROWS}"] = report.rows
        metrics[f"{split}_{names.ROWS_READ}"] = report.rows_read
        for reason, count in report.dropped.items():
            metrics[f"{split}_{names.ROWS_DROPPED}_{DROPPED.get(reason, 'where')}"] = count
    mlflow.log_metrics(metrics)
    columns = splits.split_columns(out / "train.parquet")
    dataset_inputs.log_inputs(
        run_id,
        [
            dataset_inputs.dataset_input(
                name=definition.name,
                context=split,
                digest=clean[split],
                source=addresses.stripped(_source(definition, split)),
                columns=columns,
                rows=reports[split].rows,
            )
            for split in SPLITS
        ],
    )


def _source(definition: Dataset, split: str) -> str:
    """Return the place that a split's raw rows were read from: a path, a URL or `sample`."""
    if isinstance(definition.split, ByFiles) and definition.data != SAMPLE:
        return addresses.joined(definition.data, definition.split.files[split])
    return definition.data


if __name__ == "__main__":
    step.execute(preprocess)
