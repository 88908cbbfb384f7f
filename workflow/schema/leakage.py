"""Columns that give the target away, and columns that count the rows.

A column may do so by its values, by its gaps alone, or, of dates, by the time from one to another.
Candidates are judged in a sample of rows, all by the tests of `leak_evidence`; a sum that equals
the target is verified in all rows.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

import numpy as np
import pandas as pd

from sql_features.expressions import quote
from sql_features.frames import ROW
from workflow.data.column_reading import Reading
from workflow.schema.column_roles import ColumnUse, TargetUse
from workflow.schema.column_stats import Table, narrow, typed
from workflow.schema.leak_evidence import Kind, Target, evidence

ENOUGH = 10  # rows from which on a column can count rows
STEADY = 0.95  # share of about equal steps from which on a column counts rows
PAIRED = 50  # the most dates, and times of day, whose differences are looked at
SCREENED = 4_000  # rows in which a difference is looked at first
SUMMED_ROWS, SUMMED_COLUMNS = 2_000, 200  # the most that a sum is looked for in
SPARE_ROWS = 30  # rows beyond twice the columns from which on a sum is looked for
EXACT = 1e-9  # relative to the target's greatest absolute value
SAMPLED_ROWS, SAMPLED_CELLS = 50_000, 5_000_000
SUMMED = 0.99  # share of rows in which a sum equals the target from which on it is a leak
# The second half is for a column that is rightly near-perfect.
LEAK = "gives the target away (if known before it, add it to `features` of a dataset file)"


def find_leaks(
    table: Table,
    types: Mapping[str, str | Reading],
    target_use: TargetUse,
    uses: dict[str, ColumnUse],
    target: str,
) -> dict[str, str]:
    """Return the columns that count rows or give the target away, with the reason.

    The sample of at most `SAMPLED_ROWS` rows is the same each time.

    Args:
        table: The table.
        types: How each column, and the target, is read.
        target_use: How the target is used.
        uses: How each column would be used.
        target: The name of the target.
    """
    numbers = [name for name, use in uses.items() if use.kind == "number"]
    rows, frame, goal = _sample(table, types, target_use, uses, target)
    found = {}
    for name in numbers:
        column = table.columns[name]
        unique = column.distinct == column.known == table.rows
        if unique and is_counter(rows, frame[name].to_numpy()):
            found[name] = "counts rows: grows from row to row in about constant steps"
    kinds = {name: use.kind for name, use in uses.items() if name not in found}
    found |= leaks(frame, kinds, goal)
    while goal.labels is None:
        left = [name for name in numbers if name not in found]
        signs = summands(frame[left], pd.Series(goal.values))
        terms = {name: uses[name].value for name in signs}
        used = typed(table, {name: types[name] for name in (target, *signs)})
        if not signs or _equal(used, target_use, terms, signs) < SUMMED:
            break
        shown = " ".join(f"{'+' if signs[name] > 0 else '-'} {name}" for name in signs)
        text = f"{shown.removeprefix('+ ')} = {target}: {LEAK}"
        found |= dict.fromkeys(signs, text)
    return found


def leaks(frame: pd.DataFrame, kinds: Mapping[str, str], target: Target) -> dict[str, str]:
    """Return the columns that give the target away by themselves or beside another, and how.

    Of two dates the later one is named, as it is often known only when the target is.

    Args:
        frame: (n_rows, n_columns) numbers, codes of categories, seconds of dates and times; NaN
            where missing.
        kinds: What each column that is looked at holds, as `ColumnUse.kind` says it.
        target: The target of the same rows.
    """
    # Files are often sorted by the target. In no order, the first rows are a sample of all.
    mixed = np.random.default_rng(0).permutation(len(frame))
    goal = Target(target.name, target.values[mixed], target.labels)
    columns = {name: frame[name].to_numpy()[mixed] for name in kinds}
    pairs = [pair for names in paired(kinds) for pair in combinations(names, 2)]
    alone = {name: dict(_of_one_column(kinds[name], values)) for name, values in columns.items()}
    tried = sum(map(len, alone.values())) + len(pairs)
    found: dict[str, str] = {}
    for name, candidates in alone.items():
        for kind, candidate in candidates.items():
            if how := evidence(candidate, kind, goal, tried):
                found[name] = f"{how}: {LEAK}"
                break
    # Few pairs need all rows.
    parts = [
        (some, Target(goal.name, goal.values[some], goal.labels))
        for some in (slice(SCREENED), slice(None))
    ]
    for pair in pairs:
        if found.keys() & pair:
            continue
        passed = columns[pair[1]] - columns[pair[0]]
        with_both = passed[~np.isnan(passed)]
        backwards = len(with_both) > 0 and np.median(with_both) < 0
        earlier, later = pair[::-1] if backwards else pair
        passed = -passed if backwards else passed
        for some, part in parts:
            if not (how := evidence(passed[some], "difference", part, tried)):
                break
        if how:
            found[later] = f"{later} - {earlier}: {how}: {LEAK}"
    return found


def paired(kinds: Mapping[str, str]) -> list[list[str]]:
    """Return the dates, and the times of day, whose differences are looked at: `PAIRED` of each."""
    return [
        [name for name, its in kinds.items() if its == kind][:PAIRED] for kind in ("date", "time")
    ]


def _of_one_column(kind: str, values: np.ndarray) -> Iterator[tuple[Kind, np.ndarray]]:
    """Yield what is looked at of a column: its gaps if it has any, and its values."""
    gaps = np.isnan(values)
    if gaps.any():
        yield "gaps", gaps.astype(float)
    match kind:
        case "number" | "category":
            yield kind, values
        case _:
            yield "date", values


def is_counter(rows: np.ndarray, values: np.ndarray) -> bool:
    """Tell whether values grow (or fall) with the number of the row, in about constant steps.

    Args:
        rows: (n,) numbers of the rows, increasing.
        values: (n,) values, none missing.
    """
    if len(rows) < ENOUGH or not np.isfinite(values).all():
        return False
    steps = np.diff(values) / np.diff(rows)
    if not ((steps > 0).all() or (steps < 0).all()):
        return False
    usual = np.median(steps)
    return bool(np.mean(np.abs(steps - usual) <= 0.1 * abs(usual)) >= STEADY)


def summands(frame: pd.DataFrame, target: pd.Series) -> dict[str, int]:
    """Return the signs of the fewest columns whose sum or difference is the target, if any.

    Least squares on all columns must fit without a residual; columns are then left out one by one
    as long as it still does.

    Args:
        frame: (n_rows, n_columns) numbers, NaN where missing.
        target: (n_rows,) numbers.
    """
    frame = frame.loc[:, frame.notna().mean() > 0.5]
    if len(frame) < 2 * min(frame.shape[1], SUMMED_COLUMNS) + SPARE_ROWS:
        return {}  # before correlations are computed, which takes long where columns are many
    if frame.shape[1] > SUMMED_COLUMNS:
        near = frame.corrwith(target).abs().sort_values(ascending=False)
        frame = frame[list(near.index[:SUMMED_COLUMNS])]
    whole = (np.isfinite(frame).all(axis=1) & np.isfinite(target)).to_numpy()
    x = frame.to_numpy()[whole][:SUMMED_ROWS]
    y = target.to_numpy()[whole][:SUMMED_ROWS]
    if x.shape[1] < 2 or len(y) < 2 * x.shape[1] + SPARE_ROWS or not np.ptp(y):
        return {}
    greatest = np.abs(y).max()
    y = y / greatest
    scale = np.maximum(np.abs(x).max(axis=0), np.finfo(float).tiny)
    kept = np.arange(x.shape[1])
    signs = _exact(x / scale, y)
    if signs is None:
        return {}
    # First all columns with a weight of about 0, then one by one, the smallest weight first.
    most = kept[np.abs(signs) > 1e-6]
    if (fewer := _exact(x[:, most] / scale[most], y)) is not None:
        kept, signs = most, fewer
    for column in kept[np.argsort(np.abs(signs))]:
        others = kept[kept != column]
        if len(others) and (fewer := _exact(x[:, others] / scale[others], y)) is not None:
            kept, signs = others, fewer
    with np.errstate(over="ignore"):
        weights = signs / scale[kept] * greatest
    if len(kept) < 2 or not np.allclose(np.abs(weights), 1, rtol=0, atol=1e-6):
        return {}
    return {frame.columns[k]: int(np.sign(w)) for k, w in zip(kept, weights, strict=True)}


def _sample(
    table: Table,
    types: Mapping[str, str | Reading],
    target_use: TargetUse,
    uses: dict[str, ColumnUse],
    target: str,
) -> tuple[np.ndarray, pd.DataFrame, Target]:
    """Return a sample: the rows' numbers, a frame as `leaks` takes it, and the target."""
    size = min(SAMPLED_ROWS, max(SAMPLED_CELLS // (len(uses) + 1), 1_000))
    share = -(-table.rows // size)
    labels = target_use.task != "regression"
    goal = f"CAST({target_use.value} AS VARCHAR)" if labels else _finite(target_use.value)
    rows, (goals,) = _sampled(table, {target: types[target]}, [goal], share)
    columns: dict[str, np.ndarray] = {}
    for names in narrow(list(uses)):
        some = {name: types[name] for name in names}
        _, found = _sampled(table, some, [_comparable(uses[name]) for name in names], share)
        for name, values in zip(names, found, strict=True):
            is_category = uses[name].kind == "category"
            columns[name] = _codes(values)[0] if is_category else _known(values.to_numpy("float64"))
    frame = pd.DataFrame(columns, index=range(len(rows)))
    if not labels:
        return rows, frame, Target(target, goals.to_numpy("float64"))
    codes, names = _codes(goals)
    return rows, frame, Target(target, codes, names)


def _sampled(
    table: Table, types: Mapping[str, str | Reading], values: Sequence[str], share: int
) -> tuple[np.ndarray, list[pd.Series]]:
    """Return the numbers of one row in `share`, always the same ones, and values of each.

    Args:
        table: The table.
        types: How the columns are read that the values are made of.
        values: SQL of the values.
        share: Of how many rows one is in the sample.
    """
    row = quote(ROW)
    frame = table.connection.execute(
        f"SELECT {', '.join([row, *(f'{one} AS c{n}' for n, one in enumerate(values))])} FROM "
        f"(SELECT row_number() OVER () AS {row}, * FROM {typed(table, types).source}) "
        f"WHERE hash({row}) % {share} = 0 ORDER BY {row}"
    ).df()
    rows = frame.pop(ROW).to_numpy()
    return rows, [values for _, values in frame.items()]


def _comparable(use: ColumnUse) -> str:
    """Return the SQL of a value that can be compared: a number, seconds, or a hash of a text."""
    match use.kind:
        case "number":
            return f"CAST({use.value} AS DOUBLE)"
        case "category":
            return f"CASE WHEN {use.value} IS NOT NULL THEN hash({use.value}) END"
        case _:
            return f"CAST(epoch({use.value}) AS DOUBLE)"


def _codes(values: pd.Series) -> tuple[np.ndarray, list[str]]:
    """Return (n,) codes of values, NaN where one is missing, and the text of each code."""
    codes, names = pd.factorize(values)
    return np.where(codes < 0, np.nan, codes.astype(float)), [str(name) for name in names]


def _known(numbers: np.ndarray) -> np.ndarray:
    """Return (n,) numbers with NaN for infinity: in SQL that takes long where columns are many."""
    return np.where(np.isinf(numbers), np.nan, numbers)


def _finite(value: str) -> str:
    """Return the SQL of a value as a number, with NULL for NaN and infinity."""
    number = f"CAST({value} AS DOUBLE)"
    return f"CASE WHEN isfinite({number}) THEN {number} END"


def _equal(
    table: Table, target_use: TargetUse, terms: dict[str, str], signs: dict[str, int]
) -> float:
    """Return the share of rows in which the sum is the target."""
    parts = [f"{signs[name]} * CAST({value} AS DOUBLE)" for name, value in terms.items()]
    sizes = " + ".join(f"abs({part})" for part in parts)
    goal = f"CAST({target_use.value} AS DOUBLE)"
    same = f"abs({' + '.join(parts)} - {goal}) <= {EXACT} * ({sizes} + abs({goal}))"
    (share,) = table.ask(f"SELECT avg(CAST({same} AS INTEGER)) FROM {table.source}")
    return share or 0.0


def _exact(x: np.ndarray, y: np.ndarray) -> np.ndarray | None:
    weights: np.ndarray = np.linalg.lstsq(x, y, rcond=None)[0]
    if np.abs(x @ weights - y).max() <= EXACT:
        return weights
    return None
