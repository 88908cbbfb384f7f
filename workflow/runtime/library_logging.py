"""What libraries say on their own account: silenced by name, or shown with `verbose=true`."""

import logging
import os
import warnings

LEVEL = "MLFLOW_LOGGING_LEVEL"  # MLflow's own; who sets it knows what they want to read
URLS = "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT"
LIBRARIES = ("alembic", "fsspec", "hyperopt", "matplotlib", "mlflow")  # which say much at INFO
# Each retry is a warning; what a store raises is also logged, with hundreds of lines of its inside;
# and a query that is interrupted, with how its cursor could not be closed.
WORSE = {
    "urllib3": logging.ERROR,
    "mlflow.store.db.utils": logging.CRITICAL,
    "sqlalchemy.pool": logging.CRITICAL,
}


def silence() -> None:
    """Keep back what is not about the user's table."""
    os.environ.setdefault(URLS, "true")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    for library in LIBRARIES:
        if library != "mlflow" or LEVEL not in os.environ:
            logging.getLogger(library).setLevel(logging.WARNING)
    for library, level in WORSE.items():
        logging.getLogger(library).setLevel(level)
    # Rare classes are said by preprocess, in its checks.
    warnings.filterwarnings("ignore", "The least populated class in y", UserWarning)


def show() -> None:
    """Let all libraries say what they have to, from INFO on."""
    os.environ[URLS] = "false"
    form = "%(asctime)s %(levelname)s %(name)s: %(message)s"
    logging.basicConfig(format=form, datefmt="%Y/%m/%d %H:%M:%S")
    logging.getLogger().setLevel(logging.INFO)
    for library in (*LIBRARIES, *WORSE):
        logging.getLogger(library).setLevel(logging.INFO)
    warnings.simplefilter("default")
