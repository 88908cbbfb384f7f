import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import mlflow
import numpy as np
import pandas as pd
import pytest
from conftest import Store
from mlflow.entities import Run
from mlflow.tracking import MlflowClient
from threadpoolctl import threadpool_limits

from sql_features.errors import WorkflowError
from workflow.data.dataset import Dataset
from workflow.data.dataset_file import to_yaml
from workflow.data.split_rules import SPLITS, ByFiles
from workflow.data.split_writer import read_raw, write_splits
from workflow.data.splits import Splits
from workflow.models.families import FAMILIES
from workflow.models.metrics import METRICS
from workflow.runtime import terminal
from workflow.runtime.terminal import Progress
from workflow.tracking import logged_models, model_loading, names, runs, step
from workflow.training import cross_validation, trainer, trial_runs, trials
from workflow.training.search import search
from workflow.training.trainer import Trainer
from workflow.training.training_data import TrainingData
from workflow.training.trials import MOST_FAILURES, Study, Trial

ROWS = 60  # a split
LINEAR = FAMILIES["linear"]
RMSE = METRICS["regression"]["rmse"]
FEATURES = {"miles": "miles", "minute": "minute"}


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Threads that wait for each other cost more than these few rows."""
    with threadpool_limits(1):
        yield


@pytest.fixture(scope="module")
def splits(tmp_path_factory: pytest.TempPathFactory) -> Splits:
    folder = tmp_path_factory.mktemp("splits")
    dataset = Dataset(
        name="trips",
        task="regression",
        data="/data",
        split=ByFiles(**{split: f"{split}.parquet" for split in SPLITS}),
        target="minutes",
        features=FEATURES,
    )
    files = {}
    for seed, split in enumerate(SPLITS):
        rng = np.random.default_rng(seed)
        miles, minute = rng.gamma(2, 2, ROWS), rng.integers(0, 60, ROWS)
        minutes = 5 * miles + rng.normal(0, 3, ROWS)
        files[split] = [folder / f"raw-{split}.parquet"]
        frame = pd.DataFrame({"miles": miles, "minute": minute, "minutes": minutes})
        frame.to_parquet(files[split][0])
    out = folder / "splits"
    out.mkdir()
    write_splits(dataset, read_raw(dataset, files), out)
    (out / "dataset.yaml").write_text(to_yaml(dataset))
    return Splits("runs:/abc/splits", out)


@pytest.fixture(scope="module")
def trainers(splits: Splits) -> Callable[[str], Trainer]:
    made = {}

    def trainer(how: str = "holdout") -> Trainer:
        if how not in made:
            data = TrainingData.read(splits, FEATURES, seed=42, validation=how)
            made[how] = Trainer(data)
        return made[how]

    return trainer


@dataclass
class Fits:
    """What was fitted: the models of the families, and whether for a trial or to be kept."""

    alphas: list[float] = field(default_factory=list)
    again: list[float] = field(default_factory=list)

    def take(self) -> tuple[int, int]:
        """Return how many trials were fitted since, and how many models again to be kept."""
        counts = len(self.alphas), len(self.again)
        self.alphas.clear()
        self.again.clear()
        return counts


@pytest.fixture
def fits(monkeypatch: pytest.MonkeyPatch) -> Fits:
    counted, plain_fit, plain_refit = Fits(), Trainer.fit, Trainer.refit

    def fit(trainer: Trainer, family: object, values: dict) -> object:
        counted.alphas.append(values["alpha"])
        return plain_fit(trainer, family, values)

    def refit(trainer: Trainer, family: object, values: dict) -> object:
        counted.again.append(values["alpha"])
        return plain_refit(trainer, family, values)

    monkeypatch.setattr(Trainer, "fit", fit)
    monkeypatch.setattr(Trainer, "refit", refit)
    return counted


@dataclass(frozen=True)
class Searched:
    """A search that has ended."""

    run: Run
    study: Study

    @property
    def trials(self) -> dict[str, Run]:
        return {one.info.run_name: one for one in runs.children(self.run)}


@dataclass(frozen=True)
class Hpo:
    """Searches as the step does."""

    trainer: Callable[[str], Trainer]
    experiment: str

    @contextmanager
    def study(self, kept: int = 1, how: str = "holdout", alike: str = "k") -> Iterator[tuple]:
        """Start a search's run; yield it with its study."""
        with step.run("hpo", **{names.SEARCH_TAG: alike}) as run, Progress("hpo", 5) as progress:
            earlier = trial_runs.finished_trials(alike, self.experiment)
            study = Study(
                {"all": self.trainer(how)}, validation=how, metric=RMSE, kept=kept,
                earlier=earlier, progress=progress,
            )  # fmt: skip
            yield run, study

    def __call__(self, max_evals: int, *, kept: int = 1, how: str = "holdout", keep: bool = True,
                 alike: str = "k", stop_after: int | None = None) -> Searched:  # fmt: skip
        with self.study(kept, how, alike) as (run, study):
            seen = []

            def objective(*given: object) -> float | None:
                if len(seen) == stop_after:
                    raise KeyboardInterrupt
                seen.append(given)
                return study.trial(*given)

            try:
                search(
                    objective, [LINEAR], task="regression", features=["all"],
                    max_evals=max_evals, seed=42,
                )  # fmt: skip
            except KeyboardInterrupt:
                return Searched(run, study)
            if keep:
                study.keep()
        return Searched(run, study)


