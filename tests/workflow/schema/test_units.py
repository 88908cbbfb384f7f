import numpy as np
import pandas as pd
import pytest

from workflow.data.column_reading import Reading
from workflow.schema.infer import infer
from workflow.schema.number_formats import by_sign, guess


@pytest.mark.parametrize(
    "signs", [("kg", "KG"), ("year", "years"), ("Years", "year"), ("hour", "hours", "HOURS")]
)
def test_a_unit_in_another_case_or_in_the_plural_is_the_same(tmp_path, signs):
    numbers = np.random.default_rng(0).normal(70, 9, 300).round(1)
    texts = [f"{one} {signs[n % len(signs)]}" for n, one in enumerate(numbers)]
    path = tmp_path / "t.csv"
    pd.DataFrame({"x": texts, "y": numbers[::-1]}).to_csv(path, index=False)
    found = infer([path], target="y")
    assert found.columns["x"] == Reading(type="DOUBLE", strip=tuple(sorted(signs)))
    assert not found.doubts


def test_letters_whose_case_is_a_factor_are_several_units():
    texts = ["5 MW", "7.5 mW", "3 MW", "4 mW"]
    assert set(by_sign(texts)) == {"MW", "mW"}
    assert "strip" not in (getattr(guess(texts), "keys", {}))
