"""Seconds that a wide table takes: preprocess, and the features of one served row.

    python benchmarks/wide_table.py

The table has 350 rows of 2,000 columns by default, one in twenty of texts. Beside ours stands what
a user would write: pandas to read and split it, scikit-learn's ColumnTransformer to make features.
"""

import argparse
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import OneHotEncoder

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))

from sql_features.transformer import SqlFeatures  # noqa: E402
from workflow.checks import data_checks  # noqa: E402
from workflow.data.readers import MISSING  # noqa: E402
from workflow.data.split_rules import SPLITS  # noqa: E402
from workflow.data.split_writer import read_raw, write_splits  # noqa: E402
from workflow.data.splits import split_columns  # noqa: E402
from workflow.schema.infer import infer  # noqa: E402
from workflow.schema.inferred_dataset import from_table  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--columns", type=int, default=2_000)
    parser.add_argument("--rows", type=int, default=350)
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    frame = table(args.rows, args.columns)
    print("| | ours, s | by hand, s | ratio |\n|---|--:|--:|--:|")
    with TemporaryDirectory() as name:
        for kind in ("csv", "parquet"):
            path = Path(name, f"wide.{kind}")
            to_file = frame.to_csv if kind == "csv" else frame.to_parquet
            to_file(path, index=False)
            ours = seconds(partial(preprocess, path, Path(name)), args.repeats)
            show(f"preprocess, {kind}", ours, seconds(partial(by_hand, path), args.repeats))
        features, columns = preprocess(path, Path(name))
        first = frame.drop(columns="price").head(1)
        other = encoder(frame).fit(frame.drop(columns="price"))
        by_other = seconds(lambda: other.transform(first), 20)
        for what, missing in (("", None), (", of a CSV file", list(MISSING))):
            transformer = SqlFeatures(features, columns, missing=missing).fit(first)
            transformer.transform(first)
            ours = seconds(partial(transformer.transform, first), 20)
            show(f"features of one row{what}", ours, by_other)


def table(rows: int, columns: int) -> pd.DataFrame:
    """Return a table of numbers, one column in twenty of texts, and a target."""
    random = np.random.default_rng(0)
    values = {
        f"x{n}": random.choice(list("abcde"), rows) if n % 20 == 0 else random.normal(size=rows)
        for n in range(columns)
    }
    return pd.DataFrame(values | {"price": 2 * values["x1"] + random.normal(size=rows)})


def preprocess(path: Path, folder: Path) -> tuple[dict[str, str], dict[str, str]]:
    """Infer, write and check the splits; return the features' SQL and the raw columns' types."""
    with TemporaryDirectory(dir=folder) as name:
        out = Path(name, "splits")
        out.mkdir()
        dataset = from_table(infer([path], target="price"), "price", str(path), "auto")
        raw = read_raw(dataset, {"table": [path]})
        write_splits(dataset, raw, out)
        types = next(iter(raw.values())).columns
        data_checks.check(
            {split: out / f"{split}.parquet" for split in SPLITS},
            task=dataset.task,
            features=dataset.features,
            raw_types=dict.fromkeys(SPLITS, types),
        )
        columns = split_columns(out / "train.parquet")
        return dataset.features, {n: type for n, type in columns.items() if n != "price"}


def by_hand(path: Path) -> None:
    frame = pd.read_csv(path) if path.suffix == ".csv" else pd.read_parquet(path)
    train, test = train_test_split(frame, random_state=0)
    fitted = encoder(train).fit(train.drop(columns="price"))
    fitted.transform(test.drop(columns="price"))


def encoder(frame: pd.DataFrame) -> ColumnTransformer:
    texts = frame.select_dtypes(exclude="number").columns
    numbers = frame.columns.drop([*texts, "price"])
    return ColumnTransformer(
        [
            ("numbers", SimpleImputer(), list(numbers)),
            ("texts", OneHotEncoder(handle_unknown="ignore"), list(texts)),
        ]
    )


def seconds(call: Callable[[], object], repeats: int) -> float:
    taken = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        taken.append(time.perf_counter() - start)
    return median(taken)


def show(what: str, ours: float, other: float) -> None:
    print(f"| {what} | {ours:.3f} | {other:.3f} | {ours / other:.1f} |", flush=True)


if __name__ == "__main__":
    main()
