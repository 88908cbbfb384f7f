"""All that is known of a finished workflow, read from the tracking store.

Nothing is computed here: the steps have logged what there is to show. So the report of a workflow
can be made at any later time.
"""

from dataclasses import dataclass

import pandas as pd

from workflow.data.dataset import Dataset
from workflow.data.dataset_file import from_yaml
from workflow.data.splits import DEFINITION
from workflow.evaluation import plausibility
from workflow.formatting import number, p_value, share, with_unit
from workflow.models import metrics
from workflow.report import leaderboard, prepared_data, registered_model
from workflow.report.leaderboard import Leaderboard
from workflow.report.prepared_data import PreparedData
from workflow.report.registered_model import RegisteredModel
from workflow.reproduction import recipe
from workflow.reproduction.recipe import Recipe
from workflow.tracking import names
from workflow.tracking.workflow_runs import WorkflowRuns


@dataclass(frozen=True, kw_only=True)
class FinishedWorkflow:
    """A finished workflow, by what is shown of it.

    Attributes:
        runs: Its run and its steps.
        dataset: The dataset's definition.
        data: The splits.
        leaderboard: The models that were compared.
        trials: A row for each trial of the search, as in trials.csv.
        hyperparameter_importance: As in the search's artifact of this name.
        model: The registered model.
        reproduction: How to run the workflow again.
    """

    runs: WorkflowRuns
    dataset: Dataset
    data: PreparedData
    leaderboard: Leaderboard
    trials: pd.DataFrame
    hyperparameter_importance: pd.DataFrame
    model: RegisteredModel
    reproduction: Recipe

    @property
    def title(self) -> str:
        """What the workflow is about."""
        return self.dataset.description or self.dataset.name

    @property
    def headline(self) -> str:
        """The result in one sentence: the score on test, and how far it is from the baseline's."""
        best, metric = self.leaderboard.best, self.leaderboard.metric
        score, baseline = best[metric.test_name], self.leaderboard.baseline[metric.test_name]
        run, family = best["run"], best["family"]
        who = family if run == family else f"{family} ({run})"
        result = f"{who}: {metric.test_name} {with_unit(metric.name, score, self.dataset.unit)}, "
        if metric.greater_is_better or not baseline:
            return f"{result}beside {number(baseline)} of the baseline"
        return f"{result}{1 - score / baseline:.0%} below the baseline's {number(baseline)}"

    @property
    def certainty(self) -> str:
        """How sure it is that the model beats the baseline; "" of workflows before 0.2.0."""
        found = self.runs.of("register").data.metrics
        if names.P_VALUE not in found:
            return ""
        return (
            "Better than the baseline by more than chance "
            f"({p_value(found[names.P_VALUE])}): with 99 % confidence it spares at least "
            f"{share(found[names.IMPROVEMENT_BOUND])} of the baseline's loss on such rows."
        )

    @property
    def warnings(self) -> list[str]:
        """What users of the model should know of: scores too good to be true, doubtful data."""
        best, baseline = self.leaderboard.best, self.leaderboard.baseline
        judged = ("validation",) if self.model.validation == "holdout" else ("train", "validation")
        rows = sum(self.data.rows[split]["kept"] for split in judged)
        leading = plausibility.leading_features(self.model.analysis)
        line = plausibility.warning(self.dataset.task, best, baseline, rows, leading)
        return [line, *self.data.warnings] if line else self.data.warnings


def read(runs: WorkflowRuns) -> FinishedWorkflow:
    """Return what the steps of a workflow have logged.

    Raises:
        WorkflowError: An artifact or a run is missing.
    """
    path = f"{names.SPLITS_FOLDER}/{DEFINITION}"
    where = f"runs:/{runs.of('preprocess').info.run_id}/{path}"
    dataset = from_yaml(runs.text("preprocess", path), where)
    metric = metrics.resolve(runs.main.data.params["metric"], dataset.task, dataset.metric)
    return FinishedWorkflow(
        runs=runs,
        dataset=dataset,
        data=prepared_data.read(runs),
        leaderboard=leaderboard.read(runs, metric),
        trials=runs.table("hpo", names.TRIALS),
        hyperparameter_importance=runs.table("hpo", names.SEARCH_IMPORTANCE),
        model=registered_model.read(runs),
        reproduction=recipe.read(runs),
    )
