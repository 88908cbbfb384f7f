"""Which version of a registered model was champion when, read from the versions' own tags."""

import json
from dataclasses import asdict, dataclass

from workflow.parameters import NONE
from workflow.tracking import model_versions, names
from workflow.tracking.model_versions import RegisteredVersion

# The tags of a promotion, by what `Promotion` calls them.
TAGS = {
    "replaced": names.REPLACED,
    "by": names.PROMOTED_BY,
    "reason": names.PROMOTION_REASON,
    "at": names.PROMOTED_AT,
}


@dataclass(frozen=True, kw_only=True)
class Promotion:
    """That a version was made the champion.

    Attributes:
        at: When, in ISO's form and UTC, so that texts are in the order of time.
        by: Who.
        replaced: The number of the version that was champion before, or `none`.
        reason: Why.
    """

    at: str
    by: str
    replaced: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Term:
    """A time in which a version was champion.

    Attributes:
        version: Its number.
        since: When it began; "" where nobody has noted that.
        until: When it ended; "" of the champion.
        by: Who promoted it.
        reason: Why.
        rolled_back: Whether it was ended by a rollback.
    """

    version: str
    since: str
    until: str
    by: str
    reason: str
    rolled_back: bool


def promotions(version: RegisteredVersion) -> list[Promotion]:
    """Return the promotions that a version's tags tell of, the newest last."""
    tags = version.tags
    found = [Promotion(**one) for one in json.loads(tags.get(names.EARLIER_PROMOTIONS, "[]"))]
    # A process that was killed while it wrote the tags has put the last promotion into the list.
    if tags.get(names.PROMOTED_AT, "") not in ("", *(one.at for one in found)):
        found.append(Promotion(**{key: tags.get(tag, "") for key, tag in TAGS.items()}))
    return sorted(found, key=lambda one: one.at)


def is_rolled_back(version: RegisteredVersion) -> bool:
    """Tell whether a version was rolled back from, and not promoted since."""
    tags = version.tags
    return tags.get(names.ROLLED_BACK_AT, "") > tags.get(names.PROMOTED_AT, "")


def terms(name: str) -> list[Term]:
    """Return the times in which versions of a registered model were champion, the newest first.

    They are found from the champion back, by the version that each has replaced. So a promotion
    whose process was killed before it had moved the alias is not among them, and the list ends
    where the alias was set by hand or by an earlier version of this project.
    """
    champion = model_versions.aliased(name, names.ALIAS)
    if champion is None:
        return []
    known = {one.number: one for one in model_versions.versions(name)}
    found: list[Term] = []
    number, until = champion.number, ""
    while number in known:
        version = known[number]
        last = next(
            (one for one in reversed(promotions(version)) if not until or one.at < until), None
        )
        ended = version.tags.get(names.ROLLED_BACK_AT, "")
        found.append(
            Term(
                version=number,
                since=last.at if last else "",
                until=until,
                by=last.by if last else "",
                reason=last.reason if last else "",
                rolled_back=bool(until) and (last.at if last else "") < ended <= until,
            )
        )
        if last is None:
            break
        number, until = last.replaced, last.at
    return found


def earlier_promotions(
    version: RegisteredVersion, champion: RegisteredVersion | None
) -> list[Promotion]:
    """Return the promotions that are to be kept when a version is promoted once more.

    The last one is left out if it was not finished: the champion that it was to replace is champion
    still, and has been since before.

    Args:
        version: It is to become champion.
        champion: The present one.
    """
    found = promotions(version)
    serving = promotions(champion) if champion else []
    since = serving[-1].at if serving else ""
    number = champion.number if champion else NONE
    if found and found[-1].replaced == number and found[-1].at > since:
        found.pop()
    return found


def as_tag(promotions: list[Promotion]) -> str:
    """Return promotions as the text of the tag that keeps them."""
    return json.dumps([asdict(one) for one in promotions], ensure_ascii=False)
