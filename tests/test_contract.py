"""The files that people depend on, against the code that is behind them."""

import ast
import importlib
import re
import sys
from pathlib import Path

import pytest
import rattler
import yaml
from conftest import ROOT
from mlflow.utils.conda import _get_conda_env_name
from mlflow.utils.environment import _PythonEnv
from mlflow.utils.virtualenv import _get_virtualenv_name

from sql_features.errors import WorkflowError
from workflow import options
from workflow.models.families import FAMILIES, Estimator, Family
from workflow.models.search_space import Choice, Real, Whole
from workflow.paths import PACKAGES
from workflow.runtime.bootstrap import MODULES
from workflow.tracking import step

MLPROJECT = yaml.safe_load((ROOT / "MLproject").read_text())
ENTRY_POINTS = MLPROJECT["entry_points"]
CONDA = yaml.safe_load((ROOT / "conda.yaml").read_text())
PINS = next(one["pip"] for one in CONDA["dependencies"] if isinstance(one, dict))
CODE = [ROOT / "main.py", *(path for name in PACKAGES for path in (ROOT / name).rglob("*.py"))]

CONTRACT = {
    "main": {
        "dataset": "green_taxi", "data": "sample", "target": "none", "task": "auto",
        "split_by": "auto", "features": "all", "models": "linear,random_forest,lightgbm",
        "tune": "best", "max_evals": 15, "timeout": "none", "metric": "auto",
        "validation": "auto", "top_n": 5, "register_as": "auto", "promote": "if_better",
        "seed": 42, "reuse": "true", "verbose": "false",
    },
    "preprocess": {
        "dataset": "green_taxi", "data": "sample", "target": "none", "task": "auto",
        "split_by": "auto", "seed": 42, "verbose": "false",
    },
    "train": {
        "splits": None, "models": "linear,random_forest,lightgbm", "features": "all",
        "hyperparameters": "{}", "metric": "auto", "validation": "auto", "seed": 42,
        "verbose": "false",
    },
    "hpo": {
        "splits": None, "models": "linear,random_forest,lightgbm", "features": "all",
        "max_evals": 15, "timeout": "none", "metric": "auto", "validation": "auto", "top_n": 5,
        "seed": 42, "reuse": "true", "verbose": "false",
    },
    "register": {
        "splits": None, "candidates": None, "top_n": 5, "metric": "auto", "register_as": "auto",
        "promote": "if_better", "verbose": "false",
    },
    "predict": {
        "model": None, "data": None, "output": "auto", "keep": "none", "interval": "none",
        "invalid": "refuse", "overwrite": "false", "verbose": "false",
    },
    "reproduce": {"model": None, "code": "recorded", "verbose": "false"},
    "report": {"run": None, "verbose": "false"},
    "monitor": {
        "model": None, "data": None, "window": "none", "notify": "none", "fail_on": "alert",
        "verbose": "false",
    },
    "promote": {
        "model": None, "version": "challenger", "data": "auto", "rule": "if_better",
        "to": "none", "reason": "none", "verbose": "false",
    },
}  # fmt: skip


def command(entry_point: str):
    """Return the click command behind an entry point."""
    name = "main" if entry_point == "main" else f"steps.{entry_point}"
    return getattr(importlib.import_module(name), entry_point)


def test_the_entry_points_have_the_contracts_parameters_and_defaults():
    found = {
        name: {key: one.get("default") for key, one in entry["parameters"].items()}
        for name, entry in ENTRY_POINTS.items()
    }
    assert found == CONTRACT
    assert MLPROJECT["name"] == "tabular-workflow"


@pytest.mark.parametrize("entry_point", ENTRY_POINTS)
def test_every_declared_parameter_is_an_option_of_the_script(entry_point):
    declared = set(ENTRY_POINTS[entry_point]["parameters"])
    line = ENTRY_POINTS[entry_point]["command"]
    assert set(re.findall(r"--(\w+) \{\1\}", line)) == declared
    assert set(re.findall(r"\{(\w+)\}", line)) == declared
    taken = {one for option in command(entry_point).params for one in option.opts}
    assert taken == {f"--{name}" for name in declared}


