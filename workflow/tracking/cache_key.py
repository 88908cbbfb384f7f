"""What a step's result depends on, and the key that it is found again by."""

import json
from dataclasses import asdict, dataclass, replace
from typing import Any

from workflow import digests

# What the key of a search leaves out. One that has kept more models serves as well.
NOT_OF_A_SEARCH = ("reuse", "top_n")
# What its trials do not depend on either: how far it goes.
NOT_OF_TRIALS = ("max_evals", "timeout")
LONGEST = 80  # characters of a parameter that is told in full


@dataclass(frozen=True, kw_only=True)
class Ingredients:
    """All that decides what a step's result is.

    Attributes:
        step: The entry point.
        parameters: As text, by name.
        inputs: What is known of the content of each input: a digest, a version, an upstream key.
        code: Digest of each of the project's files that the step imports.
        environment: Version of each package, of Python and of the platform.
    """

    step: str
    parameters: dict[str, str]
    inputs: dict[str, str]
    code: dict[str, str]
    environment: dict[str, str]

    def without(self, *parameters: str) -> "Ingredients":
        """Return the same with some parameters left out."""
        kept = {name: text for name, text in self.parameters.items() if name not in parameters}
        return replace(self, parameters=kept)

    def to_dict(self) -> dict[str, Any]:
        """Return what `Ingredients(**it)` makes again."""
        return asdict(self)


def key(ingredients: Ingredients) -> str:
    """Return 32 hexadecimal digits: equal for equal ingredients, in whatever order they are.

    >>> seed = {"seed": "1"}
    >>> one = Ingredients(step="train", parameters=seed, inputs={}, code={}, environment={})
    >>> key(one) == key(one.without("metric"))
    True
    >>> key(one) == key(one.without("seed"))
    False
    """
    return digests.of_text(json.dumps(ingredients.to_dict(), sort_keys=True))


def differences(before: Ingredients, now: Ingredients) -> list[str]:
    """Return in words what is not the same, parameters first."""
    lines = []
    for name in _other(before.parameters, now.parameters):
        was, is_now = (one.parameters.get(name, "not given") for one in (before, now))
        told = f"was {was}, is {is_now}" if max(len(was), len(is_now)) <= LONGEST else "changed"
        lines.append(f"{name} {told}")
    for kind in ("inputs", "code"):
        was, is_now = getattr(before, kind), getattr(now, kind)
        for name in _other(was, is_now):
            what = "is new" if name not in was else "is gone" if name not in is_now else "changed"
            lines.append(f"{name} {what}")
    for name in _other(before.environment, now.environment):
        was, is_now = (one.environment.get(name, "absent") for one in (before, now))
        lines.append(f"{name} was {was}, is {is_now}")
    return lines


def _other(before: dict[str, str], now: dict[str, str]) -> list[str]:
    return [name for name in sorted({*before, *now}) if before.get(name) != now.get(name)]
