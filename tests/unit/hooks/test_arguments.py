"""How arguments are written: small ones as they are, large ones as a preview, and never what is sensitive."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator
from typing import Any

import pytest

from matahari.hooks import ActionRequest, Caller, JsonValue
from matahari.hooks import arguments as module
from matahari.hooks.arguments import (
    MASK,
    MAX_ARGUMENTS_BYTES,
    MAX_TEXT,
    PREVIEW,
    are_large,
    digested_arguments,
    written_arguments,
)

DEEP: JsonValue = json.loads("[" * 900 + "]" * 900)
LARGE: dict[str, JsonValue] = {
    "numbers": list(range(5000)),
    "lists": [[1, 2.5, None, True, "x"] for _ in range(1000)],
    "maps": [{"a": {"b": "ü\n" * 3}} for _ in range(1000)],
    "names": {f"name {at}" * 50: at for at in range(100)},
    "text": "é😀\ud800\n" * 20_000,
    "deep": [DEEP] * 20,
    "great": [10**4000] * 20,
    "infinite": [math.inf, "x" * 300, math.nan] * 500,
}


def request(arguments: dict[str, JsonValue], *sensitive: str) -> ActionRequest:
    return ActionRequest("7", "web", "login", Caller("alice", True), arguments, frozenset(sensitive))


class Watched(list[Any]):
    """A list that counts how many of its values are looked at."""

    looks = 0

    def __iter__(self) -> Iterator[Any]:
        for value in super().__iter__():
            self.looks += 1
            yield value


@pytest.mark.parametrize("name", LARGE)
def test_large_arguments_are_a_preview_and_beside_the_loop_length_and_digest_of_their_text(name: str) -> None:
    asked = request({name: LARGE[name]})
    text = json.dumps({name: LARGE[name]}, separators=(",", ":"), allow_nan=True)
    text = text.replace("NaN", '"nan"').replace("Infinity", '"inf"')
    seen = {"left_out": "too long", "preview": text[:PREVIEW]}
    assert are_large(asked)
    assert written_arguments(asked) == seen
    whole = {"bytes": len(text), "sha256": hashlib.sha256(text.encode()).hexdigest()}
    assert digested_arguments(asked) == seen | whole


@pytest.mark.parametrize("room", [-20, 0, 1])
def test_what_has_as_many_bytes_as_a_record_may_is_written_in_full(room: int) -> None:
    asked = request({"text": "x" * (MAX_ARGUMENTS_BYTES - len('{"text":""}') + room)})
    assert (written_arguments(asked) == asked.arguments) == (room <= 0)


def test_what_looks_small_and_is_not_is_digested_at_once() -> None:
    """Numbers and characters that take more bytes than they seem to."""
    asked = request({"text": "\x01" * 1000})
    assert not are_large(asked)
    found = written_arguments(asked)
    assert isinstance(found, dict)
    assert found["bytes"] == 6011


@pytest.mark.parametrize("deep", ["[" * 900 + "]" * 900, '{"a":' * 600 + "1" + "}" * 600])
def test_nobody_hides_what_a_call_was_for_behind_something_deep(deep: str) -> None:
    """Small, and deeper than can be written as it is."""
    asked = request({"command": "wipe", "more": json.loads(deep)})
    assert not are_large(asked)
    text = f'{{"command":"wipe","more":{deep}}}'
    whole = {"bytes": len(text), "sha256": hashlib.sha256(text.encode()).hexdigest()}
    for found in (written_arguments, digested_arguments):
        assert found(asked) == {"left_out": "too deep", "preview": text[:PREVIEW]} | whole
    hidden = written_arguments(request({"key": json.loads(deep), "command": "wipe"}, "key"))
    assert hidden == {"key": MASK, "command": "wipe"}


def test_names_that_begin_alike_do_not_take_the_place_of_each_other() -> None:
    names = "x" * 1000 + "1", "x" * 1000 + "2"
    asked = request({names[0]: "wipe", names[1]: "look"})
    assert written_arguments(asked) == {names[0]: "wipe", names[1]: "look"}


@pytest.mark.parametrize(
    "secret", ["canary" * 10_000, ["canary"] * 10_000, {"canary": "canary"}, [[["canary"]]] * 5000]
)
@pytest.mark.parametrize("others", [{}, {"text": "x" * 5000}, {"numbers": list(range(5000))}])
def test_no_preview_and_no_digest_has_anything_of_a_secret(secret: JsonValue, others: dict[str, JsonValue]) -> None:
    asked, other = request({"key": secret, **others}, "key"), request({"key": "other", **others}, "key")
    for found in (written_arguments, digested_arguments):
        assert "canary" not in str(found(asked))
        assert found(asked) == found(other)
    assert MASK in str(written_arguments(asked))


NAMED: dict[str, JsonValue] = {
    "password": "canary",
    "api_key": {"of": ["canary"]},
    "user": {"name": "ann", "Password": "canary", "more": [{"authToken": ["canary"]}]},
}
FILLING: list[dict[str, JsonValue]] = [
    {},
    {"text": "x" * 5000},
    {"deep": DEEP},
    {"maps": [{"secret": "canary" * 500}] * 100},
    {"secrets": ["canary"] * 10_000},
]


@pytest.mark.parametrize("others", FILLING, ids=["small", "large", "deep", "many", "one large"])
def test_what_is_named_like_a_secret_is_hidden_though_nobody_has_declared_it(others: dict[str, JsonValue]) -> None:
    asked = request(NAMED | others)
    for found in (written_arguments, digested_arguments):
        text = str(found(asked))
        assert "canary" not in text
        assert "ann" in text
        # Nothing that is derived from the whole tells anything of it, either.
        assert text == str(found(request(json.loads(json.dumps(NAMED | others).replace("canary", "other")))))


def test_of_a_name_only_the_beginning_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """Or a name of a megabyte would hold the event loop."""
    seen: list[int] = []
    monkeypatch.setattr(module, "is_secret_name", lambda name: seen.append(len(name)))
    written_arguments(request({"unheard of " + "x" * 100_000: 1}))
    assert 0 < max(seen) <= MAX_TEXT


def test_what_something_is_looked_up_by_is_no_secret() -> None:
    assert written_arguments(request({"key": "net.ipv4", "keys": ["a"]})) == {"key": "net.ipv4", "keys": ["a"]}


def test_of_large_arguments_only_the_beginning_is_looked_at() -> None:
    numbers = Watched(range(1_000_000))
    written_arguments(request({"numbers": numbers}))
    assert numbers.looks < MAX_ARGUMENTS_BYTES
    lists = Watched([1] for _ in range(100_000))
    written_arguments(request({"inside": [lists]}))
    assert lists.looks < MAX_ARGUMENTS_BYTES


def test_a_secret_is_not_looked_at_at_all() -> None:
    secret = Watched(range(100_000))
    digested_arguments(request({"key": secret, "text": "x" * 5000}, "key"))
    assert secret.looks == 0


def test_what_is_no_json_is_left_out() -> None:
    odd: dict[str, Any] = {"odd": object(), "text": "x" * 5000}
    assert digested_arguments(request(odd)) == {"left_out": "TypeError"}
    assert written_arguments(request({"odd": odd["odd"]})) == {"left_out": "TypeError"}
