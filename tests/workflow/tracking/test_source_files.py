import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from workflow.paths import PACKAGES
from workflow.tracking import source_files
from workflow.tracking.source_files import WITHOUT_EFFECT

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
def test_what_is_imported_counts_wherever_the_import_stands(tiny, source, files):
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


def test_a_file_in_another_encoding_is_read(tiny):
    (tiny / "workflow/one.py").write_bytes(
        "# coding: latin-1\nimport workflow.two  # gr\xf6\xdfer\n".encode("latin-1")
    )
    (tiny / "workflow/two.py").write_bytes(b"\xef\xbb\xbfimport workflow.parts\n")
    assert beside(tiny, "import workflow.one") == {*ONE, *PARTS, "workflow/two.py"}


def test_files_stand_in_the_order_of_their_names(tiny):
    (tiny / "steps/go.py").write_text("import workflow.two, workflow.one")
    found = source_files.of("steps.go")
    assert list(found) == sorted(found)
    assert len({found["workflow/two.py"], found["steps/go.py"]}) == 2
    assert all(len(digest) == 32 for digest in found.values())


@pytest.mark.parametrize(
    ("source", "counts"),
    [
        ("A = 2", True),
        ("A = 1\nB = 1", True),
        ("A = 1.0", True),
        ("import json\nA = 1", True),
        ("def f():\n    return 1\n\n\nA = 1", True),
        ("A = 1  # one", False),
        ("# one\n\n\nA = 1", False),
        ("A = (\n    1\n)", False),
        ('"""One."""\n\nA = 1', False),
        ('"""One."""\n\nA = 1\n"""Of A."""', True),  # not a docstring to Python
    ],
)
def test_code_counts_and_comments_docstrings_and_layout_do_not(tiny, source, counts):
    path = tiny / "workflow/one.py"
    path.write_text("A = 1")
    (tiny / "steps/go.py").write_text("import workflow.one")
    before = source_files.of("steps.go")
    path.write_text(source)
    assert (source_files.of("steps.go") != before) == counts


@pytest.mark.parametrize(
    ("before", "now", "counts"),
    [
        ('"""One."""', '"""Two."""', False),
        ('"""One."""', "pass", True),
        ('"""One."""\n    return 1', '"""One."""\n    return 2', True),
        ('"""One."""\n    return 1', "return 1", False),
        ("return 'one'", "return 'two'", True),
    ],
)
@pytest.mark.parametrize("head", ["def f():", "async def f():", "class F:\n  def f(self):"])
def test_a_functions_docstring_does_not_count(tiny, head, before, now, counts):
    (tiny / "steps/go.py").write_text("import workflow.one")
    found = []
    for body in (before, now):
        (tiny / "workflow/one.py").write_text(f"{head}\n    {body}\n")
        found.append(source_files.of("steps.go"))
    assert (found[0] != found[1]) == counts


def test_a_template_counts_for_the_modules_of_its_package_alone(tiny):
    for name in ("workflow/parts/page.html", "workflow/parts/templates/style.css"):
        (tiny / name).parent.mkdir(exist_ok=True)
        (tiny / name).write_text("one")
    templates = {"workflow/parts/page.html", "workflow/parts/templates/style.css"}
    assert beside(tiny, "import workflow.parts.left") & templates == templates
    assert not beside(tiny, "import workflow.one") & templates
    before = source_files.of("steps.go")
    beside(tiny, "import workflow.parts.left")
    one = source_files.of("steps.go")
    (tiny / "workflow/parts/templates/style.css").write_text("two, longer")
    two = source_files.of("steps.go")
    assert {name for name in one if one[name] != two[name]} == {
        "workflow/parts/templates/style.css"
    }
    assert before.keys().isdisjoint(templates)


def test_bytecode_does_not_count(tiny):
    (tiny / "workflow/__pycache__").mkdir()
    (tiny / "workflow/__pycache__/one.cpython-311.pyc").write_bytes(b"1")
    (tiny / "workflow/two.pyc").write_bytes(b"1")
    assert beside(tiny, "import workflow.one") == ONE


