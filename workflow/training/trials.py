"""The trials of a search, and the models of the best of them."""

from dataclasses import dataclass, field
from typing import Any

from mlflow.entities import Run

from sql_features.errors import WorkflowError
from workflow import formatting
from workflow.models.families import Family
from workflow.models.metrics import VAL, Metric
from workflow.runtime import terminal
from workflow.runtime.terminal import Progress
from workflow.tracking import logged_models, names, runs
from workflow.training.model import Model
from workflow.training.trainer import Trainer
from workflow.training.trial_runs import copy_trial, run_trial, trial_name

MOST_FAILURES = 5  # in a row; after so many the search itself is taken to be wrong


@dataclass(frozen=True, kw_only=True)
class Trial:
    """A finished trial.

    Attributes:
        number: From 0, in the order of the search.
        features: The name of the selection of features.
        suggestion: Hyperparameters.
        metrics: `val_<metric>` by name.
        seconds: Wall time of a fit.
        loss: What the search minimises.
    """

    number: int
    family: Family
    features: str
    suggestion: dict[str, Any]
    run: Run
    metrics: dict[str, float]
    seconds: float
    loss: float


@dataclass(eq=False)
class Study:
    """Runs trials or reads them back, and keeps the models of the best.

    Attributes:
        trainers: By the name of the selection of features.
        validation: How trials are judged: `holdout` or `cv:<folds>`.
        metric: What they are judged by.
        kept: How many models are kept.
        earlier: Finished trials of equal searches, by their number.
        progress: Shows how far the search is.
        trials: Those that have not failed.
        failed: How many have failed.
        last_failure: Which one failed last, and why.
        read_back: How many were read back instead of run.
        seconds: How long those had taken when they were run.
    """

    trainers: dict[str, Trainer]
    validation: str
    metric: Metric
    kept: int
    earlier: dict[int, Run]
    progress: Progress
    trials: list[Trial] = field(default_factory=list, init=False)
    failed: int = field(default=0, init=False)
    last_failure: str = field(default="", init=False)
    read_back: int = field(default=0, init=False)
    seconds: float = field(default=0.0, init=False)
    _failed_in_a_row: int = field(default=0, init=False)
    # By number: of the best trials, if they were fitted here.
    _models: dict[int, Model] = field(default_factory=dict, init=False)

    @property
    def best(self) -> list[Trial]:
        """The trials whose models are kept; of equal losses the earlier one comes first."""
        return sorted(self.trials, key=lambda trial: (trial.loss, trial.number))[: self.kept]

    def chosen(self, trial: Trial) -> dict[str, Any]:
        """Return what the search has chosen: hyperparameters, and the features if it chooses."""
        return self._chosen(trial.suggestion, trial.features)

    def trial(self, family: Family, features: str, suggestion: dict[str, Any]) -> float | None:
        """Run the next trial, or read it back if an equal search has run it.

        Returns:
            Its loss, or None if it has failed.

        Raises:
            WorkflowError: `MOST_FAILURES` trials in a row have failed.
        """
        number = len(self.trials) + self.failed
        trainer = self.trainers[features]
        seed = {"random_state": trainer.data.seed} if family.seeded else {}
        params = self._chosen(suggestion, features) | seed | {names.FAMILY: family.name}
        earlier = self.earlier.get(number)
        if earlier and earlier.data.params == {name: str(one) for name, one in params.items()}:
            run, logged, done = copy_trial(earlier), earlier.data.metrics, "read back"
            self.read_back += 1
            self.seconds += (earlier.info.end_time - earlier.info.start_time) / 1000
        else:
            try:
                run, fitted = run_trial(
                    number,
                    trainer,
                    family,
                    suggestion,
                    params=params,
                    metric=self.metric,
                    validation=self.validation,
                )
            except WorkflowError as error:
                self._fail(number, error)
                return None
            logged, done = fitted.metrics | {names.FIT_SECONDS: fitted.seconds}, "fitted"
            if trainer.data.plan.is_holdout:
                self._models[number] = fitted.model
        trial = Trial(
            number=number,
            family=family,
            features=features,
            suggestion=suggestion,
            run=run,
            metrics={name: value for name, value in logged.items() if name.startswith(VAL)},
            seconds=logged[names.FIT_SECONDS],
            loss=self.metric.loss(logged[self.metric.val_name]),
        )
        self._add(trial, done)
        return trial.loss

    def keep(self) -> None:
        """Log the models of the best trials; those that are not in memory are fitted again.

        Raises:
            WorkflowError: All trials have failed.
        """
        if not self.trials:
            raise WorkflowError(
                f"{self.failed} of {self.failed} trials have failed, {self.last_failure}"
            )
        for trial in self.best:
            if runs.models(trial.run):
                continue
            trainer = self.trainers[trial.features]
            model = self._models.get(trial.number) or trainer.refit(trial.family, trial.suggestion)
            logged_models.log(
                trainer.pipeline(model), trainer.data.example, trial.family, trial.run.info.run_id
            )

    def _chosen(self, suggestion: dict[str, Any], features: str) -> dict[str, Any]:
        return suggestion | ({names.FEATURES: features} if len(self.trainers) > 1 else {})

    def _add(self, trial: Trial, done: str) -> None:
        """Add a finished trial, and drop the model that is no longer among the best."""
        self._failed_in_a_row = 0
        name, score = self.metric.val_name, formatting.number(trial.metrics[self.metric.val_name])
        terminal.detail(
            "hpo",
            f"{trial.run.info.run_name} {trial.family.name} {name} {score} "
            f"with {_said(self.chosen(trial))}; {done}",
            seconds=trial.seconds,
        )
        self.trials.append(trial)
        kept = {best.number for best in self.best}
        self._models = {number: self._models[number] for number in self._models if number in kept}
        self._show_progress()

    def _fail(self, number: int, error: WorkflowError) -> None:
        """Count a failed trial; the search goes on unless all the latest have failed."""
        self.failed += 1
        self._failed_in_a_row += 1
        name = trial_name(number)
        self.last_failure = f"{name}: {error}"
        if self._failed_in_a_row == MOST_FAILURES:
            raise WorkflowError(f"{MOST_FAILURES} trials in a row have failed, {self.last_failure}")
        self.progress.say(f"{name} failed: {error}")
        self._show_progress()

    def _show_progress(self) -> None:
        name = self.metric.val_name
        best = f"{name} {formatting.number(self.best[0].metrics[name])}" if self.trials else ""
        self.progress.update(best)


def _said(suggestion: dict[str, Any]) -> str:
    """Return hyperparameters as text, with four significant digits."""
    return ", ".join(
        f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}"
        for name, value in suggestion.items()
    )
