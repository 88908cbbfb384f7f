"""Three months of trips to a DictVectorizer and three sparse matrices, as four pickles."""

import pickle
from pathlib import Path
from typing import Any

import click
import pandas as pd
from scipy.sparse import spmatrix
from sklearn.feature_extraction import DictVectorizer

MONTHS = {"train": "2023-01", "val": "2023-02", "test": "2023-03"}


def read_trips(path: Path) -> pd.DataFrame:
    trips = pd.read_parquet(path)
    trips["duration"] = trips["lpep_dropoff_datetime"] - trips["lpep_pickup_datetime"]
    trips["duration"] = trips["duration"].apply(lambda td: td.total_seconds() / 60)
    trips = trips[(trips["duration"] >= 1) & (trips["duration"] <= 60)]
    ids = ["PULocationID", "DOLocationID"]
    trips[ids] = trips[ids].astype(str)
    trips["PU_DO"] = trips["PULocationID"] + "_" + trips["DOLocationID"]
    return trips


def read_months(raw: Path) -> dict[str, pd.DataFrame]:
    return {
        split: read_trips(raw / f"green_tripdata_{month}.parquet")
        for split, month in MONTHS.items()
    }


def encode(trips: pd.DataFrame, vectorizer: DictVectorizer, fit: bool) -> spmatrix:
    records = trips[["PU_DO", "trip_distance"]].to_dict(orient="records")
    return vectorizer.fit_transform(records) if fit else vectorizer.transform(records)


def dump(value: Any, path: Path) -> None:
    with path.open("wb") as file:
        pickle.dump(value, file)


def prepare(raw_data_path: str, dest_path: str) -> None:
    dest = Path(dest_path)
    # Like the course: all three months are in memory before the first one is encoded.
    frames = read_months(Path(raw_data_path))
    vectorizer = DictVectorizer()
    encoded = {
        split: (encode(trips, vectorizer, fit=split == "train"), trips["duration"].values)
        for split, trips in frames.items()
    }

    dest.mkdir(parents=True, exist_ok=True)
    dump(vectorizer, dest / "dv.pkl")
    for split, matrices in encoded.items():
        dump(matrices, dest / f"{split}.pkl")


@click.command()
@click.option("--raw_data_path", required=True, help="Folder of the raw trips.")
@click.option("--dest_path", required=True, help="Folder for the four pickles.")
def main(raw_data_path: str, dest_path: str) -> None:
    prepare(raw_data_path, dest_path)


if __name__ == "__main__":
    main()
