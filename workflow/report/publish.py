"""Where a workflow's story is told: on its run's page, in the report, on the registered version."""

from mlflow.tracking import MlflowClient

from workflow import description
from workflow.report import build
from workflow.story import REPORT, Story


def publish(story: Story) -> None:
    """Log the report and the description of a workflow to its run."""
    client, id = MlflowClient(), story.run.info.run_id
    client.log_text(id, build.report(story), REPORT)
    client.set_tag(id, description.TAG, description.of_run(story))


def describe_version(story: Story) -> None:
    """Describe the version that a workflow has registered.

    One that was registered before, and found again, may have been described by somebody since.
    """
    if not story.steps["register"].reused:
        text = description.of_version(story)
        MlflowClient().update_model_version(story.model, story.version, text)
