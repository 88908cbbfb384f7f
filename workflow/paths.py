"""Where the project's own files are: the one place that knows how deep its modules lie."""

from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
CONDA = PROJECT / "conda.yaml"
MLPROJECT = PROJECT / "MLproject"
PACKAGES = ("steps", "workflow", "sql_features")  # that hold its code
SQL_FEATURES = PROJECT / "sql_features"  # what each logged model carries of it
DATASETS = PROJECT / "datasets"  # the shipped ones
