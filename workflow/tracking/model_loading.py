"""Logged models, loaded to predict raw rows: here, or in a process of their own.

Every model carries the `sql_features` it was logged with in its `code/`. A process can import only
one `sql_features`, and here that is the project's. So a model with the same code is loaded here; a
model of another version of the project is loaded in a child process that imports the model's own
code. Both predict exactly what a server would. Comments, docstrings and layout make no other code,
neither here nor in the key that a step is found again by: else a step could be reused whose models
are not loaded here any more.
"""

import os
import pickle
import subprocess
import sys
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeVar

import mlflow
import numpy as np
import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.models import Model, ModelSignature
from mlflow.pyfunc import FLAVOR_NAME
from sklearn.pipeline import Pipeline

from sql_features.errors import WorkflowError
from sql_features.labelled_pipeline import PREDICTION, PROBABILITY
from workflow.paths import SQL_FEATURES
from workflow.runtime import infrastructure_errors
from workflow.tracking import model_process, source_files
from workflow.tracking.logged_models import as_served
from workflow.tracking.model_process import in_one_line, labels_of

ENDING = 60.0  # seconds that a child process has to end after its pipe is closed


class UnfitRows(WorkflowError):
    """A model cannot predict some rows.

    Attributes:
        why: What the model says of it, in one line.
    """

    def __init__(self, uri: str, why: str) -> None:
        super().__init__(
            f"model '{uri}' cannot predict these rows ({why}). Give rows with the columns "
            "and types that it was trained on, or another model."
        )
        self.why = why


class ProcessError(Exception):
    """What the process of a model says of its error, or how it has ended, in one line."""


class LoadedModel(ABC):
    """A model in memory that predicts raw rows as a server would.

    It is a context manager: leaving it closes the model.

    Attributes:
        uri: What it was loaded by.
        signature: Of its raw columns and its answer.
        labels: (n_classes,) labels in the order of the probabilities; empty for a regression.
    """

    labels: list[Any]

    def __init__(self, uri: str, signature: ModelSignature) -> None:
        self.uri = uri
        self.signature = signature

    def predict(self, raw: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
        """Predict raw rows.

        Args:
            raw: (n_rows, any) frame with the model's raw columns; further columns are ignored.

        Returns:
            The answer as a frame with a column "prediction"; and the predictions as
            `scores.score` takes them: (n_rows,) values or (n_rows, n_classes) probabilities.

        Raises:
            UnfitRows: They do not fit the model, or its answer is none of this project's models.
        """
        needed = [spec.name for spec in self.signature.inputs if spec.required]
        if absent := [name for name in needed if name not in raw.columns]:
            raise self._refusal(f"it needs the columns {', '.join(absent)}")
        try:
            answer = self._answer(as_served(raw, self.signature))
        except ProcessError as error:
            raise self._refusal(str(error)) from error
        except (MlflowException, ValueError) as error:
            raise self._refusal(in_one_line(error)) from error
        if not self.labels:
            if isinstance(answer, np.ndarray) and answer.shape == (len(raw),):
                return pd.DataFrame({PREDICTION: answer}, index=raw.index), answer
        elif isinstance(answer, pd.DataFrame) and len(answer) == len(raw):
            probabilities = [f"{PROBABILITY}{label}" for label in self.labels]
            if list(answer) == [PREDICTION, *probabilities]:
                return answer, answer[probabilities].to_numpy()
        raise self._refusal("its answer is neither a value a row nor a label with probabilities")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *cause: object) -> None:
        self.close()

    @property
    def is_shared(self) -> bool:
        """Whether several threads may predict at once."""
        return False

    @property
    def is_alive(self) -> bool:
        """Whether it can still predict."""
        return True

    @abstractmethod
    def close(self) -> None:
        """Release what the model holds; it cannot predict any more."""

    @abstractmethod
    def _answer(self, rows: pd.DataFrame) -> Any:
        """Return the model's own answer for raw rows with the columns of its signature."""

    def _refusal(self, why: str) -> UnfitRows:
        return UnfitRows(self.uri, why)


class OwnModel(LoadedModel):
    """A model with this project's own code, in this process.

    Attributes:
        pipeline: SqlFeatures, encoding, estimator; fitted.
    """

    pipeline: Pipeline

    def __init__(self, uri: str, signature: ModelSignature, folder: Path) -> None:
        super().__init__(uri, signature)
        self.pipeline = mlflow.pyfunc.load_model(str(folder)).get_raw_model()
        self.labels = labels_of(self.pipeline)

    @property
    def is_shared(self) -> bool:
        """Whether several threads may predict at once."""
        return True

    def close(self) -> None:
        """Do nothing: the memory is released with the object."""

    def _answer(self, rows: pd.DataFrame) -> Any:
        # MLflow looks at each cell before it calls the pipeline: 30 seconds a million rows.
        return self.pipeline.predict(rows)


