"""The floors of the house: what may import what, read from the source."""

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from workflow.paths import PACKAGES, PROJECT

ENTRY_POINTS = ("main", "steps")
SLOW = ("sklearn", "scipy.stats")
ALONE = (
    "errors", "addresses", "paths", "parameters", "options", "formatting", "plain_values",
    "binning", "digests", "version",
)  # fmt: skip
# From the bottom to the top: each imports only from those before it, and from itself.
FLOORS = (
    "sql_features",
    "alone",  # the modules above, which lie in workflow/ itself
    "workflow.runtime",
    "workflow.models",
    "workflow.data",
    "workflow.schema",
    "workflow.checks",
    "workflow.evaluation",
    "workflow.tracking",
    "workflow.promotion",
    "workflow.training",
    "workflow.monitoring",
    "workflow.reproduction",
    "workflow.report",
)
FILES = [
    PROJECT / "main.py",
    *sorted(path for name in PACKAGES for path in (PROJECT / name).rglob("*.py")),
]


def module_of(path: Path) -> str:
    """Return the dotted name of a file of the project; a package's is that of its `__init__.py`."""
    parts = path.relative_to(PROJECT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(path): path for path in FILES}


def imports(path: Path) -> Iterator[tuple[str, int]]:
    """Yield each module of the project that a file imports, with the line, wherever it stands."""
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            found = [one.name for one in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{one.name}" for one in node.names]
            found = [name if name in MODULES else str(node.module) for name in names]
        else:
            continue
        for name in dict.fromkeys(found):
            if name.partition(".")[0] in ("main", *PACKAGES):
                yield name, node.lineno


def floor(module: str) -> str | None:
    """Return where a module lies; None for an entry point and for `workflow` itself."""
    first, _, rest = module.partition(".")
    if first != "workflow":
        return first if first in FLOORS else None
    part = rest.partition(".")[0]
    return "alone" if part in ALONE else f"{first}.{part}" if part else None


def test_every_module_lies_on_one_floor():
    """A new module in workflow/ itself is named in ALONE, a new package in FLOORS."""
    for module in MODULES:
        if module.startswith("workflow."):
            assert floor(module) in FLOORS, f"{module}: no floor is named for it"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(PROJECT).as_posix())
def test_packages_import_only_downwards(path):
    here = floor(module_of(path))
    for module, line in imports(path):
        where = f"{path.relative_to(PROJECT)}:{line} imports {module}"
        assert module in MODULES, f"{where}, which does not exist"
        assert module.partition(".")[0] not in ENTRY_POINTS, f"{where}: nothing imports a step"
        if here is not None:
            there = floor(module)
            assert there in FLOORS, f"{where}: import one of its modules"
            assert FLOORS.index(there) <= FLOORS.index(here), (
                f"{where}: {there} lies above {here}; the order is {' < '.join(FLOORS)}"
            )


def test_no_module_imports_itself_through_others():
    graph = {name: {found for found, _ in imports(path)} for name, path in MODULES.items()}
    TopologicalSorter(graph).prepare()  # raises a CycleError, which names the modules


@pytest.mark.parametrize(
    "path", [path for path in FILES if path.name == "__init__.py"], ids=module_of
)
def test_an_init_file_holds_only_a_docstring(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree)
    assert len(tree.body) == 1, f"{path}: put code into a module of its own"


@pytest.mark.parametrize(
    "path",
    [PROJECT / "main.py", *sorted((PROJECT / "steps").glob("[!_]*.py"))],
    ids=lambda path: path.stem,
)
def test_an_entry_point_imports_the_process_rules_before_all_else(path):
    """Threads, bytecode, memory and signals are set before a library is loaded."""
    first = next(
        node
        for node in ast.parse(path.read_bytes()).body
        if isinstance(node, ast.Import | ast.ImportFrom)
    )
    assert isinstance(first, ast.Import)
    assert [one.name for one in first.names] == ["workflow.runtime.bootstrap"]


def test_imports_are_written_in_full():
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_bytes())):
            relative = isinstance(node, ast.ImportFrom) and node.level
            assert not relative, f"{path.relative_to(PROJECT)}:{node.lineno} is relative"


@pytest.mark.parametrize("entry_point", ["main", "steps.preprocess", "steps.report"])
def test_what_fits_no_model_loads_no_slow_library_at_its_start(entry_point):
    """`sklearn` and `scipy.stats` take a second of every process that imports them."""
    left, seen = [entry_point], set()
    while left:
        module = left.pop()
        seen.add(module)
        path = MODULES[module]
        for node in ast.parse(path.read_bytes()).body:  # at its start: what is in functions waits
            if isinstance(node, ast.ImportFrom):
                found = [f"{node.module}.{one.name}" for one in node.names]
            else:
                found = [one.name for one in node.names] if isinstance(node, ast.Import) else []
            slow = [name for name in found if name.startswith(SLOW)]
            assert not slow, f"{entry_point} imports {slow} by {path.relative_to(PROJECT)}"
        left += {found for found, _ in imports(path)} - seen
