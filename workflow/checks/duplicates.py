"""Rows that are alike: copies, and rows that a split has in common with train."""

import math
from collections.abc import Callable, Iterator
from functools import cache, partial

import duckdb
import numpy as np

from sql_features.expressions import quote
from workflow.checks.finding import ERROR, FEW, OK, TRAIN, WARNING, Finding
from workflow.checks.split_scan import Split

ALIKE = 0.01  # the share of rows that are alike or shared from which it matters
LEAKED = 0.99  # the share of rows shared with train from which a score means nothing

Hashes = tuple[np.ndarray, np.ndarray]  # (n_different,) of rows, and how many rows have each


def duplicates(
    connection: duckdb.DuckDBPyConnection, train: Split, others: list[Split], step: int
) -> Iterator[Finding]:
    """Look for rows that are alike in all raw columns and the target.

    Rows that are alike share a hash, so those whose hash is divisible by a number are a fair sample
    of them: each is looked at with all that are like it, in every split. All rows are looked at
    where no split has more than `one_pass.HASHED`; "about" in the message says that it is a sample.

    Args:
        connection: It holds the splits' samples.
        train: With rows, as all have.
        others: The splits that are compared with train.
        step: Of how many rows one is drawn.
    """
    splits = [train, *others]
    about = "about " if step > 1 else ""
    seen = {split.name: np.unique(split.hashes, return_counts=True) for split in splits}
    alike = cache(partial(_alike_by_chance, connection, train))
    repeated = [_repeated(split, seen[split.name][1], alike, about) for split in splits]
    yield from repeated
    natural = repeated[0].level == OK
    for split in others:
        yield _shared(split, seen[split.name], seen[TRAIN], natural, about)


def _repeated(split: Split, counts: np.ndarray, alike: Callable[[], float], about: str) -> Finding:
    repeated = int(counts.sum()) - len(counts)
    share = repeated / max(counts.sum(), 1)
    level, note = OK, ""
    if share > ALIKE and repeated >= FEW:
        # Of so many rows, those that have others alike without being copies.
        if -math.expm1(-split.rows * math.sqrt(alike())) > share / 10:
            note = ", as is expected of so few possible values"
        else:
            level = WARNING
            note = (
                ": look at where the copies come from, and take them out of the data, lest they "
                "count twice"
            )
    message = f"{about}{share:.1%} of {split.name}'s rows repeat another in every column{note}."
    return Finding("duplicated rows", split.name, "", share, level, message)


def _shared(split: Split, own: Hashes, trains: Hashes, natural: bool, about: str) -> Finding:
    """Compare a split's rows with train's, which may be alike by nature."""
    (hashes, counts), (known, known_counts) = own, trains
    # Good and Turing: the share of rows that occur once is the probability that the next row is
    # new. I. J. Good, The population frequencies of species and the estimation of population
    # parameters, Biometrika 40 (1953).
    expected = 1 - (known_counts == 1).sum() / max(known_counts.sum(), 1)
    shared = int(counts[np.isin(hashes, known, assume_unique=True)].sum())
    share = shared / max(counts.sum(), 1)
    level, note = OK, ""
    if share > ALIKE and shared >= FEW:
        if natural and share <= 1.2 * expected + ALIKE:
            note = f", as is expected where {expected:.1%} of train's rows have others alike"
        elif share >= LEAKED and expected < LEAKED / 2:
            level = ERROR
            note = (
                ": the model has seen the answers, and its scores there mean nothing; give "
                f"{split.name} rows of its own"
            )
        else:
            level = WARNING
            note = (
                ", alike in every column and the target: its scores there are too good; take the "
                "copies out of the data"
            )
    message = f"{about}{share:.1%} of {split.name}'s rows are in train too{note}."
    return Finding("rows shared with train", split.name, "", share, level, message)


def _alike_by_chance(connection: duckdb.DuckDBPyConnection, train: Split) -> float:
    """Return the probability that two rows are alike without being copies, squared.

    Few different rows, as two categories make them, are alike by nature. Two rows have the same
    value in a column with the probability that two of the different rows have; the columns'
    product would hold if they were independent, its root is as if half of them followed from the
    others. It is measured on train's sample.
    """
    selected = [
        f"hash({', '.join(map(quote, train.types))}) AS row",
        *(f"hash({quote(name)}) AS h{n}" for n, name in enumerate(train.types)),
    ]
    sample = connection.execute(f"SELECT {', '.join(selected)} FROM {train.sample}").fetchnumpy()
    hashes = np.ma.getdata(sample.pop("row"))
    different = np.unique(hashes, return_index=True)[1]
    if len(different) < max(len(hashes) / 10, 2):
        return math.inf
    alike = 1.0
    for column in sample.values():
        counts = np.unique(np.ma.getdata(column)[different], return_counts=True)[1]
        alike *= float((counts * (counts - 1)).sum() / (len(different) * (len(different) - 1)))
    return alike
