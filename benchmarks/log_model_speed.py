"""Seconds to log a fitted model of each family: ours, and MLflow's own way without pins.

    python benchmarks/log_model_speed.py

Each family is fitted on one split of trips (features `all`) and logged to a SQLite store of its
own. MLflow infers the requirements where it is given none, in another process.
"""

import argparse
import sys
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import mlflow

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from workflow.data.dataset_file import load, to_yaml  # noqa: E402
from workflow.data.split_writer import read_raw, write_splits  # noqa: E402
from workflow.data.splits import Splits  # noqa: E402
from workflow.models.families import FAMILIES  # noqa: E402
from workflow.tracking import logged_models  # noqa: E402
from workflow.training.trainer import Trainer  # noqa: E402
from workflow.training.training_data import TrainingData  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared/data/green_taxi")
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    dataset = load("green_taxi")
    print("| family | ours, s | requirements inferred, s |\n|---|--:|--:|")
    with TemporaryDirectory() as name:
        folder = Path(name, "splits")
        folder.mkdir()
        mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
        mlflow.create_experiment("benchmark", artifact_location=str(folder / "artifacts"))
        mlflow.set_experiment("benchmark")
        files = {split: [args.data / name] for split, name in dataset.split.files.items()}
        write_splits(dataset, read_raw(dataset, files), folder)
        (folder / "dataset.yaml").write_text(to_yaml(dataset))
        splits, features = Splits("runs:/none/splits", folder), dataset.select("all")
        trainer = Trainer(TrainingData.read(splits, features, seed=42, validation="holdout"))
        for family in FAMILIES.values():
            pipeline = trainer.pipeline(trainer.fit(family, {}).model)
            ours, inferred = [], []
            for _ in range(args.repeats):
                with mlflow.start_run() as run:
                    start = time.perf_counter()
                    logged_models.log(pipeline, trainer.data.example, family, run.info.run_id)
                    ours.append(time.perf_counter() - start)
                    start = time.perf_counter()
                    mlflow.sklearn.log_model(
                        pipeline,
                        name="inferred",
                        serialization_format="cloudpickle",
                        input_example=trainer.data.example,
                    )
                    inferred.append(time.perf_counter() - start)
            print(f"| {family.name} | {median(ours):.1f} | {median(inferred):.1f} |", flush=True)


if __name__ == "__main__":
    main()
