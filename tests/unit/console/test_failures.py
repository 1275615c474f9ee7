"""What an agent's exception means to the caller."""

from __future__ import annotations

import pytest

from matahari.console.failures import error_of
from matahari.errors import (
    AbortedError,
    BusyError,
    CrashedError,
    InvalidArgumentError,
    MissingArgumentError,
    RefusedError,
    RemoteError,
    RemoteTimeoutError,
    UnexpectedError,
    UnknownActionError,
)
from matahari.qmf import Data, Value


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("raised", AbortedError),
        ("timeout", RemoteTimeoutError),
        ("crashed", CrashedError),
        ("busy", BusyError),
        ("refused", RefusedError),
        ("invalid_argument", InvalidArgumentError),
        ("missing_argument", MissingArgumentError),
        ("unknown_action", UnknownActionError),
        ("bad_result", UnexpectedError),
        ("too_large", UnexpectedError),
        ("not_loaded", UnexpectedError),
        ("of the future", RemoteError),
    ],
)
def test_the_kind_decides(kind: str, expected: type[RemoteError]) -> None:
    assert type(error_of(Data({"kind": kind, "error_text": "x"}), agent="a", action="m")) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Not implemented", UnknownActionError),
        ("Invalid argument: x", InvalidArgumentError),
        ("Invalid Arguments", InvalidArgumentError),
        ("You are not authorized for specified action", RefusedError),
        ("General error", RemoteError),
    ],
)
def test_agents_of_2012_send_no_kind_but_fixed_texts(text: str, expected: type[RemoteError]) -> None:
    assert type(error_of(Data({"error_text": text}), agent="a", action="m")) is expected


@pytest.mark.parametrize(
    ("code", "text", "expected"),
    [
        (1, b"UnknownObject", RemoteError),
        (2, b"UnknownMethod", UnknownActionError),
        (4, b"InvalidParameter", InvalidArgumentError),
        (6, b"Forbidden", RefusedError),
        (7, b"error", RemoteError),
        (0x10001, b"Queue in use", RemoteError),
    ],
)
def test_the_brokers_agent_sends_codes(code: int, text: bytes, expected: type[RemoteError]) -> None:
    error = error_of(Data({"error_code": code, "error_text": text}), agent="broker", action="m")
    assert type(error) is expected
    assert (str(error), error.status) == (text.decode(), code)


def test_all_facts_are_attributes() -> None:
    values: dict[str, Value] = {
        "type": b"ValueError",
        "value": b"boom",
        "traceback": b"frames",
        "error_code": 7,
        "kind": "raised",
    }
    error = error_of(Data(values), agent="v:p:i", action="m")
    assert str(error) == "ValueError: boom"
    assert (error.agent, error.action, error.status) == ("v:p:i", "m", 7)
    assert (error.remote_type, error.remote_traceback, error.kind) == ("ValueError", "frames", "raised")
