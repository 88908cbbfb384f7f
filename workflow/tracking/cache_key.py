"""What a step's result depends on, and the key that it is found again by."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace

from workflow import digests

# Parameters that the key of a search leaves out: a search that has kept more models serves as well.
LEFT_OUT_OF_SEARCH_KEY = ("reuse", "top_n")
# Parameters that say how long a search goes on; a single trial does not depend on them either.
LEFT_OUT_OF_TRIAL_KEY = ("max_evals", "timeout")
LONGEST = 80  # characters; of a longer parameter only is said that it changed


@dataclass(frozen=True, kw_only=True)
class Ingredients:
    """All that a step's result depends on.

    Attributes:
        step: The entry point.
        parameters: The text of each parameter, by name.
        inputs: By name of the input, what stands for its content: a digest, a version, or the key
            of the run that made it.
        code: Digest by path of each project file that can change the result.
        environment: Version of each pinned package and of Python, and the platform.
    """

    step: str
    parameters: dict[str, str]
    inputs: dict[str, str]
    code: dict[str, str]
    environment: dict[str, str]

    def without(self, *parameters: str) -> "Ingredients":
        """Return the same ingredients with some parameters left out."""
        kept = {name: text for name, text in self.parameters.items() if name not in parameters}
        return replace(self, parameters=kept)


def key(ingredients: Ingredients) -> str:
    """Return 32 hexadecimal digits, equal for equal ingredients in any order.

    >>> seed = {"seed": "1"}
    >>> one = Ingredients(step="train", parameters=seed, inputs={}, code={}, environment={})
    >>> key(one) == key(one.without("metric"))
    True
    >>> key(one) == key(one.without("seed"))
    False
    """
    return digests.of_text(json.dumps(asdict(ingredients), sort_keys=True))


def differences(before: Ingredients, now: Ingredients) -> list[str]:
    """Return a line for each ingredient that is not the same: parameters first, packages last."""
    lines = []
    for name in sorted(differing(before.parameters, now.parameters)):
        was, is_now = (one.parameters.get(name, "not given") for one in (before, now))
        told = f"was {was}, is {is_now}" if max(len(was), len(is_now)) <= LONGEST else "changed"
        lines.append(f"{name} {told}")
    for kind in ("inputs", "code"):
        was, is_now = getattr(before, kind), getattr(now, kind)
        for name in sorted(differing(was, is_now)):
            what = "is new" if name not in was else "is gone" if name not in is_now else "changed"
            lines.append(f"{name} {what}")
    for name in sorted(differing(before.environment, now.environment)):
        was, is_now = (one.environment.get(name, "absent") for one in (before, now))
        lines.append(f"{name} was {was}, is {is_now}")
    return lines


def differing(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Return the names that do not stand for the same in both: in their order, new ones last."""
    every = [*before, *(name for name in now if name not in before)]
    return [name for name in every if before.get(name) != now.get(name)]