@pytest.fixture
def hpo(trainers: Callable[[str], Trainer], experiment: str, fits: Fits) -> Hpo:
    return Hpo(trainers, experiment)


def told(searched: Searched) -> list[tuple]:
    """Return what a search has come to, trial by trial."""
    return [(one.number, one.suggestion, one.metrics, one.loss) for one in searched.study.trials]


@pytest.fixture(scope="module")
def uninterrupted(
    trainers: Callable[[str], Trainer],
    module_store: Store,
    tmp_path_factory: pytest.TempPathFactory,
) -> list[tuple]:
    """What a search of five trials comes to."""
    mlflow.set_tracking_uri(module_store.uri)
    place = str(tmp_path_factory.mktemp("uninterrupted"))
    id = module_store.client.create_experiment(place, place)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_EXPERIMENT_ID", id)
        return told(Hpo(trainers, id)(5, keep=False))


def test_a_trial_is_a_run_with_its_suggestion_metrics_and_tags(hpo, fits, splits):
    done = hpo(3, keep=False)
    assert list(done.trials) == ["trial-000", "trial-001", "trial-002"]
    assert fits.take() == (3, 0)
    tags = runs.model_tags("linear", "holdout", 42, splits, {})
    for trial in done.study.trials:
        run = done.trials[f"trial-{trial.number:03d}"]
        assert run.info.status == "FINISHED"
        assert float(run.data.params["alpha"]) == trial.suggestion["alpha"]
        assert run.data.params[names.FAMILY] == "linear"
        assert run.data.tags[names.KIND_TAG] == names.TRIAL
        assert trial.metrics.items() <= run.data.metrics.items()
        assert trial.loss == run.data.metrics["val_rmse"]
        assert run.data.metrics["fit_seconds"] == trial.seconds >= 0
        assert run.data.tags.items() >= tags.items()
        assert names.REUSED_TAG not in run.data.tags
    assert done.study.read_back == done.study.seconds == 0


def test_an_equal_search_reads_its_trials_back_and_finds_the_same(hpo, fits):
    first = hpo(3, kept=2)
    assert fits.take() == (3, 0)
    again = hpo(3, kept=2)
    assert fits.take() == (0, 0)
    assert told(again) == told(first)
    assert [one.number for one in again.study.best] == [one.number for one in first.study.best]
    assert again.study.read_back == 3
    assert list(again.trials) == list(first.trials)


def test_a_trial_read_back_has_the_results_and_times_of_the_first(hpo):
    first = hpo(2, keep=False)
    again = hpo(2, keep=False)
    for name, run in again.trials.items():
        was = first.trials[name]
        assert run.info.run_id != was.info.run_id
        assert run.data.params == was.data.params
        assert run.data.metrics == was.data.metrics
        for what in ("status", "start_time", "end_time", "run_name"):
            assert getattr(run.info, what) == getattr(was.info, what)
        assert run.data.tags[names.FAMILY_TAG] == "linear"
        assert run.data.tags[names.REUSED_TAG] == was.info.run_id
        assert run.data.tags[names.KIND_TAG] == names.TRIAL
        assert run.data.tags["mlflow.parentRunId"] == again.run.info.run_id
    assert again.study.seconds == pytest.approx(
        sum(one.info.end_time - one.info.start_time for one in first.trials.values()) / 1000
    )


