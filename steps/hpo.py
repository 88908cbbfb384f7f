"""A search for the best hyperparameters, each trial a run, the best models kept."""

import time
from typing import Any

import click
import mlflow
import pandas as pd
from mlflow.tracking import MlflowClient
from tqdm import tqdm

from workflow import logged_models, metrics, models, parameters, plots, runs, step
from workflow.dataset import Dataset
from workflow.errors import WorkflowError
from workflow.fitting import Bench, Fitted
from workflow.search import search

MOST_FAILURES = 5  # trials in a row; then something is wrong with all of them


@click.command()
@click.option("--splits", "uri", required=True, help="runs:/<preprocess run id>/splits.")
@click.option("--models", "families", required=True, help="Comma-separated families.")
@click.option("--features", required=True, help="'all', a feature set, or a list of features.")
@click.option("--max_evals", required=True, help="How many trials.")
@click.option("--timeout", required=True, help="Seconds, or 'none'.")
@click.option("--metric", required=True, help="'auto' or a metric of the task.")
@click.option("--top_n", required=True, help="How many of the best models are kept.")
@click.option("--validation", required=True, help="'auto', 'holdout' or 'cv:<folds>'.")
@click.option("--seed", required=True)
def hpo(
    uri: str,
    families: str,
    features: str,
    max_evals: str,
    timeout: str,
    metric: str,
    top_n: str,
    validation: str,
    seed: str,
) -> None:
    start = time.perf_counter()
    seeded = parameters.seed(seed)
    trials = parameters.whole_number("max_evals", max_evals, at_least=1)
    kept = parameters.whole_number("top_n", top_n, at_least=1)
    limit = parameters.seconds("timeout", timeout)
    asked = parameters.names("models", families, list(models.FAMILIES))
    splits = runs.open_splits(uri)
    dataset = splits.dataset
    judged = metrics.resolve(metric, dataset.task, dataset.metric)
    how = parameters.validation(validation, dataset.validation)
    selections = dataset.selections(features)
    searched = [_searched(models.FAMILIES[name], dataset, judged) for name in asked]
    with step.run("hpo"), tqdm(total=trials, disable=None, unit="trial", leave=False) as bar:
        splits.log_inputs("train", "validation")
        every = {name: sql for one in selections.values() for name, sql in one.items()}
        whole = Bench(splits, every, seeded, how)
        benches = {name: whole.using(one) for name, one in selections.items()}
        journal = Journal(benches, how, judged, kept, bar)
        search(
            journal.trial,
            searched,
            task=dataset.task,
            features=list(selections),
            max_evals=trials,
            timeout=limit,
            seed=seeded,
        )
        journal.close()
        best = journal.table.sort_values("loss", kind="stable").iloc[0]
    step.say(
        "hpo",
        f"{len(journal.table)} trials; best {best['run']} {best['family']} "
        f"val_{judged} {best[judged]:.6g}",
        start,
    )


def _searched(family: models.Family, dataset: Dataset, metric: str) -> models.Family:
    """Return a family with the space to search in this dataset, judged by this metric."""
    weighs = dataset.task != "regression" and family.weighs
    alike = metrics.METRICS[dataset.task][metric].counts_classes_alike
    unweighted = {models.WEIGHT: None} if weighs and not alike else {}
    asked = {**unweighted, **dataset.search.get(family.name, {})}
    return models.narrowed(family, asked, dataset.task)


