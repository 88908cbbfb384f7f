"""What a dataset file says of monitoring: how much worse a model may be, and for how long."""

from dataclasses import dataclass

from pydantic import with_config

from workflow.data.field_types import MAPPING, Share, WholeNumber


@with_config(MAPPING)
@dataclass(frozen=True, kw_only=True)
class MonitoringRules:
    """When `monitor` raises an alert, where that is not left to its defaults."""

    max_degradation: Share = 0.1
    """Share of the loss on test by which a model may be worse on new rows."""
    windows: WholeNumber = 1
    """How many of the last windows are looked at."""
    violations: WholeNumber = 1
    """How many of these have to violate, the newest among them, for an alert."""

    def __post_init__(self) -> None:
        if self.violations > self.windows:
            raise ValueError(
                f"violations {self.violations} can never be found in windows {self.windows}: give "
                "no more violations than windows"
            )
