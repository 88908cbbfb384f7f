import re
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import psutil
import pytest

from workflow.paths import PACKAGES, PROJECT
from workflow.runtime import signals
from workflow.runtime.signals import LOOK, Interrupted

SLACK = 6.0  # seconds more than it takes, on a machine that has other things to do
each_signal = pytest.mark.parametrize(
    "number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda one: one.name
)
WATCHED = """
import ctypes, os, signal, subprocess, sys, threading, time
import psutil
from workflow.runtime import signals

def say(*words):
    print(*words, flush=True)

def end(cause):
    say("end", cause, threading.current_thread() is threading.main_thread())

def watch(grace, calling=None):
    signals.watch(None, calling, grace, end)

"""


@dataclass(frozen=True)
class Watched:
    """A process that watches for interruptions, and what it says."""

    process: subprocess.Popen

    def send(self, number: int) -> None:
        self.process.send_signal(number)

    def line(self) -> str:
        return self.process.stdout.readline().strip()

    def rest(self) -> list[str]:
        return self.process.stdout.read().splitlines()

    @property
    def code(self) -> int:
        return self.process.wait(60)


@pytest.fixture
def start() -> Iterator[Callable[..., Watched]]:
    """Starts a process that runs some lines, and waits until it watches."""
    processes = []

    def started(source: str, *, ignored: int | None = None, says: str = "watching") -> Watched:
        before = signal.signal(ignored, signal.SIG_IGN) if ignored else None
        try:
            process = subprocess.Popen(
                [sys.executable, "-c", WATCHED + textwrap.dedent(source)],
                cwd=PROJECT, stdout=subprocess.PIPE, text=True, start_new_session=True,
            )  # fmt: skip
        finally:
            if ignored:
                signal.signal(ignored, before)
        processes.append(process)
        watched = Watched(process)
        assert watched.line() == says
        if says == "stuck":
            time.sleep(0.5)  # until it is
        return watched

    yield started
    for process in processes:
        if process.poll() is None:
            process.kill()
        process.communicate()


TELLING = """
watch(grace=30)
try:
    say("watching")
    for _ in range(600):
        time.sleep(0.1)
except signals.Interrupted as cause:
    say("interrupted by", cause, cause.signal, isinstance(cause, Exception))
"""


@each_signal
def test_a_signal_is_an_exception_that_nothing_catches(start, number):
    watched = start(TELLING)
    watched.send(number)
    assert watched.rest() == [f"interrupted by {number.name} {int(number)} False"]
    assert watched.code == 0


def test_a_signal_ends_a_wait_for_another_process_at_once(start):
    watched = start("""
        watch(grace=30)
        child = subprocess.Popen(["sleep", "60"])
        try:
            say("watching")
            child.wait()
        except signals.Interrupted as cause:
            child.kill()
            say(cause)
    """)
    time.sleep(0.2)
    before = time.monotonic()
    watched.send(signal.SIGTERM)
    assert watched.rest() == ["SIGTERM"]
    assert time.monotonic() - before < SLACK


@each_signal
def test_a_second_signal_does_not_disturb_the_ending(start, number):
    watched = start("""
        watch(grace=30)
        try:
            say("watching")
            while True:
                time.sleep(0.1)
        except signals.Interrupted as cause:
            say("ending", cause)
            begin = time.monotonic()
            while time.monotonic() - begin < 1:
                time.sleep(0.05)
            say("ended")
    """)
    watched.send(signal.SIGTERM)
    assert watched.line() == "ending SIGTERM"
    for _ in range(3):
        watched.send(number)
    assert watched.rest() == ["ended"]
    assert watched.code == 0


def test_signals_of_several_kinds_at_once_are_one_exception(start):
    watched = start("""
        watch(grace=30)
        say("watching")
        seen = 0
        for _ in range(2):
            try:
                for number in signals.SIGNALS:
                    os.kill(os.getpid(), number)
                time.sleep(0.5)
            except signals.Interrupted:
                seen += 1
        say(seen)
    """)
    assert watched.rest() == ["1"]


@each_signal
def test_a_signal_that_was_ignored_before_stays_ignored(start, number):
    watched = start("""
        watch(grace=0)
        try:
            say("watching")
            time.sleep(0.7)
        except signals.Interrupted as cause:
            say("interrupted", cause)
        say("done")
    """, ignored=number)  # fmt: skip
    watched.send(number)
    assert watched.rest()[-1] == "done"
    assert watched.code == 0


