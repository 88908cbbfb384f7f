"""Notifications to a web server in this process."""

import base64
import hashlib
import hmac
import json
from http.server import BaseHTTPRequestHandler

import pytest

from sql_features.errors import WorkflowError
from workflow.monitoring import notification

MESSAGE = {"verdict": "alert", "text": "trips version 3: alert: no rows"}


@pytest.fixture
def received(serve, monkeypatch):
    """The requests that a server has got, and its address; its answers are taken from the list."""
    monkeypatch.setattr(notification, "PAUSE", 0.0)
    got, answers = [], []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            got.append((dict(self.headers), self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(answers.pop(0) if answers else 200)
            self.send_header("Location", "/elsewhere")
            self.end_headers()

        def log_message(self, *words):
            pass

    return got, answers, f"{serve(Handler)}/services/secret"


def test_a_message_is_signed_as_mlflow_signs_its_webhooks(received, monkeypatch):
    monkeypatch.setenv(notification.SECRET, "hush")
    got, _, address = received
    assert notification.send(address, MESSAGE) == ""
    ((headers, body),) = got
    assert json.loads(body) == MESSAGE
    signed = (
        f"{headers['X-Tabular-Workflow-Delivery-Id']}.{headers['X-Tabular-Workflow-Timestamp']}."
    ).encode() + body
    digest = base64.b64encode(hmac.new(b"hush", signed, hashlib.sha256).digest()).decode()
    assert headers["X-Tabular-Workflow-Signature"] == f"v1,{digest}"


def test_without_a_secret_it_is_sent_unsigned(received, monkeypatch):
    monkeypatch.delenv(notification.SECRET, raising=False)
    got, _, address = received
    assert notification.send(address, MESSAGE) == ""
    assert not any("Signature" in name for name in got[0][0])


@pytest.mark.parametrize(
    ("codes", "asked", "why"),
    [
        ([500, 503], 3, ""),
        ([500, 500, 500], 3, "127.0.0.1 has answered 500"),
        ([403], 1, "127.0.0.1 has answered 403"),
        ([302], 1, "127.0.0.1 has answered 302"),
    ],
)
def test_a_server_is_asked_again_only_where_that_may_help(received, codes, asked, why):
    got, answers, address = received
    answers += codes
    assert notification.send(address, MESSAGE) == why
    assert len(got) == asked


def test_a_server_that_is_away_is_named_without_the_secret_path(monkeypatch):
    monkeypatch.setattr(notification, "PAUSE", 0.0)
    why = notification.send("http://127.0.0.1:9/services/secret", MESSAGE)
    assert why == "127.0.0.1 cannot be reached (ConnectionRefusedError)"


def test_the_address_may_stand_in_the_environment(monkeypatch):
    monkeypatch.setenv(notification.ADDRESS, "https://hooks.example.org/secret")
    assert notification.address("environment") == "https://hooks.example.org/secret"
    assert notification.address("none") is None


@pytest.mark.parametrize("notify", ["ftp://host/x", "hooks.example.org", "https://", "environment"])
def test_what_is_no_address_is_refused_without_being_repeated(notify, monkeypatch):
    monkeypatch.delenv(notification.ADDRESS, raising=False)
    with pytest.raises(WorkflowError, match=r"is no http\(s\) address: give 'none'") as caught:
        notification.address(notify)
    assert notify == "environment" or notify not in str(caught.value).split("give")[0]
