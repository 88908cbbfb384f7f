"""What monitoring has found of a version, as it is written down, told and sent."""

from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from workflow.formatting import number
from workflow.monitoring import finding
from workflow.monitoring.finding import WARNING, Finding
from workflow.monitoring.judgement import Judgement
from workflow.plain_values import significant

FEW = 0.1  # part of the usual rows of a window, below which it has few
EARLIER = 3  # windows before the newest that tell what is usual


@dataclass(frozen=True, kw_only=True)
class WindowResult:
    """A window, as a row of the table over time.

    Attributes:
        name: Such as "month 2023-03".
        begin: When it begins, in ISO 8601; "" where no row has a time.
        judgement: All that was found.
    """

    name: str
    begin: str
    judgement: Judgement

    @property
    def level(self) -> str:
        """The worst that was found."""
        return self.judgement.level


@dataclass(frozen=True, kw_only=True)
class Result:
    """What monitoring has found.

    Attributes:
        model: The registered model's name.
        version: The version's number.
        data: Where the new rows came from, stripped of what is secret.
        digest: Of their files.
        verdict: One of `finding.LEVELS`.
        newest: The judgement that the verdict is about: of all rows, or of the newest window.
        windows: Each window, the newest last; none where rows are not parted by time.
        notes: Further sentences, such as why there is no performance.
    """

    model: str
    version: str
    data: str
    digest: str
    verdict: str
    newest: Judgement
    windows: list[WindowResult]
    notes: list[str]

    @property
    def reason(self) -> str:
        """What the verdict follows from; "" where all is well."""
        return finding.reason(self.newest.findings)

    @property
    def text(self) -> str:
        """The result in one sentence."""
        when = f", {self.windows[-1].name}" if self.windows else ""
        said = f"{self.model} version {self.version}{when}: {self.verdict}"
        if self.reason:
            return f"{said}: {self.reason}"
        return f"{said} on {self.newest.rows:,} rows{self._score}"

    @property
    def _score(self) -> str:
        if (found := self.newest.performance) is None:
            return ""
        name = found.metric.name
        return f", {name} {number(found.score)} ({number(found.test)} on test)"

    def as_json(self) -> dict[str, Any]:
        """Return the result as plain values that JSON can hold."""
        return {
            "model": self.model,
            "version": self.version,
            "verdict": self.verdict,
            "reason": self.reason,
            "text": self.text,
            "data": self.data,
            "digest": self.digest,
            **_plain(self.newest),
            "notes": self.notes,
            "windows": [
                {"window": one.name, "level": one.level, **_plain(one.judgement, brief=True)}
                for one in self.windows
            ],
        }


def with_few_rows(windows: list[WindowResult]) -> Finding | None:
    """Return the finding of a newest window that has far fewer rows than those before it."""
    *earlier, newest = (one.judgement.rows for one in windows)
    usual = median(earlier) if len(earlier) >= EARLIER else 0
    if not 0 < newest < FEW * usual:
        return None
    message = f"{windows[-1].name} has {newest:,} rows, where {usual:,.0f} are usual."
    return Finding(check="rows", value=newest / usual, level=WARNING, message=message)


def largest_drift(judgement: Judgement) -> Finding | None:
    """Return the finding of the column, or of the prediction, that has shifted most."""
    drifts = [one for one in judgement.findings if one.check == "drift"]
    return max(drifts, key=lambda one: one.value or 0.0, default=None)


def _plain(judgement: Judgement, *, brief: bool = False) -> dict[str, Any]:
    drift, measured = largest_drift(judgement), judgement.performance
    found: dict[str, Any] = {
        "rows": judgement.rows,
        "labelled_rows": judgement.labelled,
        "largest_drift": None if drift is None else significant(drift.value),
        "most_drifted": None if drift is None else drift.column or "prediction",
        "auc": significant(judgement.auc),
        "estimated": {name: significant(one) for name, one in judgement.estimates.items()},
        "performance": None
        if measured is None
        else {
            "metric": measured.metric.name,
            "value": significant(measured.score),
            "interval": [significant(end) for end in measured.interval],
            "test": significant(measured.test),
            "worse_by": significant(measured.worse.value),
            "rows": measured.rows,
        },
    }
    if brief:
        return found | {"reason": finding.reason(judgement.findings)}
    listed = [asdict(one) for one in finding.in_order(judgement.findings)]
    return found | {"findings": [one | {"value": significant(one["value"])} for one in listed]}
