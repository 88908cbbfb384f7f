"""The dataset that a user asks for with the parameters `dataset`, `data`, `target`, and so on."""

import os
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace

from sql_features.errors import WorkflowError
from sql_features.expressions import columns_of, feature_columns, quote
from workflow import addresses, digests
from workflow.data import sources
from workflow.data.dataset import Dataset
from workflow.data.dataset_file import is_name, load, to_yaml
from workflow.data.samples.built_in import SAMPLES
from workflow.data.split_rules import ByFiles, ByHash, ByTime, Split
from workflow.errors import unknown
from workflow.models.metrics import TASKS
from workflow.parameters import AUTO, NONE
from workflow.runtime import calling_process

# What `data` may be instead of a place: the built-in sample, or what the dataset file says.
SAMPLE, DEFAULT = "sample", "default"
MADE_UP = "The rows are made up: the built-in sample in place of the real data."
# What `task` may be for an inferred dataset; `classification` is binary or multiclass.
TASKS_TO_INFER = (AUTO, *TASKS, "classification")
CREDENTIALS = (
    "credentials in the environment, as docs/datasets.md says: FSSPEC_HTTP for web servers, "
    "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY for s3, GOOGLE_APPLICATION_CREDENTIALS for gs"
)


@dataclass(frozen=True, kw_only=True)
class DatasetRequest:
    """The parameters that name a dataset: by its file, or by a table and its target column.

    Attributes:
        dataset: A shipped dataset's name, or the absolute path or URI of a dataset file. It is not
            read where a target is given.
        data: `sample`, `default` (the place in the dataset file), an absolute path or a URL, with
            its query. It is not for the eyes of others: `parameters` is.
        target: The column to predict, for a dataset that is inferred from `data`; or `none`.
        task: `auto`, or the task.
        split_by: `auto`, or the rule that splits the rows, as `read_rule` reads it.
    """

    dataset: str
    data: str
    target: str = NONE
    task: str = AUTO
    split_by: str = AUTO

    @classmethod
    def from_parameters(
        cls, *, dataset: str, data: str, target: str, task: str, split_by: str
    ) -> "DatasetRequest":
        """Return the request as a user typed it, with relative paths made absolute.

        A query that was left out of an address is taken from the environment.

        Raises:
            WorkflowError: `data` is a kind of URL that is not supported, or a path is relative and
                the folder where the user typed it cannot be found out. An address holds a user or
                a password, or lacks its query.
        """
        dataset = addresses.small_scheme(dataset)
        _check_address("dataset", dataset)
        if not is_name(dataset):
            dataset = calling_process.absolute(_whole("dataset", dataset))
        if data not in (SAMPLE, DEFAULT):
            data = location("data", data)
        return cls(dataset=dataset, data=data, target=target, task=task, split_by=split_by)

    @property
    def parameters(self) -> dict[str, str]:
        """The parameters by name, as a step is given them and as they are logged: stripped."""
        given = {"dataset": self.dataset, "data": self.data}
        return asdict(self) | {name: addresses.stripped(address) for name, address in given.items()}

    @property
    def queries(self) -> dict[str, str]:
        """The queries left out of `parameters`, by the environment variable a step reads."""
        given = {"dataset": self.dataset, "data": self.data}
        found = {name: addresses.query(address) for name, address in given.items()}
        return {addresses.QUERY_VARIABLES[name]: query for name, query in found.items() if query}

    @property
    def is_inferred(self) -> bool:
        """Whether the dataset is inferred from a table, instead of read from a dataset file."""
        return self.target != NONE

    def check_table(self) -> None:
        """Check a request for an inferred dataset, before its table is read.

        Raises:
            WorkflowError: There is no such task or split rule, or no table is given, or the rule
                splits the rows by the target.
        """
        if self.task not in TASKS_TO_INFER:
            raise unknown("task", self.task, TASKS_TO_INFER)
        if self.data in (SAMPLE, DEFAULT):
            raise WorkflowError(
                f"target='{self.target}' with data='{self.data}': a dataset is inferred from a "
                "table of yours; give data=<file, folder, pattern or URL>, or leave target at "
                f"'{NONE}'."
            )
        _check_key(self.split_by, read_rule(self.split_by), [self.target.strip()])

    def resolve(self) -> Dataset:
        """Return the definition in the dataset file, with the changes that are asked for.

        Where the built-in sample stands in for the data that the file names, the definition is
        called `<name>-sample`, and its description says so: what is learned of made-up rows is
        registered under that name, and takes no alias from the model of the real ones.

        Raises:
            WorkflowError: The file is not valid, or the other parameters do not fit it.
        """
        definition = load(self.dataset)
        if self.task not in (AUTO, definition.task):
            raise WorkflowError(
                f"task='{self.task}': dataset '{definition.name}' is for {definition.task}; "
                f"give '{AUTO}'."
            )
        if rule := read_rule(self.split_by):
            if isinstance(definition.split, ByFiles):
                raise WorkflowError(
                    f"split_by='{self.split_by}': dataset '{definition.name}' has a file for each "
                    f"split; give '{AUTO}'."
                )
            read = feature_columns(definition.features)
            _check_key(self.split_by, rule, columns_of(definition.target, "target") - read)
            definition = replace(definition, split=rule)
        data = self.data
        if data == DEFAULT:
            if addresses.has_user(definition.data):
                raise WorkflowError(
                    f"'data' in dataset file {self.parameters['dataset']}: no user, password or "
                    f"key may stand in an address: take it out, and give {CREDENTIALS}."
                )
            data = _whole("data", addresses.small_scheme(definition.data))
        if data == SAMPLE and definition.sample not in SAMPLES:
            raise WorkflowError(
                f"data='{SAMPLE}': dataset '{definition.name}' has no built-in sample; give a "
                f"folder, a URL prefix, or '{DEFAULT}' for {addresses.stripped(definition.data)}."
            )
        stands_in = data == SAMPLE and definition.data != SAMPLE
        if not stands_in:
            return replace(definition, data=data)
        return replace(
            definition,
            name=f"{definition.name}-{SAMPLE}",
            description=f"{definition.description} {MADE_UP}".strip(),
            data=data,
        )

    def contents(self) -> dict[str, str]:
        """Return what identifies the content of the dataset file and of each raw file.

        Returns:
            By `dataset`, and by each raw file's path or stripped URL: a digest, or what its server
            says of the version. The rows of a built-in sample are made by the code and have no
            file.

        Raises:
            WorkflowError: A file is missing, or the parameters do not fit the dataset.
        """
        if self.is_inferred:
            return sources.identities(self.data)
        definition = self.resolve()
        of_file = {"dataset": digests.of_text(to_yaml(definition))}
        if definition.data == SAMPLE:
            return of_file
        split = definition.split
        names = split.files.values() if isinstance(split, ByFiles) else None
        return of_file | sources.identities(definition.data, names)


