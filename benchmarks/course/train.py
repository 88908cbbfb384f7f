"""One random forest at the course's settings, under autolog."""

import click
import mlflow
from common import load, use_experiment
from sklearn.ensemble import RandomForestRegressor
from sklearn.metrics import root_mean_squared_error


@click.command()
@click.option("--data_path", default="./output", help="Folder of the pickles.")
def main(data_path: str) -> None:
    use_experiment("random-forest-train")
    mlflow.sklearn.autolog()
    x_train, y_train = load(data_path, "train")
    x_val, y_val = load(data_path, "val")
    with mlflow.start_run():
        forest = RandomForestRegressor(max_depth=10, random_state=0)
        forest.fit(x_train, y_train)
        mlflow.log_metric("val_rmse", root_mean_squared_error(y_val, forest.predict(x_val)))


if __name__ == "__main__":
    main()
