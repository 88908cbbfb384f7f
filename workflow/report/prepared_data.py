"""What preprocess has made of the raw rows, and what it found out about them."""

from dataclasses import dataclass
from typing import Any

from workflow.checks import finding
from workflow.data.split_rules import SPLITS
from workflow.tracking import names
from workflow.tracking.workflow_runs import WorkflowRuns


@dataclass(frozen=True)
class PreparedData:
    """The splits of a workflow.

    Attributes:
        rows: By split, the number of rows "read" and "kept", and those "dropped" by reason.
        columns: A description of each column, as `workflow.checks.profile` logs it.
        warnings: The messages of the checks that found something doubtful.
        notes: What the checks say of a column that is read in a way of its own.
        digests: The digest of each clean split.
        raw_digests: The digests of the raw rows, by split or of the whole table.
    """

    rows: dict[str, dict[str, Any]]
    columns: list[dict[str, Any]]
    warnings: list[str]
    notes: dict[str, str]
    digests: dict[str, str]
    raw_digests: dict[str, str]


def read(runs: WorkflowRuns) -> PreparedData:
    """Return what the workflow's preprocess step has logged."""
    checks = runs.table("preprocess", names.CHECKS)
    tags, raw = runs.of("preprocess").data.tags, f"{names.RAW_DIGEST_TAG}."
    return PreparedData(
        rows=runs.json("preprocess", names.ROW_COUNTS),
        columns=runs.json("preprocess", names.PROFILE)["columns"],
        warnings=finding.warnings(checks),
        notes=finding.notes(checks),
        digests={split: tags[f"{names.DIGEST_TAG}.{split}"] for split in SPLITS},
        raw_digests={
            name.removeprefix(raw): digest for name, digest in tags.items() if name.startswith(raw)
        },
    )
