"""A process of its own for a model that brings other code than this project's `sql_features`.

`model_loading` runs this file by its path, under `python -P -B`, so nothing of the project can be
imported there: this file too may import no module of it. It loads the model of a folder and answers
batches of raw rows until its owner, the process that has started it, closes the pipe or ends.

Requests come on standard input and answers go to standard output, each a pickle: the same
interpreter stands at both ends, and a pickle keeps every dtype and index of a frame. A request is a
frame; an answer is `("answer", value)` or `("error", line)`. The first answer comes unasked: the
labels of the model's classes, or why it cannot be loaded.
"""

import os
import pickle
import signal
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any, BinaryIO

LONGEST = 300  # characters of an error
LOOK = 1.0  # seconds between two looks at the owner


def main(folder: str, owner: int) -> None:
    """Serve the model in a folder to the process with the id `owner`."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the owner, and it ends this one
    threading.Thread(target=_end_with, args=[owner], daemon=True).start()
    requests, answers = _pipes()
    model: Any = None

    def load() -> list[Any]:
        nonlocal model
        import mlflow  # only now that what it prints goes elsewhere

        model = mlflow.pyfunc.load_model(folder)
        return labels_of(model.get_raw_model())

    loaded = _answer(answers, load)
    while loaded:
        try:
            rows = pickle.load(requests)
        except EOFError:
            break
        _answer(answers, partial(model.predict, rows))
    os._exit(0)  # at once, whatever threads the model has started


def labels_of(pipeline: Any) -> list[Any]:
    """Return the labels of a pipeline's classes in the order of probabilities, if it has any."""
    return list(getattr(pipeline, "labels", ()))


def in_one_line(error: BaseException) -> str:
    """Return an error's type and text in one line of bounded length."""
    # MLflow shows the rows that do not fit a signature, and only then what is wrong with them.
    text = str(error).rpartition(" Error: ")[2]
    return " ".join(f"{type(error).__name__}: {text}".split())[:LONGEST]


def _pipes() -> tuple[BinaryIO, BinaryIO]:
    """Keep the two pipes to the owner, and turn standard input and output elsewhere.

    So the model's code can neither read a request nor print into an answer.
    """
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    return requests, answers


def _answer(answers: BinaryIO, call: Callable[[], Any]) -> bool:
    """Send what a call returns, or its error; tell whether it has succeeded."""
    try:
        message, succeeded = pickle.dumps(("answer", call()), protocol=5), True
    except Exception as error:
        message, succeeded = pickle.dumps(("error", in_one_line(error))), False
    answers.write(message)
    answers.flush()
    return succeeded


def _end_with(owner: int) -> None:
    """End this process when its owner has ended, in the middle of a prediction too.

    The closed pipe would be seen only after it, and a process that the owner has forked may hold
    the pipe open.
    """
    while os.getppid() == owner:
        time.sleep(LOOK)
    os._exit(1)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
