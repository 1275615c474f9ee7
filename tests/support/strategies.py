"""Hypothesis strategies for the types of the product."""

from __future__ import annotations

from hypothesis import strategies as st

from matahari.qmf import (
    AGENT_HEARTBEAT_INDICATION,
    AGENT_LOCATE_REQUEST,
    AGENT_LOCATE_RESPONSE,
    DATA_INDICATION,
    EXCEPTION,
    METHOD_CANCEL_INDICATION,
    METHOD_INDICATION,
    METHOD_REQUEST,
    METHOD_RESPONSE,
    QUERY_REQUEST,
    QUERY_RESPONSE,
    SUBSCRIBE_CANCEL_INDICATION,
    SUBSCRIBE_REFRESH_INDICATION,
    SUBSCRIBE_REQUEST,
    SUBSCRIBE_RESPONSE,
    Data,
    Method,
    ObjectId,
    Packet,
    Property,
    PropertyType,
    Schema,
    SchemaId,
    Value,
)

#: Text that can be a map key: at most 255 bytes of UTF-8.
keys = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
names = st.text("abcdefgXYZ_.", min_size=1, max_size=12)

scalars: st.SearchStrategy[Value] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**64 - 1),
    st.floats(allow_nan=False),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
    st.binary(max_size=30),
    st.uuids(),
)


def values(leaves: int = 12) -> st.SearchStrategy[Value]:
    """Values of every type, nested a few levels."""
    return st.recursive(
        scalars,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
        max_leaves=leaves,
    )


def maps(leaves: int = 12) -> st.SearchStrategy[dict[str, Value]]:
    """Bodies that are maps."""
    return st.dictionaries(keys, values(leaves), max_size=5)


WIRE_KEYS = (
    "_what",
    "_object_id",
    "_schema_id",
    "_where",
    "_object_name",
    "_agent_name",
    "_agent_epoch",
    "_package_name",
    "_class_name",
    "_type",
    "_hash",
    "_values",
    "_method_name",
    "_arguments",
    "_properties",
    "_methods",
    "_name",
    "_severity",
    "_timestamp",
    "_epoch",
    "_heartbeat_interval",
    "_schema_updated",
    "_direct_subject",
    "_subtypes",
    "_desc",
    "_default_severity",
    "_create_ts",
    "_query",
    "_interval",
    "_duration",
    "_subscription_id",
    "error_code",
    "error_text",
    "hostname",
    "_matahari",
    "stream",
    "timeout",
    "interval",
    "reports",
    "seq",
    "kind",
    "chunk",
    "value",
    "done",
    "total",
)

WIRE_TEXTS = (
    "OBJECT",
    "OBJECT_ID",
    "SCHEMA",
    "SCHEMA_ID",
    "_data",
    "_event",
    "TYPE_STRING",
    "TYPE_INT",
    "RO",
    "org.example",
    "Thing",
    "thing",
    "echo",
    "eq",
    "and",
    "not",
    "quote",
    "exists",
    "hostname",
    "vendor.org:product:1",
    "a",
    "progress",
    "output",
    "partial",
)


def wirelike(leaves: int = 12) -> st.SearchStrategy[Value]:
    """Values built of the words that occur in messages, often nearly right: what a hostile or broken peer sends."""
    word = st.sampled_from(WIRE_TEXTS)
    leaf: st.SearchStrategy[Value] = st.one_of(word, word.map(str.encode), scalars)
    key = st.one_of(st.sampled_from(WIRE_KEYS), keys)
    return st.recursive(
        leaf,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(key, inner, max_size=5),
        max_leaves=leaves,
    )


OPCODES = (
    AGENT_LOCATE_REQUEST,
    AGENT_LOCATE_RESPONSE,
    AGENT_HEARTBEAT_INDICATION,
    QUERY_REQUEST,
    QUERY_RESPONSE,
    METHOD_REQUEST,
    METHOD_RESPONSE,
    METHOD_INDICATION,
    METHOD_CANCEL_INDICATION,
    EXCEPTION,
    DATA_INDICATION,
    SUBSCRIBE_REQUEST,
    SUBSCRIBE_RESPONSE,
    SUBSCRIBE_REFRESH_INDICATION,
    SUBSCRIBE_CANCEL_INDICATION,
    "_browse_request",
    "",
)


