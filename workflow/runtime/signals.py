"""Ctrl-C, SIGTERM, a closed terminal, a caller that is gone: one way to end for all of them.

`mlflow run` dies of a SIGTERM without a word to the process that it has started; so each process
watches its caller. An interruption is an exception in the main thread, which ends runs on its way
out. Where the main thread is in a long call of compiled code, no exception gets through: then the
watching thread does it in its place.
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
from types import FrameType

import psutil

from workflow.runtime import calling_process, final_status

SIGNALS = tuple(one for one in signal.Signals if one.name in ("SIGINT", "SIGTERM", "SIGHUP"))
LOOK = 1.0  # seconds between two looks at the caller
CHILDREN = 5.0  # seconds that child processes get to end by themselves


class Interrupted(BaseException):  # no Exception: nothing that handles errors holds it up
    """This process has been told to end, or nobody is left who waits for it.

    Attributes:
        signal: The signal that has come; SIGTERM where the caller is gone.
    """

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.signal = signal.Signals(number)


def until_watched() -> None:
    """End this process at a signal that comes while it is still importing what it needs.

    Its run is then KILLED, unless there is a workflow above, which ends it.
    """
    if calling_process.RUN_ID in os.environ:  # else it is no step, but a test or somebody's shell
        _set(_leave)


def watch(
    run_id: str | None,
    calling: psutil.Process | None,
    grace: float,
    end: Callable[[Interrupted], None],
) -> None:
    """Raise `Interrupted` in the main thread, from which this is called, when it is time to end.

    Args:
        run_id: The run that MLflow has started this process for, if it has.
        calling: The process that waits for this one, if it is known.
        grace: Seconds that the main thread has to come to an end by itself.
        end: Called in another thread where it has not; after it the process exits.
    """
    # Python's own handlers wait for compiled code to return; the byte in this socket does not.
    receiver, sender = socket.socketpair()
    sender.setblocking(False)
    signal.set_wakeup_fd(sender.fileno(), warn_on_full_buffer=False)
    _set(_interrupt)
    sys.unraisablehook = _unraisable
    thread = threading.Thread(
        target=_watch, args=(receiver, sender, run_id, calling, grace, end), daemon=True
    )
    thread.start()


def end_children() -> None:
    """End all processes below this one: asked first, then killed."""
    children = _children()
    for child in children:
        _signal(child, signal.SIGTERM)
    _, left = psutil.wait_procs(children, timeout=CHILDREN)
    for child in left:
        _signal(child, signal.SIGKILL)


def _children() -> list[psutil.Process]:
    """Return all processes below this one, but for the one that is to have the last word."""
    return [
        child
        for child in psutil.Process().children(recursive=True)
        if not final_status.is_spoken_by(child)
    ]


def _set(handler: Callable[[int, FrameType | None], None]) -> None:
    for number in SIGNALS:
        # Ignored by `nohup` or a shell's background job: so it stays.
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, handler)


def _leave(number: int, frame: FrameType | None) -> None:
    final_status.have(os.environ[calling_process.RUN_ID], calling_process.process())
    os._exit(128 + number)


def _interrupt(number: int, frame: FrameType | None) -> None:
    for one in SIGNALS:  # once is enough; a second one would disturb the ending
        if signal.getsignal(one) is _interrupt:
            signal.signal(one, _ignore)
    raise Interrupted(number)


def _unraisable(lost: "sys.UnraisableHookArgs") -> None:
    """Say nothing of an `Interrupted` that is lost in a destructor: the watching thread is left."""
    if not isinstance(lost.exc_value, Interrupted):
        sys.__unraisablehook__(lost)


def _ignore(number: int, frame: FrameType | None) -> None:
    """Do what SIG_IGN does, which processes to be started would inherit."""


def _watch(
    receiver: socket.socket,
    sender: socket.socket,  # kept alive here
    run_id: str | None,
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
    if run_id is not None:
        final_status.have(run_id, calling)  # at once: it takes seconds to get ready
    time.sleep(grace)
    for child in _children():
        _signal(child, signal.SIGKILL)
    try:
        end(Interrupted(number))
    finally:  # what it says may have nowhere to go any more
        os._exit(128 + number)


def _signal(process: psutil.Process, number: signal.Signals) -> None:
    with suppress(psutil.NoSuchProcess):  # it has ended meanwhile
        process.send_signal(number)
