"""What libraries say of addresses that cannot be read, without what is secret in them."""

from workflow import addresses


def reason(error: Exception) -> str:
    """Return why an address cannot be read, of an error that a library has raised."""
    found = cause(error) if isinstance(error, FileNotFoundError) else error.__cause__ or error
    return addresses.stripped_text(f"{type(found).__name__}: {found}")


def cause(error: BaseException) -> BaseException:
    """Return what has gone wrong.

    fsspec raises FileNotFoundError also for a web server that is out of order, and once more for a
    URL that has a query.
    """
    while isinstance(error, FileNotFoundError) and error.__cause__:
        error = error.__cause__
    return error
