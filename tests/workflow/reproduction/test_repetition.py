import subprocess

import pytest
from finished_workflows import COMMIT, workflow_runs

from sql_features.errors import WorkflowError
from workflow.reproduction import recipe
from workflow.reproduction.recipe import Recipe
from workflow.reproduction.repetition import check_out, check_recipe, parameters


def of_folder(folder, commit: str = COMMIT) -> Recipe:
    return Recipe(source=str(folder), commit=commit, uncommitted=0, version="0.1.0", parameters={})


def git(folder, *words: str) -> str:
    who = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    return subprocess.check_output(["git", *who, *words], cwd=folder, text=True).strip()


@pytest.fixture
def repository(tmp_path):
    """A repository with the project in a folder of it, and two commits."""
    folder = tmp_path / "repository"
    (folder / "project").mkdir(parents=True)
    git(folder, "init", "-q")
    for text in ("first", "second"):
        (folder / "project" / "MLproject").write_text(text)
        git(folder, "add", ".")
        git(folder, "commit", "-q", "-m", text)
    return folder


def test_the_recorded_commit_of_a_folder_in_a_repository_is_checked_out(repository, tmp_path):
    commit = git(repository, "rev-parse", "HEAD~1")
    project = check_out(of_folder(repository / "project", commit), tmp_path / "code")
    assert project == tmp_path / "code" / "project"
    assert (project / "MLproject").read_text() == "first"
    assert git(repository, "status", "--porcelain") == ""


@pytest.mark.parametrize(
    "where, why",
    [("", "unable to read tree|not a tree|reference is not"), ("gone", "no such fold")],
)
def test_a_commit_that_is_not_there_is_one_line(repository, tmp_path, where, why):
    with pytest.raises(WorkflowError, match=why) as caught:
        check_out(of_folder(repository / where), tmp_path / "code")
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith("Give code=here to compare the version with what the code "
                                      "of this folder makes.")  # fmt: skip


@pytest.mark.parametrize(
    "tags, line",
    [
        ({"workflow.uncommitted": "2"}, "^2 changed files of the project were in no commit"),
        ({"mlflow.source.git.commit": None}, "was in no git repository"),
    ],
)
def test_code_that_no_commit_has_is_refused(tags, line):
    with pytest.raises(WorkflowError, match=line):
        check_recipe(recipe.read(workflow_runs(tags=tags)))


def test_a_time_limit_is_repeated_as_the_number_of_trials_it_gave():
    params = {"timeout": "60", "max_evals": "100", "validation": "cv:5", "data": "'/my data'"}
    workflow = workflow_runs(params=params)
    given = parameters(recipe.read(workflow), workflow, trials=7)
    assert given["timeout"] == "none" and given["max_evals"] == "7"
    assert (given["validation"], given["data"]) == ("cv:5", "/my data")


def test_without_a_time_limit_all_trials_are_asked_for_again():
    workflow = workflow_runs(params={"timeout": "none", "max_evals": "9", "validation": "holdout"})
    assert parameters(recipe.read(workflow), workflow, trials=7)["max_evals"] == "9"
