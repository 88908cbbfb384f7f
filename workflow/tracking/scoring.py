"""Predictions of many rows, batch by batch, in as little memory as a few batches take."""

import os
import re
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

from sql_features.errors import WorkflowError
from sql_features.expressions import connect, literal, quote
from sql_features.frames import is_text
from sql_features.labelled_pipeline import PREDICTION, PROBABILITY
from sql_features.text_reading import of_text
from workflow.data import readers
from workflow.data.new_rows import NewRows
from workflow.tracking.model_loading import LoadedModel, OwnModel, UnfitRows

CELLS = 2_000_000  # of a batch; of few columns it has fewer, for the estimator's sake
MOST_ROWS, LEAST_ROWS = 50_000, 2_048
SHOWN = 3  # rows that an error names
NO_NUMBER = "the model predicts no number"
# What stands before the reason in the errors of scikit-learn's and DuckDB's layers.
LAYERS = re.compile(r"^(?:\w+: )?(?:features cannot be computed: )?(?:[A-Z][\w -]+ Error: )?")


@dataclass(frozen=True)
class Scored:
    """A batch of rows with its predictions.

    Attributes:
        rows: The rows, with all columns that were read.
        answer: Column "prediction", and of classes a probability each; empty where a row cannot be
            scored.
        problems: (n_rows,) why a row cannot be scored; None where it can.
    """

    rows: pa.Table
    answer: pd.DataFrame
    problems: np.ndarray

    @property
    def invalid(self) -> int:
        """How many rows cannot be scored."""
        return int(pd.notna(self.problems).sum())


