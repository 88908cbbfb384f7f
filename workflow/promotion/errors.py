"""The error of the package."""


class NotComparable(Exception):
    """Why two versions cannot be compared, as a clause: "its target is another"."""
