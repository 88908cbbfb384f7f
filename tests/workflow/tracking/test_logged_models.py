"""A logged model predicts the file that it was trained on, however it is read and sent."""

import io
import json
from collections.abc import Callable
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
from conftest import Store
from learned import Learned, learn
from mlflow.models.utils import load_serving_example
from mlflow.pyfunc import PyFuncModel
from mlflow.pyfunc.scoring_server import _parse_json_data, parse_csv_input

ROWS = 300


def table() -> pd.DataFrame:
    """Return a table with a column of every kind, each with gaps and without."""
    rng = np.random.default_rng(0)
    days = pd.to_datetime("2020-01-01") + pd.to_timedelta(rng.integers(0, 700, ROWS), "D")
    minutes = pd.to_timedelta(rng.integers(0, 900_000, ROWS), "min")
    frame = pd.DataFrame(
        {
            "rooms": rng.integers(1, 9, ROWS),
            "area": rng.normal(80, 20, ROWS).round(2),
            "kind": rng.choice(["flat", "house", "naïve", 'a "b"'], ROWS),
            "lift": rng.choice([True, False], ROWS),
            "sold": days.strftime("%Y-%m-%d"),
            "seen": (days + minutes).strftime("%Y-%m-%d %H:%M:%S"),
            "long": 2**53 + rng.integers(0, 50, ROWS),
        }
    )
    for name in list(frame):
        frame[f"{name}_gaps"] = frame[name].astype(object).where(rng.random(ROWS) > 0.2, None)
    frame["price"] = (3 * frame["area"] + 40 * frame["lift"] + rng.normal(size=ROWS)).round(2)
    frame["nothing"] = None
    return frame


Served = tuple[Learned, PyFuncModel, str]


@pytest.fixture(scope="module")
def served(module_store: Store, tmp_path_factory: pytest.TempPathFactory) -> Served:
    """A file with such a table; and a model of it, logged and loaded, with its URI."""
    mlflow.set_tracking_uri(module_store.uri)
    folder = tmp_path_factory.mktemp("table")
    table().to_csv(folder / "table.csv", index=False)
    learned = learn(folder / "table.csv", "price", "lightgbm", folder)
    uri = learned.log("lightgbm")
    return learned, mlflow.pyfunc.load_model(uri), uri


def sent(frame: pd.DataFrame, orient: str, model: PyFuncModel) -> pd.DataFrame:
    """Return what a server makes of a frame that is sent as JSON."""
    body = json.dumps({f"dataframe_{orient}": json.loads(frame.to_json(orient=orient))})
    return _parse_json_data(body, model.metadata, model.metadata.get_input_schema()).data


def through_parquet(frame: pd.DataFrame, **how: object) -> pd.DataFrame:
    buffer = io.BytesIO()
    frame.to_parquet(buffer)
    return pd.read_parquet(buffer, **how)


def through_json(frame: pd.DataFrame) -> pd.DataFrame:
    return pd.read_json(io.StringIO(frame.to_json(orient="records")), precise_float=True)


def categories(path: Path) -> pd.DataFrame:
    names = ["rooms", "kind", "kind_gaps", "lift", "lift_gaps", "sold"]
    return pd.read_csv(path).astype(dict.fromkeys(names, "category"))


READ: dict[str, Callable[[Path], pd.DataFrame]] = {
    "read_csv": pd.read_csv,
    "as models predict reads it": lambda path: parse_csv_input(str(path)),
    "texts": lambda path: pd.read_csv(path, dtype=str),
    "nullable types": lambda path: pd.read_csv(path, dtype_backend="numpy_nullable"),
    "Arrow types": lambda path: pd.read_csv(path, dtype_backend="pyarrow"),
    "dates": lambda path: pd.read_csv(path, parse_dates=["sold", "sold_gaps", "seen", "seen_gaps"]),
    "categories": categories,
    "objects": lambda path: pd.read_csv(path).astype(object),
    "read_parquet": lambda path: through_parquet(pd.read_csv(path)),
    "read_parquet of categories": lambda path: through_parquet(categories(path)),
    "read_parquet as Arrow types": lambda path: through_parquet(
        pd.read_csv(path), dtype_backend="pyarrow"
    ),
    "read_json": lambda path: through_json(pd.read_csv(path)),
}


@pytest.mark.parametrize("how", READ)
def test_the_file_it_was_trained_on_is_predicted_as_in_training(served, how):
    learned, model, _ = served
    frame = READ[how](learned.path)
    np.testing.assert_array_equal(model.predict(frame), learned.pipeline.predict(learned.rows))


@pytest.mark.parametrize("orient", ["records", "split"])
def test_the_file_is_predicted_as_in_training_when_sent_as_json(served, orient):
    learned, model, _ = served
    frame = sent(pd.read_csv(learned.path), orient, model)
    np.testing.assert_array_equal(model.predict(frame), learned.pipeline.predict(learned.rows))


def test_each_row_alone_is_predicted_as_among_the_others(served):
    learned, model, _ = served
    frame = pd.read_csv(learned.path)
    expected = learned.pipeline.predict(learned.rows)
    for place in range(5):
        one = sent(frame.iloc[[place]], "records", model)
        assert model.predict(one).tolist() == [expected[place]]


@pytest.mark.parametrize("value", [True, "true", "True", 1, 1.0, "1"])
def test_true_is_true_however_it_is_written(served, value):
    learned, model, _ = served
    frame = pd.read_csv(learned.path).head(3)
    expected = model.predict(frame.assign(lift=True, lift_gaps=None))
    answer = model.predict(frame.assign(lift=value, lift_gaps=None))
    np.testing.assert_array_equal(answer, expected)


def test_no_rows_are_answered_by_no_predictions(served):
    learned, model, _ = served
    frame = pd.read_csv(learned.path)
    for empty in (frame.head(0), sent(frame.head(0), "split", model)):
        assert model.predict(empty).shape == (0,)


@pytest.mark.parametrize(
    ("column", "value"), [("rooms", "many"), ("lift", 2), ("lift", "maybe"), ("area", "big")]
)
def test_what_does_not_fit_is_refused_by_the_first_stage(served, column, value):
    learned, model, _ = served
    frame = pd.read_csv(learned.path).head(2).assign(**{column: value})
    with pytest.raises(ValueError, match=r"^features cannot be computed: "):
        model.predict(frame)


def test_the_model_says_its_raw_columns_and_their_types(served):
    learned, model, _ = served
    inputs = model.metadata.get_input_schema()
    assert set(inputs.input_names()) == set(table()) - {"price", "nothing"}
    assert set(inputs.optional_input_names()) == {f"{one}_gaps" for one in table()} & set(table())
    assert model.metadata.metadata["raw_columns"] == learned.pipeline[0].columns
    assert learned.pipeline[0].columns["lift_gaps"] == "BOOLEAN"


def test_the_example_that_is_logged_is_predicted(served, module_store):
    learned, model, uri = served
    mlflow.set_tracking_uri(module_store.uri)
    example = json.loads(load_serving_example(uri))
    frame = _parse_json_data(json.dumps(example), model.metadata, model.metadata.get_input_schema())
    expected = learned.pipeline.predict(learned.data.example)
    np.testing.assert_array_equal(model.predict(frame.data), expected)