def test_another_signal_still_ends_a_process_that_ignores_one(start):
    watched = start(TELLING, ignored=signal.SIGHUP)
    watched.send(signal.SIGHUP)
    watched.send(signal.SIGTERM)
    assert watched.rest() == [f"interrupted by SIGTERM {int(signal.SIGTERM)} False"]


def test_processes_started_while_ending_do_not_ignore_signals(start):
    watched = start("""
        watch(grace=30)
        try:
            say("watching")
            time.sleep(60)
        except signals.Interrupted:
            child = subprocess.Popen(["sleep", "60"])
            child.terminate()
            say(child.wait())
    """)
    watched.send(signal.SIGTERM)
    assert watched.rest() == [f"{-signal.SIGTERM}"]


# A call of compiled code goes on after a signal, and Python's handlers wait for it.
LONG_CALL = """
watch(grace=1)
mutex = ctypes.create_string_buffer(64)
libc = ctypes.CDLL(None)
libc.pthread_mutex_lock(mutex)
try:
    say("stuck")
    libc.pthread_mutex_lock(mutex)  # never returns, and no signal makes it
except signals.Interrupted:
    say("the main thread came out")
"""


@each_signal
def test_another_thread_ends_the_process_in_compiled_code(start, number):
    watched = start(LONG_CALL, says="stuck")
    before = time.monotonic()
    watched.send(number)
    assert watched.rest() == [f"end {number.name} False"]
    assert watched.code == 128 + number
    assert 1 <= time.monotonic() - before < 1 + 2 + SLACK


def test_a_main_thread_that_ends_in_time_is_not_disturbed(start):
    watched = start("""
        watch(grace=2)
        try:
            say("watching")
            time.sleep(60)
        except signals.Interrupted as cause:
            say("main thread")
        sys.stdout.flush()
        os._exit(3)
    """)
    watched.send(signal.SIGTERM)
    assert watched.rest() == ["main thread"]
    assert watched.code == 3


def test_a_main_thread_that_takes_too_long_to_end_is_ended(start):
    watched = start("""
        watch(grace=0.5)
        try:
            say("watching")
            time.sleep(60)
        except signals.Interrupted as cause:
            say("main thread")
            time.sleep(60)
    """)
    watched.send(signal.SIGINT)
    assert watched.rest() == ["main thread", "end SIGINT False"]
    assert watched.code == 128 + signal.SIGINT


def test_an_end_that_fails_does_not_keep_the_process(start):
    broken = """
def end(cause):
    sys.stderr = open(os.devnull, "w")
    raise RuntimeError("the store is away, or the terminal is")
"""
    watched = start(broken + LONG_CALL, says="stuck")
    watched.send(signal.SIGTERM)
    assert watched.process.wait(SLACK) == 128 + signal.SIGTERM


def test_signals_that_are_not_watched_change_nothing(start):
    watched = start("""
        signal.signal(signal.SIGUSR1, lambda *_: say("usr1"))
        watch(grace=0)
        say("watching")
        os.kill(os.getpid(), signal.SIGUSR1)
        child = subprocess.Popen(["true"])
        child.wait()
        time.sleep(2 * signals.LOOK)
        say("done")
    """)
    assert watched.rest() == ["usr1", "done"]
    assert watched.code == 0


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=lambda one: one.name)
def test_a_process_whose_caller_is_gone_is_interrupted(start, number, tmp_path):
    step = tmp_path / "step.py"
    step.write_text(WATCHED + textwrap.dedent("""
        watch(30, psutil.Process(int(sys.argv[1])))
        try:
            say("watching")
            time.sleep(60)
        except signals.Interrupted as cause:
            say("interrupted", cause)
    """))  # fmt: skip
    watched = start(f"""
        os.environ["PYTHONPATH"] = {str(PROJECT)!r}
        subprocess.run(["bash", "-c", f"{{sys.executable}} {step} {{os.getpid()}}; true"])
    """)
    before = time.monotonic()
    watched.send(number)
    assert watched.rest() == ["interrupted SIGTERM"]
    assert time.monotonic() - before < LOOK + 1 + SLACK
    assert watched.code == -number


