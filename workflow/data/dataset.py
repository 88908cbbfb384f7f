"""A dataset's definition, checked when it is made."""

import re
from dataclasses import dataclass, field, fields
from typing import Annotated, Any

from pydantic import WithJsonSchema, with_config

from sql_features.errors import WorkflowError
from sql_features.expressions import TARGET, columns_of, feature_columns
from workflow import parameters
from workflow.data.column_reading import ColumnField, Reading, type_of
from workflow.data.field_types import MAPPING, Key, Number, Text
from workflow.data.monitoring_rules import MonitoringRules
from workflow.data.split_rules import ByFiles, ByHash, ByTime, SplitField
from workflow.errors import unknown
from workflow.models import metrics
from workflow.models.family_names import FAMILY_NAMES
from workflow.models.search_space import SearchValue

ALL = "all"  # every feature
SEARCH = "search"  # whichever feature set the search finds best
RESERVED = (ALL, SEARCH)  # must not be names of features or sets
# Models that differ in their seed alone hardly ever differ by so much of their loss.
MIN_IMPROVEMENT = 0.002
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
METRIC_NAMES = list(dict.fromkeys(name for names in metrics.METRICS.values() for name in names))
# For the schema alone; `Dataset` itself refuses an unknown name, with the nearest.
MetricName = Annotated[Key, WithJsonSchema({"type": "string", "enum": METRIC_NAMES})]
FamilyName = Annotated[Key, WithJsonSchema({"type": "string", "enum": list(FAMILY_NAMES)})]


