from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from threadpoolctl import threadpool_limits

from sql_features.errors import WorkflowError
from sql_features.labelled_pipeline import LabelledPipeline
from sql_features.transformer import SqlFeatures
from workflow.data.dataset import Dataset
from workflow.data.dataset_file import to_yaml
from workflow.data.split_rules import SPLITS, ByFiles, ByHash, ByTime, Split
from workflow.data.split_writer import read_raw, write_splits
from workflow.data.splits import WHOLE, Splits
from workflow.evaluation.scores import score
from workflow.models.families import BASELINE, FAMILIES, WEIGHT, narrowed
from workflow.models.metrics import METRICS, TASKS, resolve
from workflow.training import encoded_data
from workflow.training.baseline import baseline_scores
from workflow.training.model import fit_model
from workflow.training.trainer import Fitted, Trainer
from workflow.training.training_data import TrainingData

FILES = ByFiles(**{split: f"{split}.parquet" for split in SPLITS})
FEATURES = {"zone": "zone || ''", "miles": "miles", "flag": "flag", "code": "CAST(code AS INT)"}
USED = {name: FEATURES[name] for name in ("zone", "miles", "flag")}
TARGETS = {
    "regression": "minutes",
    "binary": "CASE WHEN minutes > 20 THEN 'late' ELSE 'in time' END",
    "multiclass": "CASE WHEN minutes > 30 THEN 3 WHEN minutes > 10 THEN 2 ELSE 1 END",
}
LINEAR = FAMILIES["linear"]
ROWS = 240  # a split
QUICK = {
    "linear": {},
    "kneighbors": {"n_jobs": 1},
    "random_forest": {"n_estimators": 10, "n_jobs": 1},
    "gradient_boosting": {"max_iter": 8},
    "lightgbm": {"n_estimators": 8, "n_jobs": 1},
    "xgboost": {"n_estimators": 8, "n_jobs": 1},
}
each_family = pytest.mark.parametrize("family", FAMILIES.values(), ids=list(FAMILIES))
each_task = pytest.mark.parametrize("task", TASKS)
each_way = pytest.mark.parametrize("how", ["holdout", "cv:3"])


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Threads that wait for each other cost more than these few rows."""
    with threadpool_limits(1):
        yield


def trips(seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    miles = rng.gamma(2, 2, ROWS)
    return pd.DataFrame(
        {
            "zone": rng.integers(1, 40, ROWS),
            "miles": miles,
            "flag": np.where(rng.random(ROWS) < 0.1, None, "Y"),
            "code": np.where(np.arange(ROWS) == ROWS - 1, "none", "1"),
            "minutes": 5 * miles + rng.normal(0, 1, ROWS),
            "number": np.arange(ROWS) + ROWS * seed,
        }
    )


def make(folder: Path, frames: list[pd.DataFrame], **changes: object) -> Splits:
    """Write frames, a split each or as one table, and return the splits made of them."""
    given = {
        "name": "trips",
        "task": "regression",
        "data": "/data",
        "split": FILES,
        "target": "minutes",
        "features": FEATURES,
    }
    dataset = Dataset(**given | changes)
    if isinstance(dataset.split, ByFiles):
        parts = dict(zip(SPLITS, frames, strict=True))
    else:
        parts = {WHOLE: pd.concat(frames)}
    for name, frame in parts.items():
        frame.to_parquet(folder / f"raw-{name}.parquet")
    files = {name: [folder / f"raw-{name}.parquet"] for name in parts}
    out = folder / "splits"
    out.mkdir()
    write_splits(dataset, read_raw(dataset, files), out)
    (out / "dataset.yaml").write_text(to_yaml(dataset))
    return Splits("runs:/abc/splits", out)


def train(splits: Splits, features: dict[str, str] = USED, how: str = "holdout") -> Trainer:
    return Trainer(TrainingData.read(splits, features, seed=42, validation=how))


@pytest.fixture(scope="module")
def splits(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Splits]:
    """Splits of trips, by task and by how they were split."""

    @cache
    def made(task: str = "regression", split: Split = FILES) -> Splits:
        frames = [trips(number) for number in range(3)]
        folder = tmp_path_factory.mktemp("splits")
        return make(folder, frames, task=task, target=TARGETS[task], split=split)

    return made


@pytest.fixture(scope="module")
def trainer(splits: Callable[..., Splits]) -> Callable[..., Trainer]:
    return cache(
        lambda task="regression", how="holdout", split=FILES: train(splits(task, split), USED, how)
    )


@pytest.fixture(scope="module")
def fit(trainer: Callable[..., Trainer]) -> Callable[..., Fitted]:
    """Quick fits, by family, task and validation."""
    return cache(
        lambda family, task="regression", how="holdout": trainer(task, how).fit(
            FAMILIES[family], QUICK[family]
        )
    )


@pytest.fixture
def transforms(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows by an entry each time the features of a frame are computed."""
    calls, plain = [], SqlFeatures.transform

    def counted(self: SqlFeatures, X: pd.DataFrame) -> pd.DataFrame:
        calls.append(len(X))
        return plain(self, X)

    monkeypatch.setattr(SqlFeatures, "transform", counted)
    return calls