def test_a_process_without_caller_ends_in_compiled_code_too(start, tmp_path):
    step = tmp_path / "step.py"
    step.write_text(
        WATCHED + LONG_CALL.replace("watch(grace=1)", "watch(1, psutil.Process(int(sys.argv[1])))")
    )
    watched = start(
        f"""
        os.environ["PYTHONPATH"] = {str(PROJECT)!r}
        subprocess.run([sys.executable, {str(step)!r}, str(os.getpid())])
    """,
        says="stuck",
    )
    watched.send(signal.SIGKILL)
    assert watched.rest() == ["end SIGTERM False"]


def test_a_caller_that_lives_is_no_reason_to_end(start):
    watched = start("""
        watch(0, psutil.Process(os.getppid()))
        say("watching")
        time.sleep(2.5 * signals.LOOK)
        say("done")
    """)
    assert watched.rest() == ["done"]


# In a process of its own: below the tests' one may be servers that other tests share.
FAMILIES = """
def family(prepare):
    source = f"{prepare}; echo ready; sleep 60 & wait; sleep 60; sleep 60"
    child = subprocess.Popen(["bash", "-c", source], stdout=subprocess.PIPE, text=True)
    assert child.stdout.readline() == "ready\\n"
    process = psutil.Process(child.pid)
    while not process.children():
        time.sleep(0.01)
    return [process, *process.children(recursive=True)]

def is_over(process):
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE

"""


def test_child_processes_are_ended_with_all_below_them(start):
    watched = start(f"""{FAMILIES}
everyone = [*family("true"), *family("true")]
say(len(everyone))
before = time.monotonic()
signals.end_children()
say("none had to be killed", time.monotonic() - before < signals.CHILDREN)
say("over", all(is_over(one) for one in everyone))
""", says="4")  # fmt: skip
    assert watched.rest() == ["none had to be killed True", "over True"]


def test_child_processes_that_do_not_listen_are_killed(start):
    watched = start(f"""{FAMILIES}
deaf = family("trap '' TERM INT")
say(len(deaf))
signals.CHILDREN = 0.5
signals.end_children()
psutil.wait_procs(deaf, timeout={SLACK})
say("over", all(is_over(one) for one in deaf))
""", says="2")  # fmt: skip
    assert watched.rest() == ["over True"]


def test_where_there_are_no_child_processes_nothing_happens(monkeypatch):
    monkeypatch.setattr(psutil.Process, "children", lambda *_, **__: [])
    signals.end_children()


def test_a_child_process_that_ends_meanwhile_is_no_error(monkeypatch):
    gone = subprocess.Popen(["true"])
    process = psutil.Process(gone.pid)
    gone.wait()
    monkeypatch.setattr(psutil.Process, "children", lambda *_, **__: [process])
    signals.end_children()


def test_the_code_names_no_signal_that_windows_lacks():
    here = {"SIGINT", "SIGTERM", "SIGABRT", "SIGFPE", "SIGILL", "SIGSEGV", "SIGBREAK"}
    code = [
        PROJECT / "main.py",
        *(path for one in PACKAGES for path in (PROJECT / one).rglob("*.py")),
    ]
    for path in code:
        named = set(re.findall(r"\bsignal\.(SIG[A-Z]+)\b", path.read_text()))
        assert named <= here, path


@each_signal
def test_an_interruption_says_by_which_signal(number):
    assert str(Interrupted(number)) == number.name
    assert Interrupted(int(number)).signal is number
    assert not isinstance(Interrupted(number), Exception)


@pytest.mark.parametrize("watching", ["signals._watch", "lambda *given: time.sleep(60)"])
def test_the_process_that_sets_killed_is_started_once_before_a_quick_end(start, watching):
    """Also where the watching thread has not had its turn by then."""
    watched = start(
        f"""
        from workflow.runtime import final_status

        def slowly(run_id, calling):
            time.sleep(1)
            say("started for", run_id)

        final_status.set_killed_later = slowly
        signals._watch = {watching}
        try:
            signals.watch("a run", None, 60, end)
            say("watching")
            time.sleep(60)
        except signals.Interrupted:
            signals.start_setter()
            say("ended")
            os._exit(0)
        """
    )
    watched.send(signal.SIGTERM)
    assert watched.rest() == ["started for a run", "ended"]
