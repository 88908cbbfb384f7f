"""Ctrl-C, SIGTERM, a closed terminal or a caller that has ended: all end the process in one way.

A SIGTERM ends `mlflow run`, but not the process that it has started; so each process watches its
caller. An interruption is an exception in the main thread, which ends the open runs on its way out.
While the main thread is in a long call of compiled code, Python cannot raise it: then the watching
thread ends the process instead.
"""

import os
import select
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from types import FrameType

import psutil

from workflow.runtime import calling_process, final_status

SIGNALS = tuple(one for one in signal.Signals if one.name in ("SIGINT", "SIGTERM", "SIGHUP"))
LOOK = 1.0  # seconds between two checks whether the caller is still there
CHILDREN = 5.0  # seconds that child processes get to end before they are killed

_lock = threading.Lock()
_set_killed_later: Callable[[], None] | None = None  # what `start_setter` has to do, until it has


class Interrupted(BaseException):  # not an Exception, so that no error handling catches it
    """This process has been told to end, or its caller has ended.

    Attributes:
        signal: The signal received; SIGTERM if the caller has ended.
    """

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.signal = signal.Signals(number)


def until_watched() -> None:
    """End this process at once if a signal comes before `watch` is called, during the imports.

    Its run is then set to KILLED; a workflow above does that for its steps.
    """
    if calling_process.RUN_ID in os.environ:  # else this is no step, but a test or a shell
        _set_handlers(_end_at_once)


def watch(
    run_id: str | None,
    calling: psutil.Process | None,
    grace: float,
    end: Callable[[Interrupted], None],
) -> None:
    """From now on raise `Interrupted` in the main thread when this process is to end.

    Call it from the main thread.

    Args:
        run_id: The run that MLflow has started this process for, if any.
        calling: The process that waits for this one, if it is known.
        grace: Seconds that the main thread has to end after that.
        end: Called in another thread if it has not; after it the process exits.
    """
    global _set_killed_later
    if run_id is not None:
        _set_killed_later = partial(final_status.set_killed_later, run_id, calling)
    # Python's handlers wait until compiled code returns. At each signal a byte with its number is
    # written into this socket at once, and the watching thread reads it.
    receiver, sender = socket.socketpair()
    sender.setblocking(False)
    signal.set_wakeup_fd(sender.detach(), warn_on_full_buffer=False)  # it stays open
    _set_handlers(_interrupt)
    sys.unraisablehook = _unraisable
    given = receiver, calling, grace, end
    threading.Thread(target=_watch, args=given, daemon=True).start()


def start_setter() -> None:
    """Start the process that sets the run to KILLED later, if it is not started yet.

    The watching thread does so at once. On a busy machine the main thread may have ended everything
    before that thread had its turn: then it is started here, before this process ends.
    """
    global _set_killed_later
    with _lock:
        start, _set_killed_later = _set_killed_later, None
        if start is not None:
            start()


def end_children() -> None:
    """End all processes below this one: by SIGTERM, and after `CHILDREN` seconds by SIGKILL."""
    children = _children()
    for child in children:
        with suppress(psutil.NoSuchProcess):  # it has ended meanwhile
            child.terminate()
    _, left = psutil.wait_procs(children, timeout=CHILDREN)
    _kill(left)


def _children() -> list[psutil.Process]:
    """Return all processes below this one, without that of final_status, which must outlive it."""
    return [
        child
        for child in psutil.Process().children(recursive=True)
        if not final_status.is_setter(child)
    ]


def _set_handlers(handler: Callable[[int, FrameType | None], None]) -> None:
    for number in SIGNALS:
        # `nohup` and background jobs of a shell ignore some signals: that stays so.
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, handler)


def _end_at_once(number: int, frame: FrameType | None) -> None:
    final_status.set_killed_later(os.environ[calling_process.RUN_ID], calling_process.process())
    os._exit(128 + number)


def _interrupt(number: int, frame: FrameType | None) -> None:
    for one in SIGNALS:  # a second signal must not disturb the ending
        if signal.getsignal(one) is _interrupt:
            signal.signal(one, _ignore)
    raise Interrupted(number)


def _unraisable(lost: "sys.UnraisableHookArgs") -> None:
    """Print nothing of an `Interrupted` raised in a destructor: the watching thread ends us."""
    if not isinstance(lost.exc_value, Interrupted):
        sys.__unraisablehook__(lost)


def _ignore(number: int, frame: FrameType | None) -> None:
    """Do nothing. Unlike SIG_IGN, a handler is not inherited by processes started later."""


def _watch(
    receiver: socket.socket,
    calling: psutil.Process | None,
    grace: float,
    end: Callable[[Interrupted], None],
) -> None:
    number = 0
    while number not in SIGNALS:
        if select.select([receiver], [], [], LOOK)[0]:
            number = receiver.recv(1)[0]
        elif calling is not None and calling_process.is_gone(calling):
            calling = None
            os.kill(os.getpid(), signal.SIGTERM)
    start_setter()  # now: it takes seconds until it is ready
    time.sleep(grace)
    _kill(_children())
    try:
        end(Interrupted(number))
    finally:  # even if `end` fails: it may print to a terminal that is closed
        os._exit(128 + number)


def _kill(processes: list[psutil.Process]) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()
