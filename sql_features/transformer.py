"""SQL features as the first step of a model: the same SELECT runs in training and in serving."""

from collections.abc import Mapping
from typing import Any, Literal, Self

import duckdb
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from sql_features.expressions import cast, isolated, kinds, quote
from sql_features.text_reading import of_other, of_text

ROW = "tabular-workflow row"  # a column with the number of the row; no raw column has this name
OTHER = "tabular-workflow value of "  # begins the column of the values that are no texts
Arrival = Literal["text", "other", "mixed"]  # what the values of a column of a frame are


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
        cursor = isolated().cursor()
        try:
            # To DuckDB a frame without columns has no rows, so a column with their number is added.
            used = X[[name for name in self.columns if name not in absent]]
            used = used.assign(**{ROW: range(len(X))})
            arrivals = self._arrivals(used)
            for name in (name for name, arrival in arrivals.items() if arrival == "mixed"):
                texts = used[name].map(lambda value: isinstance(value, str))
                other = used[name].where(~texts).infer_objects()
                used = used.assign(**{name: used[name].where(texts), OTHER + name: other})
            cursor.register("frame", used)
            frame = cursor.execute(self._select(set(absent), arrivals)).df()
        except duckdb.Error as error:
            raise ValueError(f"features cannot be computed: {error}") from error
        finally:
            cursor.close()
        frame.index = X.index
        # Where no row has a value, DuckDB returns a category as object instead of str.
        categories = [name for name, kind in self.kinds_.items() if kind == "category"]
        return frame.astype(dict.fromkeys(categories, "str"))

    def get_feature_names_out(self, input_features: object = None) -> list[str]:
        """Return the features' names, in order."""
        return list(self.features)

    def _arrivals(self, frame: pd.DataFrame) -> dict[str, Arrival]:
        """Return what the values are of those columns whose texts are not just cast."""
        found: dict[str, Arrival] = {}
        for name in (name for name in self.columns if name in frame):
            if name in (self.readings or {}):
                found[name] = _arrival(frame[name])
            elif self.missing:  # numbers among texts that are just cast are cast as texts
                found[name] = "other" if _arrival(frame[name]) == "other" else "text"
        return found

    def _value(self, name: str, arrival: Arrival) -> str:
        """Return the SQL of the value of a column whose texts are not just cast."""
        reading = (self.readings or {}).get(name, {}) | {"type": self.columns[name]}
        column = quote(name)
        if arrival == "other":
            return of_other(column, name, reading)
        text = of_text(f"CAST({column} AS VARCHAR)", name, reading, self.missing or ())
        if arrival == "mixed":
            text = f"coalesce({text}, {of_other(quote(OTHER + name), name, reading)})"
        return text

    def _select(self, absent: set[str], arrivals: Mapping[str, Arrival]) -> str:
        raw = [quote(ROW)]
        for name, type in self.columns.items():
            if name in absent:
                raw.append(f"CAST(NULL AS {type}) AS {quote(name)}")
            elif name in arrivals:
                raw.append(f"{self._value(name, arrivals[name])} AS {quote(name)}")
            else:
                raw.append(cast(name, type))
        values, out = [], []
        for name, expression in self.features.items():
            column = quote(name)
            if self.kinds_[name] == "category":
                values.append(f"CAST((\n{expression}\n) AS VARCHAR) AS {column}")
                out.append(column)
            else:
                values.append(f"CAST((\n{expression}\n) AS DOUBLE) AS {column}")
                # No estimator accepts an infinite number; missing ones are encoded for each.
                out.append(f"CASE WHEN isfinite({column}) THEN {column} END AS {column}")
        inner = f"SELECT {', '.join(values)} FROM (SELECT {', '.join(raw)} FROM frame)"
        return f"SELECT {', '.join(out)} FROM ({inner})"


def _arrival(values: pd.Series) -> Arrival:
    """Return what the values of a column are: texts, no texts, or some of each."""
    if values.dtype == object:
        found = pd.api.types.infer_dtype(values, skipna=True)
        if found in ("string", "mixed", "mixed-integer"):
            return "text" if found == "string" else "mixed"
        return "other"
    categories = getattr(values.dtype, "categories", None)
    kind = values.dtype if categories is None else categories.dtype
    return "text" if pd.api.types.is_string_dtype(kind) else "other"
