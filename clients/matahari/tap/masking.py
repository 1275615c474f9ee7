"""Secrets made unreadable, by the names that they travel under.

Masked are values of map keys and of JSON members that are named like a secret, at any depth; literals that a
predicate compares with such a property; and in other text what follows such a name and ``=`` or ``:``, and passwords
in URLs. A secret without a name (a positional argument, a word of a sentence) cannot be told from anything else.

Over-masking costs a second look with ``--show-secrets``; a leaked password costs more. So names match loosely.

Source: security.md T23
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Final

from matahari.tap.nodes import Node, entries, plain
from matahari.validation import SECRET_WORDS, is_secret_name

__all__ = ["MASK", "mask_node", "mask_text", "stand_in"]

MASK: Final = "***"

#: A colon alone assigns only to the plainest of names: ``vendor:token:instance`` is the name of an agent.
#: Names are not matched from their beginning: a pattern that may start anywhere in a long word takes quadratic time.
_ASSIGNED = re.compile(
    r"""((?:passw(?:or)?d|passphrase)\w{0,32}\\?["']?\s{0,8}[=:]\s{0,8}"""
    rf"""|(?:(?:{"|".join(SECRET_WORDS)})\w{{0,32}}|keys?(?![a-z])\w{{0,32}})"""
    r"""(?:\\?["']\s{0,8}[=:]|\s{0,8}=|\s{0,8}:(?=\s))\s{0,8})"""
    r"""(?:(?:bearer|basic)\s{1,8})?("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\\"[^"]*"|[^\s,;&)}\]]+)""",
    re.IGNORECASE,
)
_URL_LOGIN = re.compile(r"(://[^\s/:@]{0,256}:)[^\s/@]{1,256}(?=@)")
_OPENINGS = ("{", "[", '"')
_MAX_NESTING = 16  # JSON texts within JSON texts; each level doubles the backslashes, so that 16 fill a message
_CHARSETS = {"str8-latin": "latin-1", "str16-latin": "latin-1", "str8-utf16": "utf-16-be", "str16-utf16": "utf-16-be"}
_LONGEST_16 = 0xFFFF


def mask_node(node: Node) -> Node:
    """The value without its secrets; the very same object when there was none."""
    if node.type == "map":
        return _with_items(node, _masked_entries(node))
    if node.items:
        return _with_items(node, _masked_comparison(node) or [mask_node(item) for item in node.items])
    text = _text_of(node)
    if not text:
        return node
    changed = mask_text(text)
    return node if changed == text else _with_text(node, changed)


def mask_text(text: str) -> str:
    """The text without its secrets: as JSON where it is JSON, else by names and equals signs."""
    return _mask_text(text, 0)


def stand_in(*, is_010: bool) -> Node:
    """What stands for a secret, in the encoding of AMQP 0-10 or of 1.0."""
    return Node("str16", 0x95, MASK) if is_010 else Node("string", 0xA1, MASK)


# --- values ---------------------------------------------------------------------------------------------------------


def _with_items(node: Node, items: list[Node]) -> Node:
    is_same = all(new is old for new, old in zip(items, node.items, strict=True))
    return node if is_same else replace(node, items=tuple(items))


def _masked_entries(node: Node) -> list[Node]:
    items: list[Node] = []
    for key, value in entries(node):
        if not is_secret_name(_text_of(key) or str(plain(key))):
            items += (key, mask_node(value))
        elif value.type in ("null", "void") or value.value == MASK:
            items += (key, value)  # nothing is no secret, and that it is absent is worth seeing
        else:
            items += (key, _mask_beside(key))
    return items


def _masked_comparison(node: Node) -> list[Node] | None:
    """The items of ``[operator, NAME, ["quote", literal]]`` with the literal masked; None of anything else."""
    if node.type != "list" or len(node.items) != 3:
        return None
    operands = node.items[1:]
    quotes = [item for item in operands if len(item.items) == 2 and _text_of(item.items[0]) == "quote"]
    if not quotes or not any(is_secret_name(_text_of(item) or "") for item in operands):
        return None
    return [
        replace(item, items=(item.items[0], _mask_beside(item.items[0]))) if item in quotes else item
        for item in node.items
    ]


def _mask_beside(neighbour: Node) -> Node:
    """A stand-in in the encoding of its neighbour."""
    return stand_in(is_010=neighbour.type == "key" or neighbour.type.startswith(("str8", "str16", "vbin")))


def _text_of(node: Node) -> str | None:
    """The text in a value, binary included; bytes that are no text become surrogates and come back as they were."""
    if isinstance(node.value, bytes):
        if node.type == "binary" or node.type.startswith("vbin"):
            return node.value.decode("utf-8", "surrogateescape")
        charset = _CHARSETS.get(node.type)
        return None if charset is None else node.value.decode(charset, "replace")
    return node.value if isinstance(node.value, str) else None


def _with_text(node: Node, text: str) -> Node:
    if node.type in ("string", "symbol"):
        return replace(node, value=text)
    raw = text.encode("utf-8", "surrogateescape")
    if node.type == "binary":
        return replace(node, value=raw)
    if len(raw) > _LONGEST_16:
        return Node("vbin32", 0xA0, raw)
    return Node("vbin16", 0x90, raw) if node.type.startswith("vbin") else Node("str16", 0x95, text)


# --- text -----------------------------------------------------------------------------------------------------------


def _mask_text(text: str, nesting: int) -> str:
    if not _may_hold_secret(text):
        return text
    if nesting < _MAX_NESTING and text.lstrip()[:1] in _OPENINGS:
        finder = _JsonMask(nesting)
        try:
            value = finder.member(json.loads(text, object_pairs_hook=finder.members))
            return _dumped(value, like=text) if finder.found else text
        except (ValueError, RecursionError):
            pass  # it only begins like JSON
    return _URL_LOGIN.sub(rf"\1{MASK}", _ASSIGNED.sub(rf"\1{MASK}", text))


def _dumped(value: object, *, like: str) -> str:
    """JSON text, in ASCII where the original was (a symbol has nothing else) and where UTF-8 has no form for it."""
    result = json.dumps(value, ensure_ascii=like.isascii())
    try:
        result.encode()
    except UnicodeEncodeError:
        return json.dumps(value)
    return result


def _may_hold_secret(text: str) -> bool:
    """Cheap test for what most text is; in JSON a backslash may hide a name from it."""
    if "\\" in text or "://" in text:
        return True
    lowered = text.lower()
    return "key" in lowered or any(word in lowered for word in SECRET_WORDS)


class _JsonMask:
    """Masks members while they are read, so that one given twice cannot hide behind its later value."""

    def __init__(self, nesting: int) -> None:
        self._nesting = nesting
        self.found = False

    def members(self, pairs: list[tuple[str, object]]) -> dict[str, object]:
        """A JSON object from its members; those inside have been through here."""
        result: dict[str, object] = {}
        for name, value in pairs:
            if value is not None and value != MASK and is_secret_name(name):
                self.found = True
                result[name] = MASK
            else:
                result[name] = self.member(value)
        return result

    def member(self, value: object) -> object:
        """A member's value, or the whole text's."""
        if isinstance(value, str):
            changed = _mask_text(value, self._nesting + 1)
            self.found = self.found or changed != value
            return changed
        if isinstance(value, list):
            return [self.member(item) for item in value]
        return value
