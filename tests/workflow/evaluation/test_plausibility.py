import pytest

from workflow.evaluation.plausibility import implausible


def numbers(r2: float, mae: float, test_r2: float | None = None) -> dict[str, float]:
    return {"val_r2": r2, "test_r2": test_r2 or r2, "val_mae": mae, "test_mae": mae}


def classes(accuracy: float, test: float | None = None) -> dict[str, float]:
    return {"val_accuracy": accuracy, "test_accuracy": test or accuracy}


@pytest.mark.parametrize(
    "scores, rows, found",
    [
        (numbers(0.99995, 0.01), 300, True),
        (numbers(0.99995, 0.01), 49, False),
        (numbers(0.998, 0.04), 30_000, False),
        (numbers(0.99995, 0.01, 0.98), 300, False),
        (numbers(0.99995, 0.4), 300, False),  # one huge target that is well predicted
        (numbers(float("nan"), 0.01), 300, False),
    ],
)
def test_numbers_are_implausibly_well_predicted(scores, rows, found):
    said = implausible("regression", scores, numbers(0.0, 1.0), rows)
    assert said == ("r2 0.99995 on validation, 0.99995 on test" if found else None)


@pytest.mark.parametrize(
    "scores, usual, rows, found",
    [
        (classes(1.0), 0.5, 300, True),
        (classes(1.0), 0.5, 120, False),  # 60 rows that a baseline has wrong: it may be luck
        (classes(1.0), 0.75, 400, True),
        (classes(0.999), 0.75, 4_000, True),
        (classes(0.99), 0.9, 100_000, False),  # as handwritten digits
        (classes(1.0, 0.98), 0.5, 300, False),
        (classes(0.999), 0.999, 30_000, False),  # a rare class, always missed
        (classes(1.0), 0.999, 30_000, False),
        (classes(float("nan")), 0.5, 300, False),
    ],
)
@pytest.mark.parametrize("task", ["binary", "multiclass"])
def test_classes_are_implausibly_well_predicted(task, scores, usual, rows, found):
    assert (implausible(task, scores, classes(usual), rows) is not None) == found
