"""Going back to a version that was champion before."""

from sql_features.errors import WorkflowError
from workflow.promotion import moving
from workflow.promotion.history import Term
from workflow.tracking import model_loading, model_versions, names
from workflow.tracking.model_versions import RegisteredVersion


def check_serves(version: RegisteredVersion) -> int:
    """Load a version as a server does, and let it predict its input example.

    Returns:
        How many rows it has predicted; 0 of a version that has no example.

    Raises:
        WorkflowError: It cannot be loaded, or cannot predict.
    """
    files = model_loading.download(version.uri)
    with files.load() as model:
        example = files.metadata.load_input_example(str(files.folder))
        if example is None:
            return 0
        model.predict(example)
        return len(example)


def roll_back(version: RegisteredVersion, terms: list[Term], reason: str | None) -> str:
    """Make a version champion that was it before; it has been found to serve.

    The versions that were champion since are marked before the alias is moved, so that nothing
    that runs by itself promotes one of them again.

    Args:
        version: It.
        terms: Those of the champions since, the newest first.
        reason: Why, in the user's words.

    Returns:
        The same in one sentence.

    Raises:
        WorkflowError: Another version has become champion meanwhile.
    """
    name = version.name
    champion = model_versions.aliased(name, names.ALIAS)
    if champion is None or champion.number != terms[0].version:
        raise WorkflowError(f"the champion of {name} was moved meanwhile: run it again.")
    moment = moving.now()
    for number in dict.fromkeys(term.version for term in terms):
        if number != version.number and (one := model_versions.numbered(name, number)):
            moving.tag(one, names.ROLLED_BACK_AT, moment)
    sentence = f"rolled back from version {champion.number}"
    moving.promote(version, champion, f"{sentence}: {reason}" if reason else sentence)
    return sentence
