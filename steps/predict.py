"""Scores a table with a registered version of a model, and writes the predictions."""

import workflow.runtime.bootstrap  # noqa: F401

# isort: split

import datetime
import json
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import mlflow
import pyarrow as pa
from mlflow.entities import LoggedModelInput
from mlflow.tracking import MlflowClient

from sql_features.errors import WorkflowError
from sql_features.labelled_pipeline import PREDICTION, PROBABILITY
from workflow import digests, formatting, options
from workflow.data import sources
from workflow.data.new_rows import NewRows, open_rows
from workflow.data.request import location
from workflow.data.table_writers import Output
from workflow.errors import unknown
from workflow.evaluation.prediction_shares import PredictionShares
from workflow.parameters import AUTO
from workflow.runtime import terminal
from workflow.tracking import (
    artifacts,
    dataset_inputs,
    model_loading,
    model_versions,
    names,
    prediction_intervals,
    scoring,
    step,
)
from workflow.tracking.descriptions import escaped
from workflow.tracking.model_loading import LoadedModel
from workflow.tracking.model_versions import RegisteredVersion
from workflow.tracking.scoring import Scored

PROBLEM = "problem"  # the column that says why a row has no prediction
# Columns that tell where predictions come from, where raw columns go with them.
PROVENANCE = ("model_name", "model_version", "model_run", "predicted_at")

WRITTEN = (PREDICTION, *prediction_intervals.NAMES, PROBLEM, *PROVENANCE)


@click.command()
@options.model
@options.new_data
@options.output
@options.keep
@options.interval
@options.invalid
@options.overwrite
@step.verbose
def predict(
    model: str,
    data: str,
    output: str,
    keep: list[str] | None,
    interval: float | None,
    invalid: str,
    may_overwrite: bool,
) -> None:
    data = location("data", data)
    target = None if output == AUTO else Output(location("output", output))
    if target is not None:
        target.check()
    version = model_versions.find(model)
    most = prediction_intervals.read(version).within(interval) if interval else None
    with step.run("predict", **version.as_tags) as run, tempfile.TemporaryDirectory() as folder:
        files = model_loading.download(version.uri)
        metadata = files.metadata.metadata or {}
        inputs = [] if files.metadata.signature is None else files.metadata.signature.inputs
        types = metadata.get(names.RAW_COLUMNS) or {spec.name: "VARCHAR" for spec in inputs}
        rows = open_rows(data, version.dataset, types, Path(folder))
        kept = _kept(rows, keep)
        key = _key(version, rows, kept, interval, invalid)
        mlflow.set_tag(names.KEY_TAG, key)
        place = target or Output(str(Path(folder, names.PREDICTIONS)))
        if target is not None and target.exists() and not may_overwrite:
            _reuse(target, key, version, run.info.experiment_id)
            return
        with files.load() as loaded:
            _check_columns(loaded, rows)
            job = Job(version, loaded, rows, kept, most, invalid == "null", key)
            result = job.write(place)
        if target is None:
            mlflow.log_artifact(place.address)
        else:
            mlflow.set_tag(names.OUTPUT_TAG, _identity(target))
        _log(run.info.run_id, job, result)
        where = names.PREDICTIONS if target is None else target.shown
        step.log_summary(_summary(job, result, where))


@dataclass(frozen=True)
class Result:
    """What was written.

    Attributes:
        rows: How many rows.
        invalid: How many of them have no prediction.
        shares: How the predictions are distributed; None where those on test are gone.
    """

    rows: int
    invalid: int
    shares: PredictionShares | None


