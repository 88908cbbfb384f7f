"""A version of a registered model by what a user calls it, and what its workflow has recorded."""

import re
from dataclasses import dataclass
from functools import cached_property

import mlflow
from mlflow.entities import Run
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from sql_features.errors import WorkflowError
from workflow.data.dataset import Dataset
from workflow.data.dataset_file import from_yaml
from workflow.data.splits import DEFINITION
from workflow.errors import unknown
from workflow.tracking import artifacts, names, runs

SHOWN = 10  # registered models and versions that an error lists
FORMS = f"NAME (its @{names.ALIAS}), NAME/3, NAME@alias, or the same after models:/"


@dataclass(frozen=True)
class RegisteredVersion:
    """A version of a registered model that this project has registered.

    Attributes:
        entity: The version as the registry describes it.
    """

    entity: ModelVersion

    @property
    def name(self) -> str:
        """The registered model's name."""
        return str(self.entity.name)

    @property
    def number(self) -> str:
        """The version's number."""
        return str(self.entity.version)

    @property
    def uri(self) -> str:
        """The address by which MLflow loads it: `models:/<name>/<number>`."""
        return f"models:/{self.name}/{self.number}"

    @property
    def page(self) -> str:
        """The address of its page in the MLflow UI, without that of the server."""
        return page(self.name, self.number)

    @property
    def as_tags(self) -> dict[str, str]:
        """Tags that name it on the run of a step that is about it."""
        return {names.MODEL_TAG: self.name, names.VERSION_TAG: self.number}

    @property
    def tags(self) -> dict[str, str]:
        """Its tags."""
        return dict(self.entity.tags)

    @cached_property
    def run(self) -> Run:
        """The run that has logged the model.

        Raises:
            WorkflowError: It is gone, or the version is none of this project's.
        """
        return self._recorded_run(names.VERSION_RUN, "the run of its model")

    @cached_property
    def register_run(self) -> Run:
        """The register run that has made the version: it holds its test predictions.

        Raises:
            WorkflowError: It is gone, or the version is none of this project's.
        """
        if names.VERSION_REGISTER in self.tags:
            return self._recorded_run(names.VERSION_REGISTER, "its register run")
        # Before 0.2.0 a version did not name the run; the run has always named its version.
        made_it = (
            f"tags.`{names.STEP_TAG}` = 'register' AND tags.`{names.MODEL_TAG}` = '{self.name}' "
            f"AND tags.`{names.VERSION_TAG}` = '{self.number}'"
        )
        found = MlflowClient().search_runs(
            [self.run.info.experiment_id], made_it, order_by=["attributes.start_time ASC"]
        )
        if not found:
            raise self._without("its register run")
        return found[0]

    @property
    def splits_uri(self) -> str:
        """The splits that it was fitted and tested on: `runs:/<preprocess run id>/splits`.

        Raises:
            WorkflowError: The version is none of this project's.
        """
        if not (uri := self.tags.get(names.VERSION_SPLITS)):
            raise self._without("the splits that it was trained on")
        return uri

    @property
    def preprocess_run_id(self) -> str:
        """The id of the run that has made its splits."""
        return self.splits_uri.removeprefix("runs:/").partition("/")[0]

    @cached_property
    def dataset(self) -> Dataset:
        """The definition of the dataset that it was trained on.

        Raises:
            WorkflowError: It is gone, or the version is none of this project's.
        """
        where = f"{self.splits_uri}/{DEFINITION}"
        text = artifacts.or_none(mlflow.artifacts.load_text, where)
        if text is None:
            raise self._without(f"the definition of its dataset, {where}")
        return from_yaml(text, where)

    def _recorded_run(self, tag: str, what: str) -> Run:
        run = runs.get(self.tags[tag]) if tag in self.tags else None
        if run is None:
            raise self._without(what)
        return run

    def _without(self, what: str) -> WorkflowError:
        return WorkflowError(
            f"model '{self.name}/{self.number}' has no record of {what}: it was deleted, or "
            "another tool has registered this version. Give a version that this project has "
            "registered."
        )


def find(model: str) -> RegisteredVersion:
    """Return the version that a user means.

    Args:
        model: `NAME` (its champion), `NAME/<number>`, `NAME@<alias>`, or one of these after
            `models:/`.

    Raises:
        WorkflowError: It is none of these forms, or there is no such model or version.
    """
    form = re.fullmatch(r"(?:models:/)?([^/@:]+)(?:/(\d+)|@([^/@:]+))?", model.strip())
    if form is None:
        raise WorkflowError(f"model='{model}': give {FORMS}.")
    name, number, alias = form.groups()
    version = numbered(name, number) if number else aliased(name, alias or names.ALIAS)
    if version is not None:
        return version
    there = versions(name)
    if not there:
        raise _unknown_model(name)
    listed = ", ".join(f"{name}/{one.number}" for one in there[:SHOWN])
    lacking = (
        f"there is no version {number}" if number else f"no version is @{alias or names.ALIAS}"
    )
    raise WorkflowError(f"model='{model}': {lacking}; there are {listed}.")


def page(name: str, number: str) -> str:
    """Return the address of a version's page in the MLflow UI, without that of the server."""
    return f"#/models/{name}/versions/{number}"


def numbered(name: str, number: str) -> RegisteredVersion | None:
    """Return the version of a number, or None if there is none."""
    try:
        return RegisteredVersion(MlflowClient().get_model_version(name, number))
    except MlflowException as error:
        if not runs.is_missing(error):
            raise
        return None


def aliased(name: str, alias: str) -> RegisteredVersion | None:
    """Return the version that has an alias, or None if none has it."""
    try:
        return RegisteredVersion(MlflowClient().get_model_version_by_alias(name, alias))
    except MlflowException as error:
        # Of a name that exists the store says that the alias is not valid.
        if error.error_code != "INVALID_PARAMETER_VALUE" and not runs.is_missing(error):
            raise
        return None


def champion(name: str) -> str | None:
    """Return the number of the version with the alias `champion`, or None if no version has it."""
    version = aliased(name, names.ALIAS)
    return None if version is None else version.number


def versions(name: str) -> list[RegisteredVersion]:
    """Return all versions of a registered model, the newest first; none if there is no such."""
    client, found, token = MlflowClient(), [], None
    quoted = name.replace("'", "''")
    while True:
        page = client.search_model_versions(f"name = '{quoted}'", page_token=token)
        found += [RegisteredVersion(one) for one in page]
        if not (token := page.token):
            return sorted(found, key=lambda one: int(one.number), reverse=True)


def _unknown_model(name: str) -> WorkflowError:
    there = [one.name for one in MlflowClient().search_registered_models(max_results=SHOWN)]
    if name in there:
        return WorkflowError(f"registered model '{name}' has no version: run the workflow first.")
    if there:
        return unknown("registered model", name, there)
    return WorkflowError(
        f"unknown registered model '{name}': none is registered in this tracking store; set "
        "MLFLOW_TRACKING_URI to that of the workflow, or run the workflow first."
    )
