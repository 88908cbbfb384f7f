"""What `register` says when it is run alone."""

import mlflow
import numpy as np
import pandas as pd
import pytest
import yaml
from test_refusals import MAIN, call

from steps import preprocess, register, train


@pytest.fixture
def splits(store, tmp_path) -> str:
    """The splits of a target that one feature tells."""
    x = np.random.default_rng(0).permutation(np.r_[-900:-100, 100:900])
    frame = pd.DataFrame({"x_1": x, "y": np.where(x > 0, "yes", "no")})
    frame.to_csv(tmp_path / "t.csv", index=False)
    given = {
        "name": "signs", "task": "binary", "data": str(tmp_path / "t.csv"), "target": "y",
        "split": {"by": "hash", "key": ["x_1"]}, "features": {"sign": "x_1"},
    }  # fmt: skip
    (tmp_path / "t.yaml").write_text(yaml.safe_dump(given))
    mlflow.set_tracking_uri(store.uri)
    asked = {name: MAIN[name] for name in ("target", "task", "split_by", "seed")}
    definition = str(tmp_path / "t.yaml")
    call(preprocess.preprocess, asked | {"dataset": definition, "data": "default"})
    return f"runs:/{store.runs('preprocess')[0].info.run_id}/splits"


def test_register_alone_says_what_is_doubtful_and_which_columns_a_version_takes(
    store, splits, capsys
):
    given = {"splits": splits, "models": "lightgbm", "features": "all", "metric": "auto"}
    call(train.train, given | {"hyperparameters": "{}", "validation": "auto", "seed": "1"})
    given = {"splits": splits, "candidates": store.runs("train")[0].info.run_id, "top_n": "1"}
    given |= {"metric": "auto", "register_as": "auto", "promote": "if_better"}
    call(register.register, given)
    said = "implausibly good scores: accuracy 1.00000 on validation, 1.00000 on test. A feature"
    assert f"[register] warning: {said}" in capsys.readouterr().out
    (version,) = store.client.search_model_versions("name = 'signs'")
    assert "Raw columns: x\\_1 BIGINT." in version.description
    assert f"Warning: {said}" in version.description
    assert "look at 'sign', which the model leans on most" in version.description
