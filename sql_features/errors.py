"""The one error that a user can cause: it says in one line what to do about it."""


class WorkflowError(Exception):
    """What is wrong, what was given, what is allowed and what to do next, in one line."""

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.split()))
