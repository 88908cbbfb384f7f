"""Chromium for tests/browser: what is there, else what can be installed."""

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import sync_playwright

DEBIAN = ["chromium", "fonts-dejavu-core"]  # the font is for who looks at screenshots
LONGEST = 900  # seconds an installation may take


def path() -> str:
    """Return the path of Chromium, from Debian's package or from Playwright.

    Raises:
        LookupError: There is none.
    """
    found = shutil.which("chromium") or _of_playwright()
    if not found:
        raise LookupError("there is no Chromium")
    return found


def _of_playwright() -> str | None:
    with sync_playwright() as playwright:
        own = Path(playwright.chromium.executable_path)
    return str(own) if own.exists() else None


def path_after_setup(say: Callable[[str], None]) -> str:
    """Return the path of Chromium, which is installed where there is none.

    Args:
        say: Is given a line before something is installed.

    Raises:
        LookupError: There is none, and it cannot be installed; the text, one line, says what to do.
    """
    with _alone():  # processes of pytest-xdist come here at the same time
        try:
            return path()
        except LookupError:
            pass
        tried = []
        as_root = _as_root()
        for commands in (_debian(as_root), _playwright(as_root)):
            if not commands:
                continue
            line = " && ".join(" ".join(command) for command in commands)
            say(f"there is no Chromium for tests/browser yet: {line}")
            failure = _failure_of(commands)
            if not failure:
                try:
                    return path()
                except LookupError:
                    failure = "no Chromium came of it"
            tried.append(f"`{line}` failed ({failure})")
    raise LookupError(
        f"tests/browser need Chromium: {'; '.join(tried)}; put a `chromium` on PATH, or leave "
        "these tests out by -m 'not browser'."
    )


@contextmanager
def _alone() -> Iterator[None]:
    """Wait until no other process of this user is in here."""
    lock = Path(tempfile.gettempdir(), f"tabular-workflow-chromium-{os.getuid()}.lock")
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _as_root() -> list[str] | None:
    """Return the words before an `apt-get` that installs; None where that is not possible."""
    if not shutil.which("apt-get"):
        return None
    if os.getuid() == 0:
        return []
    sudo = ["sudo", "-n"]  # never ask for a password: nobody may be there
    return None if _failure_of([[*sudo, "true"]]) else sudo


def _debian(as_root: list[str] | None) -> list[list[str]]:
    if as_root is None:
        return []
    install = ["apt-get", "install", "--yes", "--no-install-recommends", *DEBIAN]
    return [[*as_root, "apt-get", "update"], [*as_root, *install]]


def _playwright(as_root: list[str] | None) -> list[list[str]]:
    libraries = [] if as_root is None else ["--with-deps"]
    return [[sys.executable, "-m", "playwright", "install", *libraries, "chromium"]]


def _failure_of(commands: list[list[str]]) -> str:
    """Run commands up to the first that fails; return what it says is wrong, or nothing."""
    for command in commands:
        try:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=LONGEST,
                env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"},
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return str(error)
        if done.returncode:
            said = [line.strip() for line in (done.stdout + done.stderr).splitlines()]
            wrong = [
                line for line in said if line.startswith(("E: ", "Error: "))
            ]  # apt-get's, node's
            return (wrong or [line for line in said if line] or [f"code {done.returncode}"])[0]
    return ""
