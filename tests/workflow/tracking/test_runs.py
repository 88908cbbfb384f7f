from pathlib import Path

import mlflow
import pandas as pd
import pytest
from mlflow.entities import Run
from mlflow.tracking import MlflowClient

from sql_features.errors import WorkflowError
from workflow.data.dataset import Dataset
from workflow.data.dataset_file import to_yaml
from workflow.data.split_rules import SPLITS, ByFiles
from workflow.data.splits import Splits
from workflow.tracking import dataset_inputs, names, runs, step


def made(folder: Path, **changed: float) -> Splits:
    """Write splits of one row each."""
    folder.mkdir()
    for number, split in enumerate(SPLITS):
        frame = pd.DataFrame({"x": [changed.get(split, number)], "target": [1.0]})
        frame.to_parquet(folder / f"{split}.parquet")
    dataset = Dataset(
        name="d", task="regression", data="/d", target="y", features={"x": "x"},
        split=ByFiles(**dict.fromkeys(SPLITS, "x")),
    )  # fmt: skip
    (folder / "dataset.yaml").write_text(to_yaml(dataset))
    return Splits(f"runs:/{folder.name}/splits", folder)


@pytest.fixture
def splits(tmp_path: Path) -> Splits:
    return made(tmp_path / "abc")


def found(run: Run) -> Run:
    return MlflowClient().get_run(run.info.run_id)


def candidate(name: str, splits: Splits, how: str = "holdout", seed: int = 42) -> Run:
    with step.child(name, names.MODEL) as run:
        mlflow.set_tags(runs.model_tags(name, how, seed, splits, {}))
    return found(run)


def refusal(candidates: list[Run], splits: Splits) -> str:
    with pytest.raises(WorkflowError) as caught:
        runs.check_splits(candidates, splits)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_run_of_a_model_has_the_digest_of_each_of_its_splits(experiment, splits):
    tags = candidate("linear", splits).data.tags
    assert {split: tags[f"workflow.digest.{split}"] for split in SPLITS} == splits.digests
    assert len(set(splits.digests.values())) == 3
    assert names.NO_VALUE_TAG not in tags
    tags = runs.model_tags("linear", "cv:2", 1, splits, {"mape": "some targets are 0 in fold 1"})
    assert tags[names.NO_VALUE_TAG] == "mape: some targets are 0 in fold 1"


@pytest.mark.parametrize("split", SPLITS)
def test_candidates_of_other_splits_are_refused_by_name(experiment, splits, tmp_path, split):
    ours, other = (
        candidate("linear", splits),
        candidate("lightgbm", made(tmp_path / "o", **{split: 9})),
    )
    line = refusal([ours, other], splits)
    assert line.startswith(
        f"candidates: lightgbm ({other.info.run_id}) was fitted with another {split} split than "
        "that of splits='runs:/abc/splits'"
    )
    assert line.endswith("give candidates of these splits, or the splits of the candidates.")


def test_candidates_of_equal_rows_from_another_run_are_taken(experiment, splits, tmp_path):
    again = candidate("linear", made(tmp_path / "again"))
    runs.check_splits([candidate("linear", splits), again], splits)


def of_earlier_version(splits: Splits | None, *used: str) -> list[Run]:
    """Return models whose own runs do not say their splits, below a step that may."""
    with step.run("train"):
        if splits:
            dataset_inputs.log_splits(splits, *used)
        children = []
        for name in ("linear", "lightgbm"):
            with step.child(name, names.MODEL) as run:
                pass
            children.append(found(run))
    return children


def test_the_step_above_says_the_splits_of_an_earlier_versions_model(
    experiment, splits, tmp_path, monkeypatch
):
    ours = of_earlier_version(splits, "train", "validation")
    other = of_earlier_version(made(tmp_path / "o", train=9), "train", "validation")
    asked, plain = [], runs.get
    monkeypatch.setattr(runs, "get", lambda run_id: asked.append(run_id) or plain(run_id))
    runs.check_splits(ours, splits)
    assert len(asked) == 1  # not once a model
    assert f"linear ({other[0].info.run_id}) was fitted with another train" in refusal(
        [*ours, *other], splits
    )


def test_a_candidate_whose_splits_nobody_knows_is_refused(experiment, splits):
    for unknown in (of_earlier_version(None), of_earlier_version(splits, "validation")):
        line = refusal(unknown, splits)
        assert f"linear ({unknown[0].info.run_id}) does not say on which splits" in line
        assert "give train, hpo or trial runs" in line
    with step.run("main") as alone:
        pass
    assert "main (" in refusal([found(alone)], splits)


def test_candidates_have_to_be_judged_in_one_way(experiment, splits):
    folded, other_seed = (candidate("linear", splits, "cv:3", seed) for seed in (1, 2))
    assert runs.judged_alike([folded, folded]) == ("cv:3", 1)
    for other, said in (
        (candidate("lightgbm", splits), "not judged in one way (linear cv:3, lightgbm holdout)"),
        (other_seed, "by folds of different seeds (linear 1, linear 2): give runs of one `seed`."),
    ):
        with pytest.raises(WorkflowError) as caught:
            runs.judged_alike([folded, other])
        assert said in str(caught.value)


def test_the_seed_of_a_holdout_may_differ(experiment, splits):
    one, other = (candidate("linear", splits, seed=seed) for seed in (1, 2))
    assert runs.judged_alike([one, other])[0] == "holdout"
