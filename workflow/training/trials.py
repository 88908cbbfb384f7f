"""The trials of a search: each a run, those of earlier searches alike read back, the best kept."""

import math
from dataclasses import dataclass
from typing import Any

import mlflow
from mlflow.entities import Run
from mlflow.tracking import MlflowClient

from sql_features.errors import WorkflowError
from workflow import formatting
from workflow.models.families import Family
from workflow.models.metrics import TEST, VAL, Metric
from workflow.runtime import terminal
from workflow.runtime.terminal import Progress
from workflow.tracking import logged_models, names, runs, step
from workflow.tracking.names import SEARCH_TAG
from workflow.training.model import Model
from workflow.training.trainer import Trainer

MOST_FAILURES = 5  # in a row; then something is wrong with all of them


def finished(search: str, experiment_id: str) -> dict[int, Run]:
    """Return the finished trials of all searches alike, by their number.

    Args:
        search: The searches' `SEARCH_TAG`.
        experiment_id: Where they are.
    """
    found: dict[int, Run] = {}
    searches = MlflowClient().search_runs(
        [experiment_id], f"tags.`{SEARCH_TAG}` = '{search}'", order_by=["attributes.start_time ASC"]
    )
    for one in searches:
        for run in runs.children(one):
            number = run.info.run_name.removeprefix(names.TRIAL_PREFIX)
            if run.info.status != "FINISHED" or not number.isdecimal():
                continue  # not done, or renamed by somebody
            # Of several the newest that has a model: it need not be fitted again.
            if int(number) not in found or runs.models(run):
                found[int(number)] = run
    return found


@dataclass(frozen=True, kw_only=True)
class Trial:
    """A finished trial.

    Attributes:
        number: From 0, in the order of the search.
        family: What was fitted.
        features: The name of the selection of features.
        suggestion: Hyperparameters.
        run: Its run.
        metrics: `val_<metric>`.
        seconds: Wall time of the estimator's fit.
        loss: What the search makes smaller.
    """

    number: int
    family: Family
    features: str
    suggestion: dict[str, Any]
    run: Run
    metrics: dict[str, float]
    seconds: float
    loss: float


