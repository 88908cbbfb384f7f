"""The result sent to an address that the user gives, such as a chat's or a pager's webhook."""

import base64
import hashlib
import hmac
import json
import os
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from sql_features.errors import WorkflowError
from workflow.parameters import NONE

SECRET, ADDRESS = "TABULAR_WORKFLOW_NOTIFY_SECRET", "TABULAR_WORKFLOW_NOTIFY_URL"
ENVIRONMENT = "environment"  # stands for the address in `ADDRESS`, which then is recorded nowhere
ATTEMPTS, PAUSE, TIMEOUT = 3, 2.0, 10.0  # seconds
HEADER = "X-Tabular-Workflow"


class _NotFollowed(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: that would be a GET without the message."""

    def redirect_request(self, *given: Any, **named: Any) -> None:
        """Return nothing, so that the redirect is an error."""


def address(notify: str) -> str | None:
    """Return where the result is sent, or None.

    Args:
        notify: `none`, an http(s) address, or `environment`.

    Raises:
        WorkflowError: It is none of these, or the environment has no address.
    """
    if notify == NONE:
        return None
    given = os.environ.get(ADDRESS, "") if notify == ENVIRONMENT else notify
    where = f"{ADDRESS}" if notify == ENVIRONMENT else "notify"
    try:
        parts = urlsplit(given.strip())
        is_address = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        is_address = False
    if not is_address:
        raise WorkflowError(
            f"{where} is no http(s) address: give '{NONE}', https://HOST/PATH, or "
            f"'{ENVIRONMENT}' with the address in {ADDRESS}, where it is recorded nowhere."
        )
    return given.strip()


def host(address: str) -> str:
    """Return the host of an address: the rest of a webhook's address is often a secret.

    >>> host("https://hooks.example.org/services/T0/B0/secret")
    'hooks.example.org'
    """
    return urlsplit(address).hostname or ""


def send(address: str, message: Mapping[str, Any]) -> str:
    """Post a message as JSON, signed where the environment has a secret.

    The signature is made as MLflow makes those of its webhooks: `v1,` and the base64 of the
    HMAC-SHA256 of "<delivery id>.<seconds since 1970>.<body>". A refusal by the server is final;
    a server that cannot be reached or has an error of its own is asked again.

    Args:
        address: Of an http(s) server.
        message: What JSON can hold.

    Returns:
        "" if it was taken, else why not, without the address.
    """
    body = json.dumps(message, allow_nan=False).encode()
    why = ""
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(PAUSE * attempt)
        request = urllib.request.Request(address, body, _headers(body), method="POST")
        try:
            with urllib.request.build_opener(_NotFollowed).open(request, timeout=TIMEOUT):
                return ""
        except urllib.error.HTTPError as error:
            why = f"{host(address)} has answered {error.code}"
            if error.code < 500:
                return why
        except (OSError, ValueError) as error:  # ValueError: of an address that cannot be asked
            kind = type(getattr(error, "reason", error)).__name__
            why = f"{host(address)} cannot be reached ({kind})"
    return why


def is_signed() -> bool:
    """Tell whether the environment has a secret to sign with."""
    return bool(os.environ.get(SECRET))


def _headers(body: bytes) -> dict[str, str]:
    headers = {"Content-Type": "application/json", "User-Agent": "tabular-workflow"}
    if is_signed():
        delivery, seconds = str(uuid.uuid4()), str(int(time.time()))
        signed = f"{delivery}.{seconds}.".encode() + body
        found = hmac.new(os.environ[SECRET].encode(), signed, hashlib.sha256).digest()
        headers |= {
            f"{HEADER}-Delivery-Id": delivery,
            f"{HEADER}-Timestamp": seconds,
            f"{HEADER}-Signature": f"v1,{base64.b64encode(found).decode()}",
        }
    return headers