def test_a_copy_of_a_copy_points_to_the_trial_that_was_run(hpo):
    first = hpo(2, keep=False).trials
    hpo(2, keep=False)
    third = hpo(2, keep=False).trials
    for name, run in third.items():
        assert run.data.tags[names.REUSED_TAG] == first[name].info.run_id


def test_scores_on_the_test_split_are_not_read_back(hpo, module_store):
    first = hpo(1, keep=False)
    (run,) = first.trials.values()
    module_store.client.log_metric(run.info.run_id, "test_rmse", 1.0)
    (copy,) = hpo(1, keep=False).trials.values()
    assert "test_rmse" not in copy.data.metrics
    assert "val_rmse" in copy.data.metrics


def test_a_search_interrupted_twice_ends_as_an_uninterrupted_one(hpo, fits, uninterrupted):
    for after in (1, 3):
        hpo(5, stop_after=after)
    done = hpo(5, keep=False)
    assert done.study.read_back == 3
    assert told(done) == uninterrupted
    assert len(fits.alphas) == len(set(fits.alphas)) == 5  # none is run twice


def test_a_longer_search_continues_a_finished_one(hpo, fits, uninterrupted):
    hpo(2, keep=False)
    fits.take()
    assert told(hpo(5, keep=False)) == uninterrupted
    assert fits.take() == (3, 0)
    shorter = hpo(3, keep=False)
    assert fits.take() == (0, 0)
    assert told(shorter) == uninterrupted[:3]
    assert len(shorter.trials) == 3


def test_trials_of_another_search_are_not_read_back(hpo, fits):
    hpo(2, alike="one", keep=False)
    fits.take()
    assert hpo(2, alike="other", keep=False).study.read_back == 0
    assert fits.take() == (2, 0)


@pytest.mark.parametrize("status", ["FAILED", "KILLED", "RUNNING"])
def test_a_trial_that_did_not_finish_is_run_again(hpo, fits, module_store, status):
    first = hpo(3, keep=False)
    module_store.client.update_run(first.trials["trial-001"].info.run_id, status)
    fits.take()
    again = hpo(3, keep=False)
    assert fits.alphas == [first.study.trials[1].suggestion["alpha"]]
    assert told(again) == told(first)


def test_a_trial_that_is_deleted_or_of_a_deleted_search_is_run_again(hpo, fits, module_store):
    first = hpo(2, keep=False)
    module_store.client.delete_run(first.trials["trial-000"].info.run_id)
    fits.take()
    second = hpo(2, keep=False)
    assert fits.take() == (1, 0)
    for searched in (first, second):
        module_store.client.delete_run(searched.run.info.run_id)
    hpo(2, keep=False)
    assert fits.take() == (2, 0)


def test_a_trial_with_other_hyperparameters_than_suggested_is_run(hpo, fits):
    done = hpo(2, keep=False)
    with hpo.study() as (_, study):
        values = {"alpha": 0.5}
        assert study.trial(LINEAR, "all", values) != done.study.trials[0].loss
        assert study.read_back == 0
    assert fits.alphas[-1] == 0.5


def test_a_renamed_trial_is_run_again(hpo, fits, module_store):
    first = hpo(2, keep=False)
    module_store.client.update_run(first.trials["trial-001"].info.run_id, name="my favourite")
    module_store.client.create_run(
        hpo.experiment, run_name="notes", tags={"mlflow.parentRunId": first.run.info.run_id}
    )
    fits.take()
    again = hpo(2, keep=False)
    assert fits.take() == (1, 0)
    assert told(again) == told(first)


def predicted(run: Run, splits: Splits) -> np.ndarray:
    raw, _ = splits.read("test", splits.columns)
    return model_loading.load(logged_models.model_uri(run)).predict(raw)[1]


@pytest.fixture
def kept_once(hpo: Hpo, fits: Fits) -> Searched:
    done = hpo(3, kept=1)
    fits.take()
    return done


def best_of(searched: Searched) -> Run:
    return searched.trials[f"trial-{searched.study.best[0].number:03d}"]


def test_only_the_best_models_are_kept_and_linked_when_read_back(hpo, fits, kept_once):
    again = hpo(3, kept=1)
    assert fits.take() == (0, 0)
    best = best_of(again)
    assert runs.models(best) == runs.models(best_of(kept_once))
    assert best.data.metrics["model_bytes"] == best_of(kept_once).data.metrics["model_bytes"]
    for run in (*kept_once.trials.values(), *again.trials.values()):
        assert len(runs.models(run)) == (run.info.run_name == best.info.run_name)


