"""The error for what a user can cause and can mend."""


class WorkflowError(Exception):
    """One line: what is wrong, what was given, what is allowed and what to do next."""

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.split()))
