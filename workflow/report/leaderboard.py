"""The models that a workflow has compared, with their scores."""

from dataclasses import dataclass

import pandas as pd

from workflow.models.metrics import Metric
from workflow.tracking import names
from workflow.tracking.runs import candidates, leaderboard_row
from workflow.tracking.workflow_runs import WorkflowRuns


@dataclass(frozen=True)
class Leaderboard:
    """All models that were compared: the finalists, the others, and last the baseline.

    Attributes:
        table: A row a model. Columns: "run", "family", "features" where they were searched,
            scores, "fit_seconds", "model_bytes", "run_id". Only the finalists and the baseline
            have scores on test.
        metric: What the models are ranked by.
    """

    table: pd.DataFrame
    metric: Metric

    @property
    def best(self) -> pd.Series:
        """The row of the registered model."""
        return self.table.iloc[0]

    @property
    def baseline(self) -> pd.Series:
        """The row of the model that uses no feature."""
        return self.table.iloc[-1]

    @property
    def model_count(self) -> int:
        """The number of models, not counting the baseline."""
        return len(self.table) - 1

    @property
    def has_features(self) -> bool:
        """Whether feature sets were searched, so that models differ in them."""
        return names.FEATURES in self.table

    def top(self, count: int) -> pd.DataFrame:
        """Return the rows of the best models, at most so many, and of the baseline."""
        return pd.concat([self.table.iloc[:-1].head(count), self.table.iloc[-1:]])


def read(runs: WorkflowRuns, metric: Metric) -> Leaderboard:
    """Return the leaderboard of a workflow.

    `register` has logged the finalists and the baseline; the other models are added from their
    own runs, in the order of their score on validation.
    """
    finalists = runs.table("register", names.LEADERBOARD)
    known = set(finalists["run_id"].dropna())
    compared = [runs.of(step).info.run_id for step in ("train", "hpo")]
    others = [
        leaderboard_row(run, run.data.metrics)
        for run in candidates(compared)
        if run.info.run_id not in known
    ]
    others.sort(key=lambda row: metric.loss(row[metric.val_name]))
    table = pd.concat([finalists.iloc[:-1], pd.DataFrame(others), finalists.iloc[-1:]])
    return Leaderboard(table.reset_index(drop=True), metric)
