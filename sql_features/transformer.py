"""SQL features as the first step of a model: the same SELECT runs in training and in serving."""

import re
from typing import Any, Self

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
from pandas.api.internals import create_dataframe_from_blocks
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from sql_features import statements
from sql_features.duckdb_types import is_integer, kind_of
from sql_features.expressions import columns_of, kinds, quote
from sql_features.frames import ROW, TEXTS, arrow_table, is_text, value
from sql_features.text_reading import of_other, of_text
from sql_features.time_texts import ISO

NO_CAST = re.compile(r"Unimplemented type for cast \((.+) -> (.+)\) when .* source column (.+)")
TAKEN = {  # by kind of type, what can be cast to it
    "date": "dates, or texts such as 2024-12-31 or 2024-12-31T23:59:59, as "
    "to_json(date_format='iso') writes them",
    "time": "times of day, or texts such as 23:59:59",
    "number": "numbers, or texts of numbers",
    "boolean": "True and False, 1 and 0, or the texts true and false",
    "duration": "durations, such as of pandas.to_timedelta",
}
TEXT = pd.StringDtype(na_value=np.nan)  # what pandas calls str


class SqlFeatures(TransformerMixin, BaseEstimator):
    """Compute features from raw columns, each by a row-wise SQL expression.

    The SELECT runs in memory on the given frame; DuckDB's access to files and to the network is
    switched off. Raw columns are first cast to the types that they had in training: a zone that
    arrives as 74.0 in a JSON record becomes the text '74', as it did in training.

    Args:
        features: SQL expression by feature name.
        columns: DuckDB type by raw column, as in training.
        optional: Raw columns that a frame need not have; an absent one counts as NULL.
        readings: By raw column, how a text is read where it is not just cast; see `text_reading`.
        missing: Texts that mean missing in every column, as in the file of training.

    Attributes:
        kinds_: "number" or "category" by feature name.
    """

    # Models of before have none of their own.
    readings: dict[str, dict[str, Any]] | None = None
    missing: list[str] | None = None

    def __init__(
        self,
        features: dict[str, str],
        columns: dict[str, str],
        optional: list[str] | None = None,
        readings: dict[str, dict[str, Any]] | None = None,
        missing: list[str] | None = None,
    ) -> None:
        self.features = features
        self.columns = columns
        self.optional = optional
        self.readings = readings
        self.missing = missing

    def fit(self, X: pd.DataFrame, y: object = None) -> Self:
        """Find out the kind of each feature, from the types of the columns alone.

        Raises:
            WorkflowError: An expression does not fit the columns, or is neither number nor text.
        """
        self.kinds_ = kinds(self.features, self.columns)
        return self

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """Return the features of each row of X, in the order of the rows.

        Args:
            X: (n_rows, any) frame with the raw columns; further columns are ignored.

        Returns:
            (n_rows, n_features) frame with the index of X: numbers as float64, categories as str.
            Missing values and infinite numbers are NaN.

        Raises:
            ValueError: A needed raw column is absent, or a value does not fit its column's type.
        """
        check_is_fitted(self)
        absent = [name for name in self.columns if name not in X.columns]
        if needed := [name for name in absent if name not in (self.optional or [])]:
            raise ValueError(f"the model needs the columns {', '.join(needed)}")
        key = self.features, self.columns, self.kinds_, self.readings, self.missing
        try:
            found = statements.run(key, arrow_table(X, self.columns), self._select)
        except duckdb.Error as error:
            raise ValueError(f"features cannot be computed: {self._reason(error)}") from error
        return self._frame(found, X.index)

    def get_feature_names_out(self, input_features: object = None) -> list[str]:
        """Return the features' names, in order."""
        return list(self.features)

    def _select(self, given: pa.Schema) -> str:
        """Return the SELECT of the features from a table with the raw columns of this schema."""
        written = self._written()
        raw = [quote(ROW)]
        for name, type in self.columns.items():
            is_exact = type == "VARCHAR" or name.casefold() in written
            raw.append(f"{self._raw_value(name, given, is_exact)} AS {quote(name)}")
        types = {"category": "VARCHAR", "number": "DOUBLE"}
        values = [
            f"CAST((\n{expression}\n) AS {types[self.kinds_[name]]}) AS {quote(name)}"
            for name, expression in self.features.items()
        ]
        return f"SELECT {', '.join(values)} FROM (SELECT {', '.join(raw)} FROM frame)"

    def _reason(self, error: duckdb.Error) -> str:
        """Return in one line what is wrong with which column, and what it takes."""
        if not (found := NO_CAST.search(str(error))):
            return " ".join(re.split("\n\n?LINE ", str(error))[0].split())
        given, type, name = found.groups()
        taken = TAKEN.get(kind_of(type), f"values of type {type}")
        return (
            f"column {name} takes {taken}, since it was {type} in training; it was given as {given}"
        )

    def _frame(self, found: dict[str, np.ndarray], index: pd.Index) -> pd.DataFrame:
        """Return the features as an estimator's first step takes them.

        All numbers are one array, as pandas makes one of them too: it is much quicker to be told.
        """
        numbers = [place for place, name in enumerate(self.features)
                   if self.kinds_[name] == "number"]  # fmt: skip
        block = np.empty((len(numbers), len(index)))
        names = list(self.features)
        for row, place in zip(block, numbers, strict=True):
            row[:] = np.ma.filled(found[names[place]], np.nan)
        # No estimator accepts an infinite number; missing ones are encoded for each.
        block[~np.isfinite(block)] = np.nan
        blocks: list[Any] = [(block, np.array(numbers))] if numbers else []
        for place, name in enumerate(names):
            if self.kinds_[name] == "category":
                mask = np.ma.getmask(found[name])
                texts = pa.array(
                    np.ma.getdata(found[name]),
                    pa.large_string(),
                    mask=None if mask is np.ma.nomask else mask,
                    from_pandas=True,
                )
                blocks.append((TEXT.__from_arrow__(texts), np.array([place])))
        return create_dataframe_from_blocks(blocks, index.view(), pd.Index(names))

    def _written(self) -> set[str]:
        """Return the raw columns of whole numbers that categories are made of, in small letters."""
        read = {name for feature, kind in self.kinds_.items() if kind == "category"
                for name in columns_of(self.features[feature], feature)}  # fmt: skip
        whole = {name.casefold() for name, type in self.columns.items() if is_integer(type)}
        return whole & {name.casefold() for name in read}

    def _raw_value(self, name: str, given: pa.Schema, is_exact: bool) -> str:
        """Return the SQL of a raw column's values, of the type that they had in training."""
        type = self.columns[name]
        reading = {**(self.readings or {}).get(name, {}), "type": type}
        if kind_of(type) in ("date", "time") and (formats := reading.get("format")):
            # JSON has no dates: those of a frame are sent as ISO texts, however the file has them.
            reading["format"] = [*([formats] if isinstance(formats, str) else formats), ISO]
        values = []
        for column in (name, TEXTS + name):
            if column not in given.names:
                continue
            if is_text(given.field(column).type):
                values.append(of_text(quote(column), name, reading, self.missing or ()))
            else:
                # A number that stands for a text of some digits is padded as a number.
                padded = "BIGINT" if "width" in reading else type
                sql = value(column, given.field(column).type, padded, is_exact)
                values.append(of_other(sql, name, reading))
        if not values:
            return f"CAST(NULL AS {type})"
        return values[0] if len(values) == 1 else f"coalesce({', '.join(values)})"