@pytest.mark.parametrize("entry_point", ENTRY_POINTS)
def test_every_option_is_declared_once_and_has_no_default(entry_point):
    for option in command(entry_point).params:
        assert isinstance(option.type, options.Value), f"{option.name}: see workflow/options.py"
        assert option.required
        assert option.help


@pytest.mark.parametrize("entry_point", ENTRY_POINTS)
def test_no_default_is_empty(entry_point):
    """MLflow logs an empty default as two quotes."""
    for parameter in ENTRY_POINTS[entry_point]["parameters"].values():
        assert parameter.get("default", "given by the user") != ""


def given(entry_point: str, **other: str) -> list[str]:
    """Return what MLflow passes to an entry point of which nothing more is asked."""
    values = {name: str(default or "none") for name, default in CONTRACT[entry_point].items()}
    return [word for name, text in (values | other).items() for word in (f"--{name}", text)]


@pytest.mark.parametrize("entry_point", ENTRY_POINTS)
def test_verbose_is_no_part_of_what_a_result_depends_on(entry_point):
    with command(entry_point).make_context(entry_point, given(entry_point)):
        assert set(step.parameters()) == set(CONTRACT[entry_point]) - {"verbose"}


@pytest.mark.parametrize("entry_point", ENTRY_POINTS)
def test_verbose_is_read_before_all_other_options(entry_point):
    with pytest.raises(WorkflowError, match=r"^verbose='loud': give 'true' or 'false'\.$"):
        command(entry_point).main(given(entry_point, verbose="loud"), standalone_mode=False)


def test_the_steps_are_the_entry_points():
    steps = {path.stem for path in (ROOT / "steps").glob("*.py")} - {"__init__"}
    assert steps == set(ENTRY_POINTS) - {"main"}


