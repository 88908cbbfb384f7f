"""What preprocess has made of the raw rows, and what it found out about them."""

from dataclasses import dataclass
from typing import Any

from workflow.checks import finding
from workflow.report.workflow_runs import WorkflowRuns
from workflow.tracking import names


@dataclass(frozen=True)
class PreparedData:
    """The splits of a workflow.

    Attributes:
        rows: By split, the number of rows "read" and "kept", and those "dropped" by reason.
        columns: A description of each column, as `workflow.checks.profile` logs it.
        warnings: The messages of the checks that found something doubtful.
        digests: The digest of each clean split.
        raw_digests: The digests of the raw rows, by split or of the whole table.
    """

    rows: dict[str, dict[str, Any]]
    columns: list[dict[str, Any]]
    warnings: list[str]
    digests: dict[str, str]
    raw_digests: dict[str, str]

    @property
    def kept(self) -> int:
        """The number of rows in all splits."""
        return sum(split["kept"] for split in self.rows.values())

    @property
    def read(self) -> int:
        """The number of raw rows."""
        return sum(split["read"] for split in self.rows.values())


def read(runs: WorkflowRuns) -> PreparedData:
    """Return what the workflow's preprocess step has logged."""
    tags = runs.of("preprocess").data.tags
    return PreparedData(
        rows=runs.json("preprocess", "rows.json"),
        columns=runs.json("preprocess", names.PROFILE)["columns"],
        warnings=finding.warnings(runs.table("preprocess", names.CHECKS)),
        digests=_below(f"{names.DIGEST_TAG}.", tags),
        raw_digests=_below(f"{names.RAW_DIGEST_TAG}.", tags),
    )


def _below(prefix: str, tags: dict[str, str]) -> dict[str, str]:
    """Return the tags whose names have a prefix, by the rest of their names."""
    return {
        name.removeprefix(prefix): value for name, value in tags.items() if name.startswith(prefix)
    }
