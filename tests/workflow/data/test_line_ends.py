import gzip
from pathlib import Path

import pytest

from workflow.data import line_ends
from workflow.data.line_ends import unified

ROWS = [b"a,b", b"1,x", b'2,"y\r\nz"', b'3,"said ""no"""']


def unified_bytes(path: Path, content: bytes, into: Path) -> bytes | None:
    """Return what the copy of a file of this content holds, or None where it is no copy."""
    is_packed = path.suffix == ".gz"
    path.write_bytes(gzip.compress(content) if is_packed else content)
    copy = unified(path, into)
    if copy == path:
        return None
    assert copy == into / path.name
    return gzip.decompress(copy.read_bytes()) if is_packed else copy.read_bytes()


@pytest.mark.parametrize("name", ["t.csv", "t.TXT", "t.csv.gz"])
@pytest.mark.parametrize("chunk", [1, 2, 3, 2**20])
@pytest.mark.parametrize(
    "ends",
    [
        (b"\r\n", b"\n", b"\n", b"\n"),
        (b"\n", b"\r\n", b"\n", b""),
        (b"\n", b"\n", b"\n", b"\r"),
        (b"\r", b"\r\n", b"\n", b"\r\n"),
    ],
)
def test_lines_that_end_in_several_ways_end_in_one(tmp_path, monkeypatch, name, chunk, ends):
    monkeypatch.setattr(line_ends, "CHUNK", chunk)
    content = b"".join(row + end for row, end in zip(ROWS, ends, strict=True))
    expected = b"".join(row + (end and b"\n") for row, end in zip(ROWS, ends, strict=True))
    assert unified_bytes(tmp_path / name, content, tmp_path / "into") == expected


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_a_file_whose_lines_end_in_one_way_stays_where_it_is(tmp_path, end):
    assert unified_bytes(tmp_path / "t.csv", end.join(ROWS), tmp_path / "into") is None
    assert not (tmp_path / "into").exists()


@pytest.mark.parametrize("name", ["t.parquet", "t.jsonl"])
def test_files_of_another_kind_stay_where_they_are(tmp_path, name):
    assert unified_bytes(tmp_path / name, b"a\r\nb\n", tmp_path / "into") is None


def test_a_file_in_utf_16_is_left_to_its_reader(tmp_path):
    content = "a,b\r\n1,2\n".encode("utf-16")
    assert unified_bytes(tmp_path / "t.csv", content, tmp_path / "into") is None


def test_a_file_that_cannot_be_read_is_left_to_its_reader(tmp_path):
    path = tmp_path / "t.csv.gz"
    path.write_bytes(b"no gzip\r\n\n")
    assert unified(path, tmp_path / "into") == path
