"""Arguments in the question about a destructive call: shown in short, secrets hidden."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence

import pytest

from matahari.shell.display.secrets import MAX_LENGTH, arguments_text

PARAMS = {
    "properties": {"disk": {"type": "string"}, "key": {"type": "string"}, "force": {"type": "boolean"}},
    "x-positional": ["disk", "key"],
}


def entry(*sensitive: str, params: object = PARAMS) -> dict[str, object]:
    return {"params": params if isinstance(params, str) else json.dumps(params), "sensitive": list(sensitive)}


SHOWN: list[tuple[list[dict[str, object]], Sequence[object], Mapping[str, object], str]] = [
    ([entry()], ["sda", "k"], {"force": True}, '"sda" "k" force=true'),
    ([], ["sda", [1, {"a": None}]], {}, '"sda" [1, {"a": null}]'),
    ([], [uuid.UUID(int=1), "é\n"], {}, '"00000000-0000-0000-0000-000000000001" "é\\n"'),
    ([entry()], [], {}, ""),
    ([entry("key")], ["sda", "k"], {"force": True}, '"sda" *** force=true'),
    ([entry("key")], ["sda"], {"key": "k"}, '"sda" key=***'),
    ([entry(), entry("key")], ["sda"], {"key": "k"}, '"sda" key=***'),
    # What *args and **kwargs take.
    ([entry("rest")], ["sda", "k", "secret"], {"force": True, "other": "secret"}, '"sda" "k" *** force=true other=***'),
    # Which argument is the secret one cannot be known.
    ([entry("key", params="{")], ["sda", "k"], {"force": True}, "*** *** force=***"),
    ([entry("key", params="[]")], ["sda"], {}, "***"),
    ([{"sensitive": ["key"]}], ["sda"], {}, "***"),
    ([{"sensitive": "key", "params": 1}], ["sda"], {}, '"sda"'),
]


@pytest.mark.parametrize(("entries", "args", "kwargs", "text"), SHOWN)
def test_arguments_are_shown_and_secrets_hidden(
    entries: list[dict[str, object]], args: Sequence[object], kwargs: Mapping[str, object], text: str
) -> None:
    assert arguments_text(entries, args, kwargs) == text


def test_a_long_text_is_cut() -> None:
    assert arguments_text([], ["x" * (MAX_LENGTH - 2)], {}) == f'"{"x" * (MAX_LENGTH - 2)}"'
    cut = arguments_text([], ["x" * (MAX_LENGTH - 1)], {})
    assert len(cut) == MAX_LENGTH and cut.endswith("xxx...")