def test_a_model_that_is_lost_is_fitted_again_and_predicts_the_same(hpo, fits, kept_once, splits):
    before = predicted(best_of(kept_once), splits)
    (lost,) = runs.models(best_of(kept_once))
    MlflowClient().delete_logged_model(lost)
    again = hpo(3, kept=1)
    assert fits.take() == (0, 1)
    (made,) = runs.models(best_of(again))
    assert made != lost
    np.testing.assert_array_equal(predicted(best_of(again), splits), before)


def test_a_model_that_was_not_logged_completely_is_fitted_again(hpo, fits, kept_once, monkeypatch):
    plain = trial_runs.finished_trials

    def without_size(*given: str) -> dict[int, Run]:
        found = plain(*given)
        for run in found.values():
            run.data.metrics.pop("model_bytes", None)
        return found

    monkeypatch.setattr(trial_runs, "finished_trials", without_size)
    again = hpo(3, kept=1)
    assert fits.take() == (0, 1)
    assert "model_bytes" in best_of(again).data.metrics


def test_the_copy_of_a_trial_that_has_a_model_is_read_back(hpo, fits):
    hpo(3, keep=False)
    fits.take()
    hpo(3, kept=1)
    assert fits.take() == (0, 1)
    hpo(3, keep=False)
    hpo(3, kept=1)
    assert fits.take() == (0, 0)


def test_more_models_are_kept_by_fitting_those_that_are_missing(hpo, fits, kept_once):
    again = hpo(3, kept=2)
    assert fits.take() == (0, 1)
    assert sum(bool(runs.models(run)) for run in again.trials.values()) == 2


def test_models_of_folds_are_fitted_once_to_be_kept(hpo, fits):
    first = hpo(2, how="cv:3")
    assert fits.take() == (2, 1)
    again = hpo(2, how="cv:3")
    assert fits.take() == (0, 0)
    assert told(again) == told(first)
    assert "val_rmse_std" in first.study.trials[0].metrics


def test_trials_of_folds_keep_how_far_they_were_from_the_truth(hpo):
    trial = hpo(1, how="cv:3").study.best[0]
    kept = mlflow.artifacts.load_dict(f"runs:/{trial.run.info.run_id}/residuals.json")
    data = hpo.trainer("cv:3").data
    assert kept["count"] == len(data.y)  # each row was left out once
    assert len(kept["kept"]) <= kept["count"]
    rmse = np.sqrt(np.mean(np.square(kept["kept"])))
    assert rmse == pytest.approx(trial.metrics["val_rmse"], rel=0.2)  # the mean of the folds'
    assert not mlflow.artifacts.list_artifacts(run_id=hpo(1).study.best[0].run.info.run_id)


@contextmanager
def failing(
    monkeypatch: pytest.MonkeyPatch, method: str, which: Callable[[int], bool], error: object
) -> Iterator[None]:
    """Make some of the estimator's calls raise an error, or return a number."""
    estimator = type(LINEAR.estimator("regression", 42))
    plain, calls = getattr(estimator, method), []

    def broken(self: object, x: object, *given: object, **named: object) -> object:
        calls.append(x)
        if not which(len(calls) - 1):
            return plain(self, x, *given, **named)
        if isinstance(error, BaseException):
            raise error
        return np.full(x.shape[0], error)

    with monkeypatch.context() as patch:
        patch.setattr(estimator, method, broken)
        yield


TOO_MUCH = MemoryError("Unable to allocate 931. GiB")
BROKEN = [
    ("fit", ValueError("Singular\nmatrix"), "cannot be fitted", "Singular matrix"),
    ("fit", TOO_MUCH, "cannot be fitted", "931. GiB"),
    ("predict", TOO_MUCH, "cannot predict", "931. GiB"),
    ("predict", np.nan, "predicts no number", ""),
    ("predict", np.inf, "predicts no number", ""),
]


