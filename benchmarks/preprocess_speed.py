"""Rows per second and peak memory of preprocess: the course's way and ours.

    python benchmarks/preprocess_speed.py

The rows are real trips, repeated. Every measurement is made in a process of its own; this one
imports nothing heavy, because a child starts with its parent's peak as its own.
"""

import argparse
import importlib
import resource
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import ParamSpec, TypeVar

ROOT = Path(__file__).resolve().parents[1]
COURSE = ROOT / "benchmarks" / "course"
FILES = [f"green_tripdata_2023-{month}.parquet" for month in ("01", "02", "03")]
LARGE = 3_000_000  # the most rows that the course's way is given
P = ParamSpec("P")
T = TypeVar("T")


def course(folder: Path, out: Path) -> None:
    from preprocess_data import prepare

    prepare(str(folder), str(out))


def frames(folder: Path, out: Path) -> None:
    """The course's way as far as ours goes: rows and columns chosen, nothing encoded yet."""
    from preprocess_data import read_months

    read_months(folder)


def ours(folder: Path, out: Path) -> None:
    from workflow.checks import data_checks
    from workflow.data import split_writer
    from workflow.data.dataset_file import load

    dataset = load("green_taxi")
    names = dataset.split.files
    raw = split_writer.read_raw(dataset, {split: [folder / names[split]] for split in names})
    split_writer.write_splits(dataset, raw, out)
    data_checks.check(
        {split: out / f"{split}.parquet" for split in names},
        task=dataset.task,
        features=dataset.features,
        raw_types={split: one.columns for split, one in raw.items()},
    )


# Each way, and the module whose import is its baseline.
WAYS: dict[str, tuple[str, Callable[[Path, Path], None]]] = {
    "course": ("preprocess_data", course),
    "course, not encoded": ("preprocess_data", frames),
    "ours": ("steps.preprocess", ours),
}


@dataclass(frozen=True)
class Measurement:
    """Seconds without imports; peak resident memory in MB, after imports and in all."""

    seconds: float
    imports_mb: float
    peak_mb: float

    @property
    def net_mb(self) -> float:
        """Peak minus what the imports alone take, in MB."""
        return self.peak_mb - self.imports_mb


def in_own_process(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *args, **kwargs).result()


def make(data: Path, folder: Path, rows: int) -> None:
    """Write `rows` rows over three files in the proportion of the real ones."""
    import duckdb

    sources = [str(data / name) for name in FILES]
    counts = [
        duckdb.execute("SELECT count(*) FROM read_parquet(?)", [source]).fetchall()[0][0]
        for source in sources
    ]
    wanted = [rows * count // sum(counts) for count in counts]
    wanted[-1] += rows - sum(wanted)
    for name, source, count, want in zip(FILES, sources, counts, wanted, strict=True):
        repeated = [source] * -(-want // count)
        duckdb.execute(
            f"COPY (SELECT * FROM read_parquet($files) LIMIT {want}) "
            f"TO '{folder / name}' (FORMAT parquet)",
            {"files": repeated},
        )


def peak_mb() -> float:
    # Linux counts ru_maxrss in KiB.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def measure(way: str, folder: Path, out: Path) -> Measurement:
    sys.path[:0] = [str(ROOT), str(COURSE)]
    module, work = WAYS[way]
    importlib.import_module(module)
    imports = peak_mb()
    start = time.perf_counter()
    work(folder, out)
    return Measurement(time.perf_counter() - start, imports, peak_mb())


def middle(repeats: list[Measurement]) -> Measurement:
    return Measurement(
        median(one.seconds for one in repeats),
        median(one.imports_mb for one in repeats),
        median(one.peak_mb for one in repeats),
    )


def report(measured: dict[tuple[str, int], list[Measurement]]) -> None:
    medians = {key: middle(repeats) for key, repeats in measured.items()}
    print("\n| way | rows | s | rows/s | peak MB | peak minus imports MB |")
    print("|---|--:|--:|--:|--:|--:|")
    for (way, rows), one in medians.items():
        print(
            f"| {way} | {rows:,} | {one.seconds:.2f} | {rows / one.seconds:,.0f} "
            f"| {one.peak_mb:,.0f} | {one.net_mb:,.0f} |"
        )
    print()
    for (way, rows), base in medians.items():
        if way != "ours" and (mine := medians.get(("ours", rows))):
            print(
                f"ours / {way}, at {rows:,} rows: rows/s {base.seconds / mine.seconds:.1f}, "
                f"peak {mine.peak_mb / base.peak_mb:.3f}, "
                f"peak minus imports {mine.net_mb / base.net_mb:.3f}"
            )
    sizes = sorted(rows for way, rows in medians if way == "ours")
    for small, large in pairwise(sizes):
        a, b = medians["ours", small], medians["ours", large]
        print(
            f"ours, {large:,} / {small:,} rows: peak {b.peak_mb / a.peak_mb:.2f}, "
            f"peak minus imports {b.net_mb / a.net_mb:.2f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared/data/green_taxi")
    parser.add_argument("--rows", type=int, nargs="+", default=[3_000_000, 30_000_000])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--ways", nargs="+", choices=list(WAYS), default=list(WAYS))
    args = parser.parse_args()
    data = args.data.resolve(strict=True)

    measured: dict[tuple[str, int], list[Measurement]] = defaultdict(list)
    for rows in args.rows:
        ways = [way for way in args.ways if way == "ours" or rows <= LARGE]
        with TemporaryDirectory() as name:
            in_own_process(make, data, Path(name), rows)
            for _ in range(args.repeats):
                for way in ways:
                    with TemporaryDirectory() as out:
                        one = in_own_process(measure, way, Path(name), Path(out))
                    measured[way, rows].append(one)
                    print(f"{way} {rows:,}: {one}", flush=True)
    report(measured)


if __name__ == "__main__":
    main()
