"""What stands in an audit record, and what never does."""

from __future__ import annotations

import json
import math

import pytest

from matahari.hooks import ActionRequest, Caller, Decision, JsonValue, encode_record, intent_record, refusal_record

ALLOW = Decision(True, "go", "owner")


def request(arguments: dict[str, JsonValue], *sensitive: str) -> ActionRequest:
    return ActionRequest("7", "web", "login", Caller("alice", True), arguments, frozenset(sensitive))


def test_an_intent_says_who_wants_what() -> None:
    assert intent_record(request({"user": "a"}), ALLOW) == {
        "event": "intent",
        "id": "7",
        "who": "alice",
        "local": True,
        "plugin": "web",
        "action": "login",
        "arguments": {"user": "a"},
        "rule": "owner",
        "read_only": None,
    }


@pytest.mark.parametrize("secret", ["canary", ["canary"], {"canary": "canary"}])
def test_a_sensitive_value_is_in_no_record(secret: JsonValue) -> None:
    asked = request({"key": secret}, "key")
    records = [intent_record(asked, ALLOW), refusal_record(asked, "authorise", "no")]
    assert all(b"canary" not in encode_record(record) for record in records)


def test_arguments_that_did_not_fit_are_left_out_as_a_whole() -> None:
    """A secret may stand under a wrong name."""
    record = refusal_record(request({"pasword": "canary"}, "password"), "validate", "unknown", [("pasword", "unknown")])
    assert b"canary" not in encode_record(record)
    assert record["problems"] == [{"place": "pasword", "rule": "unknown"}]


def test_long_arguments_are_left_out_with_a_digest_of_what_would_be_shown() -> None:
    shown = intent_record(request({"text": "x" * 5000, "key": "one"}, "key"), ALLOW)["arguments"]
    other = intent_record(request({"text": "x" * 5000, "key": "two"}, "key"), ALLOW)["arguments"]
    assert isinstance(shown, dict)
    assert shown["left_out"] == "too long"
    assert shown == other


def test_no_value_begins_a_line_of_its_own() -> None:
    line = encode_record(intent_record(request({"text": 'a\n{"event":"x"}\r\x1b[2J\u2028'}), ALLOW))
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert line[:-1].decode("ascii").isprintable()


def test_a_record_is_json_for_every_reader() -> None:
    odd: dict[str, JsonValue] = {"a": math.inf, "b": [math.nan], "c": {"d": -math.inf}, "e": "\ud800"}
    line = encode_record(intent_record(request(odd), ALLOW))
    assert json.loads(line, parse_constant=lambda name: pytest.fail(name))["arguments"]["a"] == "inf"


def test_names_that_a_caller_chose_are_cut() -> None:
    asked = ActionRequest("7", "p" * 10_000, "a" * 10_000, Caller("u" * 10_000), {"n" * 10_000: 1})
    assert len(encode_record(intent_record(asked, ALLOW))) < 8192
