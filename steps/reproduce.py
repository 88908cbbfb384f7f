"""Makes a registered version again from its own record, and compares the two bit for bit."""

import workflow.runtime.bootstrap  # noqa: F401

# isort: split

import tempfile
from dataclasses import asdict
from pathlib import Path

import click
import mlflow

from sql_features.errors import WorkflowError
from workflow import options
from workflow.paths import PROJECT
from workflow.reproduction import comparison, recipe, record, repetition
from workflow.reproduction.comparison import Stage
from workflow.runtime import terminal
from workflow.tracking import model_versions, names, runs, step, workflow_runs
from workflow.tracking.descriptions import escaped
from workflow.tracking.model_versions import RegisteredVersion
from workflow.tracking.workflow_runs import WorkflowRuns

IDENTICAL, DIFFERENT = "identical", "different"


@click.command()
@options.model
@options.code
@step.verbose
def reproduce(model: str, code: str) -> None:
    version = model_versions.find(model)
    workflow = _workflow(version)
    made_by = recipe.read(workflow)
    if code == "recorded":
        repetition.check_recipe(made_by)
    with step.run("reproduce", **version.as_tags), tempfile.TemporaryDirectory() as place:
        recorded = record.read(workflow)
        if (stage := comparison.changed_files(recorded)).difference:
            _end(version, [stage], comparison.OTHER_DATA)
        if code == "recorded":
            terminal.say(
                "reproduce", f"checks out {made_by.commit} of {made_by.source}", faint=True
            )
            project = repetition.check_out(made_by, Path(place, "code"))
        else:
            project = PROJECT
        given = repetition.parameters(made_by, workflow, trials=record.trial_count(workflow))
        (folder := Path(place, "store")).mkdir()
        store = repetition.run(project, given, recorded.environment, folder, _say)
        with repetition.of_store(store):
            repeated = record.read(repetition.found())
        stages = comparison.compare(recorded, repeated)
        _end(version, stages, comparison.explanation(recorded, repeated))


def _workflow(version: RegisteredVersion) -> WorkflowRuns:
    """Return the workflow that has registered a version.

    Raises:
        WorkflowError: None has, or its runs are gone.
    """
    register = version.register_run
    main = register.data.tags.get(names.PARENT_TAG)
    if main is None or runs.get(main) is None:
        raise WorkflowError(
            f"model '{version.name}/{version.number}' was registered by a step alone, run "
            f"{register.info.run_id}, or its workflow's run was deleted: only what one workflow "
            "has made can be made again. Give a version that `mlflow run .` has registered."
        )
    return workflow_runs.find(main)


def _say(line: str) -> None:
    """Print the lines of the workflow's steps; with `verbose=true` all that it prints."""
    if line.startswith("[") or terminal.is_verbose():
        terminal.say("reproduce", line, faint=True)


def _end(version: RegisteredVersion, stages: list[Stage], means: str) -> None:
    """Log and say what was compared.

    Args:
        version: The version.
        stages: What was compared.
        means: What a difference means, if there is one.

    Raises:
        WorkflowError: There is one.
    """
    differ = any(stage.difference for stage in stages)
    verdict, line = DIFFERENT if differ else IDENTICAL, _line(version, stages, means)
    made = {
        "verdict": verdict,
        "means": means if differ else "",
        "stages": [asdict(stage) for stage in stages],
    }
    mlflow.log_dict(made, names.REPRODUCTION)
    tags = {names.VERDICT_TAG: verdict, names.NOTE_TAG: _description(version, stages, line)}
    mlflow.set_tags(tags)
    if differ:
        raise WorkflowError(line)
    step.log_summary(line)


def _line(version: RegisteredVersion, stages: list[Stage], means: str) -> str:
    """Return the result in one sentence."""
    who = f"{version.name} version {version.number}"
    for stage in stages:
        if stage.difference:
            return f"{who} cannot be made again: {stage.name}: {stage.difference}. {means}."
    same = ", ".join(
        stage.name if stage.name == comparison.DATA else f"{stage.count:,} {stage.name}"
        for stage in stages
        if stage.count
    )
    return f"{who} is made again, identical: {same}"


def _description(version: RegisteredVersion, stages: list[Stage], line: str) -> str:
    """Return the description of the step's run as markdown."""
    rows = [
        f"| {escaped(stage.name)} | {stage.count:,} | {escaped(stage.difference or IDENTICAL)} |"
        for stage in stages
    ]
    return "\n".join(
        [
            f"**{escaped(line)}** [The version]({version.page}).",
            "",
            "| compared | how many | |",
            "|---|--:|---|",
            *rows,
        ]
    )


if __name__ == "__main__":
    step.execute(reproduce)