@pytest.mark.parametrize(("method", "error", "says", "reason"), BROKEN)
def test_a_failing_trial_leaves_its_reason_and_the_search_goes_on(
    hpo, monkeypatch, method, error, says, reason
):
    with failing(monkeypatch, method, lambda n: n == 1, error):
        done = hpo(3, keep=False)
    assert [run.info.status for run in done.trials.values()] == ["FINISHED", "FAILED", "FINISHED"]
    said = done.trials["trial-001"].data.tags[names.ERROR_TAG]
    assert said.startswith("linear ")
    assert says in said
    assert reason in said
    assert "\n" not in said
    assert names.ERROR_TAG not in done.trials["trial-002"].data.tags
    assert "val_rmse" not in done.trials["trial-001"].data.metrics
    assert [one.number for one in done.study.trials] == [0, 2]
    assert done.run.info.status == "RUNNING"
    assert MlflowClient().get_run(done.run.info.run_id).info.status == "FINISHED"


def test_a_metric_that_is_nan_fails_the_trial(hpo, monkeypatch):
    plain = cross_validation.score

    def scored(*given: object) -> dict[str, float]:
        return plain(*given) | {"val_rmse": float("nan")}

    with monkeypatch.context() as patch:
        patch.setattr(cross_validation, "score", scored)
        with hpo.study() as (run, study):
            assert study.trial(LINEAR, "all", {"alpha": 1.0}) is None
    (trial,) = runs.children(run)
    assert trial.info.status == "FAILED"
    assert "has val_rmse nan" in trial.data.tags[names.ERROR_TAG]
    assert study.trials == []


def test_a_failed_trial_is_reported_in_one_line(hpo, monkeypatch, capsys):
    with failing(monkeypatch, "fit", lambda n: n == 0, TOO_MUCH):
        hpo(2, keep=False)
    lines = [line for line in capsys.readouterr().out.splitlines() if "failed" in line]
    assert len(lines) == 1
    assert lines[0].startswith("[hpo] trial-000 failed: linear cannot be fitted")


def test_verbose_output_has_a_line_for_every_trial(hpo, monkeypatch, capsys):
    hpo(1, keep=False)
    capsys.readouterr()
    monkeypatch.setattr(terminal, "_verbose", True)
    done = hpo(2, keep=False)
    lines = [line for line in capsys.readouterr().out.splitlines() if "trial-" in line]
    assert len(lines) == 2
    for line, trial, did in zip(lines, done.study.trials, ("read back", "fitted"), strict=True):
        score, alpha = trial.metrics["val_rmse"], trial.suggestion["alpha"]
        said = f"linear val_rmse {score:.6g} with alpha {alpha:.4g}; {did}"
        assert line.startswith(f"[hpo] trial-{trial.number:03d} {said}  (")


def test_the_best_score_up_to_now_is_shown(hpo, monkeypatch, capsys):
    monkeypatch.setattr(terminal, "EVERY", 0.0)
    done = hpo(3, keep=False)
    lines = [line for line in capsys.readouterr().out.splitlines() if "of 5 trials" in line]
    scores = [one.metrics["val_rmse"] for one in done.study.trials]
    assert lines == [
        f"[hpo] {n} of 5 trials, best val_rmse {min(scores[:n]):.6g}" for n in (1, 2, 3)
    ]


def test_a_failed_trial_is_tried_again_by_the_next_search(hpo, fits, monkeypatch):
    with failing(monkeypatch, "fit", lambda n: n == 1, TOO_MUCH):
        hpo(3, keep=False)
    fits.take()
    done = hpo(3, keep=False)
    assert fits.take()[0] >= 1
    assert all(run.info.status == "FINISHED" for run in done.trials.values())


def test_too_many_failures_in_a_row_end_the_search_with_the_reason(hpo, monkeypatch):
    with (
        failing(monkeypatch, "fit", lambda n: n >= 1, TOO_MUCH),
        pytest.raises(WorkflowError) as caught,
    ):
        hpo(20)
    assert str(caught.value).startswith(
        f"{MOST_FAILURES} trials in a row have failed, trial-005: linear cannot be fitted with "
    )
    assert "931. GiB" in str(caught.value)
    (run,) = [one for one in _searches(hpo)]
    assert run.info.status == "FAILED"
    statuses = [one.info.status for one in runs.children(run)]
    assert statuses == ["FINISHED", *["FAILED"] * MOST_FAILURES]
    assert all(names.ERROR_TAG in one.data.tags for one in runs.children(run)[1:])


