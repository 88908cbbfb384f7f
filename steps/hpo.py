"""A search for the best hyperparameters, each trial a run, the best models kept."""

import time
from typing import Any

import click
import mlflow
import pandas as pd
from mlflow.tracking import MlflowClient
from tqdm import tqdm

from workflow import evaluate, logged_models, models, parameters, plots, runs, step
from workflow.errors import WorkflowError
from workflow.fitting import Bench, Fitted
from workflow.search import search


@click.command()
@click.option("--splits", "uri", required=True, help="runs:/<preprocess run id>/splits.")
@click.option("--models", "families", required=True, help="Comma-separated families.")
@click.option("--features", required=True, help="'all', a feature set, or a list of features.")
@click.option("--max_evals", required=True, help="How many trials.")
@click.option("--timeout", required=True, help="Seconds, or 'none'.")
@click.option("--metric", required=True, help="'auto' or a metric of the task.")
@click.option("--top_n", required=True, help="How many of the best models are kept.")
@click.option("--seed", required=True)
def hpo(
    uri: str,
    families: str,
    features: str,
    max_evals: str,
    timeout: str,
    metric: str,
    top_n: str,
    seed: str,
) -> None:
    start = time.perf_counter()
    seeded = parameters.seed(seed)
    trials = parameters.whole_number("max_evals", max_evals, at_least=1)
    kept = parameters.whole_number("top_n", top_n, at_least=1)
    limit = parameters.seconds("timeout", timeout)
    asked = parameters.names("models", families, list(models.FAMILIES))
    splits = runs.open_splits(uri)
    judged = evaluate.resolve_metric(metric, splits.dataset.task)
    selected = splits.dataset.select(features)
    searched = [models.FAMILIES[name] for name in asked]
    with step.run("hpo"), tqdm(total=trials, disable=None, unit="trial", leave=False) as bar:
        splits.log_inputs("train", "validation")
        journal = Journal(Bench(splits, selected, seeded), judged, kept, bar)
        search(journal.trial, searched, max_evals=trials, timeout=limit, seed=seeded)
        journal.close()
        best = journal.table.sort_values("loss", kind="stable").iloc[0]
    step.say(
        "hpo",
        f"{len(journal.table)} trials; best {best['run']} {best['family']} "
        f"val_{judged} {best[judged]:.6g}",
        start,
    )


class Journal:
    """Runs trials, logs each as a run, and keeps the best fitted models in memory."""

    def __init__(self, bench: Bench, metric: str, kept: int, bar: tqdm) -> None:
        self.bench, self.metric, self.kept, self.bar = bench, metric, kept, bar
        self.rows: list[dict[str, Any]] = []
        self.best: list[tuple[float, int, str, models.Family, Fitted]] = []

    @property
    def table(self) -> pd.DataFrame:
        """A row a trial: "trial", "run", "family", the hyperparameters, the metric, "loss"."""
        return pd.DataFrame(self.rows)

    def trial(self, family: models.Family, suggestion: dict[str, Any]) -> float:
        """Fit one suggestion and log it."""
        number = len(self.rows)
        name = f"trial-{number:03d}"
        with mlflow.start_run(run_name=name, nested=True) as run:
            fitted = self.bench.fit(family, suggestion)
            mlflow.set_tags({runs.FAMILY_TAG: family.name})
            seeded = {"random_state": self.bench.seed} if family.seeded else {}
            mlflow.log_params(suggestion | seeded)
            mlflow.log_metrics(fitted.metrics | {"fit_seconds": fitted.seconds})
        value = fitted.metrics[f"val_{self.metric}"]
        loss = evaluate.loss(self.bench.task, self.metric, value)
        row = {"trial": number, "run": name, "family": family.name, **suggestion}
        self.rows.append(row | {self.metric: value, "loss": loss})
        # Of equal losses the earlier trial stays; nothing after its number is ever compared.
        ranked = sorted([*self.best, (loss, number, run.info.run_id, family, fitted)])
        self.best = ranked[: self.kept]
        top = self.best[0][-1].metrics[f"val_{self.metric}"]
        self.bar.set_postfix_str(f"best val_{self.metric} {top:.6g}")
        self.bar.update()
        return loss

    def close(self) -> None:
        """Log the kept models to their trials, and the search to the active run."""
        if not self.rows:
            raise WorkflowError("no trial was finished within the timeout: give it more seconds.")
        client = MlflowClient()
        for _, _, run_id, family, fitted in self.best:
            ended = client.get_run(run_id).info.end_time
            with mlflow.start_run(run_id=run_id, nested=True):
                logged_models.log(fitted.pipeline, self.bench.example, family)
            client.set_terminated(run_id, end_time=ended)  # a trial lasts as long as its fit
        _, _, run_id, family, fitted = self.best[0]
        chosen = self.rows[self.best[0][1]]
        found = {name: chosen[name] for name in family.space}
        mlflow.log_dict({"family": family.name, "run_id": run_id, **found}, "best.json")
        mlflow.set_tags({runs.FAMILY_TAG: family.name})
        mlflow.log_metrics(fitted.metrics)
        table = self.table
        mlflow.log_text(table.drop(columns="loss").to_csv(index=False), "trials.csv")
        losses = table["loss"].cummin()
        history = plots.search_history(
            table.drop(columns=["run", "loss"]),
            self.metric,
            losses * evaluate.loss(self.bench.task, self.metric, 1.0),
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
