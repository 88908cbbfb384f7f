"""Looks whether a registered version still fits: new rows against training, scores against test."""

import workflow.runtime.bootstrap  # noqa: F401

# isort: split

import json
import tempfile
import time
from datetime import datetime
from pathlib import Path

import click
import mlflow
from mlflow.entities import Metric as MlflowMetric
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from sql_features.expressions import connect
from workflow import digests, options
from workflow.data import request
from workflow.data.monitoring_rules import MonitoringRules
from workflow.data.new_rows import NewRows, open_rows
from workflow.errors import AlertRaised
from workflow.monitoring import new_table, notification, reference, windows
from workflow.monitoring.finding import ALERT, OK
from workflow.monitoring.judgement import Judgement, Rules, judge
from workflow.monitoring.new_table import NewTable
from workflow.monitoring.record import Record
from workflow.monitoring.reference import Reference
from workflow.monitoring.result import Result, WindowResult, largest_drift, with_few_rows
from workflow.monitoring.windows import Window
from workflow.plain_values import cut, quoted
from workflow.report import monitor_description, monitor_report
from workflow.runtime import terminal
from workflow.tracking import dataset_inputs, model_versions, names, step
from workflow.tracking.model_loading import LoadedModel
from workflow.tracking.model_versions import RegisteredVersion

MOST_WINDOWS = 24
LONGEST_TAG = 500  # characters


@click.command()
@options.model
@options.new_data
@options.window
@options.notify
@options.fail_on
@step.verbose
def monitor(
    model: str,
    data: str,
    window: tuple[str, str, str | None] | None,
    notify: str,
    fails_on_alert: bool,
) -> None:
    place, address = request.location("data", data), notification.address(notify)
    version = model_versions.find(model)
    with step.run("monitor", **version.as_tags), tempfile.TemporaryDirectory() as folder:
        with terminal.timed("monitor", "read the record of the version"):
            record = Record.of(version)
        with record.load() as loaded:
            with terminal.timed("monitor", "read the rows that it was trained and tested on"):
                columns = record.columns(loaded.signature)
                known = reference.read(record.splits, columns, record.answers, loaded.labels)
            parted = Window(*window) if window else None
            with terminal.timed("monitor", "read the new rows"):
                rows = open_rows(place, record.dataset, record.types, Path(folder))
                table = new_table.read(rows, parted, Path(folder))
            with terminal.timed("monitor", "judged the new rows"):
                result = _look(version, record, loaded, known, rows, table, parted)
        _log(version, record, known, result, table)
        if address is not None:
            _notify(address, result)
        step.log_summary(result.text)
    if result.verdict == ALERT and fails_on_alert:
        raise AlertRaised


def _look(
    version: RegisteredVersion,
    record: Record,
    model: LoadedModel,
    known: Reference,
    rows: NewRows,
    table: NewTable,
    window: Window | None,
) -> Result:
    """Judge all the new rows, or each window, and come to a verdict."""
    rules, needed = record.dataset.monitoring or MonitoringRules(), model.signature.inputs
    by = Rules(
        metric=record.metric,
        split=record.dataset.split,
        needed=frozenset(spec.name for spec in needed if spec.required),
        max_degradation=rules.max_degradation,
        kept=record.kept,
        seed=record.seed,
    )
    notes = [f"The target is not known: {table.unlabelled}."] if table.unlabelled else []
    judged: list[WindowResult] = []
    with connect() as connection:
        if window is None:
            newest = judge(connection, table, None, "", model, known, by)
            verdict = newest.level
        else:
            timeline = windows.timeline(
                connection, table.sql(), new_table.WINDOW, window, MOST_WINDOWS
            )
            notes += timeline.notes
            for begin in timeline.begins:
                name = window.name(begin)
                where = f" in the {name}, by column {quoted(window.column)}"
                found = judge(connection, table, begin, where, model, known, by)
                judged.append(WindowResult(name=name, begin=begin, judgement=found))
            if not judged:
                where = f" with a time in column {quoted(window.column)}"
                found = judge(connection, table, "0001-01-01", where, model, known, by)
                judged = [WindowResult(name="no window", begin="", judgement=found)]
            newest = judged[-1].judgement
            if few := with_few_rows(judged):
                newest.findings.append(few)
            verdict = windows.verdict([one.level for one in judged], rules)
    return Result(
        model=version.name,
        version=version.number,
        data=rows.address,
        digest=digests.of_text(json.dumps(sorted(rows.identities.values()))),
        verdict=verdict,
        newest=newest,
        windows=judged,
        notes=notes,
    )