@with_config(MAPPING)
@dataclass(frozen=True, kw_only=True)
class Dataset:
    """Where rows come from, how they are split, what the target is, which rows count, the features.

    A definition that is made is valid: its expressions are parsed, and its names are known.

    Raises:
        WorkflowError: A name is unknown or taken, or an expression is not row-wise SQL.
    """

    name: Text
    """The dataset's name, and by default the registered model's."""
    description: Text = ""
    """One line, for people."""
    task: Annotated[Text, WithJsonSchema({"enum": list(metrics.TASKS)})]
    """What is predicted: a number, one of two classes, or one of several."""
    data: Text
    """The folder or URL prefix of the files; where a rule splits, also a file or a pattern."""
    split: SplitField
    """A file for each split, or the rule that splits one table."""
    columns: dict[Key, ColumnField] = field(default_factory=dict)
    """DuckDB type by raw column, where it is not to be what the file says; or how its texts are
    read."""
    missing: list[Text] | None = None
    """Texts that mean missing in every column; an empty text in a CSV file always does. By default
    those that pandas takes for missing in a CSV file, and none in other files."""
    target: Text
    """Row-wise SQL over raw columns."""
    unit: Text = ""
    """The target's unit, such as minutes; it is only shown."""
    where: Text = "true"
    """Row-wise SQL that is true for the rows that count; it may name `target`."""
    features: dict[Key, Text]
    """Row-wise SQL by feature name."""
    feature_sets: dict[Key, list[Text]] = field(default_factory=dict)
    """Names of features by the name of a set."""
    metric: Annotated[Text, WithJsonSchema({"enum": ["auto", *METRIC_NAMES]})] = "auto"
    """What `auto` stands for in the parameter `metric`."""
    validation: Annotated[Text, WithJsonSchema({"pattern": r"^(holdout|cv:\d+)$"})] = "holdout"
    """What `auto` stands for in the parameter `validation`: `holdout`, or `cv:` and the folds."""
    thresholds: dict[MetricName, Number] = field(default_factory=dict)
    """Test score by metric that a model must reach to be registered."""
    monitoring: MonitoringRules | None = None
    """When `monitor` raises an alert, where that is not left to its defaults."""
    min_improvement: Number = MIN_IMPROVEMENT
    """By how much of its loss a model must be better than the champion to take its place: by more
    than this share, in a one-sided test at 5 %."""
    search: dict[FamilyName, dict[Key, SearchValue]] = field(default_factory=dict)
    """By family and hyperparameter, what is searched instead of the family's own space."""
    left_out: dict[Key, Text] = field(default_factory=dict)
    """Raw columns that an inferred dataset does not use, with the reason."""
    sample: Text | None = None
    """The built-in sample's name, if there is one."""

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise WorkflowError(
                f"dataset name {self.name!r}: use letters, digits, '.', '_' and '-' only."
            )
        if self.task not in metrics.TASKS:
            raise unknown("task", self.task, metrics.TASKS)
        self._check_features()
        metrics.resolve(self.metric, self.task)
        parameters.folds(self.validation)
        if not 0 <= self.min_improvement < 1:
            raise WorkflowError(
                f"min_improvement {self.min_improvement} of dataset '{self.name}': give a share "
                f"from 0 to below 1, such as {MIN_IMPROVEMENT}."
            )
        for metric in self.thresholds:
            if metric not in metrics.METRICS[self.task]:
                raise unknown("metric in thresholds:", metric, metrics.METRICS[self.task])
        for family in self.search:
            if family not in FAMILY_NAMES:
                raise unknown("family in search:", family, FAMILY_NAMES)
        _ = self.raw_columns  # parses every expression

    def _check_features(self) -> None:
        if not self.features:
            raise WorkflowError(f"dataset '{self.name}' has no features.")
        folded: dict[str, str] = {}
        for name in self.features:
            if not name.strip() or name in RESERVED or "," in name:
                raise WorkflowError(
                    f"feature '{name}': give it a name without a comma, not '{ALL}' or '{SEARCH}'."
                )
            if (other := folded.setdefault(name.casefold(), name)) != name:
                raise WorkflowError(
                    f"features '{other}' and '{name}' are one name to SQL: rename one."
                )
        for name, members in self.feature_sets.items():
            if name in RESERVED or name in self.features:
                raise WorkflowError(
                    f"feature set '{name}' has the name of a feature, or '{ALL}' or '{SEARCH}'."
                )
            if not members:
                raise WorkflowError(f"feature set '{name}' is empty.")
            for member in members:
                if member not in self.features:
                    raise unknown(f"feature in set '{name}':", member, self.features)

    @property
    def raw_columns(self) -> frozenset[str]:
        """The raw columns that target, filter, split and features name, as they spell them."""
        named = columns_of(self.where, "where")
        filtered_by = {name for name in named if name.casefold() != TARGET}
        used = columns_of(self.target, "target") | filtered_by | feature_columns(self.features)
        match self.split:
            case ByFiles():
                return used
            case ByHash(key=key):
                return used | frozenset(key)
            case ByTime(column=column):
                return used | columns_of(column, "split.column")

    @property
    def types(self) -> dict[str, str]:
        """DuckDB type by raw column, of those in `columns`."""
        return {name: type_of(column) for name, column in self.columns.items()}

    @property
    def readings(self) -> dict[str, dict[str, Any]]:
        """How texts are read, by raw column, of those that have more than a type."""
        return {name: one.given for name, one in self.columns.items() if isinstance(one, Reading)}

    def select(self, features: str) -> dict[str, str]:
        """Return the SQL by name of the features that a parameter names.

        Args:
            features: `all`, the name of a feature set, or a comma-separated list of features.

        Raises:
            WorkflowError: A name is neither a set nor a feature.
        """
        sets = {ALL: list(self.features), **self.feature_sets}
        names = sets.get(features) or [name.strip() for name in features.split(",")]
        for name in names:
            if name in sets or name == SEARCH:
                raise WorkflowError(
                    f"features='{features}': '{name}' is a set; give it alone, or features only: "
                    f"{', '.join(self.features)}."
                )
            if name not in self.features:
                raise unknown("feature", name, [*sets, SEARCH, *self.features])
        return {name: self.features[name] for name in names}

    def selections(self, features: str) -> dict[str, dict[str, str]]:
        """Return the feature sets that a search chooses from: SQL by feature, by the set's name.

        Args:
            features: `search` for all the feature sets and `all`, or what `select` takes.

        Raises:
            WorkflowError: There are no feature sets to search, or an unknown name.
        """
        if features != SEARCH:
            return {features: self.select(features)}
        if not self.feature_sets:
            raise WorkflowError(
                f"features='{SEARCH}': dataset '{self.name}' has no feature_sets to choose from; "
                f"add some to its file, or give '{ALL}'."
            )
        # A set that names every feature stands for `all`, which then is not searched again.
        sets = {name: self.select(name) for name in self.feature_sets}
        whole = {ALL: dict(self.features)}
        return sets if self.features in sets.values() else sets | whole


KEYS = [one.name for one in fields(Dataset)]  # of a dataset file