def score(
    model: LoadedModel, rows: NewRows, columns: list[str], *, may_be_invalid: bool
) -> Iterator[Scored]:
    """Yield the rows with their predictions, in their order.

    Batches are predicted in as many threads as there are cores: libraries use one each here. A
    model in a process of its own takes one at a time, while the next is read.

    Args:
        model: The model.
        rows: Rows with the columns that it needs.
        columns: Those that are read: the model's, and others that go along.
        may_be_invalid: Whether rows that cannot be scored are left empty.

    Raises:
        WorkflowError: Rows cannot be read; or they cannot be scored, and that is not allowed.
    """
    size = max(LEAST_ROWS, min(MOST_ROWS, CELLS // max(1, len(columns))))
    threads = len(os.sched_getaffinity(0)) if model.is_shared else 1
    waiting: deque[Future[Scored]] = deque()
    done = 0
    with ThreadPoolExecutor(threads) as pool:
        try:
            for batch in rows.batches(columns, size):
                waiting.append(pool.submit(_scored, model, rows, batch, may_be_invalid))
                if len(waiting) > threads:
                    yield (one := _checked(waiting.popleft().result(), done, may_be_invalid))
                    done += len(one.answer)
            while waiting:
                yield (one := _checked(waiting.popleft().result(), done, may_be_invalid))
                done += len(one.answer)
        finally:
            pool.shutdown(cancel_futures=True)


def answer_schema(model: LoadedModel) -> pa.Schema:
    """Return the Arrow types of a model's answer."""
    if not model.labels:
        return pa.schema([(PREDICTION, pa.float64())])
    label = pa.array(list(model.labels)).type
    return pa.schema(
        [(PREDICTION, label), *((f"{PROBABILITY}{one}", pa.float64()) for one in model.labels)]
    )


def _scored(model: LoadedModel, rows: NewRows, batch: pa.Table, may_be_invalid: bool) -> Scored:
    frame = _frame(model, batch)
    problems = np.full(len(frame), None, dtype=object)
    found = 0
    parts: list[pd.DataFrame] = []
    places = np.arange(len(frame))  # of the rows that may be fit
    waiting = [(0, len(frame))]  # halves of what has failed, the first rows last
    while waiting:
        begin, end = waiting.pop()
        try:
            answer, predictions = model.predict(frame.iloc[places[begin:end]])
        except UnfitRows as error:
            if not model.is_alive:
                raise
            if may_be_invalid and end - begin == len(frame):
                problems = _misfits(rows, batch)
                places = np.flatnonzero(pd.isna(problems))
                found = len(frame) - len(places)
                waiting = [(0, len(places))] if found else waiting
                if found:
                    continue
            if end - begin > 1:
                middle = (begin + end) // 2
                waiting += [(middle, end), (begin, middle)]
                continue
            problems[places[begin]] = LAYERS.sub("", error.why)
            answer = pd.DataFrame({PREDICTION: [None]}, index=frame.index[places[begin:end]])
        else:
            numbers = predictions if predictions.ndim == 1 else predictions.sum(axis=1)
            problems[places[begin:end][~np.isfinite(numbers)]] = NO_NUMBER
        parts.append(answer)
        found += int(pd.notna(problems[places[begin:end]]).sum())
        if found >= SHOWN and not may_be_invalid:
            break
    answer = parts[0] if len(parts) == 1 else pd.concat(parts)
    if found and may_be_invalid:
        answer = answer.astype(object).reindex(frame.index)
        answer.loc[pd.notna(problems)] = None
    return Scored(batch, answer, problems)


def _misfits(rows: NewRows, batch: pa.Table) -> np.ndarray:
    """Return (n_rows,) which text does not fit its column, None where all do.

    It spares the search for rows that a model cannot predict, where they are many.
    """
    readings = {name.casefold(): given for name, given in rows.dataset.readings.items()}
    everywhere = readers.missing_texts(rows.files, rows.dataset.missing) or []
    cases = []
    for name in batch.column_names:
        type = rows.types.get(name, "VARCHAR")
        if type == "VARCHAR" or not is_text(batch.schema.field(name).type):
            continue
        reading = {**readings.get(name.casefold(), {}), "type": type}
        missing = ", ".join(map(literal, ["", *everywhere, *reading.pop("missing", ())]))
        text = quote(name)
        value = of_text(text, name, {**reading, "invalid": "missing"})
        fits = f"trim({text}) IN ({missing}) OR {value} IS NOT NULL"
        problem = literal(f"column {name} is read as {type}, which does not fit ")
        cases.append(f"WHEN {text} IS NOT NULL AND NOT ({fits}) THEN {problem} || {text}")
    if not cases:
        return np.full(batch.num_rows, None, dtype=object)
    with connect() as connection:
        connection.register("batch", batch)
        found = connection.sql(f"SELECT CASE {' '.join(cases)} END AS problem FROM batch")
        return np.array(found.to_arrow_table()["problem"].to_pylist(), dtype=object)


def _frame(model: LoadedModel, batch: pa.Table) -> pd.DataFrame:
    """Return a batch as a frame that the model takes."""
    known = [spec.name for spec in model.signature.inputs if spec.name in batch.column_names]
    chosen = batch.select(known)
    if isinstance(model, OwnModel):
        # Nothing is copied, and whole numbers with gaps stay whole.
        frame = chosen.to_pandas(types_mapper=pd.ArrowDtype)
    else:
        frame = chosen.to_pandas(date_as_object=False)
    return frame if known else pd.DataFrame(index=range(len(batch)))


def _checked(scored: Scored, before: int, may_be_invalid: bool) -> Scored:
    """Refuse rows that cannot be scored, where that is not allowed.

    Args:
        before: How many rows came before this batch.
    """
    if may_be_invalid or not scored.invalid:
        return scored
    places = np.flatnonzero(pd.notna(scored.problems))[:SHOWN]
    said = "; ".join(f"row {before + place + 1:,}: {scored.problems[place]}" for place in places)
    raise WorkflowError(
        f"rows cannot be scored, the first of them {said}. Nothing is written. Mend the rows, or "
        "give invalid=null, which leaves their predictions empty and says why in a column."
    )