def _log(
    version: RegisteredVersion,
    record: Record,
    known: Reference,
    result: Result,
    table: NewTable,
) -> None:
    """Log the result to the run, to the model and to the version."""
    active, client = mlflow.active_run(), MlflowClient()
    assert active is not None
    run_id, name = active.info.run_id, record.dataset.name
    dataset = dataset_inputs.dataset_input(
        name=name,
        context="monitor",
        digest=result.digest,
        source=result.data,
        columns=table.types,
        rows=result.newest.rows,
    )
    dataset_inputs.log_inputs(run_id, [dataset])
    client.log_batch(run_id, metrics=_metrics(result, record.model_id, name, run_id))
    text = json.dumps(result.as_json(), allow_nan=False, ensure_ascii=False, indent=1)
    mlflow.log_text(text, names.MONITOR_RESULT)
    page = monitor_report.report(result, known, record.metric.name, record.dataset.unit)
    mlflow.log_text(page, names.MONITOR_REPORT)
    mlflow.set_tags(
        {
            names.VERDICT_TAG: result.verdict,
            names.NOTE_TAG: monitor_description.of_run(result, active),
        }
    )
    said = result.verdict if result.verdict == OK else f"{result.verdict}: {result.reason}"
    try:
        client.set_model_version_tag(
            version.name, version.number, names.VERSION_MONITOR, cut(said, LONGEST_TAG)
        )
    except MlflowException as error:
        terminal.say(
            "monitor",
            f"warning: the tag {names.VERSION_MONITOR} of version {version.number} could not be "
            f"set ({error.error_code}): whoever may edit the registered model can set it.",
        )


def _metrics(result: Result, model_id: str, dataset: str, run_id: str) -> list[MlflowMetric]:
    """Return the metrics of the run and of the model, each window with its own time."""
    found = []
    judged = [one.judgement for one in result.windows] or [result.newest]
    for place, judgement in enumerate(judged):
        when = int(time.time() * 1000)
        if result.windows and (begin := result.windows[place].begin):
            when = int(datetime.fromisoformat(f"{begin}+00:00").timestamp() * 1000)
        found += [
            MlflowMetric(key, value, when, place, model_id, dataset, result.digest, run_id)
            for key, value in _values(judgement).items()
        ]
    return found


def _values(judgement: Judgement) -> dict[str, float]:
    found: dict[str, float | None] = {names.MONITOR_ROWS: float(judgement.rows)}
    if drift := largest_drift(judgement):
        found[names.MONITOR_DRIFT] = drift.value
    found[names.MONITOR_AUC] = judgement.auc
    found |= {f"{names.MONITOR_ESTIMATED}{key}": one for key, one in judgement.estimates.items()}
    if judgement.performance:
        found |= judgement.performance.scores
    return {key: value for key, value in found.items() if value is not None and value == value}


def _notify(address: str, result: Result) -> None:
    """Send the result; whoever is to get it must not keep it from being logged."""
    if not notification.is_signed():
        terminal.say(
            "monitor", f"warning: the notification is not signed: set {notification.SECRET}."
        )
    if why := notification.send(address, result.as_json()):
        terminal.say("monitor", f"warning: nobody was notified: {why}.")


if __name__ == "__main__":
    step.execute(monitor)
