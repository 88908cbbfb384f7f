"""How a machine without Chromium gets one."""

import os
from pathlib import Path

import chromium
import pytest


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The one folder on PATH: `apt-get` is the caller's to write, there is no sudo."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.setattr(chromium, "_of_playwright", lambda: None)
    monkeypatch.setattr(os, "getuid", lambda: 0)
    return folder


def program(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_debians_package_is_installed_once_and_said_in_one_line(bare):
    log = bare / "log"
    program(bare / "chromium.deb", "exit 0")
    install = f'[ "$1" = update ] || /bin/cp {bare}/chromium.deb {bare}/chromium'
    program(bare / "apt-get", f'echo "$1" >> {log}; {install}')
    said = []
    for _ in range(2):
        assert chromium.path_after_setup(said.append) == str(bare / "chromium")
    assert log.read_text().split() == ["update", "install"]
    (line,) = said
    assert line.startswith("there is no Chromium for tests/browser yet: apt-get update && ")


def test_playwrights_own_is_taken_where_debians_cannot_be_had(bare, monkeypatch):
    program(bare / "apt-get", "echo 'E: Unable to locate package chromium' >&2; exit 100")
    program(bare / "own", f"/bin/cp {bare}/own {bare}/chromium")
    monkeypatch.setattr(chromium, "_playwright", lambda _: [[str(bare / "own")]])
    said = []
    assert chromium.path_after_setup(said.append) == str(bare / "chromium")
    assert len(said) == 2


def test_where_nothing_works_one_line_says_what_to_do(bare, monkeypatch):
    program(bare / "own", "echo 'Error: no network'; echo '    at somewhere'; exit 1")
    monkeypatch.setattr(chromium, "_playwright", lambda _: [[str(bare / "own")]])
    with pytest.raises(LookupError) as error:
        chromium.path_after_setup(lambda _: None)
    line = str(error.value)
    assert "failed (Error: no network)" in line
    assert "put a `chromium` on PATH" in line
    assert "\n" not in line