class Study:
    """Runs trials, or reads them back, and keeps the best models.

    Args:
        trainers: By the name of the selection of features.
        validation: How trials are judged: `holdout` or `cv:<folds>`.
        metric: What they are judged by.
        kept: How many models are kept.
        earlier: Finished trials of searches alike, by their number.
        progress: Shows how far it is.

    Attributes:
        trials: Those that have not failed.
        failed: How many have.
        read_back: How many were not run.
        seconds: That those have taken when they were run.
    """

    def __init__(
        self,
        trainers: dict[str, Trainer],
        *,
        validation: str,
        metric: Metric,
        kept: int,
        earlier: dict[int, Run],
        progress: Progress,
    ) -> None:
        self.trainers, self.validation = trainers, validation
        self.metric, self.kept, self.earlier, self.progress = metric, kept, earlier, progress
        self.trials: list[Trial] = []
        self.failed, self.read_back, self.seconds = 0, 0, 0.0
        self._started = self._failures = 0  # trials in all, and failed ones in a row
        self._models: dict[int, Model] = {}  # of the best that were fitted here, by number

    @property
    def best(self) -> list[Trial]:
        """The trials whose models are kept; of equal losses the earlier one comes first."""
        return sorted(self.trials, key=lambda one: (one.loss, one.number))[: self.kept]

    def chosen(self, trial: Trial) -> dict[str, Any]:
        """Return what the search has chosen: hyperparameters, and features where it chooses."""
        return self._chosen(trial.suggestion, trial.features)

    def trial(self, family: Family, features: str, suggestion: dict[str, Any]) -> float | None:
        """Fit one suggestion and log it; return its loss, or None if it has failed."""
        number, self._started = self._started, self._started + 1
        seeded = {"random_state": self.trainers[features].data.seed} if family.seeded else {}
        params = self._chosen(suggestion, features) | seeded | {names.FAMILY: family.name}
        run = self.earlier.get(number)
        if run and run.data.params == {name: str(value) for name, value in params.items()}:
            run, found, did = self._copy(run), run.data.metrics, "read back"
        else:
            did = "fitted"
            run, found = self._fit(number, family, features, suggestion, params)
        if run is None:
            self.progress.update(self._top())
            return None
        self._failures = 0
        val = {name: value for name, value in found.items() if name.startswith(VAL)}
        judged = val[self.metric.val_name]
        loss = self.metric.loss(judged)
        terminal.detail(
            "hpo",
            f"{run.info.run_name} {family.name} {self.metric.val_name} {formatting.number(judged)} "
            f"with {_said(self._chosen(suggestion, features))}; {did}",
            seconds=found[names.FIT_SECONDS],
        )
        self.trials.append(
            Trial(
                number=number,
                family=family,
                features=features,
                suggestion=suggestion,
                run=run,
                metrics=val,
                seconds=found[names.FIT_SECONDS],
                loss=loss,
            )
        )
        kept = {one.number for one in self.best}
        self._models = {n: model for n, model in self._models.items() if n in kept}
        self.progress.update(self._top())
        return loss

    def keep(self) -> None:
        """Log the best models to their trials; those that are not in memory are fitted again."""
        for trial in self.best:
            if runs.models(trial.run):
                continue
            trainer = self.trainers[trial.features]
            model = self._models.get(trial.number) or trainer.refit(trial.family, trial.suggestion)
            logged_models.log(
                trainer.pipeline(model), trainer.data.example, trial.family, trial.run.info.run_id
            )

    def _top(self) -> str:
        """Return the best score up to now in words, if there is one."""
        name = self.metric.val_name
        return f"{name} {formatting.number(self.best[0].metrics[name])}" if self.trials else ""

    def _chosen(self, suggestion: dict[str, Any], features: str) -> dict[str, Any]:
        return suggestion | ({names.FEATURES: features} if len(self.trainers) > 1 else {})

    def _fit(
        self,
        number: int,
        family: Family,
        features: str,
        suggestion: dict[str, Any],
        params: dict[str, Any],
    ) -> tuple[Run | None, dict[str, float]]:
        trainer, name = self.trainers[features], f"{names.TRIAL_PREFIX}{number:03d}"
        try:
            with step.child(name, names.TRIAL) as run:
                mlflow.set_tags(runs.model_tags(family.name, self.validation, trainer.data.seed))
                mlflow.log_params(params)
                fitted = trainer.fit(family, suggestion)
                value = fitted.metrics[self.metric.val_name]
                if not math.isfinite(value):
                    raise WorkflowError(
                        f"{family.name} fitted with {suggestion} has {self.metric.val_name} "
                        f"{value}."
                    )
                found = fitted.metrics | {names.FIT_SECONDS: fitted.seconds}
                mlflow.log_metrics(found)
        except WorkflowError as error:
            self._fail(run.info.run_id, name, error)
            return None, {}
        if fitted.kept:
            self._models[number] = fitted.kept
        return run, found

    def _fail(self, run_id: str, name: str, error: WorkflowError) -> None:
        """Leave the reason on the trial's run, which has ended FAILED; the search goes on."""
        MlflowClient().set_tag(run_id, names.ERROR_TAG, str(error))
        self.failed += 1
        self._failures += 1
        if self._failures == MOST_FAILURES:
            raise WorkflowError(f"{MOST_FAILURES} trials in a row have failed, {name}: {error}")
        self.progress.say(f"{name} failed: {error}")

    def _copy(self, run: Run) -> Run:
        """Show a trial of an earlier search, and its model if it has one, in this one."""
        tags = run.data.tags | {
            names.PARENT_TAG: mlflow.active_run().info.run_id,
            names.KIND_TAG: names.TRIAL,
            names.REUSED_TAG: run.data.tags.get(names.REUSED_TAG, run.info.run_id),
        }
        copied = runs.copy(run, tags, without=(TEST, names.MODEL_BYTES))
        self.read_back += 1
        self.seconds += (run.info.end_time - run.info.start_time) / 1000
        models = [one for one in runs.models(run) if runs.model_files(one)]
        if models and names.MODEL_BYTES in run.data.metrics:  # the last that is logged of a model
            client, id = MlflowClient(), copied.info.run_id
            runs.show_model(id, models[-1])
            client.log_metric(id, names.MODEL_BYTES, run.data.metrics[names.MODEL_BYTES])
            copied = client.get_run(id)
        return copied


def _said(suggestion: dict[str, Any]) -> str:
    """Return hyperparameters in words, numbers as short as they can be told apart."""
    return ", ".join(
        f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}"
        for name, value in suggestion.items()
    )
