import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import ROOT

from workflow.paths import PACKAGES
from workflow.tracking import names

CODE = [ROOT / "main.py", *(path for name in PACKAGES for path in (ROOT / name).rglob("*.py"))]
CODE.remove(Path(names.__file__))
NAMES = {
    key: value for key, value in vars(names).items() if isinstance(value, str) and key[0] != "_"
}
TAGS = {key: value for key, value in NAMES.items() if key.endswith("_TAG")}
FILES = {
    key: value for key, value in NAMES.items() if re.search(r"\.(json|csv|html|parquet)$", value)
}
OTHERS = ("FIT_SECONDS", "MODEL_BYTES", "CHECK_WARNINGS", "ESTIMATOR", "TRIAL_PREFIX")
DOCUMENTS = "".join(
    (ROOT / "docs" / name).read_text() for name in ("runs.md", "reuse.md", "after-training.md")
)


def texts(path: Path) -> Iterator[tuple[str, str]]:
    """Yield each text of a file that is no docstring, parts of f-strings too, and where it is."""
    tree = ast.parse(path.read_bytes())
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and ast.get_docstring(node) is not None
    }
    for node in ast.walk(tree):
        text = getattr(node, "value", None)
        if isinstance(node, ast.Constant) and isinstance(text, str) and id(node) not in docstrings:
            yield text, f"{path.relative_to(ROOT)}:{node.lineno}"


@pytest.mark.parametrize("path", CODE, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_names_stand_in_one_module(path):
    known = {*FILES.values(), *(NAMES[key] for key in OTHERS)}
    for text, where in texts(path):
        for tag in TAGS.values():
            assert not re.search(rf"{re.escape(tag)}(?!\w)", text), f"{where}: tag {tag}"
        assert text.rpartition("/")[2] not in known, f"{where}: {text} is in names.py"


@pytest.mark.parametrize("path", CODE, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_what_looks_like_a_tag_is_one_of_the_names(path):
    for text, where in texts(path):
        if re.fullmatch(r"workflow(\.[a-z_]+)+", text):
            module = ROOT.joinpath(*text.split("."))
            assert module.is_dir() or module.with_suffix(".py").is_file(), f"{where}: tag {text}?"


@pytest.mark.parametrize("some", [TAGS, FILES], ids=["tags", "artifacts"])
def test_no_name_is_given_twice(some):
    assert len(set(some.values())) == len(some)
    assert len(some) > 8


def test_our_tags_begin_with_workflow():
    for tag in TAGS.values():
        assert re.fullmatch(r"workflow\.[a-z_]+|mlflow\.[A-Za-z.]+", tag)


def test_the_documents_name_our_tags_and_no_other():
    ours = {tag for tag in TAGS.values() if tag.startswith("workflow.")}
    assert set(re.findall(r"`(workflow\.[a-z_]+)(?:\.<\w+>)?`", DOCUMENTS)) == ours


@pytest.mark.parametrize("file", FILES.values())
def test_the_documents_name_every_artifact(file):
    assert file in DOCUMENTS