class Journal:
    """Runs trials, logs each as a run, and keeps the best fitted models in memory."""

    def __init__(
        self, benches: dict[str, Bench], validation: str, metric: str, kept: int, bar: tqdm
    ) -> None:
        self.benches, self.validation = benches, validation
        self.metric, self.kept, self.bar = metric, kept, bar
        self.task = next(iter(benches.values())).task
        self.started = self.failures = 0  # trials in all, and failed ones in a row
        self.rows: list[dict[str, Any]] = []
        self.best: list[tuple[float, int, str, models.Family, str, Fitted]] = []

    @property
    def table(self) -> pd.DataFrame:
        """A row a trial that has not failed: "trial", "run", "family", what was chosen, scores."""
        return pd.DataFrame(self.rows)

    def trial(
        self, family: models.Family, features: str, suggestion: dict[str, Any]
    ) -> float | None:
        """Fit one suggestion and log it; return its loss, or None if it has failed."""
        bench = self.benches[features]
        chosen = suggestion | ({runs.FEATURES: features} if len(self.benches) > 1 else {})
        number, self.started = self.started, self.started + 1
        name = f"trial-{number:03d}"
        try:
            with mlflow.start_run(run_name=name, nested=True) as run:
                mlflow.set_tags(runs.model_tags(family.name, self.validation, bench.seed))
                seeded = {"random_state": bench.seed} if family.seeded else {}
                mlflow.log_params(chosen | seeded)
                fitted = bench.fit(family, suggestion)
                mlflow.log_metrics(fitted.metrics | {"fit_seconds": fitted.seconds})
        except WorkflowError as error:
            return self._fail(run.info.run_id, name, error)
        self.failures = 0
        value = fitted.metrics[f"val_{self.metric}"]
        loss = metrics.loss(self.task, self.metric, value)
        row = {"trial": number, "run": name, "family": family.name, **chosen}
        self.rows.append(row | {self.metric: value, "loss": loss})
        # Of equal losses the earlier trial stays; nothing after its number is ever compared.
        ranked = sorted([*self.best, (loss, number, run.info.run_id, family, features, fitted)])
        self.best = ranked[: self.kept]
        top = self.best[0][-1].metrics[f"val_{self.metric}"]
        self.bar.set_postfix_str(f"best val_{self.metric} {top:.6g}")
        self.bar.update()
        return loss

    def _fail(self, run_id: str, name: str, error: WorkflowError) -> None:
        """Leave the reason on the trial's run, which has ended FAILED; the search goes on."""
        MlflowClient().set_tag(run_id, step.ERROR_TAG, str(error))
        self.failures += 1
        self.bar.update()
        if self.failures == MOST_FAILURES:
            raise WorkflowError(f"{MOST_FAILURES} trials in a row have failed, {name}: {error}")
        with self.bar.external_write_mode():
            step.say("hpo", f"{name} failed: {error}")

    def close(self) -> None:
        """Log the kept models to their trials, and the search to the active run."""
        if not self.rows:
            raise WorkflowError(
                "no trial was finished: give it more seconds (timeout) or more trials (max_evals)."
            )
        client = MlflowClient()
        for _, _, run_id, family, features, fitted in self.best:
            ended = client.get_run(run_id).info.end_time
            with mlflow.start_run(run_id=run_id, nested=True):
                bench = self.benches[features]
                logged_models.log(bench.pipeline(fitted), bench.example, family)
            client.set_terminated(run_id, end_time=ended)  # a trial lasts as long as its fit
        _, number, run_id, family, _, fitted = self.best[0]
        passed = ("trial", "run", self.metric, "loss")
        (row,) = [row for row in self.rows if row["trial"] == number]
        found = {name: one for name, one in row.items() if name not in passed}
        mlflow.log_dict({"run_id": run_id, **found}, "best.json")
        mlflow.set_tags({runs.FAMILY_TAG: family.name})
        mlflow.log_metrics(fitted.metrics)
        table = self.table
        mlflow.log_text(table.drop(columns="loss").to_csv(index=False), "trials.csv")
        losses = table["loss"].cummin()
        history = plots.search_history(
            table.drop(columns=["run", "loss"]),
            self.metric,
            losses * metrics.loss(self.task, self.metric, 1.0),
        )
        lines = [
            plots.parallel_coordinates(
                rows.drop(columns=["run", "loss"]).dropna(axis=1, how="all"), self.metric
            )
            for _, rows in table.groupby("family", sort=False)
        ]
        mlflow.log_text(plots.page([history, *lines]), "search.html")


if __name__ == "__main__":
    step.execute(hpo)
