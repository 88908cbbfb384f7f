"""Whether a version becomes the champion: decided, said in one sentence, and done."""

import json
from dataclasses import dataclass
from typing import Any

import mlflow
from mlflow.tracking import MlflowClient

from sql_features.errors import WorkflowError
from workflow.evaluation.comparison import Comparison
from workflow.models.metrics import TEST, VAL
from workflow.parameters import ALWAYS, NEVER, NONE, NOT_WORSE
from workflow.plain_values import cut
from workflow.promotion import moving
from workflow.promotion.comparing import (
    Candidate,
    ComparedVersions,
    compare_with_champion,
)
from workflow.promotion.errors import NotComparable
from workflow.promotion.history import is_rolled_back
from workflow.tracking import model_versions, names, runs
from workflow.tracking.model_versions import RegisteredVersion

LEVEL = 0.05  # one-sided, of the test
ATTEMPTS = 5  # decisions that are taken when others move the alias meanwhile
LONGEST = 4_000  # characters of a tag
FIRST = "promoted: the first version"


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What was decided about a version.

    Attributes:
        version: It.
        champion: The version that was champion before, if there was one.
        promoted: Whether it became the champion now.
        sentence: That, and why.
        rule: By which it was decided.
        compared: The test, if there was one.
        needed: What the test's bound has to exceed; None where the rule asks for nothing.
        rows: What the two were compared on, for messages.
        digest: Of these rows.
        used_before: How often it was decided on these rows before.
    """

    version: RegisteredVersion
    champion: RegisteredVersion | None
    promoted: bool
    sentence: str
    rule: str
    compared: ComparedVersions | None = None
    needed: float | None = None
    rows: str = ""
    digest: str = ""
    used_before: int = 0

    @property
    def serves(self) -> bool:
        """Whether the version is the champion, now or since before."""
        return self.promoted or self._was_champion

    @property
    def is_plain(self) -> bool:
        """Whether the version simply serves: it is the first, or was champion before."""
        return self._was_champion or (self.champion is None and self.promoted)

    @property
    def alias(self) -> str:
        """The version's alias."""
        return names.ALIAS if self.serves else names.CHALLENGER

    @property
    def _was_champion(self) -> bool:
        return self.champion is not None and (
            (self.champion.name, self.champion.number) == (self.version.name, self.version.number)
        )

    def content(self) -> dict[str, Any]:
        """Return all of it for comparison.json; what was not computed is missing."""
        found: dict[str, Any] = {
            "model": self.version.name,
            "version": self.version.number,
            "champion": self.champion.number if self.champion else NONE,
            "promoted": self.promoted,
            "sentence": self.sentence,
            "rule": self.rule,
        }
        if self.compared is None:
            return found
        comparison = self.compared.comparison
        relative = comparison.relative
        low, high = (_finite(one) for one in relative.interval(1 - 2 * LEVEL))
        return found | {
            "metric": comparison.metric.name,
            "score": comparison.score,
            "champion_score": comparison.reference,
            "improvement": relative.value,
            "low": low,
            "high": high,
            "level": LEVEL,
            "needed": self.needed,
            "rows": comparison.rows,
            "rows_of": self.rows,
            "rows_digest": self.digest,
            "seen_rows": self.compared.seen,
            "clusters": comparison.clusters.count,
            "clusters_are": comparison.clusters.kind,
            "used_before": self.used_before,
        }


def decide(
    candidate: Candidate, rule: str, *, named: bool = False, reason: str | None = None
) -> Decision:
    """Decide about a version, and make it the champion if that is what comes out.

    Args:
        candidate: It.
        rule: One of `parameters.RULES`.
        named: Whether the user has given its number: then it may be one that was rolled back from.
        reason: Why the user wants it; it is noted beside what has come out.
    """
    name = candidate.version.name
    for _ in range(ATTEMPTS):
        champion = model_versions.aliased(name, names.ALIAS)
        decision = _decided(candidate, champion, rule, named=named)
        if not decision.promoted:
            break
        now = model_versions.aliased(name, names.ALIAS)
        if (now and now.number) == (champion and champion.number):
            why = f"{decision.sentence}; {reason}" if reason else decision.sentence
            moving.promote(candidate.version, champion, cut(why, LONGEST))
            return decision
    else:
        raise WorkflowError(
            f"the champion of {name} was moved {ATTEMPTS} times while version "
            f"{candidate.version.number} was compared with it: run it again."
        )
    if not decision.serves and names.PROMOTED_AT not in candidate.version.tags:
        reason = cut(decision.sentence, LONGEST)
        moving.tag(candidate.version, names.PROMOTION_REASON, reason)
    return decision


def log(decision: Decision) -> None:
    """Log a decision to the active run: its artifacts, metrics and tags."""
    text = json.dumps(decision.content(), allow_nan=False, ensure_ascii=False, indent=1)
    mlflow.log_text(text, names.COMPARISON)
    serving = decision.version if decision.serves else decision.champion
    tags = {
        names.DECISION_TAG: cut(decision.sentence, LONGEST),
        names.CHAMPION_TAG: serving.number if serving else NONE,
    }
    if decision.compared is not None:
        # matplotlib takes a second to import, and a version that is the first is drawn nowhere.
        from workflow.promotion.comparison_plot import comparison_plot

        relative = decision.compared.comparison.relative
        bound = {names.CHAMPION_IMPROVEMENT_BOUND: _finite(relative.lower_bound(LEVEL))}
        known = {name: one for name, one in bound.items() if one is not None}
        mlflow.log_metrics({names.CHAMPION_IMPROVEMENT: relative.value} | known)
        mlflow.log_figure(comparison_plot(decision.content()), names.COMPARISON_PLOT)
        tags[names.DECIDED_ON_TAG] = decision.digest
    mlflow.set_tags(tags)


