"""Writes what is shown of a workflow to its run and to the version that it has registered."""

from mlflow.tracking import MlflowClient

from workflow.report import run_description, workflow_report
from workflow.report.finished_workflow import FinishedWorkflow
from workflow.tracking import names


def publish(workflow: FinishedWorkflow) -> None:
    """Log the report and the description of a workflow to its run."""
    client, run_id = MlflowClient(), workflow.runs.main.info.run_id
    client.log_text(run_id, workflow_report.report(workflow), names.REPORT)
    client.set_tag(run_id, names.NOTE_TAG, run_description.of_run(workflow))


def describe_version(workflow: FinishedWorkflow) -> None:
    """Describe the registered version, unless somebody, or an earlier workflow, has done so."""
    client, model = MlflowClient(), workflow.model
    version = client.get_model_version(model.name, model.version)
    if (version.description or "").endswith(names.TAKES_RAW_ROWS):
        text = run_description.of_version(workflow)
        client.update_model_version(model.name, model.version, text)
