"""Copies of a version under another registered model, such as the one that production loads."""

from contextlib import suppress

from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from workflow.runtime.creating_requests import make_once
from workflow.tracking import model_versions, names
from workflow.tracking.model_versions import RegisteredVersion

# Tags that say what became of the original under its own name.
OWN = (
    names.PROMOTED_AT,
    names.PROMOTED_BY,
    names.REPLACED,
    names.PROMOTION_REASON,
    names.ROLLED_BACK_AT,
    names.EARLIER_PROMOTIONS,
    names.VERSION_MONITOR,
)


def copied(version: RegisteredVersion, name: str) -> RegisteredVersion:
    """Return the copy of a version under another name, made if there is none.

    It is what MLflow's `copy_model_version` makes, which would take the tags of promotions along
    and print what it does.

    Args:
        version: It.
        name: Of the other registered model, which is made if it does not exist.
    """
    client = MlflowClient()
    with suppress(MlflowException):
        model = client.get_registered_model(version.name)
        client.create_registered_model(name, description=model.description)
    client.get_registered_model(name)  # raises what has kept it from being made
    earlier, entity = _copies(version, name), version.entity
    made = (
        earlier[0]
        if earlier
        else make_once(
            lambda: RegisteredVersion(
                client.create_model_version(
                    name,
                    source=version.uri,
                    run_id=entity.run_id,
                    model_id=entity.model_id,
                    tags={key: text for key, text in version.tags.items() if key not in OWN},
                    description=entity.description,
                )
            ),
            lambda: _copies(version, name),
        )
    )
    if model_versions.champion(name) != made.number:
        client.set_registered_model_alias(name, names.CHALLENGER, made.number)
    return made


def _copies(version: RegisteredVersion, name: str) -> list[RegisteredVersion]:
    """Return the versions of a name that are copies of a version, the newest first."""
    return [one for one in model_versions.versions(name) if one.entity.source == version.uri]