def _decided(
    candidate: Candidate, champion: RegisteredVersion | None, rule: str, *, named: bool
) -> Decision:
    """Return what is to be done, before anything is."""
    version = candidate.version

    def decision(promoted: bool, sentence: str, **more: Any) -> Decision:
        return Decision(
            version=version,
            champion=champion,
            promoted=promoted,
            sentence=sentence,
            rule=rule,
            **more,
        )

    if champion is not None and champion.number == version.number:
        before = version.tags.get(names.PROMOTION_REASON, "")
        return decision(False, f"champion already{f' ({before})' if before else ''}")
    if champion is not None and not named and (rolled_back := _rolled_back(version)):
        return decision(False, f"not promoted: {rolled_back}")
    if rule == NEVER:
        return decision(False, f"not promoted: the rule is '{NEVER}'")
    if champion is None:
        return decision(True, FIRST)
    try:
        compared = compare_with_champion(candidate, champion)
    except NotComparable as reason:
        why = f"version {champion.number} cannot be compared with it ({reason})"
        if rule == ALWAYS:
            return decision(True, f"promoted by the rule '{ALWAYS}', without a test: {why}")
        given = candidate.rows.given
        how = "other labelled rows" if given else "labelled rows"
        return decision(
            False, f"not promoted: {why}; give {how} to -e promote as data=<file>, or rule={ALWAYS}"
        )
    least = candidate.dataset.min_improvement
    needed = {ALWAYS: None, NOT_WORSE: -least}.get(rule, least)
    is_promoted = needed is None or compared.comparison.relative.lower_bound(LEVEL) > needed
    verb = f"promoted by the rule '{ALWAYS}'" if rule == ALWAYS else "promoted"
    what = f"{verb if is_promoted else 'not promoted'}: {said(compared, champion.number)}"
    return decision(
        is_promoted,
        what,
        compared=compared,
        needed=needed,
        rows=candidate.rows.name,
        digest=candidate.rows.digest,
        used_before=_used_before(candidate.rows.digest, version),
    )


def said(compared: ComparedVersions, number: str) -> str:
    """Return in words by how much a version is better than the one of a number."""
    relative = compared.comparison.relative
    than = f"than version {number}"
    if compared.same:
        return f"it predicts the same as version {number}"
    low, high = relative.interval(1 - 2 * LEVEL)
    way = "better" if relative.value >= 0 else "worse"
    amount = f"{_percent(abs(relative.value))} % {way} {than}"
    text = f"{amount}, by chance from {_percent(low)} to {_percent(high)} %"
    if _finite(low) is None:
        text = f"{amount}, on {_clusters(compared.comparison)}: too few to tell"
    if compared.seen:
        text += f" ({compared.seen:,} rows that it was fitted on are left out)"
    if compared.seen is None:
        text += " (which of these rows it was fitted on is not known)"
    return text


def _clusters(comparison: Comparison) -> str:
    clusters = comparison.clusters
    rows = f"{comparison.rows:,} rows"
    return rows if clusters.kind == "rows" else f"{rows} in {clusters.count:,} {clusters.kind}"


def _percent(share: float) -> str:
    text = f"{100 * share:.1f}"
    return "0.0" if text == "-0.0" else text


def _finite(value: float) -> float | None:
    return value if abs(value) < float("inf") else None


def _rolled_back(version: RegisteredVersion) -> str:
    """Return why a version is no candidate: it, or one that is the same, was rolled back from."""
    if not is_rolled_back(version):
        others = [one for one in model_versions.versions(version.name) if is_rolled_back(one)]
        alike = next((one for one in others if _essence(one) == _essence(version)), None)
        if alike is None:
            return ""
        version, who = alike, f"it is the model of version {alike.number}, which was"
    else:
        who = "it was"
    day = version.tags[names.ROLLED_BACK_AT].partition("T")[0]
    return (
        f"{who} rolled back from on {day}; give its number to -e promote as "
        f"version={version.number} to make it a candidate again"
    )


def _essence(version: RegisteredVersion) -> dict[str, str]:
    """Return the tags by which two versions are one model: family, rows and scores."""
    of_rows = names.DIGEST_TAG.removeprefix("workflow.")
    return {
        name: text
        for name, text in version.tags.items()
        if name == names.VERSION_FAMILY or name.startswith((VAL, TEST, of_rows))
    }


def _used_before(digest: str, version: RegisteredVersion) -> int:
    """Return how often versions were compared on these rows before, as far as runs tell."""
    here, made = mlflow.active_run(), version.tags.get(names.VERSION_RUN)
    known = (here, runs.get(made) if made else None)
    experiments = {one.info.experiment_id for one in known if one is not None}
    if not experiments:
        return 0
    decided = f"tags.`{names.DECIDED_ON_TAG}` = '{digest}'"
    found = MlflowClient().search_runs(sorted(experiments), decided)
    return len([one for one in found if here is None or one.info.run_id != here.info.run_id])
