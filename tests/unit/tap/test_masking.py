"""Secrets are found by their names, wherever the name is."""

from __future__ import annotations

import json
import time

import pytest

from matahari.qmf import encode_map
from matahari.tap.amqp010 import read_body, write_body
from matahari.tap.amqp10 import read_sections, write_sections
from matahari.tap.masking import MASK, mask_node, mask_text
from matahari.tap.nodes import Node, plain


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ('{"password": "x", "user": "joe"}', '{"password": "***", "user": "joe"}'),
        ('{"a": [{"api_key": {"b": 1}}]}', '{"a": [{"api_key": "***"}]}'),
        ('{"token": null}', '{"token": null}'),
        (' ["{\\"secret\\": 1}"]', '["{\\"secret\\": \\"***\\"}"]'),
        ('{"a": "{\\"secret\\": 1}", "a": 2}', '{"a": 2}'),
        ('{"pass\\u0077ord": "x"}', '{"password": "***"}'),
        ('"plain"', '"plain"'),
        ("password=hunter2 and more", "password=*** and more"),
        ("Authorization: Bearer abc.def", "Authorization: ***"),
        ("{'password': 'a b', 'c': 1}", "{'password': ***, 'c': 1}"),
        ('{"password":"x"} trailing', '{"password":***} trailing'),
        ("postgres://joe:hunter2@db/x", "postgres://joe:***@db/x"),
        ("vendor.org:token:instance", "vendor.org:token:instance"),
        ("KeyError: 'name'", "KeyError: 'name'"),
        ("nothing at all", "nothing at all"),
    ],
)
def test_texts_are_masked_where_a_name_says_so(text: str, masked: str) -> None:
    assert mask_text(text) == masked
    assert mask_text(masked) == masked


def test_text_beyond_ascii_stays_readable_and_can_always_be_encoded() -> None:
    assert mask_text('{"password": 1, "name": "é"}') == '{"password": "***", "name": "é"}'
    mask_text('{"password": 1, "name": "é \\ud800"}').encode()


@pytest.mark.parametrize(
    "text",
    [
        "a" * 1_000_000 + "password", "password=" * 100_000, 'password="' * 100_000, '"' * 1_000_000,
        "[" * 100_000 + '"password"', "key:" * 250_000, "://a:" * 200_000, "\\" * 1_000_000,
        '{"a":' * 100_000 + '"password"', "password:" + " " * 1_000_000,
    ],
    ids=lambda text: text[:12],
)  # fmt: skip
def test_no_text_takes_more_than_time_in_proportion_to_its_length(text: str) -> None:
    start = time.process_time()
    mask_text(text)
    assert time.process_time() - start < 5.0


def body_of(value: dict[str, object]) -> Node:
    return read_body(encode_map(value), "map")  # type: ignore[arg-type]  # any nesting of QMF values


def test_values_in_a_map_are_masked_at_any_depth() -> None:
    body = body_of({"_arguments": {"kwargs": {"password": '"x"', "list": [{"Token": 5}], "plain": b"key=abc"}}})
    masked = mask_node(body)
    assert plain(masked) == {
        "_arguments": {"kwargs": {"password": MASK, "list": [{"Token": MASK}], "plain": b"key=***"}}
    }
    assert plain(read_body(write_body(masked), "map")) == plain(masked)


def test_what_holds_no_secret_is_the_very_same_object() -> None:
    body = body_of({"a": [1, "text", {"b": None}], "password": None})
    assert mask_node(body) is body
    masked = mask_node(body_of({"password": 1}))
    assert mask_node(masked) is masked


def test_a_literal_that_a_predicate_compares_with_a_secret_is_masked() -> None:
    body = body_of({"_where": ["and", ["eq", "password", ["quote", "x"]], ["eq", "user", ["quote", "joe"]]]})
    assert plain(mask_node(body)) == {
        "_where": ["and", ["eq", "password", ["quote", MASK]], ["eq", "user", ["quote", "joe"]]]
    }


def test_bytes_that_are_no_text_are_searched_where_they_are() -> None:
    body = body_of({"blob": b"\xff password=hunter2 \xfe", "other": b"\xff\xfe"})
    assert plain(mask_node(body)) == {"blob": b"\xff password=*** \xfe", "other": b"\xff\xfe"}


def test_a_long_text_that_is_masked_still_has_an_encoding() -> None:
    text = json.dumps({"password": 1, "rest": "x" * 65_480})
    masked = mask_node(body_of({"a": text}))
    assert MASK in str(plain(read_body(write_body(masked), "map")))


def test_values_of_amqp_1_0_are_masked_in_their_own_types() -> None:
    data = bytes.fromhex("005377") + b"\xc1\x0e\x02\xa1\x08password\xa1\x01x"
    [section] = read_sections(data)
    masked = mask_node(section.content)
    assert plain(masked) == {"password": MASK}
    [again] = read_sections(write_sections([type(section)("amqp-value", masked)]))
    assert again.content == masked


@pytest.mark.parametrize(
    ("code", "name", "charset"), [(0x94, "str16-latin", "latin-1"), (0x96, "str16-utf16", "utf-16-be")]
)
def test_texts_in_other_charsets_are_searched_too(code: int, name: str, charset: str) -> None:
    node = Node(name, code, "é password=x".encode(charset))
    assert mask_node(node) == Node("str16", 0x95, "é password=***")
