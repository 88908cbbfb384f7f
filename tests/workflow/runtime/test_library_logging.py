import logging
import os
import signal
import sqlite3
import warnings
from collections.abc import Iterator

import pytest
import sqlalchemy
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from workflow.runtime import library_logging
from workflow.runtime.library_logging import LEVEL, LIBRARIES, URLS, WORSE
from workflow.runtime.signals import Interrupted


@pytest.fixture(autouse=True)
def as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put back what the module changes: levels, filters, variables."""
    for name in (LEVEL, URLS, "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    levels = {name: logging.getLogger(name).level for name in (*LIBRARIES, *WORSE, None)}
    handlers = list(logging.getLogger().handlers)
    with warnings.catch_warnings():
        yield
    logging.getLogger().handlers = handlers
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def says(library: str, level: int) -> bool:
    return logging.getLogger(library).isEnabledFor(level)


@pytest.mark.parametrize("library", LIBRARIES)
def test_information_of_a_library_is_silent_and_warnings_are_not(library):
    library_logging.silence()
    assert not says(library, logging.INFO)
    assert says(library, logging.WARNING)


def test_retries_and_the_inside_of_mlflows_store_are_silent():
    library_logging.silence()
    assert not says("urllib3.connectionpool", logging.WARNING)
    assert says("urllib3.connectionpool", logging.ERROR)
    assert not says("mlflow.store.db.utils", logging.ERROR)
    assert says("mlflow.store.tracking", logging.ERROR)


def test_a_query_that_is_interrupted_is_not_told_of(caplog):
    class Cursor(sqlite3.Cursor):
        def fetchall(self) -> list:
            if self.description[0][0] == "interrupted":
                raise Interrupted(signal.SIGTERM)
            return super().fetchall()

    class Connection(sqlite3.Connection):
        def cursor(self) -> Cursor:
            return super().cursor(Cursor)

    class Base(DeclarativeBase):
        pass

    class Row(Base):
        __tablename__ = "rows"
        interrupted: Mapped[int] = mapped_column(primary_key=True)

    library_logging.silence()
    engine = sqlalchemy.create_engine("sqlite://", connect_args={"factory": Connection})
    Base.metadata.create_all(engine)
    with Session(engine) as session, pytest.raises(Interrupted):
        session.scalars(sqlalchemy.select(Row)).all()
    assert caplog.records == []


def test_the_logging_level_set_for_mlflow_is_heeded(monkeypatch):
    monkeypatch.setenv(LEVEL, "DEBUG")
    logging.getLogger("mlflow").setLevel(logging.DEBUG)  # as `import mlflow` does
    library_logging.silence()
    assert says("mlflow.projects", logging.DEBUG)


def test_one_warning_is_silenced_by_name_and_no_other(recwarn):
    library_logging.silence()
    warnings.warn("The least populated class in y has only 1 member", UserWarning, stacklevel=1)
    assert not recwarn.list
    warnings.warn("The least populated class in y is odd", FutureWarning, stacklevel=1)
    warnings.warn("lbfgs failed to converge", UserWarning, stacklevel=1)
    assert [str(one.message) for one in recwarn.list] == [
        "The least populated class in y is odd", "lbfgs failed to converge",
    ]  # fmt: skip


def test_what_the_user_has_set_stays(monkeypatch):
    monkeypatch.setenv(URLS, "false")
    library_logging.silence()
    assert os.environ[URLS] == "false"


@pytest.mark.parametrize("library", [*LIBRARIES, *WORSE, "any.other"])
def test_what_libraries_log_is_shown_with_verbose(library):
    library_logging.silence()
    library_logging.show()
    assert says(library, logging.INFO)
    assert not says(library, logging.DEBUG)


def test_every_warning_is_shown_with_verbose(recwarn):
    library_logging.silence()
    library_logging.show()
    for kind in (UserWarning, DeprecationWarning):
        warnings.warn("The least populated class in y has only 1 member", kind, stacklevel=1)
    assert [one.category for one in recwarn.list] == [UserWarning, DeprecationWarning]


@pytest.mark.parametrize(
    ("store", "kept_back"), [("http://host:5000", "false"), ("http://me:hush@host", "true")]
)
def test_mlflow_prints_no_page_whose_address_has_a_password(monkeypatch, store, kept_back):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
    library_logging.show()
    assert os.environ[URLS] == kept_back
