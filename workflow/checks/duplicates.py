"""Rows that are alike: copies, and rows that a split has in common with train."""

import math
from collections.abc import Callable, Iterator
from functools import cache, partial

import duckdb
import numpy as np

from sql_features.expressions import quote
from workflow.checks.finding import ERROR, FEW, OK, TRAIN, WARNING, Finding
from workflow.checks.split_scan import Split

ALIKE = 0.01  # a greater share of rows that are alike, or in train too, matters
LEAKED = 0.99  # from this share of rows that are in train too, a score means nothing

Hashes = tuple[np.ndarray, np.ndarray]  # (n_different,) hashes, and how many rows have each


def duplicates(
    connection: duckdb.DuckDBPyConnection, train: Split, others: list[Split], step: int
) -> Iterator[Finding]:
    """Look for rows that are alike in all raw columns and the target.

    No split has more than `split_scan.HASHED` hashes of rows. Of longer splits they are a sample,
    and "about" in a message says so. Rows that are alike have the same hash and the sample is drawn
    by the hash, so it has all copies of a row or none, in every split.

    Args:
        connection: It holds the splits' samples.
        train: The split that the others are compared with. All splits have rows.
        others: The splits that are compared.
        step: One of so many rows is in the sample; 1 if all are.
    """
    splits = [train, *others]
    about = "about " if step > 1 else ""
    seen = {split.name: np.unique(split.hashes, return_counts=True) for split in splits}
    alike = cache(partial(_alike_by_chance, connection, train))  # measured where it is needed
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
        # The expected share of rows that have others alike without being copies.
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
    """Look for a split's rows in train.

    Args:
        split: The split.
        own: Its hashes.
        trains: The hashes of train.
        natural: Whether rows of train that are alike need not be copies.
        about: Said before a share.
    """
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
    """Return the square of the probability that two rows are alike without being copies.

    It is measured on train's sample, where each different row counts once: the product over the
    columns of the probability that two rows have the same value there. That is the probability of
    two rows that are alike if no column depends on another. `_repeated` takes its root, as if half
    of the columns followed from the others. Where a column has few values, as categories do, many
    rows are alike by nature; where less than a tenth of the rows are different, all are.
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
