"""What libraries log and warn of: kept back, or shown with `verbose=true`."""

import logging
import os
import warnings

from workflow import addresses

LEVEL = "MLFLOW_LOGGING_LEVEL"  # MLflow's own variable; where the user sets it, it is heeded
URLS = "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT"
LIBRARIES = ("alembic", "fsspec", "hyperopt", "matplotlib", "mlflow")  # they log much at INFO
# These log worse things than INFO that the user need not read: each retry as a warning, a store's
# errors with hundreds of lines of traceback, an interrupted query with its cursor.
WORSE = {
    "urllib3": logging.ERROR,
    "mlflow.store.db.utils": logging.CRITICAL,
    "sqlalchemy.pool": logging.CRITICAL,
}


def silence() -> None:
    """Keep back what libraries log below a warning, and what the project says itself."""
    os.environ.setdefault(URLS, "true")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    for library in LIBRARIES:
        if library != "mlflow" or LEVEL not in os.environ:
            logging.getLogger(library).setLevel(logging.WARNING)
    for library, level in WORSE.items():
        logging.getLogger(library).setLevel(level)
    # The checks of preprocess tell of rare classes.
    warnings.filterwarnings("ignore", "The least populated class in y", UserWarning)


def show() -> None:
    """Show what all libraries log from INFO on, and all warnings."""
    # MLflow would print the address of a run's page with the password of the store in it.
    store = os.environ.get("MLFLOW_TRACKING_URI", "")
    os.environ[URLS] = str(addresses.has_user(store)).lower()
    form = "%(asctime)s %(levelname)s %(name)s: %(message)s"
    logging.basicConfig(format=form, datefmt="%Y/%m/%d %H:%M:%S")
    logging.getLogger().setLevel(logging.INFO)
    for library in (*LIBRARIES, *WORSE):
        logging.getLogger(library).setLevel(logging.INFO)
    warnings.simplefilter("default")