@pytest.mark.parametrize("max_evals", [1, MOST_FAILURES - 1])
def test_a_search_without_a_finished_trial_fails_with_the_reason(hpo, monkeypatch, max_evals):
    with (
        failing(monkeypatch, "fit", lambda _: True, TOO_MUCH),
        pytest.raises(WorkflowError) as caught,
    ):
        hpo(max_evals)
    line = str(caught.value)
    assert line.startswith(
        f"{max_evals} of {max_evals} trials have failed, trial-00{max_evals - 1}: "
        "linear cannot be fitted with "
    )
    assert "931. GiB" in line
    assert "\n" not in line
    (run,) = _searches(hpo)
    assert run.info.status == "FAILED"


def _searches(hpo: Hpo) -> list[Run]:
    return MlflowClient().search_runs([hpo.experiment], "tags.`workflow.step` = 'hpo'")


def test_failures_that_are_not_in_a_row_do_not_end_the_search(hpo, monkeypatch):
    monkeypatch.setattr(trials, "MOST_FAILURES", 2)
    with failing(monkeypatch, "fit", lambda n: n % 2 == 1, TOO_MUCH):
        done = hpo(5, keep=False)
    assert [one.number for one in done.study.trials] == [0, 2, 4]
    assert done.study.failed == 2


@pytest.mark.parametrize("error", [KeyboardInterrupt(), ZeroDivisionError()])
def test_an_unexpected_error_ends_the_search(hpo, monkeypatch, error):
    monkeypatch.setattr(mlflow, "log_metrics", _raising(error))
    with hpo.study() as (run, study), pytest.raises(type(error)):
        study.trial(LINEAR, "all", {"alpha": 1.0})
    (trial,) = runs.children(run)
    assert trial.info.status == "FAILED"


def _raising(error: BaseException) -> Callable[..., None]:
    def raising(*_: object, **__: object) -> None:
        raise error

    return raising


@pytest.mark.parametrize("kept", [1, 2])
def test_memory_holds_no_more_models_than_are_kept(hpo, monkeypatch, kept):
    alive, most, plain = weakref.WeakSet(), [], trainer.fit_model

    def noted(*given: object) -> object:
        most.append(len(alive))
        alive.add(model := plain(*given))
        return model

    monkeypatch.setattr(trainer.Model, "__hash__", object.__hash__)
    monkeypatch.setattr(trainer, "fit_model", noted)
    hpo(4, kept=kept, keep=False)
    assert max(most) == kept
    assert len(most) == 4


def test_of_equal_losses_the_earlier_trial_is_the_better_one(hpo):
    with hpo.study(kept=2) as (_, study):
        for _ in range(3):
            study.trial(LINEAR, "all", {"alpha": 1.0})
    assert [one.number for one in study.best] == [0, 1]


def test_where_a_larger_metric_is_better_the_largest_is_the_best(trainers, experiment):
    with step.run("hpo"), Progress("hpo", 3) as progress:
        study = Study(
            {"all": trainers()}, validation="holdout", metric=METRICS["regression"]["r2"], kept=1,
            earlier={}, progress=progress,
        )  # fmt: skip
        for alpha in (1e6, 0.1, 1e4):
            study.trial(LINEAR, "all", {"alpha": alpha})
    assert study.best[0].number == 1
    assert study.best[0].loss == -study.best[0].metrics["val_r2"]


def test_the_chosen_features_are_logged_if_there_are_several(trainers, experiment, fits):
    narrow = {"all": trainers(), "miles": Trainer(trainers().data.using({"miles": "miles"}))}

    def both(earlier: dict[int, Run]) -> tuple[Run, list[Trial]]:
        tags = {names.SEARCH_TAG: "sets"}
        with step.run("hpo", **tags) as run, Progress("hpo", 2) as progress:
            study = Study(
                narrow, validation="holdout", metric=RMSE, kept=1, earlier=earlier,
                progress=progress,
            )  # fmt: skip
            for features in ("all", "miles"):
                study.trial(LINEAR, features, {"alpha": 1.0})
        assert [study.chosen(one)[names.FEATURES] for one in study.trials] == ["all", "miles"]
        return run, study.trials

    run, first = both({})
    assert [one.data.params[names.FEATURES] for one in runs.children(run)] == ["all", "miles"]
    assert first[0].loss != first[1].loss
    fits.take()
    _, again = both(trial_runs.finished_trials("sets", experiment))
    assert fits.take() == (0, 0)
    assert [one.loss for one in again] == [one.loss for one in first]