class ForeignModel(LoadedModel):
    """A model with other code, in a child process that ends with this one; one call at a time."""

    def __init__(self, uri: str, signature: ModelSignature, folder: Path) -> None:
        super().__init__(uri, signature)
        # The working directory of the child, and what the model prints.
        self._folder = tempfile.TemporaryDirectory(prefix="model-", ignore_cleanup_errors=True)
        self._printed = Path(self._folder.name, "printed.txt")
        # -P and no PYTHONPATH: nothing is imported but installed packages and the model's code.
        # -B: no bytecode is written beside that code, which may lie in the artifact store.
        # No MLFLOW_RUN_ID: the run is the owner's.
        script, owner = model_process.__file__, str(os.getpid())
        hidden = ("PYTHONPATH", "MLFLOW_RUN_ID")
        with self._printed.open("wb") as printed:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-B", script, str(folder), owner],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=printed,
                cwd=self._folder.name,
                env={name: text for name, text in os.environ.items() if name not in hidden},
            )
        assert self.process.stdin is not None and self.process.stdout is not None  # for mypy
        self._requests, self._answers = self.process.stdin, self.process.stdout
        try:
            self.labels = self._received()
        except BaseException:
            self.close()
            raise

    @property
    def is_alive(self) -> bool:
        """Whether its process has not ended."""
        return self.process.poll() is None

    def close(self) -> None:
        """End the child process."""
        self.process.kill()
        self.process.wait()
        for pipe in (self._requests, self._answers):
            with suppress(BrokenPipeError):  # the child has gone before it read everything
                pipe.close()
        self._folder.cleanup()

    def _answer(self, rows: pd.DataFrame) -> Any:
        try:
            pickle.dump(rows, self._requests, protocol=5)
            self._requests.flush()
        except OSError as error:  # BrokenPipeError
            raise ProcessError(self._ending()) from error
        return self._received()

    def _received(self) -> Any:
        """Return what the child sends next.

        Raises:
            ProcessError: It is an error, or the child has ended, or it is of a class that only the
                model's code has.
        """
        try:
            kind, value = pickle.load(self._answers)
        except (EOFError, pickle.UnpicklingError) as error:
            raise ProcessError(self._ending()) from error
        except Exception as error:
            self.process.kill()  # the rest of the answer is in the pipe
            raise ProcessError(in_one_line(error)) from error
        if kind == "error":
            raise ProcessError(value)
        return value

    def _ending(self) -> str:
        """Return in one line how the child has ended."""
        try:
            code = self.process.wait(ENDING)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        lines = self._printed.read_text(errors="replace").split("\n")
        last = next((line.strip() for line in reversed(lines) if line.strip()), "nothing printed")
        return f"its process has ended with code {code}: {last[: model_process.LONGEST]}"


Loaded = TypeVar("Loaded", bound=LoadedModel)


@dataclass(frozen=True)
class ModelFiles:
    """A logged model on this machine, not loaded yet.

    Attributes:
        uri: What it was brought here by.
        folder: Where its files are.
        metadata: Its MLmodel file.
    """

    uri: str
    folder: Path
    metadata: Model

    @property
    def has_own_code(self) -> bool:
        """Whether the model's code is this project's `sql_features` and nothing else."""
        code = self.metadata.flavors.get(FLAVOR_NAME, {}).get("code")
        own = {f"{SQL_FEATURES.name}/{name}": one for name, one in _contents(SQL_FEATURES).items()}
        return code is not None and _contents(self.folder / code) == own

    def load(self) -> LoadedModel:
        """Load the model in this process if it has this project's code, else in one of its own.

        Raises:
            WorkflowError: It cannot be loaded, or has no signature.
        """
        return self.load_here() if self.has_own_code else self._load(ForeignModel)

    def load_here(self) -> OwnModel:
        """Load a model that has this project's code.

        Raises:
            WorkflowError: It cannot be loaded, or has no signature.
        """
        return self._load(OwnModel)

    def _load(self, kind: Callable[[str, ModelSignature, Path], Loaded]) -> Loaded:
        signature = self.metadata.signature
        if signature is None or signature.inputs is None or signature.inputs.is_tensor_spec():
            raise _unloadable(self.uri, "it has no signature of columns")
        try:
            return kind(self.uri, signature, self.folder)
        except Exception as error:
            if infrastructure_errors.explain(error):
                raise
            why = str(error) if isinstance(error, ProcessError) else in_one_line(error)
            raise _unloadable(self.uri, why) from error


def load(uri: str) -> LoadedModel:
    """Load a logged model by any URI that `download` takes.

    Raises:
        WorkflowError: There is no such model, or it cannot be loaded.
    """
    return download(uri).load()


def download(uri: str) -> ModelFiles:
    """Bring a logged model's files to this machine.

    Args:
        uri: `models:/...`, `runs:/...`, or the path of a folder.

    Raises:
        WorkflowError: There is no such model, or its MLmodel file cannot be read.
    """
    try:
        folder = Path(mlflow.artifacts.download_artifacts(uri)).absolute()
        return ModelFiles(uri, folder, Model.load(folder))
    except Exception as error:
        if infrastructure_errors.explain(error):
            raise
        raise _unloadable(uri, in_one_line(error)) from error


def _unloadable(uri: str, why: str) -> WorkflowError:
    return WorkflowError(
        f"model '{uri}' cannot be loaded ({why}). Give another model, or train and register it "
        "again with this version of the project."
    )


def _contents(folder: Path) -> dict[str, str | bytes]:
    """Return what counts of each file below a folder by its path, compiled Python aside."""
    return {
        path.relative_to(folder).as_posix(): _content(path)
        for path in folder.rglob("*")
        if path.is_file() and path.parent.name != "__pycache__"
    }


def _content(path: Path) -> str | bytes:
    """Return the digest of a Python file's code, and of any other file its bytes."""
    if path.suffix == ".py":
        with suppress(SyntaxError, ValueError):  # it cannot be parsed: its bytes count
            return source_files.code_digest(path)
    return path.read_bytes()