def answers(trainer: Trainer, fitted: object, raw: pd.DataFrame) -> np.ndarray:
    """Return what a kept pipeline makes of raw rows: values, or probabilities."""
    model = trainer.pipeline(fitted.model)
    return model.predict_proba(raw) if isinstance(model, LabelledPipeline) else model.predict(raw)


@each_way
@each_task
@each_family
def test_every_family_has_every_metric_and_beats_the_baseline(trainer, fit, family, task, how):
    on, fitted = trainer(task, how), fit(family.name, task, how)
    names = {f"val_{name}" for name in METRICS[task]}
    assert set(fitted.metrics) == (
        names if how == "holdout" else names | {f"{name}_std" for name in names}
    )
    default = resolve("auto", task).val_name
    assert fitted.metrics[default] < on.fit(BASELINE, {}).metrics[default]
    assert len(fitted.predictions) == len(on.data.y_judged) == ROWS * (1 if how == "holdout" else 2)
    if task != "regression":
        assert fitted.predictions.shape[1] == len(on.data.labels)
        np.testing.assert_allclose(fitted.predictions.sum(axis=1), 1, atol=1e-6)


@each_way
@each_task
@each_family
def test_the_final_pipeline_predicts_raw_rows_as_the_trainer_does(
    trainer, fit, splits, family, task, how
):
    on, fitted = trainer(task, how), fit(family.name, task, how)
    raw, _ = splits(task).read("validation", ["zone", "miles", "flag"])
    ours = fitted.model.predict(on.data.x.iloc[ROWS:])
    np.testing.assert_allclose(answers(on, fitted, raw), ours, rtol=1e-9)
    if how == "holdout":
        np.testing.assert_array_equal(ours, fitted.predictions)


def test_a_holdouts_metrics_are_those_of_its_predictions(trainer):
    for task in TASKS:
        fitted = trainer(task).fit(LINEAR, {})
        expected = score(task, "val", trainer(task).data.y_judged, fitted.predictions)
        assert fitted.metrics == pytest.approx(expected)


def test_metrics_of_folds_are_their_mean_and_standard_deviation(trainer):
    on = trainer("regression", "cv:3")
    fitted = on.fit(LINEAR, {})
    error = fitted.predictions - on.data.y_judged
    rows = [len(fold.judged) for fold in on.data.plan.folds]
    parts = np.split(error, np.cumsum(rows)[:-1])
    each = [np.sqrt((part**2).mean()) for part in parts]
    assert fitted.metrics["val_rmse"] == pytest.approx(np.mean(each))
    assert fitted.metrics["val_rmse_std"] == pytest.approx(np.std(each, ddof=1))


def test_the_final_model_of_folds_is_fitted_on_train_and_validation(trainer):
    on = trainer("regression", "cv:3")
    fitted = on.fit(FAMILIES["kneighbors"], {"n_neighbors": 1, "n_jobs": 1})
    assert fitted.model.estimator.n_samples_fit_ == 2 * ROWS
    holdout = trainer().fit(FAMILIES["kneighbors"], {"n_neighbors": 1, "n_jobs": 1})
    assert holdout.model.estimator.n_samples_fit_ == ROWS


def test_no_fold_is_judged_by_a_model_that_has_seen_it(trainer):
    on = trainer("regression", "cv:3")
    fitted = on.fit(FAMILIES["kneighbors"], {"n_neighbors": 1, "n_jobs": 1})
    assert fitted.metrics["val_rmse"] > 0.1
    last, judged = fitted.last
    np.testing.assert_array_equal(
        last.predict(on.data.x.iloc[judged]), fitted.predictions[-len(on.data.y[judged]) :]
    )


