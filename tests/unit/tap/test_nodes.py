"""Values with their types."""

from __future__ import annotations

from uuid import UUID

import pytest

from matahari.tap.nodes import Node, entries, node_json, plain

KEY = Node("string", 0xA1, "k")


@pytest.mark.parametrize(
    ("node", "json", "value"),
    [
        (Node("null", 0x40), {"c": "40", "t": "null", "v": None}, None),
        (Node("key", None, "k"), {"t": "key", "v": "k"}, "k"),
        (Node("binary", 0xA0, b"ab"), {"c": "a0", "t": "binary", "v": "6162", "text": "ab"}, b"ab"),
        (Node("binary", 0xA0, b""), {"c": "a0", "t": "binary", "v": "", "text": ""}, b""),
        (Node("binary", 0xA0, b"a\n"), {"c": "a0", "t": "binary", "v": "610a"}, b"a\n"),
        (Node("uuid", 0x98, UUID(int=1)), {"c": "98", "t": "uuid", "v": str(UUID(int=1))}, UUID(int=1)),
        (
            Node("map", 0xC1, items=(KEY, KEY, KEY, Node("null", 0x40))),
            {
                "c": "c1",
                "t": "map",
                "v": [[node_json(KEY), node_json(KEY)], [node_json(KEY), {"c": "40", "t": "null", "v": None}]],
            },
            {"k": None},
        ),
        (
            Node("described", 0x00, items=(KEY, Node("list", 0x45))),
            {"c": "00", "t": "described", "v": [node_json(KEY), {"c": "45", "t": "list", "v": []}]},
            [],
        ),
    ],
)
def test_a_value_has_a_form_for_files_and_one_for_programs(node: Node, json: object, value: object) -> None:
    assert node_json(node) == json
    assert plain(node) == value


def test_a_key_that_is_no_text_becomes_text() -> None:
    node = Node("map", 0xC1, items=(Node("uint", 0x43, 0), KEY, Node("binary", 0xA0, b"b\xff"), KEY))
    assert plain(node) == {"0": "k", "b\\xff": "k"}


def test_only_maps_have_entries() -> None:
    assert entries(Node("list", 0xC0, items=(KEY,))) == []
