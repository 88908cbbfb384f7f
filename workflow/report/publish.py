"""Where a workflow's story is told: on its run's page, in the report, on the registered version."""

from mlflow.tracking import MlflowClient

from workflow.report import run_description, workflow_report
from workflow.report.finished_workflow import FinishedWorkflow
from workflow.tracking import names
from workflow.tracking.names import REPORT


def publish(story: FinishedWorkflow) -> None:
    """Log the report and the description of a workflow to its run."""
    client, id = MlflowClient(), story.run.info.run_id
    client.log_text(id, workflow_report.report(story), REPORT)
    client.set_tag(id, run_description.TAG, run_description.of_run(story))


def describe_version(story: FinishedWorkflow) -> None:
    """Describe the registered version, unless a workflow or somebody else has done so before."""
    client = MlflowClient()
    version = client.get_model_version(story.model, story.version)
    if version.description.endswith(names.BRIEFLY):
        text = run_description.of_version(story)
        client.update_model_version(story.model, story.version, text)
