"""Whether scores are so good that a feature probably tells the target."""

from collections.abc import Mapping, Sequence
from typing import Any

from scipy.special import bdtr

from workflow.models.metrics import TEST, VAL
from workflow.plain_values import quoted

# Implausible of numbers is an R2 above PERFECT_R2 with a mean error below SMALL_ERROR of the
# baseline's, as one huge target alone can make the first. In fewer rows both are mostly luck.
PERFECT_R2, SMALL_ERROR, FEWEST_ROWS = 0.999, 0.05, 50
# Implausible of classes is to be right in more than PERFECT_SHARE of the rows that the baseline has
# wrong; and in so many that a model that is right in GOOD of them has such luck in LUCK of cases.
PERFECT_SHARE, GOOD, LUCK = 0.99, 0.95, 0.01
LEADING = 3  # the most features that are called leading
FAR_LESS = 0.1  # part of the first feature's importance below which none is

Scores = Mapping[str, float]  # by `<split>_<metric>`


def warning(
    task: str, scores: Scores, baseline: Scores, rows: int, features: Sequence[str]
) -> str | None:
    """Return what to look at if the scores of a model are implausibly good, else None.

    Args:
        task, scores, baseline, rows: As `implausible` takes them.
        features: Those that the model leans on most.
    """
    if not (found := implausible(task, scores, baseline, rows)):
        return None
    suspects = ", ".join(map(quoted, features)) or "its features"
    return (
        f"implausibly good scores: {found}. A feature may tell what is known only after the "
        f"target: look at {suspects}, which the model leans on most, and leave out what is not "
        "known when it predicts. If a rule makes the target of the features, all is well."
    )


def leading_features(analysis: Mapping[str, Any]) -> list[str]:
    """Return the features that a model leans on most, the first one first.

    Args:
        analysis: As `model_analysis.analysis` returns it.
    """
    ranked = [one for one in analysis["importance"]["features"] if (one["importance"] or 0) > 0]
    least = FAR_LESS * ranked[0]["importance"] if ranked else 0
    return [one["feature"] for one in ranked[:LEADING] if one["importance"] >= least]


def implausible(task: str, scores: Scores, baseline: Scores, rows: int) -> str | None:
    """Return the scores of a model in a phrase if they are implausibly good, else None.

    They have to be so on validation and on test. A target that follows from the features by a rule
    has such scores too, but is seldom worth a model.

    Args:
        task: The dataset's.
        scores: All metrics of the task on validation and on test.
        baseline: The same of the model that knows no feature.
        rows: How many the validation scores are of.
    """
    name = "r2" if task == "regression" else "accuracy"
    is_perfect = _predicts_numbers if task == "regression" else _predicts_classes
    if not is_perfect(scores, baseline, rows):
        return None
    return f"{name} {scores[VAL + name]:.5f} on validation, {scores[TEST + name]:.5f} on test"


def _predicts_numbers(scores: Scores, baseline: Scores, rows: int) -> bool:
    return rows >= FEWEST_ROWS and all(
        scores[f"{split}r2"] > PERFECT_R2
        and scores[f"{split}mae"] < SMALL_ERROR * baseline[f"{split}mae"]
        for split in (VAL, TEST)
    )


def _predicts_classes(scores: Scores, baseline: Scores, rows: int) -> bool:
    wrong, usual = (
        {split: 1 - of[f"{split}accuracy"] for split in (VAL, TEST)} for of in (scores, baseline)
    )
    if not all(wrong[split] < (1 - PERFECT_SHARE) * usual[split] for split in wrong):
        return False
    luck = bdtr(round(rows * wrong[VAL]), round(rows * usual[VAL]), 1 - GOOD)
    return bool(luck <= LUCK)