@dataclass(frozen=True)
class Job:
    """One table to be scored by one version.

    Attributes:
        version: Of the registered model.
        model: The version, loaded.
        rows: The table.
        kept: Its columns that go with the predictions.
        most: How far from its prediction a truth is at most, in the share of rows that is asked
            for; None where no interval is.
        may_be_invalid: Whether rows that cannot be scored are left empty.
        key: Stands for the model, the rows and what is asked for.
    """

    version: RegisteredVersion
    model: LoadedModel
    rows: NewRows
    kept: list[str]
    most: float | None
    may_be_invalid: bool
    key: str

    def write(self, output: Output) -> Result:
        """Score the rows and write them.

        Raises:
            WorkflowError: Rows cannot be read or scored; then nothing is written.
        """
        shares = _shares(self.version, self.model)
        needed = [spec.name for spec in self.model.signature.inputs]
        columns = list(dict.fromkeys([*needed, *map(self._own_name, self.kept)]))
        most = self.rows.count()
        done = invalid = 0
        provenance = self._provenance()
        as_text = output.kind.startswith(".csv")
        schema = self._schema(as_text)
        with terminal.Progress("predict", most, "rows") as progress:
            metadata = provenance | {"key": self.key}
            with output.writer(schema, metadata) as write:
                scored = scoring.score(
                    self.model, self.rows, columns, may_be_invalid=self.may_be_invalid
                )
                for one in scored:
                    write(self._table(one, schema, provenance, as_text))
                    done, invalid = done + len(one.answer), invalid + one.invalid
                    if shares is not None:
                        shares.add(one.answer[PREDICTION])
                    progress.update("", len(one.answer))
                if not done:
                    raise WorkflowError(f"data {self.rows.name} has no rows.")
        return Result(done, invalid, shares)

    def _own_name(self, kept: str) -> str:
        """Return what a kept column is called in the batches: a model's column as in training."""
        trained = {own: name for name, own in self.rows.spelled.items()}
        return trained.get(kept, kept)

    def _schema(self, as_text: bool) -> pa.Schema:
        answer = list(scoring.answer_schema(self.model))
        with_kept = []
        if self.kept:
            first = next(self.rows.batches(map(self._own_name, self.kept), 1), None)
            with_kept = [] if first is None else list(first.schema.types)
        fields = [pa.field(*one) for one in zip(self.kept, with_kept, strict=False)]
        fields += answer
        if self.most is not None:
            fields += prediction_intervals.fields(self.model.labels, as_text)
        if self.may_be_invalid:
            fields.append(pa.field(PROBLEM, pa.string()))
        if self.kept:
            fields += [pa.field(name, pa.string()) for name in PROVENANCE]
        return pa.schema(fields)

    def _table(
        self, one: Scored, schema: pa.Schema, provenance: dict[str, str], as_text: bool
    ) -> pa.Table:
        found: dict[str, Any] = {kept: one.rows.column(self._own_name(kept)) for kept in self.kept}
        for field in scoring.answer_schema(self.model):
            values = one.answer.get(field.name)
            absent = pa.nulls(one.rows.num_rows, field.type)
            found[field.name] = (
                absent if values is None else pa.array(values, field.type, from_pandas=True)
            )
        if self.most is not None:
            found |= prediction_intervals.columns(one.answer, self.model.labels, self.most, as_text)
        if self.may_be_invalid:
            found[PROBLEM] = pa.array(one.problems, pa.string())
        if self.kept:
            found |= {
                name: pa.repeat(pa.scalar(text), one.rows.num_rows)
                for name, text in provenance.items()
            }
        return pa.table(found).cast(schema)

    def _provenance(self) -> dict[str, str]:
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        made_by = (self.version.name, self.version.number, str(self.version.entity.run_id), now)
        return dict(zip(PROVENANCE, made_by, strict=True))


def _kept(rows: NewRows, keep: list[str] | None) -> list[str]:
    """Return the columns that go with the predictions, as the files spell them.

    Raises:
        WorkflowError: There is no such column, or the predictions have one of its name.
    """
    own = {name.casefold(): name for name in rows.columns}
    kept = list(rows.columns) if keep is None else []
    for name in keep or []:
        if name.casefold() not in own:
            raise unknown(f"column in {rows.name} that keep names:", name, rows.columns)
        kept.append(own[name.casefold()])
    for name in kept:
        folded = name.casefold()
        if folded in WRITTEN or folded.startswith(PROBABILITY):
            raise WorkflowError(
                f"keep: the column '{name}' has the name of one that is written beside it: rename "
                "it, or keep others by their names."
            )
    return kept


def _key(
    version: RegisteredVersion,
    rows: NewRows,
    kept: list[str],
    interval: float | None,
    invalid: str,
) -> str:
    """Return what stands for the model, the rows and what is asked for."""
    made_of = {
        "model": [version.uri, version.entity.source, version.entity.creation_timestamp],
        "rows": sorted(rows.identities.items()),
        "keep": kept,
        "interval": interval,
        "invalid": invalid,
    }
    return digests.of_text(json.dumps(made_of))


def _identity(output: Output) -> str:
    return digests.of_text(json.dumps(sorted(sources.identities(output.address).values())))


