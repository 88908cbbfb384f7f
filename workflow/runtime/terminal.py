"""Lines in the terminal: when a step starts and ends, and how far a search is.

Lines go to stdout, errors and the progress bar to stderr. If one of the two is no terminal, there
is no bar and no control character.
"""

import io
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr

import click
import psutil
from tqdm import tqdm
from tqdm.contrib import DummyTqdmFile

from workflow import formatting

EVERY = 30.0  # seconds between two lines of a search that has no bar
TICK = 1.0  # seconds after which the clock of the bar is drawn again
WIPE = "\r\x1b[K"  # clears the line, where a killed process may have left its bar
BAR = "{desc} |{bar}| {elapsed}<{remaining}"

_verbose = False


def set_verbose(on: bool) -> None:
    """Print details too from now on, or no more."""
    global _verbose
    _verbose = on


def is_verbose() -> bool:
    """Tell whether details are printed."""
    return _verbose


def is_terminal() -> bool:
    """Tell whether stdout and stderr are a terminal of known size that can move its cursor."""
    if os.environ.get("TERM") == "dumb" or not (sys.stdout.isatty() and sys.stderr.isatty()):
        return False
    return min(os.get_terminal_size(sys.stderr.fileno())) > 0


def escape_what_it_lacks() -> None:
    """Print characters that the terminal's encoding lacks as escapes instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def process_age() -> float:
    """Return the seconds since this process was started."""
    return float(time.time() - psutil.Process().create_time())


def say(step: str, line: str, *, seconds: float | None = None, faint: bool = False) -> None:
    """Print one line.

    Args:
        step: The entry point.
        line: The text; control characters are printed as escapes.
        seconds: How long it took; printed behind the text.
        faint: Whether the line is dimmed, where colours are allowed.
    """
    took = "" if seconds is None else f"  ({formatting.seconds(seconds)})"
    text = f"[{step}] {printable(line)}{took}"
    if faint and is_terminal() and not os.environ.get("NO_COLOR"):
        text = click.style(text, dim=True)
    print(text, flush=True)


def detail(step: str, line: str, *, seconds: float | None = None) -> None:
    """Print one line with `verbose=true`."""
    if _verbose:
        say(step, line, seconds=seconds)


@contextmanager
def timed(step: str, line: str) -> Iterator[None]:
    """Print how long the block has taken, with `verbose=true`."""
    start = time.perf_counter()
    yield
    detail(step, line, seconds=time.perf_counter() - start)


def say_last(line: str) -> None:
    """Print on stderr why this process ends early."""
    print(f"{WIPE if is_terminal() else ''}{printable(line)}", file=sys.stderr, flush=True)


def printable(text: str) -> str:
    r"""Return a text with control characters as escapes: names of columns may hold some.

    >>> print(printable("Zürich \x1b[31m"))
    Zürich \x1b[31m
    """
    return "".join(
        one if one.isprintable() else one.encode("unicode_escape").decode() for one in text
    )


class Progress:
    """How far a search is, or a table: a bar in a terminal, else a line every `EVERY` seconds.

    What is written to stderr meanwhile stands above the bar, which is removed in the end. With
    `verbose=true` there is neither bar nor line, because each trial has a line of its own.

    Args:
        step: The entry point.
        most: How many trials there will be.
        unit: What is counted, if not trials.
    """

    def __init__(self, step: str, most: int, unit: str = "trials") -> None:
        self.step, self.most, self.done, self.best, self.then = step, most, 0, "", ""
        self.unit = unit
        self._said = time.monotonic()
        self._stream = sys.stderr
        has_bar = is_terminal() and not _verbose
        self._bar = tqdm(
            total=most, disable=not has_bar, leave=False, bar_format=BAR, dynamic_ncols=True,
            desc=f"[{step}] {self._state}", mininterval=0, file=self._stream,
        )  # fmt: skip
        self._over = threading.Event()
        self._open = ExitStack()

    def __enter__(self) -> "Progress":
        if not self._bar.disable:
            self._open.callback(self._bar.close)
            self._open.enter_context(redirect_stderr(DummyTqdmFile(self._stream)))
            self._open.callback(self._over.set)
            threading.Thread(target=self._tick, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def update(self, best: str, by: int = 1) -> None:
        """Count one more trial.

        Args:
            best: The best score up to now, such as "val_rmse 4.58", or "".
            by: How many more, if not one.
        """
        self.done, self.best = self.done + by, best
        self._bar.set_description_str(f"[{self.step}] {self._state}", refresh=False)
        self._bar.update(by)
        if self._bar.disable and not _verbose and time.monotonic() - self._said >= EVERY:
            self._said = time.monotonic()
            say(self.step, self._state, faint=True)

    def close(self, doing: str) -> None:
        """Show that the trials are over, and what is done now."""
        self.then = f": {doing}"
        self._bar.set_description_str(f"[{self.step}] {self._state}")

    def say(self, line: str) -> None:
        """Print a line above the bar."""
        with self._bar.external_write_mode(file=self._stream):
            say(self.step, line)

    @property
    def _state(self) -> str:
        best = f", best {self.best}" if self.best else ""
        return f"{self.done:,} of {self.most:,} {self.unit}{best}{self.then}"

    def _tick(self) -> None:
        """Draw the bar again while a trial runs, so that its clock goes on."""
        while not self._over.wait(TICK):
            self._bar.refresh()
