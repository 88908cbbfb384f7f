import os
import pty
import re
import subprocess
import sys
import termios
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workflow.paths import PROJECT
from workflow.runtime import terminal
from workflow.runtime.terminal import Progress, printable

COLUMNS = 60
SEARCH = """
import sys, warnings
from workflow.runtime import terminal
terminal.TICK = 0.01
with terminal.Progress("hpo", 3) as progress:
    progress.say("trial-000 failed: no luck")
    progress.update("")
    print("a library", file=sys.stderr)
    progress.update("val_rmse 5.25")
    warnings.warn("it says so")
    terminal.time.sleep(0.05)
    progress.update("val_rmse 4.5")
    progress.close("keeping")
terminal.say("hpo", "3 trials", seconds=1)
"""
SAID = ["[hpo] trial-000 failed: no luck", "[hpo] 3 trials  (1.0 s)"]
BAR = re.compile(r"^\[hpo\] \d of 3 trials.* \|")


@pytest.fixture(autouse=True)
def brief() -> Iterator[None]:
    terminal.set_verbose(False)
    yield
    terminal.set_verbose(False)


def in_terminal(code: str, columns: int = COLUMNS, stderr: int | None = None, **extra: str) -> str:
    """Return all that Python writes to a terminal in which it runs."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24 if columns else 0, columns))
    environment = {**os.environ, "TERM": "xterm", "PYTHONPATH": str(PROJECT), **extra}
    environment = {name: value for name, value in environment.items() if value}
    process = subprocess.Popen(
        [sys.executable, "-B", "-c", code],
        stdin=theirs, stdout=theirs, stderr=theirs if stderr is None else stderr, env=environment,
    )  # fmt: skip
    os.close(theirs)
    written = b""
    while True:
        try:
            part = os.read(ours, 4096)
        except OSError:  # Linux says so when the last writer is gone
            break
        if not part:
            break
        written += part
    os.close(ours)
    assert process.wait(30) == 0, written
    return written.decode()


def screens(written: str) -> Iterator[list[str]]:
    """Yield the lines that a terminal shows after each character, without their trailing blanks."""
    lines, column = [""], 0
    for one in re.findall(r"\x1b\[\d*[A-Za-z]|[^\x1b]", written):
        if one == "\r":
            column = 0
        elif one == "\n":
            lines.append("")
        elif one == "\x1b[K":
            lines[-1] = lines[-1][:column]
        elif one.startswith("\x1b"):
            assert one in ("\x1b[2m", "\x1b[0m"), one
        else:
            lines[-1] = lines[-1][:column].ljust(column) + one + lines[-1][column + 1 :]
            column += 1
        yield [line.rstrip() for line in lines]


def test_a_bar_shows_the_best_score_and_leaves_no_trace():
    shown = list(screens(in_terminal(SEARCH)))
    final = [line for line in shown[-1] if line]
    assert [line for line in final if "[hpo]" in line] == SAID
    assert "a library" in final
    assert any(line.endswith("UserWarning: it says so") for line in final)
    bars = {one[-1] for one in shown if BAR.match(one[-1])}
    assert any(one.startswith("[hpo] 0 of 3 trials |") for one in bars)
    assert any(one.startswith("[hpo] 2 of 3 trials, best val_rmse 5.25 |") for one in bars)
    assert any(one.startswith("[hpo] 3 of 3 trials, best val_rmse 4.5: keeping |") for one in bars)
    assert max(map(len, bars)) < COLUMNS  # a full line would break


@pytest.mark.parametrize("columns", [10, 40, 200])
def test_a_bar_fits_into_a_terminal_of_any_width(columns):
    shown = list(screens(in_terminal(SEARCH, columns)))
    assert [line for line in shown[-1] if "[hpo]" in line] == SAID
    bars = {one[-1] for one in shown if one[-1].startswith("[hpo] ") and one[-1] not in SAID[1]}
    # Lines of words may be longer than the terminal, which then folds them.
    assert max(len(one) for one in bars if not one.startswith("[hpo] t")) < columns


@pytest.mark.parametrize(
    "how", [{"TERM": "dumb"}, {"columns": 0}, {"stderr": subprocess.DEVNULL}], ids=str
)
def test_where_a_bar_cannot_be_drawn_there_are_plain_lines_alone(how):
    written = in_terminal(SEARCH, **how)
    assert "\x1b" not in written
    assert "|" not in written
    lines = written.replace("\r\n", "\n").splitlines()
    assert [line for line in lines if "[hpo]" in line] == SAID


def test_in_a_pipe_there_are_plain_lines_alone():
    done = subprocess.run(
        [sys.executable, "-B", "-c", SEARCH],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == SAID
    assert not set(done.stdout + done.stderr) & {"\r", "\x1b", "|"}


def test_without_a_bar_a_long_search_says_how_far_it_is(monkeypatch, capsys):
    now = 0.0
    monkeypatch.setattr(terminal.time, "monotonic", lambda: now)
    with Progress("hpo", 50) as progress:
        for number in range(8):
            now += 12.0
            progress.update(f"val_rmse {10 - number}")
    captured = capsys.readouterr()
    assert captured.out.splitlines() == [
        "[hpo] 3 of 50 trials, best val_rmse 8",
        "[hpo] 6 of 50 trials, best val_rmse 5",
    ]
    assert captured.err == ""


def test_a_search_without_a_score_prints_its_trials_alone(monkeypatch, capsys):
    monkeypatch.setattr(terminal, "EVERY", 0.0)
    with Progress("hpo", 2) as progress:
        progress.update("")
    assert capsys.readouterr().out == "[hpo] 1 of 2 trials\n"


def test_with_details_a_search_has_neither_bar_nor_lines(monkeypatch, capsys):
    monkeypatch.setattr(terminal, "EVERY", 0.0)
    terminal.set_verbose(True)
    with Progress("hpo", 2) as progress:
        progress.update("val_rmse 1")
    assert capsys.readouterr().out == ""
    code = SEARCH.replace("terminal.TICK", "terminal.set_verbose(True); terminal.TICK")
    assert "|" not in in_terminal(code)


@pytest.mark.parametrize(("no_color", "faint"), [("", True), ("1", False)])
def test_a_faint_line_is_dimmed_where_colours_are_allowed(no_color, faint):
    code = "from workflow.runtime import terminal; terminal.say('train', 'runs', faint=True)"
    written = in_terminal(code, NO_COLOR=no_color)
    assert written == ("\x1b[2m[train] runs\x1b[0m\r\n" if faint else "[train] runs\r\n")


@pytest.mark.parametrize(
    ("seconds", "line"),
    [
        (None, "[train] done"),
        (1.94, "[train] done  (1.9 s)"),
        (125.0, "[train] done  (2 min 5 s)"),
    ],
)
def test_a_line_has_the_steps_name_and_what_it_has_taken(capsys, seconds, line):
    terminal.say("train", "done", seconds=seconds)
    assert capsys.readouterr().out == f"{line}\n"


def test_details_are_printed_only_with_verbose(capsys):
    for on in (False, True):
        terminal.set_verbose(on)
        terminal.detail("train", f"{on}")
        with terminal.timed("train", "fitted"):
            pass
    out = capsys.readouterr().out.splitlines()
    assert out == ["[train] True", "[train] fitted  (0.0 s)"]


@given(st.text())
@settings(max_examples=100, deadline=None)
def test_a_printable_text_has_no_control_characters(text):
    shown = printable(text)
    assert shown.isprintable()
    if text.isprintable():
        assert shown == text


def test_a_column_cannot_write_over_other_lines(capsys):
    terminal.say("preprocess", "left out '\x1b[2Ja\nb\r'")
    assert capsys.readouterr().out == "[preprocess] left out '\\x1b[2Ja\\nb\\r'\n"


def test_the_last_line_wipes_the_bar_of_a_killed_process():
    code = (
        "import sys; sys.stderr.write('[hpo] 1 of 3 trials |##'); sys.stderr.flush()\n"
        "from workflow.runtime import terminal; terminal.say_last('error: ended')"
    )
    assert [line for line in list(screens(in_terminal(code)))[-1] if line] == ["error: ended"]


def test_the_last_line_goes_to_stderr_and_is_plain_in_a_pipe(capsys):
    terminal.say_last("error: ended")
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "error: ended\n")


def test_a_terminal_that_lacks_a_character_shows_its_escape():
    code = (
        "from workflow.runtime import terminal; terminal.escape_what_it_lacks()\n"
        "terminal.say('train', 'Zürich €')"
    )
    done = subprocess.run(
        [sys.executable, "-B", "-c", code], cwd=PROJECT, capture_output=True, check=True,
        env={**os.environ, "PYTHONIOENCODING": "latin-1"},
    )  # fmt: skip
    assert done.stdout.decode("latin-1") == "[train] Zürich \\u20ac\n"
