"""The version that a user means by the parameters `model` and `version`."""

from dataclasses import dataclass

from sql_features.errors import WorkflowError
from workflow.promotion import history
from workflow.promotion.history import Term
from workflow.tracking import model_versions, names
from workflow.tracking.model_versions import RegisteredVersion

PREVIOUS, HISTORY = "previous", "history"
ALLOWED = f"'{names.CHALLENGER}', a number, '{PREVIOUS}' or '{HISTORY}'"


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What a user wants to promote.

    Attributes:
        version: It.
        named: Whether its number was given.
        terms: Those of the champions since this version served, the newest first, if that is to be
            rolled back; none for a version that is tested.
    """

    version: RegisteredVersion
    named: bool
    terms: list[Term]


def model_name(model: str) -> tuple[str, bool]:
    """Return the registered model's name, and whether a version stands behind it.

    Raises:
        WorkflowError: It is none of the forms of `model`.
    """
    rest = model.strip().removeprefix("models:/")
    name = rest.partition("@")[0].partition("/")[0]
    if not name or ":" in name:
        raise WorkflowError(f"model='{model}': give {model_versions.FORMS}.")
    return name, rest != name


def choose(model: str, version: str, *, may_roll_back: bool = True) -> Choice:
    """Return the version to be promoted or rolled back to.

    Args:
        model: `NAME`, or `NAME/3` and the like with the default of `version`.
        version: `challenger`, a number or `previous`.
        may_roll_back: Whether a version that was champion before is rolled back to.

    Raises:
        WorkflowError: There is no such version.
    """
    name, is_whole = model_name(model)
    if is_whole and version != names.CHALLENGER:
        raise WorkflowError(
            f"model='{model}' and version='{version}' both say which version: give model={name}."
        )
    if not (is_whole or version in (names.CHALLENGER, PREVIOUS) or version.isdecimal()):
        raise WorkflowError(f"version='{version}': give {ALLOWED}.")
    if version == PREVIOUS:
        return _previous(name)
    if is_whole:
        found = model_versions.find(model)
    else:
        found = model_versions.find(
            f"{name}/{version}" if version.isdecimal() else f"{name}@{version}"
        )
    named = version.isdecimal() or (is_whole and "@" not in model)
    terms: list[Term] = []
    if named and may_roll_back and not history.is_rolled_back(found):
        terms = _since(history.terms(name), found.number)
    return Choice(version=found, named=named, terms=terms)


def _previous(name: str) -> Choice:
    terms = history.terms(name)
    for term in terms[1:]:
        version = model_versions.numbered(name, term.version)
        if version and term.version != terms[0].version and not history.is_rolled_back(version):
            return Choice(version=version, named=False, terms=_since(terms, term.version))
    if not terms:
        model_versions.find(name)  # says that there is no such model, or no champion
    there = ", ".join(one.number for one in model_versions.versions(name))
    raise WorkflowError(
        f"version='{PREVIOUS}': no earlier champion of {name} is recorded that was not rolled back "
        f"from; give the number of a version: {there}."
    )


def _since(terms: list[Term], number: str) -> list[Term]:
    """Return the terms since a version served last; none if it serves, or never did."""
    numbers = [term.version for term in terms]
    return terms[: numbers.index(number)] if number in numbers else []
