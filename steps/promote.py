"""Makes a version of a registered model the champion by a test, or goes back to an earlier one."""

import workflow.runtime.bootstrap  # noqa: F401

# isort: split

import tempfile
from dataclasses import asdict
from pathlib import Path

import click
import mlflow
import pandas as pd

from workflow import options
from workflow.data.request import location
from workflow.data.row_clusters import row_clusters
from workflow.formatting import capitalized
from workflow.parameters import AUTO
from workflow.promotion import candidates, choosing, copying, decision, history, rollback
from workflow.promotion.choosing import Choice
from workflow.promotion.comparing import TestRows
from workflow.runtime import terminal
from workflow.tracking import dataset_inputs, model_versions, names, runs, step
from workflow.tracking.descriptions import escaped
from workflow.tracking.model_versions import RegisteredVersion


@click.command()
@options.model
@options.version
@options.labelled_rows
@options.rule
@options.to
@options.reason
@step.verbose
def promote(
    model: str, version: str, data: str, rule: str, to: str | None, reason: str | None
) -> None:
    if data != AUTO:
        data = location("data", data)
    name, is_whole = choosing.model_name(model)
    if version == choosing.HISTORY and not is_whole:
        return _tell_history(name)
    chosen = choosing.choose(model, version, may_roll_back=to is None)
    with step.run("promote"):
        if chosen.terms:
            _roll_back(chosen, reason)
        else:
            _promote(chosen, data, rule, to, reason)


def _tell_history(name: str) -> None:
    """Print which version was champion when, and log it as a table."""
    terms = history.terms(name)
    if not terms:
        model_versions.find(name)  # says that there is no such model, or no champion
    with step.run("promote"):
        table = pd.DataFrame([asdict(term) for term in terms])
        mlflow.log_text(table.to_csv(index=False), names.HISTORY)
        print(f"{'version':<9}{'since':<26}{'until':<26}{'by':<14}reason")
        for term in terms:
            why = f"{'(rolled back) ' if term.rolled_back else ''}{term.reason}"
            since, until = term.since or "not recorded", term.until or "now"
            line = f"{term.version:<9}{since:<26}{until:<26}{term.by or '-':<14}{why or '-'}"
            print(terminal.printable(line))
        since = f" since {terms[0].since}" if terms[0].since else ""
        step.log_summary(f"{name} version {terms[0].version} is @{names.ALIAS}{since}")


def _roll_back(chosen: Choice, reason: str | None) -> None:
    version = chosen.version
    rows = rollback.check_serves(version)
    sentence = rollback.roll_back(version, chosen.terms, reason)
    mlflow.set_tags({names.DECISION_TAG: sentence, names.CHAMPION_TAG: version.number})
    _describe(version, sentence)
    tried = f" {rows} row{'' if rows == 1 else 's'} of" if rows else ""
    does = f"it predicts{tried} its input example" if rows else "it can be loaded"
    step.log_summary(
        f"{version.name} version {version.number} is @{names.ALIAS} again: {sentence}; {does}"
    )


def _promote(chosen: Choice, data: str, rule: str, to: str | None, reason: str | None) -> None:
    version = chosen.version
    with tempfile.TemporaryDirectory() as folder:
        rows = _rows(version, to or version.name, data, Path(folder))
        if to is not None:
            version = copying.copied(version, to)
        with candidates.opened(version, rows) as candidate:
            decided = decision.decide(candidate, rule, named=chosen.named, reason=reason)
    decision.log(decided)
    _describe(version, decided.sentence)
    step.log_summary(
        f"{version.name} version {version.number} is "
        f"{f'@{decided.alias}' if decided.serves else 'no champion'}: {decided.sentence}"
    )


def _rows(version: RegisteredVersion, name: str, data: str, folder: Path) -> TestRows:
    """Return the rows to compare on, which are logged as the run's dataset input.

    Args:
        version: The candidate.
        name: The registered model whose champion it is compared with.
        data: `auto` for its test split, or where labelled rows are.
        folder: An empty one, for what is read of these.
    """
    splits = dataset_inputs.open_splits(version.splits_uri)
    if data == AUTO:
        dataset_inputs.log_splits(splits, "test")
        test = splits.read("test", splits.columns)
        return candidates.rows_of_test(splits, *test, row_clusters(splits, "test"))
    champion = model_versions.aliased(name, names.ALIAS)
    rows, given = candidates.given_rows(version, splits, champion, data, folder)
    run = mlflow.active_run()
    logged = dataset_inputs.dataset_input(
        name=given.name,
        context="labelled",
        digest=rows.digest,
        source=given.address,
        columns=given.columns,
        rows=len(rows.actual),
    )
    dataset_inputs.log_inputs(run.info.run_id, [logged])
    return rows


def _describe(version: RegisteredVersion, sentence: str) -> None:
    """Let the run's page tell what was decided, and lead to the version and its model."""
    run = mlflow.active_run()
    said = f"**{escaped(capitalized(sentence))}.**"
    note = f"{said} Version [{version.number} of {escaped(version.name)}]({version.page})."
    mlflow.set_tags({**version.as_tags, names.NOTE_TAG: note})
    if version.entity.model_id:
        runs.show_model(run.info.run_id, version.entity.model_id)


if __name__ == "__main__":
    step.execute(promote)
