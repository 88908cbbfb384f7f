"""SQL features as the first step of a model: the same SELECT runs in training and in serving."""

from typing import Self

import duckdb
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from sql_features.expressions import cast, isolated, kinds, quote

ROW = "tabular-workflow row"  # a column with the number of the row; no raw column has this name


class SqlFeatures(TransformerMixin, BaseEstimator):
    """Compute features from raw columns, each by a row-wise SQL expression.

    The SELECT runs in memory on the given frame; DuckDB's access to files and to the network is
    switched off. Raw columns are first cast to the types that they had in training: a zone that
    arrives as 74.0 in a JSON record becomes the text '74', as it did in training.

    Args:
        features: SQL expression by feature name.
        columns: DuckDB type by raw column, as in training.
        optional: Raw columns that a frame need not have; an absent one counts as NULL.

    Attributes:
        kinds_: "number" or "category" by feature name.
    """

    def __init__(
        self, features: dict[str, str], columns: dict[str, str], optional: list[str] | None = None
    ) -> None:
        self.features = features
        self.columns = columns
        self.optional = optional

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
            cursor.register("frame", used.assign(**{ROW: range(len(X))}))
            frame = cursor.execute(self._select(set(absent))).df()
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

    def _select(self, absent: set[str]) -> str:
        raw = [quote(ROW)]
        for name, type in self.columns.items():
            nothing = f"CAST(NULL AS {type}) AS {quote(name)}"
            raw.append(nothing if name in absent else cast(name, type))
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
