"""Results of finished steps: recorded, found again by their key, and shown in a later workflow."""

from dataclasses import asdict
from typing import Any

import mlflow
from mlflow.entities import Run
from mlflow.tracking import MlflowClient

from workflow import parameters
from workflow.parameters import NONE
from workflow.tracking import artifacts, environment, model_versions, names, runs, source_files
from workflow.tracking.cache_key import Ingredients, differences, key

SHOWN = 3  # differences that are named; the others are counted
FIRST = "the first in this experiment"
# Only the run that did the work has them.
OWN_TAGS = (names.KEY_TAG, names.REASON_TAG, names.PROCESS_TAG, names.DECIDED_ON_TAG)
NEWEST = ["attributes.start_time DESC"]


def ingredients(
    step: str, given: dict[str, str], contents: dict[str, str] | None = None
) -> Ingredients:
    """Return what a step's result would depend on if the step were run now.

    A run that is given as an input counts by its own key: two runs of one key hold the same.

    Args:
        step: The entry point, whose module is `steps.<step>`.
        given: Its parameters, paths made absolute.
        contents: What is known of the content of inputs that are no runs, by name.
    """
    plain, inputs = {name: str(text) for name, text in given.items()}, dict(contents or {})
    if "splits" in plain:
        inputs["splits"] = _key_of(plain.pop("splits").removeprefix("runs:/").partition("/")[0])
    if "candidates" in plain:
        ids = parameters.items("candidates", plain.pop("candidates"))
        inputs["candidates"] = ",".join(_key_of(one) for one in ids)
    return Ingredients(
        step=step,
        parameters=plain,
        inputs=inputs,
        code=source_files.of(f"steps.{step}"),
        environment=environment.installed(),
    )


def record(run: Run, ingredients: Ingredients) -> None:
    """Log what a step's result depends on and consists of.

    It is written last, right before the run is FINISHED: a run without it is not complete.
    """
    client = MlflowClient()
    children = runs.children(run)
    models = {id for child in children for id in runs.models(child)}
    if winner := client.get_run(run.info.run_id).data.tags.get(names.WINNER_TAG):
        models |= set(runs.models(client.get_run(winner)))
    result = {
        "artifacts": runs.sizes(client.list_artifacts, run.info.run_id),
        "runs": [child.info.run_id for child in children],
        "models": {id: runs.model_files(id) for id in sorted(models)},
    }
    made = {"ingredients": asdict(ingredients), "result": result}
    client.log_dict(run.info.run_id, made, names.RECORD)


def find(ingredients: Ingredients, experiment_id: str, **at_least: int) -> tuple[Run | None, str]:
    """Look for the newest complete result of a step.

    Args:
        ingredients: What the result depends on.
        experiment_id: The experiment; results of others do not count.
        at_least: By name of a parameter that the key leaves out, the least value that the run must
            have had.

    Returns:
        The run and "", or None and why there is no such run, in words.
    """
    client = MlflowClient()
    same = f"tags.`{names.KEY_TAG}` = '{key(ingredients)}'"
    alike = client.search_runs([experiment_id], same, order_by=NEWEST)
    reasons = []
    for run in alike:
        if not (lacking := _lacking(client, run, at_least)):
            return run, ""
        reasons.append(lacking)
    if reasons:
        return None, reasons[0]
    step = f"tags.`{names.STEP_TAG}` = '{ingredients.step}' AND attributes.status = 'FINISHED'"
    for run in client.search_runs([experiment_id], step, order_by=NEWEST):
        if names.KEY_TAG in run.data.tags and (recorded := _recorded(run)):
            found = differences(Ingredients(**recorded["ingredients"]), ingredients)
            more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
            return None, "; ".join(found[:SHOWN]) + more
    return None, FIRST


def add_reused_run(run: Run, workflow: Run) -> None:
    """Make a child of a workflow's run that shows the result of an earlier run."""
    kept = {name: text for name, text in run.data.tags.items() if name not in OWN_TAGS}
    note = (
        "Not run again. Its artifacts and child runs are those of "
        f"[the run that made them]({runs.page(run)})."
    )
    changed = {
        names.REUSED_TAG: run.info.run_id,
        names.PARENT_TAG: workflow.info.run_id,
        names.NOTE_TAG: note,
    }
    runs.copy(run, kept | changed)


def _key_of(run_id: str) -> str:
    run = runs.get(run_id)  # where there is no such run, the step itself refuses it
    return run_id if run is None else run.data.tags.get(names.KEY_TAG, run_id)


def _lacking(client: MlflowClient, run: Run, at_least: dict[str, int]) -> str:
    """Return why a run of the same key cannot be reused, or "" if it can."""
    if run.info.status != "FINISHED":
        return f"run {run.info.run_id} of it is {run.info.status}"
    for name, least in at_least.items():
        if (was := int(run.data.params.get(name, 0))) < least:
            return f"{name} was {was}, is {least}"
    gone = f"of run {run.info.run_id} is gone"
    if (recorded := _recorded(run)) is None:
        return f"{names.RECORD} {gone}"
    result = recorded["result"]
    there = runs.sizes(client.list_artifacts, run.info.run_id)
    for path, size in result["artifacts"].items():
        if there.get(path) != size:
            return f"{path} {gone}"
    children = {child.info.run_id for child in runs.children(run)}
    if lost := set(result["runs"]) - children:
        return f"child run {lost.pop()} {gone}"
    for id, sizes in result["models"].items():
        # Records of 0.1.0 may have the file that MLflow adds when it loads a registered model.
        sizes.pop(runs.REGISTERED_META, None)
        if not sizes.items() <= (runs.model_files(id) or {}).items():
            return f"model {id} {gone}"
    if names.MODEL_TAG in run.data.tags:
        return _outdated(run.data.tags)
    return ""


def _outdated(tags: dict[str, str]) -> str:
    """Return why register has to decide again whether its version serves, or "" if not."""
    model, version = tags[names.MODEL_TAG], tags[names.VERSION_TAG]
    before, now = tags.get(names.CHAMPION_TAG), model_versions.champion(model) or NONE
    if now != version and model_versions.numbered(model, version) is None:
        return f"{model} version {version} is gone"
    return "" if now == before else f"champion of {model} was {before}, is {now}"


def _recorded(run: Run) -> dict[str, Any] | None:
    return artifacts.or_none(mlflow.artifacts.load_dict, f"runs:/{run.info.run_id}/{names.RECORD}")
