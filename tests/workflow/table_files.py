"""Tables as files of each kind that is read, for tests."""

from pathlib import Path

import pandas as pd


def write_table(frame: pd.DataFrame, path: Path) -> Path:
    """Write a frame in the kind that the file's suffix says; return the path."""
    match path.suffix:
        case ".csv":
            frame.to_csv(path, index=False)
        case ".parquet":
            frame.to_parquet(path, index=False)
        case ".jsonl":
            frame.to_json(path, orient="records", lines=True)
    return path
