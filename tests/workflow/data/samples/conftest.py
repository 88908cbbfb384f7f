"""A family's model of a sample, as the workflow would build it."""

from collections.abc import Callable

import duckdb
import pandas as pd
import pytest
from sklearn.pipeline import Pipeline, make_pipeline

from sql_features.transformer import SqlFeatures
from workflow.data import dataset_file
from workflow.models.encoding import build
from workflow.models.families import BASELINE, FAMILIES

SEED = 0


@pytest.fixture
def model() -> Callable[..., Pipeline]:
    """Make an unfitted model of rows that have their target."""

    def make(dataset: str, family: str, rows: pd.DataFrame, features: str = "all", **settings):
        definition, chosen = dataset_file.load(dataset), {BASELINE.name: BASELINE, **FAMILIES}
        columns = {name: kind for name, kind, *_ in duckdb.sql("DESCRIBE FROM rows").fetchall()}
        sql = SqlFeatures(definition.select(features), columns).fit(rows)
        estimator = chosen[family].estimator(definition.task, SEED).set_params(**settings)
        if "n_jobs" in estimator.get_params():
            estimator.set_params(n_jobs=1)
        distinct = sql.transform(rows).nunique().to_dict()
        classes = definition.task != "regression"
        encoder = build(
            chosen[family].encoding, sql.kinds_, distinct, SEED, rows=len(rows), classes=classes
        )
        return make_pipeline(sql, encoder, estimator)

    return make
