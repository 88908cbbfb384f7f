"""Columns that give the target away, and columns that count the rows.

They are looked for in a sample of rows; a sum that equals the target is verified in all rows.
Nothing is found where there are too few rows to tell.
"""

import numpy as np
import pandas as pd

from workflow.schema.column_roles import ColumnUse, TargetUse
from workflow.schema.column_stats import Table

ENOUGH = 30  # rows from which on a copy or a relabelling of the target is looked for
ENOUGH_NUMBERS, ENOUGH_LABELS = 100, 1_000  # rows from which on a near-perfect predictor is
NEAR_PERFECT = 0.999  # score above which one column alone gives the target away
SCREENED = 4_000  # rows that a column is first scored on
PROMISING = 0.98  # score above which a column is scored on all rows of the sample
STEADY = 0.95  # share of about equal steps from which on a column counts rows
SUMMED_ROWS, SUMMED_COLUMNS = 2_000, 200  # the most that a sum is looked for in
EXACT = 1e-9  # relative to the target's greatest absolute value
SAMPLED_ROWS, SAMPLED_CELLS = 50_000, 5_000_000
SUMMED = 0.99  # share of rows in which a sum equals the target from which on it is a leak


def find_leaks(
    table: Table, target_use: TargetUse, uses: dict[str, ColumnUse], target: str
) -> dict[str, str]:
    """Return the columns that count rows or give the target away, with the reason.

    The sample of at most `SAMPLED_ROWS` rows is the same each time.

    Args:
        table: The table, its source with the types that its columns will have.
        target_use: How the target is used.
        uses: How each column would be used.
        target: The name of the target.
    """
    labels = target_use.task != "regression"
    numbers = [name for name, use in uses.items() if use.kind == "number"]
    categories = [name for name, use in uses.items() if use.kind == "category"]
    looked_at = [*numbers, *categories]
    rows, frame, goal = _sample(table, target_use, uses, looked_at)
    found = {}
    for name in numbers:
        column = table.columns[name]
        unique = column.distinct == column.known == table.rows
        if unique and is_counter(rows, frame[name].to_numpy()):
            found[name] = "counts rows: grows from row to row in about constant steps"
    left = [name for name in looked_at if name not in found]
    found |= leaks_of_one_column(frame[left], goal, labels=labels, name=target)
    while not labels:
        left = [name for name in numbers if name not in found]
        signs = summands(frame[left], goal)
        terms = {name: uses[name].value for name in signs}
        if not signs or _equal(table, target_use, terms, signs) < SUMMED:
            break
        shown = " ".join(f"{'+' if signs[name] > 0 else '-'} {name}" for name in signs)
        text = f"{shown.removeprefix('+ ')} = {target}: gives the target away"
        found |= dict.fromkeys(signs, text)
    return found


def is_counter(rows: np.ndarray, values: np.ndarray) -> bool:
    """Tell whether values grow (or fall) with the number of the row, in about constant steps.

    Args:
        rows: (n,) numbers of the rows, increasing.
        values: (n,) values, none missing.
    """
    if len(rows) < ENOUGH // 3 or not np.isfinite(values).all():
        return False
    steps = np.diff(values) / np.diff(rows)
    if not ((steps > 0).all() or (steps < 0).all()):
        return False
    usual = np.median(steps)
    return bool(np.mean(np.abs(steps - usual) <= 0.1 * abs(usual)) >= STEADY)


def leaks_of_one_column(
    frame: pd.DataFrame, target: pd.Series, *, labels: bool, name: str
) -> dict[str, str]:
    """Return the columns that give the target away alone, with the reason.

    Args:
        frame: (n_rows, n_columns) numbers, or codes of categories; NaN where missing.
        target: (n_rows,) numbers, or codes of labels.
        labels: Whether the target is a label.
        name: The target's name, for the reason.
    """
    found = {}
    for column, values in frame.items():
        known = values.notna() & target.notna()
        x, y = values[known], target[known]
        how = _relabelled(x, y, labels, name) or _predicts(values, target, labels, name)
        if how := how or (None if labels else _orders(x, y, name)):
            found[str(column)] = f"{how}: gives the target away"
    return found


