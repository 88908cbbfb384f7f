"""How often monitoring raises an alert where nothing has changed, and where something has.

It looks at the columns alone, as `monitor` does, without a model: drift, values that are new, and
all columns together.
"""

import argparse
import sys
import time
from pathlib import Path

import pandas as pd
import pyarrow as pa

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))

from workflow.checks.value_counts import Numbers, Sample, Texts  # noqa: E402
from workflow.monitoring import domain_classifier, drift, unseen  # noqa: E402
from workflow.monitoring.drift import Pair  # noqa: E402
from workflow.monitoring.finding import Finding, reason, worst  # noqa: E402
from workflow.monitoring.unseen import Known  # noqa: E402

COLUMNS = (
    *("PULocationID", "DOLocationID", "trip_distance", "passenger_count", "fare_amount"),
    *("tip_amount", "total_amount", "store_and_fwd_flag", "vendor", "rate"),
)
ROWS = 2_000
VENDORS, RATES = {1: "Creative", 2: "VeriFone"}, {1: "standard", 5: "negotiated", 2: "airport"}


def trips(folder: Path, month: int) -> pd.DataFrame:
    """Return the trips of a month, with two columns of names."""
    frame = pd.read_parquet(folder / f"green_tripdata_2023-{month:02d}.parquet")
    named = {"vendor": frame["VendorID"].map(VENDORS), "rate": frame["RatecodeID"].map(RATES)}
    return frame.assign(**named)[list(COLUMNS)]


def sample(frame: pd.DataFrame) -> Sample:
    """Return the values of each column."""
    return {
        str(name): Numbers.of(values.to_numpy("float64", na_value=float("nan")))
        if pd.api.types.is_numeric_dtype(values)
        else Texts.of(pa.array(values, pa.string(), from_pandas=True))
        for name, values in frame.items()
    }


def known(frame: pd.DataFrame) -> dict[str, Known]:
    """Return what rows have in each column."""
    found = {}
    for name, values in frame.items():
        about = {"rows": len(values), "missing": int(values.isna().sum())}
        if pd.api.types.is_numeric_dtype(values):
            found[str(name)] = Known(**about, ends=(float(values.min()), float(values.max())))
        else:
            counts = {str(text): int(n) for text, n in values.value_counts().items()}
            found[str(name)] = Known(**about, counts=counts)
    return found


def findings(reference: pd.DataFrame, new: pd.DataFrame, seed: int) -> list[Finding]:
    """Return what monitoring finds of the columns."""
    before, after = sample(reference), sample(new)
    found = unseen.findings(known(reference), after)
    found += drift.shifts(
        [Pair(name, f"column '{name}'", before[name], after[name]) for name in after]
    )
    if domain := domain_classifier.classify(reference, new, seed):
        sides = {"training": len(reference), "new": len(new)}
        found.append(domain_classifier.finding(domain, sides))
    return found


def changed(rows: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return rows with something wrong, by what that is."""
    numbers = rows["passenger_count"].astype("float64")
    return {
        "fare_amount in cents": rows.assign(fare_amount=100 * rows["fare_amount"]),
        "vendor VeriFone renamed": rows.assign(vendor=rows["vendor"].replace("VeriFone", "VTS")),
        "rate negotiated (5 %) renamed": rows.assign(
            rate=rows["rate"].replace("negotiated", "deal")
        ),
        "passenger_count missing": rows.assign(passenger_count=numbers.where(numbers < 0)),
        "tip_amount 0": rows.assign(tip_amount=0.0),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the folder of green-taxi trips")
    parser.add_argument("--draws", type=int, default=100)
    given = parser.parse_args()
    january = trips(given.data, 1)
    start, levels = time.monotonic(), []
    for seed in range(given.draws):
        both = january.sample(ROWS, random_state=seed)
        levels.append(worst(f.level for f in findings(both[: ROWS // 2], both[ROWS // 2 :], seed)))
    counted = {level: levels.count(level) for level in ("alert", "warning", "ok")}
    print(f"halves of {ROWS:,} rows: {counted} of {given.draws}, {time.monotonic() - start:.0f} s")
    for month in (2, 3):
        found = findings(january, trips(given.data, month), 1)
        print(f"month {month} against January: {worst(f.level for f in found)} {reason(found)}")
    for what, rows in changed(trips(given.data, 2).sample(ROWS, random_state=1)).items():
        found = findings(january, rows, 1)
        print(f"{what}: {worst(f.level for f in found)}: {reason(found)}")


if __name__ == "__main__":
    main()