def test_what_has_no_effect_does_not_count_nor_what_it_imports(tiny, monkeypatch):
    monkeypatch.setattr(source_files, "WITHOUT_EFFECT", ("workflow.parts", "workflow.two"))
    (tiny / "workflow/parts/left.py").write_text("import workflow.one")
    source = (
        "from workflow.parts import left\nfrom workflow.two import x\nimport workflow.parts.right"
    )
    assert beside(tiny, source) == set()
    assert beside(tiny, f"{source}\nimport workflow.one") == ONE
    monkeypatch.setattr(source_files, "WITHOUT_EFFECT", ("workflow.part", "workflow.twofold"))
    assert beside(tiny, "import workflow.two") == {PACKAGE, "workflow/two.py"}


def test_the_same_code_in_another_folder_is_the_same(project, monkeypatch):
    copied = {step: source_files.of(f"steps.{step}") for step in STEPS}
    monkeypatch.setattr(source_files, "PROJECT", ROOT)
    assert copied == {step: source_files.of(f"steps.{step}") for step in STEPS}


def test_nothing_is_imported_to_find_out(tiny):
    before = set(sys.modules)
    assert beside(tiny, "import workflow.one\nraise SystemExit") == ONE
    assert not {name for name in set(sys.modules) - before if name.startswith(("steps", "workfl"))}


EVERY = set(STEPS)
FITTING = {"train", "hpo", "register"}


@pytest.mark.parametrize(
    ("changed", "steps"),
    [
        *((f"steps/{step}.py", {step}) for step in STEPS),
        ("steps/report.py", set()),
        # What every logged model carries.
        ("sql_features/expressions.py", EVERY),
        ("sql_features/errors.py", EVERY),
        ("sql_features/transformer.py", FITTING),
        ("sql_features/labelled_pipeline.py", FITTING),
        # What stands alone.
        ("workflow/errors.py", set()),
        ("workflow/data/dataset_errors.py", set()),
        ("workflow/digests.py", EVERY),
        ("workflow/formatting.py", set()),  # of the lines that a step prints
        ("workflow/plain_values.py", {"preprocess", "register"}),
        ("workflow/parameters.py", EVERY),
        # The process, and what it prints.
        *(
            (f"workflow/runtime/{path.name}", set())
            for path in (ROOT / "workflow/runtime").glob("*.py")
        ),
        # Models: a dataset file may name families, so preprocess knows their names.
        ("workflow/models/family_names.py", EVERY),
        ("workflow/models/search_space.py", EVERY),
        ("workflow/models/metrics.py", EVERY),
        ("workflow/models/families.py", FITTING),
        ("workflow/models/encoding.py", FITTING),
        # Data: only preprocess reads raw files.
        ("workflow/data/dataset.py", EVERY),
        ("workflow/data/split_rules.py", EVERY),
        ("workflow/data/splits.py", EVERY),
        ("workflow/data/parquet.py", EVERY),
        ("workflow/data/readers.py", {"preprocess"}),
        ("workflow/data/csv_format.py", {"preprocess"}),
        ("workflow/data/sources.py", {"preprocess"}),
        ("workflow/data/request.py", {"preprocess"}),
        ("workflow/data/split_writer.py", {"preprocess"}),
        ("workflow/data/samples/green_taxi.py", {"preprocess"}),
        ("workflow/data/samples/built_in.py", {"preprocess"}),
        ("workflow/schema/infer.py", {"preprocess"}),
        ("workflow/schema/leakage.py", {"preprocess"}),
        ("workflow/checks/profile.py", {"preprocess"}),
        ("workflow/checks/drift.py", {"preprocess"}),
        # Evaluation: what computes counts, what draws does not.
        ("workflow/evaluation/scores.py", FITTING),
        ("workflow/evaluation/permutation_importance.py", {"train", "register"}),
        ("workflow/evaluation/classification_curves.py", {"train", "register"}),
        ("workflow/evaluation/model_analysis.py", {"register"}),
        ("workflow/evaluation/error_analysis.py", {"register"}),
        ("workflow/evaluation/palette.py", set()),
        ("workflow/evaluation/regression_plots.py", set()),
        ("workflow/evaluation/classification_plots.py", set()),
        # Tracking: what a step logs counts, the frame around it does not.
        ("workflow/tracking/names.py", EVERY),
        ("workflow/tracking/dataset_inputs.py", EVERY),
        ("workflow/tracking/logged_models.py", FITTING),
        ("workflow/tracking/environment.py", FITTING),
        ("workflow/tracking/runs.py", FITTING),
        ("workflow/tracking/registry.py", {"register"}),
        ("workflow/tracking/model_versions.py", {"register"}),
        ("workflow/tracking/step.py", set()),
        ("workflow/tracking/reuse.py", set()),
        ("workflow/tracking/cache_key.py", set()),
        ("workflow/tracking/source_files.py", set()),
        ("workflow/tracking/stale_runs.py", set()),
        ("workflow/training/trainer.py", {"train", "hpo"}),
        ("workflow/training/training_data.py", FITTING),
        ("workflow/training/encoded_data.py", FITTING),
        ("workflow/training/model.py", FITTING),
        ("workflow/training/cross_validation.py", FITTING),
        ("workflow/training/baseline.py", {"register"}),
        ("workflow/training/search.py", {"hpo"}),
        ("workflow/training/trials.py", {"hpo"}),
        ("workflow/training/trial_runs.py", {"hpo"}),
        ("workflow/training/search_importance.py", {"hpo"}),
        ("workflow/training/trial_columns.py", {"hpo"}),
        # The report is made by main and by the step `report`, which are never reused.
        ("workflow/report/search_charts.py", set()),
        ("workflow/report/finished_workflow.py", set()),
        ("workflow/report/templates/style.css", set()),
        ("workflow/report/templates/report.html.j2", set()),
    ],
)
def test_a_change_of_a_file_runs_the_steps_that_depend_on_it_again(project, changed, steps):
    before = {step: source_files.of(f"steps.{step}") for step in STEPS}
    path = project / changed
    path.write_text(f"{path.read_text(encoding='utf-8')}\nCHANGED = 1\n", encoding="utf-8")
    now = {step: source_files.of(f"steps.{step}") for step in STEPS}
    assert {step for step in STEPS if now[step] != before[step]} == steps
    for step in steps:
        assert [name for name in now[step] if now[step][name] != before[step][name]] == [changed]


