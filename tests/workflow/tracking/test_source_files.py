import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from workflow import digests
from workflow.paths import PACKAGES
from workflow.tracking import source_files

ROOT = source_files.PROJECT
STEPS = ("preprocess", "train", "hpo", "register")
FILES = sorted(
    path.relative_to(ROOT).as_posix() for name in PACKAGES
    for path in (ROOT / name).rglob("*.py")
)  # fmt: skip


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    for name in PACKAGES:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


@pytest.fixture
def project(copied: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of this project's code, to be changed by a comment: its imports stay."""
    monkeypatch.setattr(source_files, "PROJECT", copied)
    return copied


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of a step that imports nothing, and some modules beside it."""
    files = ("steps/__init__.py", "steps/go.py", "workflow/__init__.py", "workflow/one.py")
    more = ("workflow/two.py", "workflow/parts/__init__.py", "workflow/parts/left.py")
    for name in (*files, *more, "workflow/parts/right.py", "main.py", "other/one.py"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(f'"""{name}"""\n')
    monkeypatch.setattr(source_files, "PROJECT", tmp_path)
    return tmp_path


def beside(project: Path, source: str, module: str = "steps.go") -> set[str]:
    """Return what a step that consists of a source is made of, beside itself and its package."""
    (project / "steps/go.py").write_text(source)
    return set(source_files.of(module)) - {"steps/go.py", "steps/__init__.py"}


PACKAGE = "workflow/__init__.py"
ONE = {PACKAGE, "workflow/one.py"}
PARTS = {PACKAGE, "workflow/parts/__init__.py"}


@pytest.mark.parametrize(
    ("source", "files"),
    [
        ("", set()),
        ("import workflow", {PACKAGE}),
        ("import workflow.one", ONE),
        ("import workflow.one as other", ONE),
        ("import workflow.one, json, workflow.two", {*ONE, "workflow/two.py"}),
        ("from workflow import one", ONE),
        ("from workflow import one as other, two", {*ONE, "workflow/two.py"}),
        ("from workflow import (\n    one,\n)", ONE),
        ("from workflow import a_name_in_it", {PACKAGE}),
        ("from workflow.one import a_name_in_it", ONE),
        ("from workflow.one import *", ONE),
        ("from workflow.parts import a_name_in_it", PARTS),
        ("from workflow.parts import left", {*PARTS, "workflow/parts/left.py"}),
        ("import workflow.parts.left", {*PARTS, "workflow/parts/left.py"}),
        ("from workflow.parts.left import x", {*PARTS, "workflow/parts/left.py"}),
        ("def go():\n    from workflow.one import x", ONE),
        ("def go():\n    def deep():\n        import workflow.one", ONE),
        ("class Go:\n    def go(self):\n        from workflow import one", ONE),
        ("if None:\n    import workflow.one", ONE),
        ("try:\n    import workflow.one\nexcept ImportError:\n    pass", ONE),
        ("import json, numpy.random\nfrom pathlib import Path", set()),
        ("import other.one, workflows.one\nfrom other import one", set()),
        ("import main", set()),
        ("import workflow.not_there", set()),
        ("# import workflow.one\ntext = 'import workflow.one'", set()),
    ],
)
def test_a_step_is_made_of_what_it_imports_wherever_the_import_stands(tiny, source, files):
    assert beside(tiny, source) == files | ({PACKAGE} if "workflow.one" in str(files) else set())


def test_what_is_imported_by_what_is_imported_counts_too(tiny):
    (tiny / "workflow/one.py").write_text("def f():\n    from workflow.parts import left")
    (tiny / "workflow/parts/left.py").write_text("import workflow.two")
    assert beside(tiny, "from workflow import one") == {
        *ONE, *PARTS, "workflow/parts/left.py", "workflow/two.py",
    }  # fmt: skip


def test_what_the_packages_own_files_import_counts_too(tiny):
    (tiny / "workflow/parts/__init__.py").write_text("from workflow.parts import right")
    assert beside(tiny, "import workflow.parts.left") >= {"workflow/parts/right.py"}


def test_files_that_import_each_other_are_gone_through_once(tiny):
    (tiny / "workflow/one.py").write_text("import workflow.two")
    (tiny / "workflow/two.py").write_text("import workflow.one")
    assert beside(tiny, "import workflow.one") == {*ONE, "workflow/two.py"}


def test_a_file_in_a_foreign_encoding_or_with_a_byte_order_mark_is_read(tiny):
    (tiny / "workflow/one.py").write_bytes(
        "# coding: latin-1\nimport workflow.two  # gr\xf6\xdfer\n".encode("latin-1")
    )
    (tiny / "workflow/two.py").write_bytes(b"\xef\xbb\xbfimport workflow.parts\n")
    assert beside(tiny, "import workflow.one") == {*ONE, *PARTS, "workflow/two.py"}


def test_each_file_stands_with_the_digest_of_its_content_in_the_order_of_the_names(tiny):
    (tiny / "steps/go.py").write_text("import workflow.two, workflow.one")
    found = source_files.of("steps.go")
    assert list(found) == sorted(found)
    assert found == {name: digests.of_files([tiny / name]) for name in found}


def test_the_same_code_in_another_folder_is_the_same(project, monkeypatch):
    copied = {step: source_files.of(f"steps.{step}") for step in STEPS}
    monkeypatch.setattr(source_files, "PROJECT", ROOT)
    assert copied == {step: source_files.of(f"steps.{step}") for step in STEPS}


def test_nothing_is_imported_to_find_out(tiny):
    before = set(sys.modules)
    assert beside(tiny, "import workflow.one\nraise SystemExit") == ONE
    assert not {name for name in set(sys.modules) - before if name.startswith(("steps", "workfl"))}


@pytest.mark.parametrize(
    ("changed", "steps"),
    [
        ("workflow/schema/infer.py", {"preprocess"}),
        ("workflow/data/samples/green_taxi.py", {"preprocess"}),
        ("workflow/data/samples/built_in.py", {"preprocess"}),
        ("workflow/evaluation/classification_plots.py", {"train"}),
        ("workflow/evaluation/permutation_importance.py", {"train", "register"}),
        ("workflow/evaluation/classification_curves.py", {"train", "register"}),
        ("workflow/evaluation/model_analysis.py", {"register"}),
        ("workflow/checks/profile.py", {"preprocess"}),
        ("workflow/report/search_charts.py", {"hpo"}),
        ("workflow/training/search.py", {"hpo"}),
        ("workflow/training/trials.py", {"hpo"}),
        ("workflow/training/trainer.py", {"train", "hpo", "register"}),
        ("workflow/models/families.py", set(STEPS)),  # a dataset may say what is searched
        ("workflow/errors.py", set(STEPS)),
        ("workflow/__init__.py", set(STEPS)),
        ("workflow/report/terminal_summary.py", set()),
        ("workflow/report/finished_workflow.py", set()),
        *((f"steps/{step}.py", {step}) for step in STEPS),
    ],
)
def test_a_changed_file_changes_the_steps_that_are_made_of_it_and_no_other(project, changed, steps):
    before = {step: source_files.of(f"steps.{step}") for step in STEPS}
    path = project / changed
    path.write_text(f"{path.read_text(encoding='utf-8')}# changed\n", encoding="utf-8")
    now = {step: source_files.of(f"steps.{step}") for step in STEPS}
    assert {step for step in STEPS if now[step] != before[step]} == steps
    for step in steps:
        assert [name for name in now[step] if now[step][name] != before[step][name]] == [changed]


def test_no_step_is_made_of_another_or_of_the_workflow():
    for step in STEPS:
        found = source_files.of(f"steps.{step}")
        assert {name for name in found if not name.startswith(("workflow/", "sql_features/"))} == {
            f"steps/{step}.py", "steps/__init__.py",
        }  # fmt: skip
        assert set(found) <= set(FILES)


# Imports each step as a new process would, and tells which of the project's files that took.
LOADED = """
import sys
for step in sys.argv[1:]:
    for name in [one for one in sys.modules if one.partition(".")[0] in ("steps", "workflow")]:
        del sys.modules[name]
    __import__(f"steps.{step}")
    print(step, *(
        module.__file__ for name, module in sys.modules.items()
        if name.partition(".")[0] in ("steps", "workflow")
    ))
"""


def test_python_loads_no_file_of_the_project_that_is_left_out():
    done = subprocess.run(
        [sys.executable, "-B", "-c", LOADED, *STEPS],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    for line in done.stdout.splitlines():
        step, *paths = line.split(" ")
        loaded = {Path(path).relative_to(ROOT).as_posix() for path in paths}
        assert len(loaded) > 10
        assert loaded <= set(source_files.of(f"steps.{step}"))


def test_files_that_no_commit_has_are_counted(tmp_path, monkeypatch):
    def git(*words: str) -> None:
        own = ["-c", "user.name=me", "-c", "user.email=me@host"]
        subprocess.run(["git", *own, *words], cwd=tmp_path, check=True, capture_output=True)

    monkeypatch.setattr(source_files, "PROJECT", tmp_path)
    assert source_files.uncommitted() == 0  # no repository
    (tmp_path / "workflow").mkdir()
    (tmp_path / "workflow" / "one.py").write_text("1")
    git("init")
    assert source_files.uncommitted() == 1
    git("add", ".")
    git("commit", "-m", "one")
    assert source_files.uncommitted() == 0
    (tmp_path / "workflow" / "one.py").write_text("2")
    (tmp_path / "main.py").write_text("")
    (tmp_path / "houses.csv").write_text("price")
    assert source_files.uncommitted() == 2