def summands(frame: pd.DataFrame, target: pd.Series) -> dict[str, int]:
    """Return the signs of the fewest columns whose sum or difference is the target, if any.

    Least squares on all columns must fit without a residual; columns are then left out one by one
    as long as it still does.

    Args:
        frame: (n_rows, n_columns) numbers, NaN where missing.
        target: (n_rows,) numbers.
    """
    frame = frame.loc[:, frame.notna().mean() > 0.5]
    if frame.shape[1] > SUMMED_COLUMNS:
        near = frame.corrwith(target).abs().sort_values(ascending=False)
        frame = frame[list(near.index[:SUMMED_COLUMNS])]
    whole = (np.isfinite(frame).all(axis=1) & np.isfinite(target)).to_numpy()
    x = frame.to_numpy()[whole][:SUMMED_ROWS]
    y = target.to_numpy()[whole][:SUMMED_ROWS]
    if x.shape[1] < 2 or len(y) < 2 * x.shape[1] + ENOUGH or not np.ptp(y):
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
    table: Table, target_use: TargetUse, uses: dict[str, ColumnUse], names: list[str]
) -> tuple[np.ndarray, pd.DataFrame, pd.Series]:
    """Return a sample: the rows' numbers, a frame of numbers and codes, and the target."""
    size = min(SAMPLED_ROWS, max(SAMPLED_CELLS // (len(names) + 1), 1_000))
    share = -(-table.rows // size)
    row = "row"
    while row in {name.casefold() for name in table.columns}:
        row += "_"
    values = [row]
    for place, name in enumerate(names):
        value = uses[name].value
        code = f"CASE WHEN {value} IS NULL THEN 0 ELSE hash({value}) END"
        values.append(f"{_finite(value) if uses[name].kind == 'number' else code} AS c{place}")
    labels = target_use.task != "regression"
    goal_value = f"CAST({target_use.value} AS VARCHAR)" if labels else _finite(target_use.value)
    frame = table.connection.execute(
        f"SELECT {', '.join(values)}, {goal_value} AS goal FROM "
        f"(SELECT row_number() OVER () AS {row}, * FROM {table.source}) "
        f"WHERE hash({row}) % {share} = 0 ORDER BY {row}"
    ).df()
    goal = frame.pop("goal")
    if labels:
        codes, _ = pd.factorize(goal)
        goal = pd.Series(codes, dtype=float).where(codes >= 0)
    rows = frame.pop(row).to_numpy()
    frame.columns = names
    for name in names:
        if uses[name].kind == "category":
            frame[name] = pd.factorize(frame[name])[0].astype(float)
    return rows, frame, goal


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


def _relabelled(x: pd.Series, y: pd.Series, labels: bool, name: str) -> str | None:
    if len(x) < ENOUGH:
        return None
    if not labels and x.equals(y):
        return f"a copy of {name}"
    count = y.nunique()
    # Where hardly any value occurs twice, every column is one to one with every other.
    if not 2 <= count <= len(y) / 2 or x.nunique() != count:
        return None
    if len(pd.DataFrame({"x": x, "y": y}).drop_duplicates()) == count:
        return f"one value for each value of {name}"
    return None


def _orders(x: pd.Series, y: pd.Series, name: str) -> str | None:
    if len(x) < ENOUGH_NUMBERS or x.nunique() < 2 or y.nunique() < 2:
        return None
    correlation = np.corrcoef(x.rank(), y.rank())[0, 1]
    if correlation**2 <= NEAR_PERFECT:
        return None
    return f"in the order of {name}, with a rank correlation of {correlation:.5f}"


def _predicts(values: pd.Series, target: pd.Series, labels: bool, name: str) -> str | None:
    known = np.flatnonzero(target.notna())
    enough = ENOUGH_LABELS if labels else ENOUGH_NUMBERS
    if len(known) < enough or values.nunique() < 2:
        return None
    mixed = np.random.default_rng(0).permutation(known)
    # Trees compute in single precision, in which ranks are exact; 0 stands for a missing value.
    x = values.rank(method="dense").fillna(0).to_numpy()
    y = target.to_numpy()
    if not labels:
        y = y / np.abs(y[known]).max()
    score = _score(x, y, mixed[:SCREENED], labels)
    if score > PROMISING and len(mixed) > SCREENED:
        score = _score(x, y, mixed, labels)
    if score <= NEAR_PERFECT:
        return None
    measure = "accuracy" if labels else "R2"
    return f"predicts {name} alone with an out-of-sample {measure} of {score:.5f}"


def _score(x: np.ndarray, y: np.ndarray, rows: np.ndarray, labels: bool) -> float:
    """Fit a tree on half of the rows; return its R2, or worse accuracy of two, on the others."""
    from sklearn.metrics import accuracy_score, balanced_accuracy_score, r2_score
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    train, test = rows[: len(rows) // 2], rows[len(rows) // 2 :]
    column = x.reshape(-1, 1)
    if labels:
        tree = DecisionTreeClassifier(random_state=0).fit(column[train], y[train])
        predicted = tree.predict(column[test])
        if len(np.unique(y[test])) < 2:
            return 0.0
        # Where one label is rare, plain accuracy is high for any column.
        scores = accuracy_score, balanced_accuracy_score
        return float(min(score(y[test], predicted) for score in scores))
    tree = DecisionTreeRegressor(random_state=0).fit(column[train], y[train])
    return float(r2_score(y[test], tree.predict(column[test])))
