"""Which columns of a table count its rows, or give the target away: drawn, tested and verified."""

import numpy as np
import pandas as pd

from workflow import leaks
from workflow.profile import Table
from workflow.roles import Target, Use

SAMPLED_ROWS, SAMPLED_CELLS = 50_000, 5_000_000
SUMMED = 0.99  # of the rows in which a sum equals the target: a leak, whatever the others are


def giveaways(
    table: Table, typed: str, aim: Target, uses: dict[str, Use], target: str
) -> dict[str, str]:
    """Return why columns are left out that count rows, or give the target away.

    The same rows are looked at each time, at most `SAMPLED_ROWS`; a sum is verified in all.

    Args:
        table: The table.
        typed: SQL of it with the types that its columns will have.
        aim: How the target is used.
        uses: How each column would be used.
        target: The name of the target.
    """
    labels = aim.task != "regression"
    numbers = [name for name, use in uses.items() if use.kind == "number"]
    categories = [name for name, use in uses.items() if use.kind == "category"]
    looked_at = [*numbers, *categories]
    rows, frame, goal = _sample(table, typed, aim, uses, looked_at)
    found = {}
    for name in numbers:
        column = table.columns[name]
        unique = column.distinct == column.known == table.rows
        if unique and leaks.is_counter(rows, frame[name].to_numpy()):
            found[name] = "counts rows: grows from row to row in about constant steps"
    left = [name for name in looked_at if name not in found]
    found |= leaks.find(frame[left], goal, labels=labels, name=target)
    while not labels:
        left = [name for name in numbers if name not in found]
        signs = leaks.summands(frame[left], goal)
        terms = {name: uses[name].value for name in signs}
        if not signs or _equal(table, typed, aim, terms, signs) < SUMMED:
            break
        shown = " ".join(f"{'+' if signs[name] > 0 else '-'} {name}" for name in signs)
        text = f"{shown.removeprefix('+ ')} = {target}: gives the target away"
        found |= dict.fromkeys(signs, text)
    return found


def _sample(
    table: Table, typed: str, aim: Target, uses: dict[str, Use], names: list[str]
) -> tuple[np.ndarray, pd.DataFrame, pd.Series]:
    """Return the numbers of some rows; their numbers and codes of categories; and the target."""
    size = min(SAMPLED_ROWS, max(SAMPLED_CELLS // (len(names) + 1), 1_000))
    share = -(-table.rows // size)
    row = "row"
    while row in {name.casefold() for name in table.columns}:
        row += "_"
    values = [row]
    for place, name in enumerate(names):
        use = uses[name]
        number = f"CAST({use.value} AS DOUBLE)"
        code = f"CASE WHEN {use.value} IS NULL THEN 0 ELSE hash({use.value}) END"
        finite = f"CASE WHEN isfinite({number}) THEN {number} END"
        values.append(f"{finite if use.kind == 'number' else code} AS c{place}")
    number = f"CAST({aim.value} AS DOUBLE)"
    if aim.task == "regression":
        values.append(f"CASE WHEN isfinite({number}) THEN {number} END AS goal")
    else:
        values.append(f"CAST({aim.value} AS VARCHAR) AS goal")
    frame = table.connection.execute(
        f"SELECT {', '.join(values)} FROM (SELECT row_number() OVER () AS {row}, * "
        f"FROM {typed}) WHERE hash({row}) % {share} = 0 ORDER BY {row}"
    ).df()
    goal = frame.pop("goal")
    if aim.task != "regression":
        codes, _ = pd.factorize(goal)
        goal = pd.Series(codes, dtype=float).where(codes >= 0)
    rows = frame.pop(row).to_numpy()
    frame.columns = names
    for name in names:
        if uses[name].kind == "category":
            frame[name] = pd.factorize(frame[name])[0].astype(float)
    return rows, frame, goal


def _equal(
    table: Table, typed: str, aim: Target, terms: dict[str, str], signs: dict[str, int]
) -> float:
    """Return the share of rows in which the sum is the target."""
    parts = [f"{signs[name]} * CAST({value} AS DOUBLE)" for name, value in terms.items()]
    sizes = " + ".join(f"abs({part})" for part in parts)
    goal = f"CAST({aim.value} AS DOUBLE)"
    same = f"abs({' + '.join(parts)} - {goal}) <= {leaks.EXACT} * ({sizes} + abs({goal}))"
    ((share,),) = table.connection.execute(
        f"SELECT avg(CAST({same} AS INTEGER)) FROM {typed}"
    ).fetchall()
    return share or 0.0