def _reuse(output: Output, key: str, version: RegisteredVersion, experiment: str) -> None:
    """Say that an existing output is of the same model and rows.

    Raises:
        WorkflowError: It is not.
    """
    same = (
        f"tags.`{names.KEY_TAG}` = '{key}' AND tags.`{names.OUTPUT_TAG}` = '{_identity(output)}'"
        " AND attributes.status = 'FINISHED'"
    )
    found = MlflowClient().search_runs([experiment], same, max_results=1)
    if not found:
        raise WorkflowError(
            f"output='{output.shown}' exists, and is not of this model and these rows: give "
            "another name, or overwrite=true."
        )
    mlflow.set_tags({names.OUTPUT_TAG: _identity(output), names.REUSED_TAG: found[0].info.run_id})
    step.log_summary(
        f"{output.shown} is there already, of {version.name} version {version.number} and the "
        f"same rows: made by run {found[0].info.run_id}"
    )


def _check_columns(model: LoadedModel, rows: NewRows) -> None:
    """Check that the rows have the columns that the model needs, and warn of those that it misses.

    Raises:
        WorkflowError: They have not.
    """
    needed = {spec.name for spec in model.signature.inputs if spec.required}
    absent = [name for name in rows.absent if name in needed]
    if absent:
        there = ", ".join(list(rows.columns)[:20])
        raise WorkflowError(
            f"data {rows.name} lacks the columns {', '.join(absent)}, which the model needs; it "
            f"has {there}. Give rows as those of training."
        )
    for name in rows.absent:
        terminal.say(
            "predict",
            f"warning: {rows.name} has no column {name}: it counts as missing in each row",
        )
    for line in rows.partly_absent.values():
        terminal.say("predict", f"warning: {line}")


def _shares(version: RegisteredVersion, model: LoadedModel) -> PredictionShares | None:
    """Return what compares predictions with those on test, or None where these are gone."""
    on_test = None
    with suppress(WorkflowError):  # the register run may be gone too
        on_test = artifacts.predictions_on_test(version.register_run)
    if on_test is None:
        terminal.say("predict", "the version's predictions on test are gone: nothing to compare")
        return None
    return PredictionShares(on_test[PREDICTION], model.labels)


def _log(run_id: str, job: Job, result: Result) -> None:
    """Log the rows, the model and how the predictions are distributed to the step's run."""
    rows, version = job.rows, job.version
    digest = digests.of_text(json.dumps(sorted(rows.identities.values())))
    given = dataset_inputs.dataset_input(
        name=rows.dataset.name,
        context="predict",
        digest=digest,
        source=rows.address,
        columns=rows.columns,
        rows=result.rows,
    )
    dataset_inputs.log_inputs(run_id, [given])
    if version.entity.model_id:
        MlflowClient().log_inputs(run_id, models=[LoggedModelInput(version.entity.model_id)])
    metrics = {names.ROWS: result.rows, names.ROWS_INVALID: result.invalid}
    if result.shares is not None and (means := result.shares.means):
        metrics |= dict(
            zip((names.PREDICTION_MEAN, names.TEST_PREDICTION_MEAN), means, strict=True)
        )
    mlflow.log_metrics(metrics)
    mlflow.set_tag(names.NOTE_TAG, _description(job, result))


def _description(job: Job, result: Result) -> str:
    """Return the description of the step's run as markdown."""
    version = job.version
    lines = [
        f"**{result.rows:,} rows of {escaped(job.rows.address)}** scored by "
        f"[{escaped(version.name)} version {version.number}]({version.page})."
    ]
    if result.invalid:
        lines.append(f"{result.invalid:,} of them could not be scored: `{PROBLEM}` says why.")
    if result.shares is not None:
        lines += ["", "| prediction | of these rows | of the test rows |", "|---|--:|--:|"]
        lines += [
            f"| {escaped(name)} | {formatting.share(new)} | {formatting.share(test)} |"
            for name, new, test in result.shares.table[:100]
        ]
    return "\n".join(lines)


def _summary(job: Job, result: Result, where: str) -> str:
    """Return the result in one sentence."""
    version = job.version
    empty = f", {result.invalid:,} of them empty" if result.invalid else ""
    compared = ""
    if result.shares is not None and (means := result.shares.means):
        new, test = (formatting.number(one) for one in means)
        compared = f"; mean prediction {new}, on test {test}"
    who = f"{version.name} version {version.number}"
    return f"{result.rows:,} rows scored by {who}{empty}: {where}{compared}"


if __name__ == "__main__":
    step.execute(predict)
