"""The report of a finished workflow, made again."""

import workflow.runtime.bootstrap  # noqa: F401

# isort: split

import click

from sql_features.errors import WorkflowError
from workflow.report import terminal_summary
from workflow.report.finished_workflow import FinishedWorkflow
from workflow.report.publish import publish
from workflow.tracking import step


@click.command()
@click.option("--run", "run_id", required=True, help="The run of a finished workflow.")
@step.verbosity
def report(run_id: str) -> None:
    story = FinishedWorkflow(run_id)
    if story.run.info.status != "FINISHED":
        raise WorkflowError(
            f"run='{run_id}' is {story.run.info.status}: give the id of a finished workflow."
        )
    with step.run("report"):
        publish(story)
        step.result(terminal_summary.report_address(story))


if __name__ == "__main__":
    step.execute(report)
