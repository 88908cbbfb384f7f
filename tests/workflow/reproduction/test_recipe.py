import shlex

from finished_workflows import COMMIT, workflow_runs

from workflow.reproduction import recipe
from workflow.reproduction.recipe import Recipe


def repeated(**given: object) -> Recipe:
    return recipe.read(workflow_runs(**given))


def test_the_command_has_the_commit_and_every_parameter_quoted():
    found = repeated(params={"data": "'/data/my houses.csv'", "target": "price", "seed": "42"})
    command = found.command.replace(" \\\n ", "")
    assert command.startswith(f"mlflow run https://host/org/project -v {COMMIT} --env-manager uv")
    words = shlex.split(command)
    assert "data=/data/my houses.csv" in words
    assert words.index("data=/data/my houses.csv") < words.index("target=price")
    assert words.index("target=price") < words.index("seed=42")  # as MLproject declares them
    assert {word.partition("=")[0] for word in words[words.index("-P") + 1 :: 2]} == set(
        found.parameters
    )


def test_code_from_a_folder_is_cloned_at_its_commit():
    folder = {"mlflow.source.name": "file:///home/me/project", "mlflow.source.git.repoURL": ""}
    command = repeated(tags=folder).command.replace(" \\\n ", "")
    assert command.startswith(
        f"git clone /home/me/project project && git -C project checkout {COMMIT} && "
        "mlflow run project --env-manager uv"
    )


def test_code_without_a_commit_is_run_where_it_was():
    tags = {"mlflow.source.git.commit": None, "mlflow.source.git.repoURL": None}
    found = repeated(tags=tags | {"mlflow.source.name": "file:///home/me/my project"})
    assert found.command.startswith("mlflow run '/home/me/my project' --env-manager uv \\\n  -P ")


def test_a_password_in_the_address_of_the_code_is_left_out():
    found = repeated(tags={"mlflow.source.git.repoURL": "https://me:secret@host/org/project"})
    assert found.source == "https://host/org/project"
    assert "secret" not in found.command
