"""The model that a workflow has registered, and how to serve it."""

from dataclasses import dataclass, field
from typing import Any

from mlflow.entities import Run

from workflow.parameters import NONE
from workflow.tracking import names, workflow_runs
from workflow.tracking.workflow_runs import WorkflowRuns


@dataclass(frozen=True)
class RegisteredModel:
    """A version of a registered model.

    Attributes:
        name: The registered model's name.
        version: The version's number.
        run: The run that has logged the model.
        analysis: Its importances and errors, as `workflow.evaluation.model_analysis` returns them.
        promotion: What comparison.json says of it; empty of workflows before 0.2.0.
    """

    name: str
    version: str
    run: Run
    analysis: dict[str, Any]
    promotion: dict[str, Any] = field(default_factory=dict)

    @property
    def is_champion(self) -> bool:
        """Whether it serves, as its register step has left it; before 0.2.0 every version did."""
        found = self.promotion
        return not found or found["promoted"] or found["champion"] == self.version

    @property
    def alias(self) -> str:
        """Its alias, as its register step has left it."""
        return names.ALIAS if self.is_champion else names.CHALLENGER

    @property
    def decision(self) -> str:
        """Why it serves or not, in one sentence; empty if it is the first, or was it before."""
        found = self.promotion
        if not found or found["champion"] == self.version:
            return ""
        is_first = found["promoted"] and found["champion"] == NONE
        return "" if is_first else str(found["sentence"])

    @property
    def comparison(self) -> dict[str, Any]:
        """The same with the test against the champion; empty where there was none."""
        return self.promotion if "improvement" in self.promotion else {}

    @property
    def validation(self) -> str:
        """How it was judged: `holdout` or `cv:<folds>`."""
        return self.run.data.tags[names.VALIDATION_TAG]

    @property
    def hyperparameters(self) -> dict[str, str]:
        """Its hyperparameters as text, in the order of their names."""
        return dict(sorted(self.run.data.params.items()))

    @property
    def uri(self) -> str:
        """The address by which MLflow loads it."""
        which = f"@{names.ALIAS}" if self.is_champion else f"/{self.version}"
        return f"models:/{self.name}{which}"

    @property
    def serving(self) -> list[str]:
        """The commands that serve it, and that predict the rows of a file with it."""
        return [
            f"mlflow models serve -m {self.uri} --env-manager uv --port 5001",
            f"mlflow models predict -m {self.uri} --env-manager uv -i rows.csv -t csv",
        ]


def read(runs: WorkflowRuns) -> RegisteredModel:
    """Return the model that the workflow's register step has registered.

    Raises:
        WorkflowError: The model's run was deleted.
    """
    tags = runs.of("register").data.tags
    return RegisteredModel(
        name=tags[names.MODEL_TAG],
        version=tags[names.VERSION_TAG],
        run=workflow_runs.existing(tags[names.WINNER_TAG], "the registered model"),
        analysis=runs.json("register", names.WINNER),
        promotion=runs.json("register", names.COMPARISON) if names.DECISION_TAG in tags else {},
    )
