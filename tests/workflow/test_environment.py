from importlib.metadata import version

import pytest
import yaml
from packaging.requirements import Requirement

from workflow.environment import CONDA, pins, serving_environment
from workflow.logged_models import PACKAGES
from workflow.models import FAMILIES


def test_every_pin_is_an_exact_version_under_its_packages_name():
    for name, line in pins().items():
        requirement = Requirement(line)
        assert requirement.name == name
        assert [one.operator for one in requirement.specifier] == ["=="]


def test_the_pins_are_what_is_installed_here():
    for name in ("mlflow", "scikit-learn", "pandas", "duckdb", "skops"):
        assert pins()[name] == f"{name}=={version(name)}"


@pytest.mark.parametrize("family", FAMILIES.values(), ids=list(FAMILIES))
def test_everything_a_logged_model_needs_is_pinned(family):
    assert set(PACKAGES) | set(family.packages) <= set(pins())


def test_a_serving_environment_has_the_packages_and_every_other_pin_as_a_constraint(tmp_path):
    constraints = tmp_path / "pins.txt"
    conda = serving_environment(["duckdb", "pandas"], constraints)
    interpreter = [
        one for one in yaml.safe_load(CONDA.read_text())["dependencies"] if isinstance(one, str)
    ]
    wanted = [pins()["duckdb"], pins()["pandas"], f"-c {constraints}"]
    assert conda["dependencies"] == [*interpreter, {"pip": wanted}]
    assert constraints.read_text().splitlines() == list(pins().values())


def test_a_package_that_is_not_pinned_is_a_key_error(tmp_path):
    with pytest.raises(KeyError, match="polars"):
        serving_environment(["polars"], tmp_path / "pins.txt")
