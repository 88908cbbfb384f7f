"""What helps those who contribute, against what it speaks of."""

import configparser
import re

import pytest
import yaml
from conftest import ROOT, kind_of

MARKERS = ("unit", "e2e", "browser", "faults")


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("tests/workflow/data/test_readers.py", "unit"),
        ("tests/sql_features/test_transformer.py", "unit"),
        ("workflow/binning.py", "unit"),  # a doctest
        ("tests/test_workflow.py", "e2e"),
        ("tests/browser/test_report.py", "browser"),
        ("tests/faults/test_sigkill.py", "faults"),
    ],
)
def test_the_folder_of_a_test_says_its_kind(path, kind):
    assert kind_of(ROOT / path) == kind


def test_every_kind_of_test_is_a_registered_marker():
    ini = configparser.ConfigParser()
    ini.read(ROOT / "pytest.ini")
    lines = ini["pytest"]["markers"].strip().splitlines()
    assert tuple(line.partition(":")[0] for line in lines) == MARKERS


def test_hooks_need_no_network():
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    assert {repo["repo"] for repo in config["repos"]} == {"local"}
    hooks = [hook for repo in config["repos"] for hook in repo["hooks"]]
    assert {hook["entry"].split()[0] for hook in hooks} == {"ruff", "mypy"}
    assert {hook["language"] for hook in hooks} == {"system"}


def test_github_runs_the_same_script_as_everybody():
    jobs = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())["jobs"]
    commands = [step["run"] for job in jobs.values() for step in job["steps"] if "run" in step]
    assert commands == [".ci/run"]


@pytest.mark.parametrize("name", ["bug", "feature"])
def test_issue_forms_have_what_github_asks_of_them(name):
    form = yaml.safe_load((ROOT / f".github/ISSUE_TEMPLATE/{name}.yml").read_text())
    assert form["name"] and form["description"]
    ids = [field["id"] for field in form["body"]]
    assert len(set(ids)) == len(ids)
    for field in form["body"]:
        assert field["type"] in {"textarea", "input", "dropdown"}
        assert field["attributes"]["label"]


def test_no_project_file_is_in_the_root_for_uv_to_find():
    assert not {"pyproject.toml", "uv.lock"} & {path.name for path in ROOT.iterdir()}


@pytest.mark.parametrize("document", ["CONTRIBUTING.md", "docs/architecture.md"])
def test_every_file_that_a_recipe_names_exists(document):
    text = (ROOT / document).read_text()
    named = set(re.findall(r"(?<![\w/.])(?:[\w.-]+/)*[\w.-]+\.(?:py|md|yaml|ini|j2|toml)\b", text))
    named |= set(re.findall(r"`([\w.-]+/[\w./-]*)`", text))
    named -= {"pyproject.toml", "dataset.yaml"}  # which is not there on purpose; an artifact
    assert len(named) > 15
    folder = (ROOT / document).parent
    assert [one for one in named if not any((at / one).exists() for at in (ROOT, folder))] == []


def test_the_links_of_the_recipes_lead_somewhere():
    text = (ROOT / "CONTRIBUTING.md").read_text()
    for file, heading in re.findall(r"\]\((?!https?:)([^)#]*)#?([^)]*)\)", text):
        page = ROOT / file if file else ROOT / "CONTRIBUTING.md"
        titles = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
        slugs = {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}
        assert not heading or heading in slugs
