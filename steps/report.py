"""Makes the report of a finished workflow again."""

import workflow.runtime.bootstrap  # noqa: F401

# isort: split

import click

from sql_features.errors import WorkflowError
from workflow import options
from workflow.report import finished_workflow, publish, terminal_summary
from workflow.tracking import step, workflow_runs


@click.command()
@options.run
@step.verbose
def report(run_id: str) -> None:
    runs = workflow_runs.find(run_id)
    if runs.main.info.status != "FINISHED":
        raise WorkflowError(
            f"run='{run_id}' is {runs.main.info.status}: give the id of a finished workflow."
        )
    with step.run("report"):
        publish.publish(finished_workflow.read(runs))
        step.log_summary(terminal_summary.report_address(runs))


if __name__ == "__main__":
    step.execute(report)
