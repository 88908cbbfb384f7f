"""Features as a model family takes them."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer

from sql_features.errors import WorkflowError
from workflow.models.encoding import build, native_columns
from workflow.models.families import Family
from workflow.training.cross_validation import Rows
from workflow.training.training_data import TrainingData


@dataclass(frozen=True, kw_only=True, eq=False)
class EncodedData:
    """The rows of one fold, or those of the final model, encoded for one family.

    Any number of estimators can be fitted on them; they are never changed.

    Attributes:
        encoder: Fitted on the rows that a model is fitted on.
        fitted: (n_fitted, n_columns) features that a model is fitted on.
        judged: (n_judged, n_columns) features that it is judged on; None for the final model.
        native: The estimator's argument for the positions of native categories, by its name; empty
            if the family has none.
    """

    encoder: ColumnTransformer
    fitted: np.ndarray | pd.DataFrame
    judged: np.ndarray | pd.DataFrame | None
    native: dict[str, list[int]]


def encode(
    data: TrainingData, family: Family, fitted: Rows, judged: Rows | None = None
) -> EncodedData:
    """Fit a family's encoding on some rows, and apply it to those that are judged.

    Raises:
        WorkflowError: There are too few rows, or too few of a class, to encode by.
    """
    x, y = data.x.iloc[fitted], data.y[fitted]
    # A feature without a value in these rows tells nothing, and binning it for trees fails.
    has_values = x.notna().any()
    encoder = build(
        family.encoding,
        {name: kind for name, kind in data.sql.kinds_.items() if has_values[name]},
        data.cardinality,
        data.seed,
        rows=len(y),
        classes=data.task != "regression",
    )
    try:
        encoded = encoder.fit_transform(x, y)
    except ValueError as error:
        raise WorkflowError(
            f"{family.name}: {len(y):,} rows are too few, or too few of "
            f"a class, to encode features by ({error})."
        ) from error
    return EncodedData(
        encoder=encoder,
        fitted=encoded,
        judged=None if judged is None else encoder.transform(data.x.iloc[judged]),
        native={family.native: native_columns(encoder)} if family.native else {},
    )
