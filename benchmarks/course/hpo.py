"""Hyperopt's TPE over a random forest: one trial after another, a run each."""

from typing import Any

import click
import mlflow
import numpy as np
from common import HPO_EXPERIMENT, load, use_experiment
from hyperopt import STATUS_OK, Trials, fmin, hp, tpe
from hyperopt.pyll import scope
from sklearn.ensemble import RandomForestRegressor
from sklearn.metrics import root_mean_squared_error

SPACE = {
    "max_depth": scope.int(hp.quniform("max_depth", 1, 20, 1)),
    "n_estimators": scope.int(hp.quniform("n_estimators", 10, 50, 1)),
    "min_samples_split": scope.int(hp.quniform("min_samples_split", 2, 10, 1)),
    "min_samples_leaf": scope.int(hp.quniform("min_samples_leaf", 1, 4, 1)),
    "random_state": 42,
}


@click.command()
@click.option("--data_path", default="./output", help="Folder of the pickles.")
@click.option("--num_trials", default=15, help="Number of trials.")
def main(data_path: str, num_trials: int) -> None:
    use_experiment(HPO_EXPERIMENT)
    mlflow.sklearn.autolog(disable=True)
    x_train, y_train = load(data_path, "train")
    x_val, y_val = load(data_path, "val")

    def objective(params: dict[str, int]) -> dict[str, Any]:
        with mlflow.start_run():
            mlflow.log_params(params)
            forest = RandomForestRegressor(**params)
            forest.fit(x_train, y_train)
            rmse = root_mean_squared_error(y_val, forest.predict(x_val))
            mlflow.log_metric("rmse", rmse)
        return {"loss": rmse, "status": STATUS_OK}

    fmin(
        fn=objective,
        space=SPACE,
        algo=tpe.suggest,
        max_evals=num_trials,
        trials=Trials(),
        rstate=np.random.default_rng(42),
    )


if __name__ == "__main__":
    main()
