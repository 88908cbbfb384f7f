"""Whether new rows are distributed as the training rows: column by column, and the predictions.

A shift is told only where two things agree: a test says that it is no chance, and its size says
that it matters. Of many rows every test finds something; of few rows every index is large.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from workflow.checks.drift import SHIFTED, binned, stability_index
from workflow.checks.value_counts import Numbers, Texts
from workflow.monitoring.finding import ALERT, BY_CHANCE, OK, WARNING, Finding

NOTICED = 0.1  # Siddiqi's limit for a shift to keep an eye on
CHECK = "drift"


@dataclass(frozen=True)
class Pair:
    """Values to be compared.

    Attributes:
        column: As a finding names it.
        what: As a message does.
        reference: The values of before.
        new: Those of now.
    """

    column: str
    what: str
    reference: Numbers | Texts
    new: Numbers | Texts


def shifts(pairs: Sequence[Pair]) -> list[Finding]:
    """Compare the values of columns with those of the reference.

    Numbers are compared by the test of Kolmogorov and Smirnov, texts by chi-square; whether a value
    is missing is tested too. The p-values are adjusted by the method of Benjamini and Hochberg
    (1995), Journal of the Royal Statistical Society B 57, 289-300, so that many columns raise no
    more alerts than one. The size is the population stability index.

    Args:
        pairs: Both sides of each have rows.
    """
    if not pairs:
        return []
    p_values = stats.false_discovery_control([p_value(one.reference, one.new) for one in pairs])
    return [_shift(one, float(p)) for one, p in zip(pairs, p_values, strict=True)]


def p_value(reference: Numbers | Texts, new: Numbers | Texts) -> float:
    """Return how probably two samples of the same rows differ at least as much as these."""
    if isinstance(reference, Texts):
        _, (before, after) = binned(reference, new)
        return _chi_square(before, after)
    assert isinstance(new, Numbers)
    found = [_chi_square(*(np.array([one.known, one.missing]) for one in (reference, new)))]
    if reference.known and new.known:
        found.append(float(stats.ks_2samp(reference.values, new.values, method="asymp").pvalue))
    return min(1.0, len(found) * min(found))


def _chi_square(before: np.ndarray, after: np.ndarray) -> float:
    used = before + after > 0
    if used.sum() < 2:
        return 1.0
    return float(stats.chi2_contingency([before[used], after[used]]).pvalue)


def _shift(pair: Pair, p: float) -> Finding:
    labels, (before, after) = binned(pair.reference, pair.new)
    index = stability_index(before, after)
    message = f"{pair.what} has a population stability index of {index:.2f}"
    level = OK
    if p < BY_CHANCE and index >= NOTICED:
        level = ALERT if index >= SHIFTED else WARNING
        shares = before / before.sum(), after / after.sum()
        most = int(np.abs(shares[1] - shares[0]).argmax())
        message += f": {labels[most]} were {shares[0][most]:.1%} and are {shares[1][most]:.1%}"
    return Finding(check=CHECK, column=pair.column, value=index, level=level, message=f"{message}.")
