"""Addresses of data, datasets and stores, without what is secret in them.

An address may hold a user and a password (`https://me:secret@host/x.csv`), and its query may be a
signature that opens the file to whoever has it (`https://host/x.csv?X-Amz-Signature=...`). All that
is printed or logged holds `stripped` addresses. A query that was left out leaves `?...` behind, so
that nobody takes the rest for the whole.
"""

import re

LEFT_OUT = "..."  # stands for a query
# Environment variables with the query of a parameter's address, or of `data` in a dataset file. The
# workflow hands it so to its steps; a user can too, and MLflow then records it nowhere.
QUERY_VARIABLES = {
    "dataset": "TABULAR_WORKFLOW_DATASET_QUERY",
    "data": "TABULAR_WORKFLOW_DATA_QUERY",
}
PATTERNS = ("s3", "gs")  # their `?` stands for any character, unless `name=` follows
# In a text an address ends at white space, and neither with a bracket nor with a quote.
END = r"(?=[)\]}>\"',;:]*\.?(?:\s|$))"
IN_TEXT = re.compile(rf"[A-Za-z][\w+.:-]*://\S*?(?:\?\.\.\.)?{END}")
# A server that repeats what it was asked for may name neither itself nor the scheme.
PATH_IN_TEXT = re.compile(rf"(?<!\S)([(\[{{<\"']*/[^\s?]*)\?[\w.%~-]+=\S*?{END}")
REQUESTED = re.compile(r"(?<=with url: )(/[^\s?]*)\?\S*")  # by urllib3, which names the host before
HOST = re.compile(r"(\[.*\]|[^:]*)(:\d+)?|arn:.*")  # with a port; or a name of s3's


def stripped(address: str) -> str:
    """Return an address without user and password, and with `...` for its query.

    >>> stripped("https://me:secret@host:8080/x.csv?signature=abc/def")
    'https://host:8080/x.csv?...'
    >>> stripped("s3://bucket/2023-0?.csv"), stripped("/data/2023-0?.csv")
    ('s3://bucket/2023-0?.csv', '/data/2023-0?.csv')
    """
    scheme, _, place, query = _parts(address)
    return f"{scheme}{place}?{LEFT_OUT}" if query else f"{scheme}{place}"


def stripped_text(text: str) -> str:
    """Return a text, such as a library's error, with every address in it stripped.

    >>> stripped_text("403, url='https://host/x.csv?signature=abc' (forbidden)")
    "403, url='https://host/x.csv?...' (forbidden)"
    """
    for without_host in (REQUESTED, PATH_IN_TEXT):
        text = without_host.sub(rf"\1?{LEFT_OUT}", text)
    return IN_TEXT.sub(lambda found: stripped(found[0]), text)


def small_scheme(address: str) -> str:
    """Return an address with its scheme in small letters; a server takes it in any.

    >>> small_scheme("HTTPS://host/X.csv"), small_scheme("/data/X.csv")
    ('https://host/X.csv', '/data/X.csv')
    """
    scheme, separator, rest = address.partition("://")
    return f"{scheme.lower()}://{rest}" if separator and scheme.isalnum() else address


def has_user(address: str) -> bool:
    """Tell whether an address holds a user, a password or a key."""
    return bool(_parts(address)[1])


def query(address: str) -> str:
    """Return the query of an address, or "" if it has none or it was left out."""
    found = _parts(address)[3]
    return "" if found == LEFT_OUT else found


def lacks_query(address: str) -> bool:
    """Tell whether an address had a query that was left out."""
    return _parts(address)[3] == LEFT_OUT


def with_query(address: str, query: str) -> str:
    """Return an address with a query instead of the one that it has, if any.

    >>> with_query("https://host/x.csv?...", "signature=abc")
    'https://host/x.csv?signature=abc'
    """
    return f"{_without_query(address)}?{query.removeprefix('?')}"


def joined(folder: str, name: str) -> str:
    """Return the address of a file below another, whose query it keeps.

    >>> joined("s3://bucket/trips/", "a.csv"), joined("https://host/trips?key=1", "a.csv")
    ('s3://bucket/trips/a.csv', 'https://host/trips/a.csv?key=1')
    """
    below = f"{_without_query(folder).rstrip('/')}/{name}"
    found = _parts(folder)[3]
    return f"{below}?{found}" if found else below


def file_name(address: str) -> str:
    """Return the last part of a path or of an address' path.

    >>> file_name("https://host/trips/a.csv?signature=abc/def"), file_name("/data/2023/")
    ('a.csv', '2023')
    """
    return _parts(address)[2].rstrip("/").rpartition("/")[2]


def _without_query(address: str) -> str:
    scheme, user, place, _ = _parts(address)
    return f"{scheme}{user}{place}"


def _parts(address: str) -> tuple[str, str, str, str]:
    """Return scheme, user with password and `@`, host with path, and query of an address.

    A local path is all path. Passwords and keys are found even where they hold `/`, `?`, `#` or
    `@`, which they should not; of a text that was cut within one, no more than the scheme is left.
    A fragment is no part of the place: no server is sent it.
    """
    found = re.fullmatch(r"(\s*[^/?#@\s]*:/{2,})(.*)", address, re.DOTALL)
    if found is None or found[1].startswith("file:"):
        return "", "", address, ""
    scheme, rest = found.groups()
    host = re.split(r"[/?#]", rest, maxsplit=1)[0]
    user = ""
    if "@" in host or not HOST.fullmatch(host):
        user = rest[: rest.rfind("@") + 1] or rest
        rest = rest.removeprefix(user)
    if scheme.partition(":")[0] in PATTERNS:
        begin = re.search(r"\?(?=[\w.%~-]+=|\.\.\.$)", rest)
        place, query = (rest[: begin.start()], rest[begin.end() :]) if begin else (rest, "")
        return scheme, user, place, query
    place, _, query = rest.partition("#")[0].partition("?")
    return scheme, user, place, query
