"""What scoring a long table takes.

    python benchmarks/predict_memory.py MODEL TABLE ROWS ...

MODEL is a registered version in the store of MLFLOW_TRACKING_URI, TABLE a Parquet file or pattern,
whose rows are repeated to each number of ROWS. Each is scored by the step `predict` in a process of
its own. Printed are its highest memory, and how many rows a second it scores from its start to its
end, beside those of the pipeline alone, in memory, in a thread a core.
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb

sys.path.insert(0, str(Path(__file__).parents[1]))

RAW = 200_000  # rows that the pipeline alone is timed on


def main() -> None:
    model, table, *counts = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        for count in map(int, counts):
            path = Path(folder, f"{count}.parquet")
            run(f"write({table!r}, {str(path)!r}, {count})")
            if count == int(counts[0]):
                call = f"time_pipeline({model!r}, {str(path)!r}, {min(count, RAW)})"
                speed = float(run(call).split()[-1])
                print(f"the pipeline alone: {speed:,.0f} rows a second", flush=True)
            seconds, memory = scored(model, path)
            speed = count / seconds
            print(f"{count:>12,} rows: {memory:6,.0f} MB, {speed:9,.0f} rows a second", flush=True)
            path.unlink()


def run(call: str) -> str:
    """Return what a function of this file prints in a process of its own.

    A process begins with the highest memory of the one that has started it: this one stays small.
    """
    done = subprocess.run(
        [sys.executable, "-c", f"import predict_memory; predict_memory.{call}"],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parent,
    )
    return done.stdout


def write(table: str, path: str, count: int) -> None:
    """Write a table's rows again and again."""

    source = f"read_parquet('{table}', union_by_name = true)"
    ((rows,),) = duckdb.sql(f"SELECT count(*) FROM {source}").fetchall()
    repeated = f"(FROM {source}), range({count // rows + 1})"
    duckdb.sql(f"COPY (SELECT * FROM {repeated} LIMIT {count}) TO '{path}'")


def time_pipeline(model: str, path: str, rows: int) -> None:
    """Print how many rows a second the pipeline alone predicts."""

    import workflow.runtime.bootstrap  # noqa: F401 (one thread for each library)
    from workflow.tracking import model_loading, model_versions

    loaded = model_loading.download(model_versions.find(model).uri).load_here()
    frame = duckdb.sql(f"FROM '{path}' LIMIT {rows}").df()
    cores = len(os.sched_getaffinity(0))
    parts = [frame.iloc[n * rows // cores : (n + 1) * rows // cores] for n in range(cores)]
    loaded.pipeline.predict(frame.head(1_000))
    begin = time.perf_counter()
    with ThreadPoolExecutor(cores) as pool:
        list(pool.map(loaded.pipeline.predict, parts))
    print(rows / (time.perf_counter() - begin))


def scored(model: str, path: Path) -> tuple[float, float]:
    """Return the seconds that the step took from its start to its end, and its memory in MB."""
    given = {
        "model": model, "data": path, "output": path.with_suffix(".out.parquet"), "keep": "none",
        "interval": "none", "invalid": "refuse", "overwrite": "true", "verbose": "false",
    }  # fmt: skip
    words = [str(word) for name, value in given.items() for word in (f"--{name}", value)]
    before = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-B", "-m", "steps.predict", *words], cwd=Path(__file__).parents[1]
    )
    _, status, used = os.wait4(process.pid, 0)
    assert status == 0, status
    assert isinstance(used, resource.struct_rusage)
    return time.perf_counter() - before, used.ru_maxrss / 1024


if __name__ == "__main__":
    main()