def test_the_final_model_of_folds_is_fitted_once_on_demand(trainer, monkeypatch):
    on, calls = trainer("regression", "cv:3"), []
    plain = fit_model
    monkeypatch.setattr(
        "workflow.training.trainer.fit_model",
        lambda *given: calls.append(given[3]) or plain(*given),
    )
    fitted = on.fit(LINEAR, {})
    assert calls == [fold.fitted for fold in on.data.plan.folds]
    assert fitted.model is fitted.model
    assert calls[3:] == [on.data.plan.final]


def test_rows_with_one_key_of_a_hash_split_stay_in_one_fold(tmp_path):
    frames = [trips(0).assign(number=lambda frame: frame["number"] // 4) for _ in range(3)]
    made = make(tmp_path, frames, split=ByHash(key=("number",)))
    on = train(made, USED, "cv:3")
    groups = made.positions("train", "validation")
    assert len(np.unique(groups)) < len(groups)
    for fitted, judged in on.data.plan.folds:
        assert not set(groups[fitted]) & set(groups[judged])


def test_folds_of_a_split_by_time_never_look_ahead(trainer):
    on = trainer("regression", "cv:3", ByTime(column="number"))
    for fitted, judged in on.data.plan.folds:
        assert max(fitted) < min(judged)
    assert len(on.data.y_judged) < len(on.data.y)
    assert np.isfinite(on.fit(LINEAR, {}).metrics["val_rmse"])


def test_folds_of_a_split_by_time_are_cut_between_moments(tmp_path):
    frames = [trips(number).assign(number=lambda frame: frame["number"] // 50) for number in (0, 1)]
    made = make(tmp_path, [*frames, trips(2)], split=ByTime(column="number"))
    moments = made.moments("train", "validation").to_numpy()
    for fitted, judged in train(made, USED, "cv:4").data.plan.folds:
        assert moments[fitted[-1]] < moments[judged[0]]


def test_a_table_of_few_possible_rows_is_learned_the_right_way_round(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.integers(0, 3, (9_000, 4))
    chance = 1 / (1 + np.exp(-(x - 1) @ [0.6, -0.4, 0.3, 0.2]))
    frame = pd.DataFrame(x).add_prefix("x").assign(y=(rng.random(9_000) < chance).astype(int))
    made = make(
        tmp_path, [frame], task="binary", target="y", split=ByHash(),
        features={name: name for name in list(frame)[:4]},
    )  # fmt: skip
    raw, y = made.read("test", made.columns)
    best = 1 / (1 + np.exp(-(raw[["x0", "x1", "x2", "x3"]].to_numpy() - 1) @ [0.6, -0.4, 0.3, 0.2]))
    possible = score("binary", "test", y.to_numpy(), np.column_stack([1 - best, best]))
    for how in ("holdout", "cv:3"):
        on = train(made, made.dataset.features, how)
        fitted = on.fit(FAMILIES["lightgbm"], {"n_estimators": 30, "n_jobs": 1})
        predicted = fitted.model.predict(on.data.sql.transform(raw))
        found = score("binary", "test", y.to_numpy(), predicted)
        for scores, split in ((found, "test"), (fitted.metrics, "val")):
            assert scores[f"{split}_roc_auc"] == pytest.approx(possible["test_roc_auc"], abs=0.05)
            assert scores[f"{split}_log_loss"] < 1.03 * possible["test_log_loss"]


def test_a_metric_that_one_fold_lacks_is_no_metric_to_choose_by(tmp_path):
    frames = [trips(number).assign(rare=0) for number in range(3)]
    frames[0].loc[:1, "rare"] = 1
    made = make(tmp_path, frames, task="binary", target="rare")
    with pytest.warns(UserWarning, match="least populated class"):
        data = TrainingData.read(made, USED, seed=1, validation="cv:3")
    data.check_defined(METRICS["binary"]["log_loss"])
    with pytest.raises(WorkflowError) as caught:
        data.check_defined(METRICS["binary"]["roc_auc"])
    assert str(caught.value) == (
        "roc_auc has no mean over the folds: all rows are of one class in fold 3 of 3. Allowed "
        "with these folds: log_loss, accuracy, balanced_accuracy, f1; or give fewer folds, or "
        "validation='holdout'."
    )


def test_too_few_rows_for_the_folds_are_refused(tmp_path):
    made = make(tmp_path, [trips(number).head(4) for number in range(3)])
    with pytest.raises(WorkflowError, match=r"^validation='cv:20': 8 rows of train and validation"):
        train(made, USED, "cv:20")


def with_new_label(folder: Path, *, where: int, label: str = "zzz") -> Splits:
    """Splits of which one has a label that no other has."""
    frames = [trips(number) for number in range(3)]
    for number, frame in enumerate(frames):
        frame["late"] = np.where(frame["minutes"] > 20, "late", "in time")
        if number == where:
            frame.loc[:4, "late"] = label
    return make(folder, frames, task="multiclass", target="late")


@pytest.fixture(scope="module")
def surprised(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], Trainer]:
    """Trainers on splits that have a label in validation alone."""
    folder = tmp_path_factory.mktemp
    made = cache(lambda label: with_new_label(folder("new"), where=1, label=label))
    return cache(lambda label, how: train(made(label), USED, how))


@pytest.mark.parametrize(
    ("label", "how"), [("zzz", "holdout"), ("aaa", "holdout"), ("aaa", "cv:3")]
)
@each_family
def test_a_label_in_validation_alone_is_handled(surprised, family, how, label):
    on = surprised(label, how)
    fitted = on.fit(family, QUICK[family.name])
    assert fitted.predictions.shape == (len(on.data.y_judged), 3)
    assert np.isfinite(fitted.metrics["val_log_loss"])
    known = {"late", "in time"} | ({label} if how != "holdout" else set())
    assert set(on.pipeline(fitted.model).classes_) == known
    assert set(on.data.labels) == {"late", "in time", label}
    assert np.isfinite(on.train_metrics(fitted)["train_log_loss"])
    assert sum(on.data.labels[code] == label for code in on.data.y_judged) == 5


def test_a_label_of_test_alone_counts_as_wrong_for_the_baseline(tmp_path):
    made = with_new_label(tmp_path, where=2)
    scores, _ = baseline_scores(made, "holdout", 42)
    assert np.isfinite(scores["test_log_loss"])
    assert scores["test_log_loss"] > scores["val_log_loss"]


@each_way
@each_task
def test_the_baselines_scores_are_those_of_the_trainer(trainer, splits, task, how):
    scores, _ = baseline_scores(splits(task), how, 42)
    assert {name for name in scores if name.startswith("test_")} == {
        f"test_{name}" for name in METRICS[task]
    }
    judged = {name: value for name, value in scores.items() if name.startswith("val_")}
    assert judged == pytest.approx(trainer(task, how).fit(BASELINE, {}).metrics, nan_ok=True)


def test_a_class_in_one_fold_alone_is_handled(tmp_path):
    frames = [trips(number) for number in range(3)]
    for frame in frames:
        frame["late"] = np.where(frame["minutes"] > 20, "late", "in time")
    frames[0].loc[3, "late"] = "once"
    made = make(tmp_path, frames, task="multiclass", target="late")
    on = train(made, USED, "cv:3")
    for name in ("linear", "xgboost", "lightgbm", "kneighbors"):
        fitted = on.fit(FAMILIES[name], QUICK[name])
        assert np.isfinite(fitted.metrics["val_log_loss"])
        assert fitted.predictions.shape == (2 * ROWS, 3)
        assert set(on.pipeline(fitted.model).classes_) == {"late", "in time", "once"}


def test_rows_of_one_class_are_refused_by_every_family_in_one_line(tmp_path):
    made = make(tmp_path, [trips(n) for n in range(3)], task="binary", target="'late'")
    on = train(made)
    for family in FAMILIES.values():
        with pytest.raises(WorkflowError) as caught:
            on.fit(family, QUICK[family.name])
        assert str(caught.value) == (
            f"{family.name} cannot be fitted: all 240 rows that it would learn from are of the "
            "class 'late'. Give rows of other classes, or another `split` or `validation`."
        )
    assert on.fit(BASELINE, {}).metrics["val_accuracy"] == 1


@pytest.mark.parametrize("rows", [1, 3])
@each_task
@pytest.mark.filterwarnings("ignore")
def test_a_handful_of_rows_gives_a_model_or_a_refusal_in_one_line(tmp_path, rows, task):
    frames = [trips(number).head(rows) for number in range(3)]
    made = make(tmp_path, frames, task=task, target=TARGETS[task])
    on = train(made)
    for family in FAMILIES.values():
        try:
            fitted = on.fit(family, QUICK[family.name])
        except WorkflowError as error:
            assert str(error).startswith(family.name)
        else:
            assert len(fitted.predictions) == rows


@pytest.mark.parametrize("name", [name for name, one in FAMILIES.items() if one.weighs])
def test_balanced_classes_make_the_rare_one_more_probable(tmp_path, name):
    frames = [trips(number) for number in range(3)]
    made = make(tmp_path, frames, task="binary", target="minutes > 45")
    on = train(made)
    assert 0 < on.data.y.mean() < 0.15
    plain = on.fit(FAMILIES[name], QUICK[name])
    weighed = on.fit(FAMILIES[name], {WEIGHT: "balanced", **QUICK[name]})
    assert weighed.predictions[:, 1].mean() > plain.predictions[:, 1].mean()
    assert weighed.hyperparameters[WEIGHT] == "balanced"
    assert plain.hyperparameters[WEIGHT] is None
    none = on.fit(FAMILIES[name], {WEIGHT: None, **QUICK[name]})
    np.testing.assert_array_equal(none.predictions, plain.predictions)
    fixed = narrowed(FAMILIES[name], {WEIGHT: "balanced"}, "binary")
    again = on.fit(fixed, QUICK[name])
    np.testing.assert_array_equal(again.predictions, weighed.predictions)


def test_a_class_weight_is_no_hyperparameter_of_a_regression(trainer):
    for name in ("linear", "xgboost"):
        with pytest.raises(WorkflowError, match=f"^unknown hyperparameter of {name}: 'class_wei"):
            trainer().fit(FAMILIES[name], {WEIGHT: "balanced"})


@each_way
@each_task
def test_a_selection_of_features_is_the_same_as_reading_only_those(splits, trainer, task, how):
    some = {"miles": USED["miles"], "flag": USED["flag"]}
    narrow, alone = Trainer(trainer(task, how).data.using(some)), train(splits(task), some, how)
    pd.testing.assert_frame_equal(narrow.data.x, alone.data.x)
    pd.testing.assert_frame_equal(narrow.data.example, alone.data.example)
    assert narrow.data.cardinality == alone.data.cardinality
    assert narrow.data.sql.get_params() == alone.data.sql.get_params()
    for name in ("linear", "lightgbm"):
        one, other = (each.fit(FAMILIES[name], QUICK[name]) for each in (narrow, alone))
        np.testing.assert_array_equal(one.predictions, other.predictions)
        assert one.metrics == pytest.approx(other.metrics, nan_ok=True)


def test_using_all_the_features_returns_the_same_data(trainer):
    assert trainer().data.using(dict(USED)) is trainer().data


def test_using_some_features_leaves_the_data_as_it_was(trainer):
    before = trainer().fit(LINEAR, {}).predictions
    Trainer(trainer().data.using({"miles": "miles"})).fit(LINEAR, {})
    np.testing.assert_array_equal(trainer().fit(LINEAR, {}).predictions, before)


def test_the_features_are_computed_once_for_any_number_of_fits(splits, transforms):
    on = train(splits(), USED, "cv:3")
    for alpha in (0.1, 1.0):
        on.fit(LINEAR, {"alpha": alpha})
    Trainer(on.data.using({"miles": "miles"})).fit(LINEAR, {})
    assert transforms == [ROWS, ROWS]


def test_the_encoding_is_fitted_once_a_family_and_fold(splits, monkeypatch):
    calls, plain = [], encoded_data.build
    monkeypatch.setattr(encoded_data, "build", lambda *a, **k: calls.append(1) or plain(*a, **k))
    on = train(splits(), USED, "cv:3")
    for alpha in (0.1, 1.0, 10.0):
        on.fit(LINEAR, {"alpha": alpha})
    assert len(calls) == 3


def test_hyperparameters_include_the_defaults(trainer):
    fitted = trainer().fit(FAMILIES["random_forest"], {"n_estimators": 3})
    assert fitted.hyperparameters["n_estimators"] == 3
    assert fitted.hyperparameters["max_depth"] == 10
    assert fitted.hyperparameters["min_samples_split"] == 2
    assert fitted.hyperparameters["random_state"] == 42


def test_a_fit_leaves_the_fits_before_it_as_they_were(trainer):
    first = trainer().fit(LINEAR, {"alpha": 0.01})
    trainer().fit(LINEAR, {"alpha": 1e6})
    judged = trainer().data.plan.folds[0][1]
    np.testing.assert_array_equal(
        first.model.predict(trainer().data.x.iloc[judged]), first.predictions
    )
    assert first.model.estimator.alpha == 0.01


@each_task
def test_train_metrics_are_those_of_the_rows_fitted_on(trainer, task):
    on = trainer(task)
    fitted = on.fit(LINEAR, {})
    expected = score(task, "train", on.data.y[:ROWS], fitted.model.predict(on.data.x.head(ROWS)))
    assert on.train_metrics(fitted) == pytest.approx(expected)


def test_columns_with_gaps_in_train_are_optional(trainer):
    assert trainer().data.sql.optional == ["flag"]


def test_the_example_is_five_raw_rows(trainer):
    assert list(trainer().data.example) == ["zone", "miles", "flag"]
    assert len(trainer().data.example) == 5


def test_cardinality_counts_values_in_the_rows_of_the_final_model(tmp_path):
    frames = [trips(0).assign(zone=n) for n in range(3)]
    made = make(tmp_path, frames)
    assert train(made).data.cardinality == {"zone": 1, "flag": 1}
    assert train(made, USED, "cv:3").data.cardinality == {"zone": 2, "flag": 1}


@pytest.mark.parametrize(
    ("task", "labels"),
    [("binary", ["in time", "late"]), ("multiclass", [1, 2, 3]), ("regression", [])],
)
def test_labels_are_sorted_and_keep_the_type_of_the_data(trainer, task, labels):
    assert trainer(task).data.labels == labels
    assert [type(one) for one in trainer(task).data.labels] == [type(one) for one in labels]


def test_an_unknown_hyperparameter_is_refused_with_the_nearest(trainer):
    with pytest.raises(WorkflowError) as caught:
        trainer().fit(FAMILIES["random_forest"], {"max_dept": 3})
    message = str(caught.value)
    assert message.startswith("unknown hyperparameter of random_forest")
    assert "'max_dept': did you mean 'max_depth'? Allowed: " in message


@pytest.mark.parametrize(
    ("task", "family", "given"),
    [
        ("regression", "random_forest", {"max_depth": -3}),
        ("regression", "linear", {"alpha": "much"}),
        ("regression", "xgboost", {"max_depth": "deep"}),
        ("regression", "lightgbm", {"num_leaves": 1}),
        ("binary", "linear", {"C": -1}),
        ("binary", "linear", {"class_weight": "much"}),
        ("binary", "xgboost", {"class_weight": "much"}),
        ("multiclass", "lightgbm", {"class_weight": "much"}),
        ("multiclass", "kneighbors", {"n_neighbors": 0}),
    ],
)
def test_a_value_that_the_estimator_refuses_is_refused(trainer, task, family, given):
    with pytest.raises(WorkflowError) as caught:
        trainer(task).fit(FAMILIES[family], given)
    message = str(caught.value)
    assert message.startswith(f"{family} cannot be fitted with {given}: ")
    assert "\n" not in message


@pytest.mark.filterwarnings("ignore")
def test_a_target_too_large_to_compute_with_is_refused_in_one_line(tmp_path):
    made = make(tmp_path, [trips(n) for n in range(3)], target="minutes * 1e300")
    with pytest.raises(WorkflowError) as caught:
        train(made).fit(LINEAR, {})
    assert str(caught.value) == (
        "linear fitted with defaults predicts no number for some rows: look for huge values in the "
        "target and the features."
    )


def test_a_feature_that_fails_on_a_row_is_a_one_line_error(splits):
    with pytest.raises(WorkflowError, match=r"^train split: .*none"):
        train(splits(), FEATURES, "holdout")


def test_a_regression_takes_whole_numbers_for_values(tmp_path):
    made = make(tmp_path, [trips(n) for n in range(3)], target="round(minutes / 10)")
    on = train(made)
    for name in ("kneighbors", "xgboost"):
        encoder = on.fit(FAMILIES[name], QUICK[name]).model.encoder
        assert encoder.named_transformers_["few"].target_type_ == "continuous"
