import zipfile

import pytest

from sql_features.errors import WorkflowError
from workflow.data.archives import unpacked
from workflow.data.sources import fetch, gather, identities


@pytest.fixture
def into(tmp_path):
    folder = tmp_path / "into"
    folder.mkdir()
    return folder


def pack(path, **files: str):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return path


def refusal(path, into) -> str:
    with pytest.raises(WorkflowError) as caught:
        unpacked(path, into)
    return str(caught.value)


@pytest.mark.parametrize("name", ["t.csv.zip", "t.zip", "T.ZIP"])
def test_the_one_file_in_a_zip_file_is_a_table(tmp_path, into, name):
    more = {"__MACOSX/._t.csv": "x", ".DS_Store": "x", "folder/": ""}
    path = pack(tmp_path / name, **{"folder/t.csv": "a,b\n1,2\n"}, **more)
    (found,) = gather(str(path), into)
    assert found.name == "t.csv" and found.read_text() == "a,b\n1,2\n"
    assert into in found.parents


def test_zip_files_of_a_folder_are_one_table(tmp_path, into):
    data = tmp_path / "data"
    data.mkdir()
    for month in ("1", "2"):
        pack(data / f"{month}.csv.zip", **{"t.csv": f"a\n{month}\n"})
    (data / "photos.zip").write_bytes(b"")
    assert [path.read_text() for path in gather(str(data), into)] == ["a\n1\n", "a\n2\n"]
    (found,) = fetch(str(data), ["2.csv.zip"], into).values()
    assert found.read_text() == "a\n2\n"


def test_a_zip_file_is_known_by_its_content_without_unpacking(tmp_path, into, monkeypatch):
    path = pack(tmp_path / "t.csv.zip", **{"t.csv": "a\n1\n"})
    monkeypatch.chdir(into)
    before = identities(str(path))
    assert list(into.iterdir()) == []
    assert list(before) == [str(path)] == list(identities(str(tmp_path), ["t.csv.zip"]))
    assert identities(str(pack(path, **{"t.csv": "a\n2\n"}))) != before


def test_no_file_is_written_outside_the_folder_by_an_archive(tmp_path, into):
    assert unpacked(pack(tmp_path / "t.zip", **{"../../t.csv": "a\n"}), into) == into / "t.csv"


def test_an_archive_of_several_files_or_none_is_refused_with_the_cure(tmp_path, into):
    several = pack(tmp_path / "t.zip", **{"a.csv": "", "b.csv": ""})
    assert refusal(several, into) == (
        "data file 't.zip' holds 2 files (a.csv, b.csv): a zip file must hold one; unpack it, and "
        "give the file or the folder."
    )
    assert "holds no file" in refusal(pack(tmp_path / "none.zip"), into)


def test_a_zip_file_that_cannot_be_read_is_refused_in_one_line(tmp_path, into):
    (tmp_path / "t.zip").write_text("no archive")
    assert "cannot be unpacked (File is not a zip file)" in refusal(tmp_path / "t.zip", into)


def test_a_file_of_another_kind_in_a_zip_file_is_refused(tmp_path, into):
    path = pack(tmp_path / "t.zip", **{"t.docx": "x"})
    with pytest.raises(WorkflowError, match=r"data file 't\.docx': give one of"):
        gather(str(path), into)
