import platform
import sys
from collections.abc import Iterator
from importlib import metadata
from importlib.metadata import version

import pytest
import yaml
from packaging.requirements import Requirement

from workflow.models.families import FAMILIES
from workflow.tracking.environment import CONDA, installed, pins, serving_environment
from workflow.tracking.logged_models import PACKAGES


def test_every_pin_is_an_exact_version_under_its_packages_name():
    for name, lines in pins().items():
        for requirement in map(Requirement, lines):
            assert requirement.name == name
            assert [one.operator for one in requirement.specifier] == ["=="]


def test_the_pins_are_what_is_installed_here():
    for name in ("mlflow", "scikit-learn", "pandas", "duckdb", "skops"):
        assert pins()[name] == [f"{name}=={version(name)}"]


@pytest.mark.parametrize("family", FAMILIES.values(), ids=list(FAMILIES))
def test_everything_a_logged_model_needs_is_pinned(family):
    assert set(PACKAGES) | set(family.packages) <= set(pins())


@pytest.mark.parametrize(
    ("platform", "package"),
    [("linux", "xgboost-cpu"), ("win32", "xgboost-cpu"), ("darwin", "xgboost")],
)
def test_a_model_of_xgboost_is_served_on_any_platform(tmp_path, platform, package):
    conda = serving_environment(list(FAMILIES["xgboost"].packages), tmp_path / "pins.txt")
    *lines, _ = conda["dependencies"][-1]["pip"]
    wanted = [Requirement(line) for line in lines]
    assert [one.name for one in wanted if one.marker.evaluate({"sys_platform": platform})] == [
        package
    ]


def test_a_serving_environment_constrains_all_other_pins(tmp_path):
    constraints = tmp_path / "pins.txt"
    conda = serving_environment(["duckdb", "pandas"], constraints)
    interpreter = [
        one for one in yaml.safe_load(CONDA.read_text())["dependencies"] if isinstance(one, str)
    ]
    wanted = [*pins()["duckdb"], *pins()["pandas"], f"-c {constraints}"]
    assert conda["dependencies"] == [*interpreter, {"pip": wanted}]
    lines = next(one["pip"] for one in yaml.safe_load(CONDA.read_text())["dependencies"][2:])
    assert sorted(constraints.read_text().splitlines()) == sorted(lines)


def test_a_package_that_is_not_pinned_is_a_key_error(tmp_path):
    with pytest.raises(KeyError, match="polars"):
        serving_environment(["polars"], tmp_path / "pins.txt")


@pytest.fixture
def forgotten() -> Iterator[None]:
    """What is installed is looked up once in a process."""
    installed.cache_clear()
    yield
    installed.cache_clear()


def test_installed_versions_include_python_and_the_platform():
    found = installed()
    assert found["python"] == platform.python_version()
    assert found["platform"] == f"{sys.platform}-{platform.machine()}"
    packages = set(found) - {"python", "platform", "conda.yaml"}
    assert packages <= set(pins())
    assert {name: version(name) for name in packages} == {name: found[name] for name in packages}


def test_every_package_pinned_for_this_platform_is_looked_up():
    wanted = [Requirement(line) for lines in pins().values() for line in lines]
    here = {one.name for one in wanted if one.marker is None or one.marker.evaluate()}
    assert here <= set(installed())


def test_the_version_is_the_one_installed_not_the_one_pinned(forgotten, monkeypatch):
    plain = metadata.version
    monkeypatch.setattr(
        metadata, "version", lambda name: "9.9" if name == "pandas" else plain(name)
    )
    assert installed()["pandas"] == "9.9"
    assert installed()["numpy"] == plain("numpy")


def test_a_changed_pin_alone_is_another_environment(forgotten, monkeypatch, tmp_path):
    before = installed()
    text = CONDA.read_text()
    assert "lightgbm==4.7.0" in text
    changed = tmp_path / "conda.yaml"
    changed.write_text(text.replace("lightgbm==4.7.0", "lightgbm==4.6.0"))
    monkeypatch.setattr("workflow.tracking.environment.CONDA", changed)
    installed.cache_clear()
    assert {name for name in before if before[name] != installed()[name]} == {"conda.yaml"}


def test_a_pinned_package_that_is_not_installed_is_left_out(forgotten, monkeypatch):
    plain = metadata.version

    def without(name: str) -> str:
        if name == "xgboost-cpu":
            raise metadata.PackageNotFoundError(name)
        return plain(name)

    monkeypatch.setattr(metadata, "version", without)
    assert "xgboost-cpu" not in installed()
    assert "pandas" in installed()


def test_every_version_is_a_text_that_can_be_written_as_json():
    assert all(type(one) is str and one for pair in installed().items() for one in pair)