def packets() -> st.SearchStrategy[Packet]:
    """Packets as peers may send them, mostly broken."""
    agents = st.sampled_from([None, "", "broker", "apache.org:qpidd:1", "vendor.org:product:1", "other:x:2"])
    return st.builds(
        Packet,
        st.sampled_from(OPCODES) | st.text(max_size=8),
        wirelike(),
        content=st.sampled_from([None, "_data", "_event", "_schema", "_schema_id", "x"]),
        agent=agents,
        correlation_id=st.sampled_from([None, "", "0", "1", "2", "3", "-1", "agent-locate", "9" * 30]),
        reply_to=st.sampled_from([None, "qmf.default.topic/x", "queue"]),
        partial=st.booleans(),
        method=st.sampled_from([None, "request", "response", "indication"]),
        user_id=st.none() | st.text(max_size=5),
        form_a=st.booleans(),
    )


def predicates() -> st.SearchStrategy[list[Value]]:
    """Well-formed predicates over the attributes a, b and c."""
    name: st.SearchStrategy[Value] = st.sampled_from(["a", "b", "c"])
    literal = comparands().map(lambda value: ["quote", value])
    operand = st.one_of(name, name.map(lambda said: str(said).encode()), literal, st.just(["quote"]))
    binary = st.sampled_from(["eq", "ne", "lt", "le", "gt", "ge", "re_match"])
    simple: st.SearchStrategy[list[Value]] = st.one_of(
        st.just([]),
        st.just(["true"]),
        st.just(["false"]),
        st.tuples(st.just("exists"), operand).map(list),
        st.tuples(binary, operand, operand).map(list),
    )
    return st.recursive(
        simple,
        lambda inner: st.tuples(st.sampled_from(["and", "or", "not"]), st.lists(inner, max_size=3)).map(
            lambda pair: [pair[0], *pair[1]]
        ),
        max_leaves=6,
    )


def comparands() -> st.SearchStrategy[Value]:
    """Few different values, so that comparisons are often true; texts that read as numbers among them."""
    return st.one_of(
        st.integers(-2, 2),
        st.sampled_from([0.0, 1.0, -1.5]),
        st.sampled_from(["", "0", "1", "-1.5", "x", "y", "True"]),
        st.sampled_from([b"1", b"x", b"\xff"]),
        st.booleans(),
        st.none(),
        st.sampled_from([[], {}, [1]]),
        st.uuids(),
    )


def properties() -> st.SearchStrategy[Property]:
    """Properties and arguments with every member."""
    return st.builds(
        Property,
        names,
        st.sampled_from(PropertyType),
        access=st.sampled_from(["RO", "RW", "RC"]),
        index=st.booleans(),
        optional=st.booleans(),
        unit=names | st.just(""),
        description=names | st.just(""),
        subtype=names | st.just(""),
        direction=st.sampled_from(["I", "O", "IO"]),
        minimum=st.none() | st.integers(-5, 5),
        maximum=st.none() | st.integers(-5, 5),
        max_length=st.none() | st.integers(0, 100),
        default=scalars,
        statistic=st.booleans(),
    )


def schema_ids() -> st.SearchStrategy[SchemaId]:
    """Schema ids of both kinds, with and without hash."""
    return st.builds(SchemaId, names, names, st.sampled_from(["_data", "_event"]), st.none() | st.uuids())


def schemas() -> st.SearchStrategy[Schema]:
    """Schemas with properties and methods, not necessarily fit to be published (names may be there twice)."""
    members = st.lists(properties(), max_size=3).map(tuple)
    methods = st.builds(Method, names, names | st.just(""), members)
    return st.builds(
        Schema,
        schema_ids(),
        members,
        st.lists(methods, max_size=2).map(tuple),
        names | st.just(""),
        st.none() | st.integers(0, 7),
    )


def data() -> st.SearchStrategy[Data]:
    """Data with every member."""
    moment = st.none() | st.integers(0, 2**64 - 1)
    object_ids = st.builds(ObjectId, names | st.just(""), names, st.none() | st.integers(1, 2**32 - 1))
    return st.builds(
        Data,
        maps(4),
        st.none() | object_ids,
        st.none() | schema_ids(),
        moment,
        moment,
        moment,
        st.none() | st.integers(0, 7),
        moment,
        st.dictionaries(names, names, max_size=2),
    )