@pytest.mark.parametrize("step", STEPS)
def test_a_comment_runs_no_step_again(project, step):
    before = source_files.of(f"steps.{step}")
    for name in before:
        path = project / name
        path.write_text(f"# changed\n{path.read_text(encoding='utf-8')}", encoding="utf-8")
    assert source_files.of(f"steps.{step}") == before


def test_a_new_file_that_nothing_imports_runs_no_step_again(project):
    before = {step: source_files.of(f"steps.{step}") for step in STEPS}
    (project / "workflow/models/new.py").write_text("A = 1")
    assert {step: source_files.of(f"steps.{step}") for step in STEPS} == before


def test_no_step_is_made_of_another_or_of_the_workflow():
    for step in STEPS:
        found = source_files.of(f"steps.{step}")
        assert {name for name in found if not name.startswith(("workflow/", "sql_features/"))} == {
            f"steps/{step}.py", "steps/__init__.py",
        }  # fmt: skip
        assert set(found) <= set(FILES)  # no template is read by a step that is reused


def test_a_step_that_logs_models_has_all_that_they_carry_in_its_key():
    carried = {name for name in FILES if name.startswith("sql_features/")}
    for step in ("train", "hpo"):
        assert carried <= set(source_files.of(f"steps.{step}"))


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


def test_python_loads_no_file_of_the_project_that_is_left_out(monkeypatch):
    done = subprocess.run(
        [sys.executable, "-B", "-c", LOADED, *STEPS],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    monkeypatch.setattr(source_files, "WITHOUT_EFFECT", ())
    for line in done.stdout.splitlines():
        step, *paths = line.split(" ")
        loaded = {Path(path).relative_to(ROOT).as_posix() for path in paths}
        assert len(loaded) > 10
        assert loaded <= set(source_files.of(f"steps.{step}"))


def test_every_module_is_imported_by_an_entry_point(monkeypatch):
    """One that is started in another way, as a script for example, would be in no key."""
    monkeypatch.setattr(source_files, "WITHOUT_EFFECT", ())
    entry_points = ["main", *(f"steps.{path.stem}" for path in (ROOT / "steps").glob("[!_]*.py"))]
    imported = {name for module in entry_points for name in source_files.of(module)}
    assert set(FILES) - imported == set()


# What keyed code may use of what has no effect: each prints, handles errors, draws, or opens and
# ends a run. Nothing here returns what a metric, a model or a table is made of. Look twice before
# you add a name.
USED = {
    "workflow.runtime": {"calling_process", "infrastructure_errors", "terminal"},
    "workflow.runtime.calling_process": {"absolute"},  # of a path, which is a parameter
    "workflow.runtime.creating_requests": {"make_once"},
    "workflow.runtime.infrastructure_errors": {"explain"},
    "workflow.runtime.terminal": {"Progress", "detail", "say", "timed"},
    "workflow": {"formatting"},
    "workflow.formatting": {"number", "p_value", "worsening"},
    "workflow.errors": {"unknown"},
    "workflow.data.dataset_errors": {"explained"},
    "workflow.evaluation": {"classification_plots", "regression_plots"},
    "workflow.evaluation.classification_plots": {
        "calibration", "confusion_matrix", "precision_recall", "roc",
    },
    "workflow.evaluation.regression_plots": {
        "close", "feature_importance", "predicted_against_actual", "residuals",
    },
    # Which version serves is decided when the champion, the rule or the rows are others.
    "workflow.promotion": {"decision"},
    "workflow.promotion.decision": {"decide", "log"},
    "workflow.promotion.candidates": {"rows_of_test"},
    "workflow.promotion.comparing": {"Candidate"},
    "workflow.tracking": {"cache_key", "reuse", "source_files", "step"},
    "workflow.tracking.cache_key": {"LEFT_OUT_OF_SEARCH_KEY", "LEFT_OUT_OF_TRIAL_KEY", "key"},
    "workflow.tracking.reuse": {"ingredients"},
    "workflow.tracking.source_files": {"code_digest"},  # of a model: register refuses other code
    "workflow.tracking.step": {
        "child", "execute", "log_summary", "parameters", "remark", "run", "verbose",
    },
}  # fmt: skip


def is_without_effect(module: str) -> bool:
    return any(f"{module}.".startswith(f"{one}.") for one in WITHOUT_EFFECT)


def used_without_effect(path: Path) -> set[tuple[str, str, int]]:
    """Return which names of modules without effect a file uses, with the line."""
    tree, modules, found = ast.parse(path.read_bytes()), {}, set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            for one in node.names:
                name = f"{node.module}.{one.name}"
                if is_without_effect(name):
                    found.add((node.module, one.name, node.lineno))
                    modules[one.asname or one.name] = name
        elif isinstance(node, ast.Import):
            for one in node.names:
                if is_without_effect(one.name) and one.name != "workflow.runtime.bootstrap":
                    found.add((one.name, "*", node.lineno))
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            module = modules.get(node.value.id)
            if module and (ROOT / f"{module.replace('.', '/')}.py").is_file():
                found.add((module, node.attr, node.lineno))
    return found


def test_keyed_code_uses_of_what_has_no_effect_only_what_is_listed():
    for name in {name for step in STEPS for name in source_files.of(f"steps.{step}")}:
        for module, used, line in used_without_effect(ROOT / name):
            assert used in USED.get(module, ()), f"{name}:{line} uses {module}.{used}: see USED"


@pytest.mark.parametrize("module", [one for one in WITHOUT_EFFECT if one.endswith("_plots")])
def test_what_draws_returns_pictures_alone(module):
    path = ROOT / f"{module.replace('.', '/')}.py"
    for node in ast.parse(path.read_bytes()).body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            assert ast.unparse(node.returns) in ("Figure", "None"), node.name


@pytest.mark.parametrize("module", WITHOUT_EFFECT)
def test_what_has_no_effect_is_there(module):
    path = ROOT / module.replace(".", "/")
    assert path.is_dir() or path.with_suffix(".py").is_file()


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