def imports(path: Path) -> set[str]:
    """Return the dotted names that a file imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


# What no file imports by name: fsspec, pandas, skops' and MLflow's stores and flavors load them.
BEHIND = {
    "aiohttp",
    "boto3",
    "gcsfs",
    "s3fs",
    "lightgbm",
    "xgboost",
    "xgboost-cpu",
    "skops",
    "pyarrow",
    "scipy",
}
DISTRIBUTIONS = {module: package for package, module in MODULES.items()}


def test_conda_yaml_pins_by_hand_what_the_code_imports():
    top = {name.partition(".")[0] for path in CODE for name in imports(path)}
    third = top - set(sys.stdlib_module_names) - set(PACKAGES)
    head = (ROOT / "conda.yaml").read_text().partition("# Pulled in")[0]
    by_hand = set(re.findall(r"^ {6}- ([\w-]+)==", head, re.MULTILINE))
    assert by_hand == {DISTRIBUTIONS.get(name, name) for name in third} | BEHIND


def test_every_package_is_pinned_once_for_a_platform():
    for pin in PINS:
        assert re.fullmatch(r"[a-z0-9-]+==[\w.]+( ; .+)?", pin), pin
    plain = [pin for pin in PINS if ";" not in pin]
    assert len({pin.partition("==")[0] for pin in plain}) == len(plain)


def test_the_tests_run_on_the_pins_of_conda_yaml():
    locked = set((ROOT / "tests/requirements.txt").read_text().splitlines())
    names = {line.partition("==")[0] for line in PINS}
    same = {line.partition(" ;")[0] for line in locked if line.partition("==")[0] in names}
    assert same == {line.partition(" ;")[0] for line in PINS}


def test_conda_itself_can_read_the_file():
    specs = [one for one in CONDA["dependencies"] if isinstance(one, str)]
    assert [rattler.MatchSpec(one, strict=True).name.normalized for one in specs] == [
        "python", "pip",
    ]  # fmt: skip
    assert CONDA["channels"] == ["conda-forge"]


def test_a_changed_pin_gives_every_manager_a_new_environment(tmp_path):
    def names(path: Path) -> tuple[str, str]:
        python = _PythonEnv.from_conda_yaml(str(path))
        return _get_conda_env_name(str(path)), _get_virtualenv_name(python, path.parent)

    before = (ROOT / "conda.yaml").read_text()
    for pin in (PINS[0], PINS[-1]):  # one changed by hand, one by lock.py
        changed = tmp_path / "conda.yaml"
        changed.write_text(before.replace(pin, f"{pin}.post1"))
        for old, new in zip(names(ROOT / "conda.yaml"), names(changed), strict=True):
            assert old != new


def test_the_readme_pins_the_environments_mlflow_and_uv():
    readme = (ROOT / "README.md").read_text()
    tools = (ROOT / "tests/requirements.in").read_text()
    versions = set(re.findall(r"mlflow==([\d.]+)", readme))
    assert versions == {pin.partition("==")[2] for pin in PINS if pin.startswith("mlflow==")}
    assert set(re.findall(r"uv==([\d.]+)", readme)) == set(re.findall(r"uv==([\d.]+)", tools))


def test_the_readme_names_every_parameter_of_main_with_its_default():
    readme = (ROOT / "README.md").read_text()
    rows = dict(re.findall(r"^\| `(\w+)` \| `([^`]+)` \|", readme, re.MULTILINE))
    assert rows == {name: str(default) for name, default in CONTRACT["main"].items()}


def family_row(family: Family, estimator: Estimator) -> str:
    """Return a family's row of a table in docs/models.md: of values, or of classes."""

    def domain(name: str, one: Whole | Real | Choice) -> str:
        if isinstance(one, Choice):
            return f"`{name}` {' or '.join(map(str, one.options))}"
        return f"`{name}` {one.low:g} to {one.high:g}" + (" (log)" if one.log else "")

    technical = {"n_jobs", "verbose", "deterministic", "force_row_wise"}
    defaults = [f"`{k}` {v}" for k, v in estimator.defaults.items() if k not in technical]
    how = [family.encoding.few, family.encoding.many, family.encoding.number]
    cells = [
        f"`{family.name}`",
        f"`{estimator.path.rpartition('.')[2]}`",
        *(one.replace("_", "-") for one in how),
        ", ".join(defaults),
        ", ".join(domain(*one) for one in estimator.space.items()),
    ]
    return f"| {' | '.join(cells)} |"


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("task", ["regression", "binary"])
def test_the_documents_say_of_every_family_what_the_code_does(name, task):
    row = family_row(FAMILIES[name], FAMILIES[name].of(task))
    assert row in (ROOT / "docs/models.md").read_text().splitlines()


def commands(path: Path) -> list[str]:
    """Return the `mlflow run` commands of a document."""
    return re.findall(r"^ {0,4}(?:\$ )?(mlflow run .*)$", path.read_text(), re.MULTILINE)


@pytest.mark.parametrize(
    "path", [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))], ids=str
)
def test_every_mlflow_run_in_the_documents_is_a_valid_command(path):
    for line in commands(path):
        entry_point = (re.findall(r"-e (\w+)", line) or ["main"])[0]
        assert entry_point in ENTRY_POINTS, line
        given = set(re.findall(r"-P (\w+)=", line))
        assert given <= set(CONTRACT[entry_point]), line


@pytest.mark.parametrize(
    "path", [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))], ids=str
)
def test_every_link_of_the_documents_leads_to_a_file(path):
    links = re.findall(r"\]\(([^)]+)\)", path.read_text())
    for link in links:
        if "://" not in link:
            file, _, heading = link.partition("#")
            target = path.parent / file if file else path
            assert target.exists(), link
            if heading:
                names = re.findall(r"^#+ (.+)$", target.read_text(), re.MULTILINE)
                slugs = {re.sub(r"[^\w -]", "", name.lower()).replace(" ", "-") for name in names}
                assert heading in slugs, link


def test_ci_runs_the_readmes_test_command():
    readme = (ROOT / "README.md").read_text()
    start = readme.partition("## Start")[2].partition("\n## ")[0]
    assert len([line for line in start.splitlines() if line.endswith("pytest")]) == 1
    assert "README.md" in (ROOT / ".ci/run").read_text()
