"""Whatever the table: a model that predicts its raw rows, or one line that says why not."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import mlflow
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from learned import learn

from sql_features.errors import WorkflowError

NAMES = st.one_of(
    st.sampled_from(
        ["a", "A", "select", "from", "group by", "target", "all", "search", "x,y", 'say "hi"',
         "it's", "naïve", "價格", "", " ", "1st", "a;b", "--", "/* */", "%s", "{x}", "$1", "\\"]
    ),
    st.text(st.characters(blacklist_categories=["Cs", "Cc"]), max_size=8),
)  # fmt: skip
NUMBERS = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True),
    st.integers(-5, 5),
    st.integers(-(10**30), 10**30),
)
CELLS = {
    "numbers": NUMBERS,
    "few": st.sampled_from(["red", "green", "", None]),
    "texts": st.text(st.characters(blacklist_categories=["Cs", "Cc"]), max_size=6),
    "mixed": st.one_of(NUMBERS, st.sampled_from(["?", "unknown", "", None, "true"])),
    "dates": st.sampled_from(["1/31/11", "2/1/11", "12/24/99", None]),
    "booleans": st.sampled_from(["true", "False", "TRUE", None]),
}


@st.composite
def tables(draw: st.DrawFn) -> tuple[pd.DataFrame, int]:
    """Draw a table as texts and numbers, and the position of its target."""
    rows = draw(st.sampled_from([0, 1, 3, *range(30, 60)]))
    width = draw(st.integers(2, 5))
    columns = []
    for _ in range(width):
        cells = CELLS[draw(st.sampled_from(sorted(CELLS)))]
        some = draw(st.lists(cells, min_size=1, max_size=12))
        order = np.random.default_rng(draw(st.integers(0, 9))).integers(len(some), size=rows)
        columns.append([some[place] for place in order])
    frame = pd.DataFrame(dict(enumerate(columns)), dtype=object)
    frame.columns = draw(st.lists(NAMES, min_size=width, max_size=width))
    return frame, draw(st.integers(0, width - 1))


@contextmanager
def one_line_or_nothing() -> Iterator[None]:
    """Let a refusal pass that is a single line; any other error fails the test."""
    try:
        yield
    except WorkflowError as refusal:
        assert "\n" not in str(refusal)


def score(path: Path, target: str, family: str, folder: Path) -> None:
    """Take a table to a model, log and load it, and predict the table's own rows."""
    learned = learn(path, target, family, folder)
    model = mlflow.pyfunc.load_model(learned.log(family))
    rows = pd.read_csv(path) if path.suffix == ".csv" else pd.read_parquet(path)
    answer = model.predict(rows)
    assert len(answer) == len(rows)
    if learned.dataset.task == "regression":
        assert np.isfinite(answer).all()
    else:
        shares = answer.drop(columns="prediction").to_numpy()
        assert np.allclose(shares.sum(axis=1), 1, atol=1e-5)
    expected = learned.pipeline.predict(learned.rows)
    np.testing.assert_array_equal(np.asarray(answer), np.asarray(expected))


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(tables(), st.sampled_from(["linear", "lightgbm", "kneighbors"]), st.booleans())
def test_a_generated_table_gives_a_model_or_a_one_line_refusal(experiment, table, family, parquet):
    frame, place = table
    with TemporaryDirectory() as name, warnings.catch_warnings(), one_line_or_nothing():
        warnings.simplefilter("ignore")
        folder = Path(name)
        path = folder / ("table.parquet" if parquet else "table.csv")
        if parquet:
            if len(set(frame.columns)) < len(frame.columns):
                return  # a Parquet file of pandas has each name once
            frame.apply(lambda column: column.map(str)).to_parquet(path)
        else:
            frame.to_csv(path, index=False)
        score(path, str(frame.columns[place]), family, folder)


@pytest.mark.parametrize("rows", [0, 1, 2])
def test_hardly_a_row_is_refused_in_one_line(tmp_path, rows):
    frame = pd.DataFrame({"x": range(2), "y": range(2)}).head(rows)
    frame.to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(WorkflowError) as refusal:
        score(tmp_path / "t.csv", "y", "linear", tmp_path)
    assert "\n" not in str(refusal.value)


def test_names_and_values_from_the_data_are_never_run_as_sql(tmp_path, experiment):
    rng = np.random.default_rng(0)
    evil = "x\"); COPY (SELECT 1) TO '/tmp/owned'; --"
    frame = pd.DataFrame(
        {
            evil: rng.normal(size=200),
            "kind": rng.choice(["'; DROP TABLE frame; --", "b"], 200),
            "y": rng.normal(size=200),
        }
    )
    frame.to_csv(tmp_path / "t.csv", index=False)
    score(tmp_path / "t.csv", "y", "linear", tmp_path)
    assert not Path("/tmp/owned").exists()
