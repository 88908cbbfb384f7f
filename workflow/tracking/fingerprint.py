"""What a step's result would depend on if it were run now, looked up."""

from workflow.tracking import environment, runs, source_files
from workflow.tracking.cache_key import Ingredients
from workflow.tracking.names import KEY_TAG


def of(step: str, given: dict[str, str], contents: dict[str, str] | None = None) -> Ingredients:
    """Return the ingredients of a step's result.

    Runs that are given as inputs count by their own key: what was made again from the same is the
    same.

    Args:
        step: The entry point, whose module is `steps.<step>`.
        given: Its parameters, paths made absolute.
        contents: What is known of the content of inputs that are no runs, by name.
    """
    plain, inputs = {name: str(text) for name, text in given.items()}, dict(contents or {})
    if "splits" in plain:
        inputs["splits"] = _key_of(plain.pop("splits").removeprefix("runs:/").partition("/")[0])
    if "candidates" in plain:
        ids = [one.strip() for one in plain.pop("candidates").split(",")]
        inputs["candidates"] = ",".join(_key_of(one) for one in ids if one)
    return Ingredients(
        step=step,
        parameters=plain,
        inputs=inputs,
        code=source_files.of(f"steps.{step}"),
        environment=environment.installed(),
    )


def _key_of(run_id: str) -> str:
    run = runs.get(run_id)  # where there is none, the step itself says so
    return run_id if run is None else run.data.tags.get(KEY_TAG, run_id)
