import hashlib
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow import digests


@given(st.text())
def test_a_texts_digest_is_the_start_of_its_sha_256(text):
    assert digests.of_text(text) == hashlib.sha256(text.encode()).hexdigest()[:32]


@given(st.text(), st.text())
def test_different_texts_have_different_digests(one, other):
    assert (digests.of_text(one) == digests.of_text(other)) == (one == other)


def test_a_files_digest_depends_on_content_not_on_name_or_time(tmp_path):
    one, other = tmp_path / "one.csv", tmp_path / "other.csv"
    for path in (one, other):
        path.write_bytes(b"x,y\n1,2\n")
    os.utime(other, (1, 1))
    found = digests.of_files([one])
    assert found == digests.of_files([other]) == hashlib.sha256(b"x,y\n1,2\n").hexdigest()[:32]
    assert found == digests.of_text("x,y\n1,2\n")


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / name for name in ("a", "b", "c")]
    for path in paths:
        path.write_text(path.name * 3)
    return paths


def test_a_digest_depends_on_each_file_and_their_order(files):
    a, b, c = files
    several = [digests.of_files(some) for some in ([a, b, c], [a, b], [b, a], [a, c], [a])]
    assert len(set(several)) == len(several)
    assert digests.of_files([a, b]) == several[1]


def test_a_digest_depends_on_where_files_end(tmp_path):
    paths = [tmp_path / name for name in "abcd"]
    for path, text in zip(paths, ("xy", "z", "x", "yz"), strict=True):
        path.write_text(text)
    assert digests.of_files(paths[:2]) != digests.of_files(paths[2:])


@pytest.mark.parametrize("text", ["aab", "a", ""])
def test_a_file_that_is_written_again_is_read_again(tmp_path, text):
    path = tmp_path / "a"
    path.write_text("aaa")
    before = digests.of_files([path])
    path.write_text(text)
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 1))
    assert digests.of_files([path]) == digests.of_text(text) != before


def test_a_file_that_stays_as_it_is_is_read_once(files, monkeypatch):
    opened, plain = [], Path.open
    monkeypatch.setattr(Path, "open", lambda path, *how: opened.append(path) or plain(path, *how))
    for _ in range(3):
        digests.of_files(files)
    assert opened == files


def test_a_file_that_is_not_there_is_no_digest(tmp_path):
    with pytest.raises(FileNotFoundError):
        digests.of_files([tmp_path / "no.csv"])


def test_mlflow_accepts_digests_of_this_length():
    assert len(digests.of_text("")) == digests.DIGITS <= 36
