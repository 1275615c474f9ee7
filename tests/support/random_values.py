"""Random values, bodies, predicates, schemas and packets, made from one seed each.

Much faster than strategies that draw each part, which the property tests use; Hypothesis draws the seeds. Boundaries
come often: the widest numbers, the longest keys, text that needs another encoding.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from random import Random

from matahari.qmf import Method, Packet, Property, PropertyType, Schema, SchemaId, Value
from tests.support.strategies import OPCODES, WIRE_KEYS, WIRE_TEXTS

_EDGES = (0, 1, -1, 127, -128, 255, 256, 2**31 - 1, -(2**31), 2**32 - 1, 2**63 - 1, -(2**63), 2**63, 2**64 - 1)
_FLOATS = (0.0, -0.0, 1.5, -0.1, 1e300, 5e-324, float("inf"), float("-inf"))
_LETTERS = "abcXYZ_.:/ 0159é€ß\U0001f600\x00"
_TYPES = tuple(kind for kind in PropertyType if kind is not PropertyType.VOID)
_LONG = (254, 255, 256, 4096)
_VERY_LONG = (65_535, 65_536, 70_000)


def text(random: Random, longest: int = 12) -> str:
    """Text of up to ``longest`` characters."""
    return "".join(random.choices(_LETTERS, k=random.randrange(longest + 1)))


def key(random: Random) -> str:
    """A map key, which has at most 255 bytes."""
    return random.choice(_KEYS)(random)


def scalar(random: Random) -> Value:
    """A value that is no container."""
    return random.choice(_SCALARS)(random)


def value(random: Random, depth: int = 3) -> Value:
    """A value of any type, containers nested up to ``depth`` levels."""
    choice = random.random() if depth else 0.0
    if choice < 0.7:
        return scalar(random)
    return listed(random, depth - 1) if choice < 0.85 else mapped(random, depth - 1)


def mapped(random: Random, depth: int = 3) -> dict[str, Value]:
    """A map."""
    return {key(random): value(random, depth) for _ in range(random.randrange(5))}


def listed(random: Random, depth: int = 3) -> list[Value]:
    """A list."""
    return [value(random, depth) for _ in range(random.randrange(5))]


_KEYS: tuple[Callable[[Random], str], ...] = (
    lambda random: text(random, 10),
    lambda random: text(random, 3),
    lambda random: random.choice(WIRE_KEYS),
    lambda random: "k" * random.choice((1, 254, 255)),
)
_SCALARS: tuple[Callable[[Random], Value], ...] = (
    lambda random: None,
    lambda random: random.random() < 0.5,
    lambda random: random.choice(_EDGES),
    lambda random: random.randrange(-(2**63), 2**64),
    lambda random: random.choice(_FLOATS),
    lambda random: random.uniform(-1e6, 1e6),
    text,
    text,
    lambda random: "x" * random.choice(_LONG if random.random() < 0.98 else _VERY_LONG),
    lambda random: random.randbytes(random.randrange(20)),
    lambda random: bytes(random.choice(_LONG if random.random() < 0.98 else _VERY_LONG)),
    lambda random: uuid.UUID(int=random.getrandbits(128)),
)


# -- predicates ------------------------------------------------------------------------------------------------------

_COMPARANDS: tuple[Value, ...] = (
    -2, -1, 0, 1, 2, 10, 2**63, 0.0, 1.0, -1.5, 0.1, "", "0", "1", "-1.5", "+2", "x", "y", "é", "True", b"1", b"x",
    b"\xff", True, False, None, [], {}, [1], uuid.UUID(int=1), str(uuid.UUID(int=1)),
)  # fmt: skip
_NAMES: tuple[Value, ...] = ("a", "b", "c", b"a")
_BINARY = ("eq", "ne", "lt", "le", "gt", "ge", "re_match")


def comparand(random: Random) -> Value:
    """One of few values, so that comparisons are often true."""
    return random.choice(_COMPARANDS)


def attributes(random: Random) -> dict[str, Value]:
    """Values that predicates are asked about."""
    return {name: comparand(random) for name in "abc" if random.random() < 0.7}


def predicate(random: Random, depth: int = 3) -> list[Value]:
    """A well-formed predicate over the attributes a, b and c."""
    choice = random.random()
    if depth and choice < 0.4:
        return [
            random.choice(("and", "or", "not")),
            *(predicate(random, depth - 1) for _ in range(random.randrange(4))),
        ]
    if choice < 0.45:
        return list(random.choice(((), ("true",), ("false",))))
    if choice < 0.55:
        return ["exists", _operand(random)]
    return [random.choice(_BINARY), _operand(random), _operand(random)]


def _operand(random: Random) -> Value:
    choice = random.random()
    if choice < 0.5:
        return random.choice(_NAMES)
    return ["quote"] if choice < 0.55 else ["quote", comparand(random)]


# -- what hostile or broken peers send -------------------------------------------------------------------------------


def wirelike(random: Random, depth: int = 4) -> Value:
    """A value made of the words of the protocol, often nearly right."""
    choice = random.random() if depth else 0.0
    if choice < 0.35:
        word = random.choice(WIRE_TEXTS)
        return word if choice < 0.25 else word.encode()
    if choice < 0.45:
        return scalar(random)
    if choice < 0.65:
        return [wirelike(random, depth - 1) for _ in range(random.randrange(4))]
    return {random.choice(WIRE_KEYS): wirelike(random, depth - 1) for _ in range(random.randrange(5))}


def packet(random: Random) -> Packet:
    """A packet as a broken peer may send it, addressed to the agent ``vendor.org:product:1`` or from it."""
    return Packet(
        random.choice(OPCODES),
        wirelike(random),
        content=random.choice((None, "_data", "_event", "_schema", "_schema_id", "x")),
        agent=random.choice((None, "", "broker", "apache.org:qpidd:1", "vendor.org:product:1", "other:x:2")),
        correlation_id=random.choice((None, "", "0", "1", "2", "3", "4", "-1", "agent-locate", "9" * 30)),
        reply_to=random.choice((None, "qmf.default.topic/direct-console.1", "queue")),
        partial=random.random() < 0.3,
        method=random.choice((None, "request", "response", "indication")),
        user_id=random.choice((None, "user")),
        form_a=random.random() < 0.3,
    )


def spoiled(random: Random, whole: Value) -> Value:
    """The same value with one part of it gone, another, or of another type."""
    if isinstance(whole, dict) and whole and random.random() < 0.8:
        name = random.choice(list(whole))
        rest = {key: item for key, item in whole.items() if key != name}
        return rest if random.random() < 0.2 else rest | {name: spoiled(random, whole[name])}
    if isinstance(whole, list) and whole and random.random() < 0.8:
        at = random.randrange(len(whole))
        part = [] if random.random() < 0.2 else [spoiled(random, whole[at])]
        return [*whole[:at], *part, *whole[at + 1 :]]
    return whole.encode() if isinstance(whole, str) and random.random() < 0.5 else wirelike(random, 2)


# -- schemas ---------------------------------------------------------------------------------------------------------


def schema(random: Random) -> Schema:
    """A data class whose members QMFv1 can express."""
    schema_id = SchemaId(_name(random), _name(random), hash=uuid.UUID(int=1 + random.getrandbits(127)))
    properties = tuple(
        Property(
            _name(random),
            random.choice(_TYPES),
            access=random.choice(("RO", "RW", "RC")),
            index=random.random() < 0.5,
            optional=random.random() < 0.5,
            unit=_name(random) if random.random() < 0.3 else "",
            description=text(random, 30),
        )
        for _ in range(random.randrange(4))
    )
    return Schema(schema_id, properties, tuple(_method(random) for _ in range(random.randrange(3))))


def _method(random: Random) -> Method:
    arguments = tuple(
        Property(
            _name(random),
            random.choice(_TYPES),
            direction=random.choice(("I", "O", "IO")),
            default=random.choice((None, 0, 9, "text")),
            max_length=random.choice((None, 0, 99)),
        )
        for _ in range(random.randrange(4))
    )
    return Method(_name(random), text(random), arguments)


def _name(random: Random) -> str:
    return "n" + text(random, 8)
