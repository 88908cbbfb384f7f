"""Moving the alias of the champion, and noting on the versions what was done.

A version's tags are written before the alias is moved, and no alias is ever deleted: whatever is
killed wherever, one version is the champion, and doing the same again writes the same.
"""

import getpass
from datetime import UTC, datetime

import mlflow
from mlflow.tracking import MlflowClient

from workflow.parameters import NONE
from workflow.promotion import history
from workflow.promotion.history import TAGS, Promotion
from workflow.tracking import names
from workflow.tracking.model_versions import RegisteredVersion

USER_TAG = "mlflow.user"  # of a run


def now() -> str:
    """Return the time as the tags have it, such as 2026-11-28T06:31:34.123Z."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def promote(version: RegisteredVersion, champion: RegisteredVersion | None, reason: str) -> None:
    """Make a version the champion.

    Args:
        version: It.
        champion: The version that it replaces, if there is one.
        reason: Why, in one sentence.
    """
    client = MlflowClient()
    replaced = champion.number if champion else NONE
    promotion = Promotion(at=now(), by=_user(), replaced=replaced, reason=reason)
    if earlier := history.earlier_promotions(version, champion):
        tag(version, names.EARLIER_PROMOTIONS, history.as_tag(earlier))
    for key, name in TAGS.items():  # the time last: before it there is no promotion
        tag(version, name, getattr(promotion, key))
    client.set_registered_model_alias(version.name, names.ALIAS, version.number)


def tag(version: RegisteredVersion, name: str, text: str) -> None:
    """Set a tag of a version."""
    MlflowClient().set_model_version_tag(version.name, version.number, name, text)


def _user() -> str:
    run = mlflow.active_run()
    return (run.data.tags.get(USER_TAG) if run else None) or getpass.getuser()