def location(name: str, address: str) -> str:
    """Return where files are as a user typed it, with a relative path made absolute.

    A query that was left out of the address is taken from the environment.

    Args:
        name: The parameter.
        address: A file, a folder, a pattern or a URL.

    Raises:
        WorkflowError: As `DatasetRequest.from_parameters` does.
    """
    address = addresses.small_scheme(address)
    _check_address(name, address)
    if not sources.is_remote(address):
        address = calling_process.absolute(address)
    return _whole(name, address)


def _check_address(name: str, address: str) -> None:
    """Check that what is typed as an address can be one, and holds no user or password.

    Raises:
        WorkflowError: It cannot, or does.
    """
    scheme = rf"\s*({'|'.join(sources.REMOTE)}):(?!//)"
    if begun := re.match(scheme, address, re.IGNORECASE):
        raise WorkflowError(f"{name}: an address begins with {begun[1]}://, then its host.")
    if addresses.has_user(address) and "@" not in address:
        raise WorkflowError(
            f"{name} '{addresses.stripped(address)}': what stands after the ':' of the host is no "
            "port, which is a number. If it is a password, change it: MLflow has recorded it "
            f"already; and give {CREDENTIALS}."
        )
    if addresses.has_user(address):
        raise WorkflowError(
            f"{name} '{addresses.stripped(address)}': no user, password or key may stand "
            "in an address, and MLflow has recorded it already, as a parameter of this run "
            f"and in its line in the terminal: change the password, and give {CREDENTIALS}."
        )


def _whole(name: str, address: str) -> str:
    """Return an address with its query, which may have been left out where it was recorded.

    Args:
        name: The parameter: `dataset`, or `data` for what a dataset file says too.
        address: An address, a path or a name.

    Raises:
        WorkflowError: The query was left out, and is not in the environment either.
    """
    if not addresses.lacks_query(address):
        return address
    variable = addresses.QUERY_VARIABLES[name]
    if query := os.environ.get(variable):
        return addresses.with_query(address, query)
    raise WorkflowError(
        f"{name} '{address}': the query of this address is recorded nowhere, as it may be a "
        f"signature. Give the whole address as {name}=<URL>, or put what follows its '?' into the "
        f"environment variable {variable}."
    )


def _check_key(split_by: str, rule: Split | None, columns: Iterable[str]) -> None:
    """Check that no split by hash that is asked for goes by the target.

    Args:
        split_by: The parameter.
        rule: What it stands for.
        columns: Those that the target alone reads.

    Raises:
        WorkflowError: It does: then all rows of one label would be in one split.
    """
    target = {name.casefold() for name in columns}
    if isinstance(rule, ByHash) and target & {name.casefold() for name in rule.key}:
        raise WorkflowError(
            f"split_by='{split_by}': the target cannot split the rows, as those of one label would "
            "all be in one split. Give 'hash', or 'hash:COLUMN' with what rows belong to, such as "
            "a customer."
        )


def read_rule(split_by: str) -> Split | None:
    """Return the rule that the parameter `split_by` names, or None for `auto`.

    Raises:
        WorkflowError: It names none.
    """
    if split_by == AUTO:
        return None
    rule, given, column = split_by.partition(":")
    if rule == "hash" and (column or not given):
        return ByHash(key=(column,) if column else ())
    if rule == "time" and column:
        return ByTime(column=quote(column))
    raise WorkflowError(
        f"split_by='{split_by}': give '{AUTO}', 'hash', 'hash:COLUMN' (rows alike in it stay "
        "together) or 'time:COLUMN' (the latest rows are the test)."
    )
