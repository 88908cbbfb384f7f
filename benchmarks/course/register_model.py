"""Fit the best trials again under autolog, score them, register the best by test RMSE."""

import click
import mlflow
from common import BEST_EXPERIMENT, HPO_EXPERIMENT, load, use_experiment
from mlflow.entities import Run
from sklearn.ensemble import RandomForestRegressor
from sklearn.metrics import root_mean_squared_error

PARAMS = ["max_depth", "n_estimators", "min_samples_split", "min_samples_leaf", "random_state"]


def best_runs(experiment: str, metric: str, top_n: int) -> list[Run]:
    client = mlflow.MlflowClient()
    return client.search_runs(
        experiment_ids=[client.get_experiment_by_name(experiment).experiment_id],
        max_results=top_n,
        order_by=[f"metrics.{metric} ASC"],
    )


def fit_and_score(data_path: str, params: dict[str, str]) -> None:
    # Like the course: the pickles are read again for every finalist.
    x_train, y_train = load(data_path, "train")
    x_val, y_val = load(data_path, "val")
    x_test, y_test = load(data_path, "test")
    with mlflow.start_run():
        forest = RandomForestRegressor(**{name: int(params[name]) for name in PARAMS})
        forest.fit(x_train, y_train)
        mlflow.log_metric("val_rmse", root_mean_squared_error(y_val, forest.predict(x_val)))
        mlflow.log_metric("test_rmse", root_mean_squared_error(y_test, forest.predict(x_test)))


@click.command()
@click.option("--data_path", default="./output", help="Folder of the pickles.")
@click.option("--top_n", default=5, help="How many of the best trials are fitted again.")
def main(data_path: str, top_n: int) -> None:
    use_experiment(BEST_EXPERIMENT)
    mlflow.sklearn.autolog()
    for run in best_runs(HPO_EXPERIMENT, "rmse", top_n):
        fit_and_score(data_path, run.data.params)
    best = best_runs(BEST_EXPERIMENT, "test_rmse", 1)[0]
    mlflow.register_model(f"runs:/{best.info.run_id}/model", name="rf-best-model")


if __name__ == "__main__":
    main()
