"""QMFv1 frames, as far as QMFv2 programs still need them: schemas, and what the broker's agent tells only this way.

The Python console fetches every schema with an ``S`` frame, and the broker's agent offers its classes through no other
means. A frame travels as a ``Packet`` without opcode whose body is bytes; one message may hold several of them.

======  ==================  ==================================================  =============================
opcode  direction           payload                                             made, read by
======  ==================  ==================================================  =============================
``B``   console to broker   none                                                ``encode_request``
``b``   broker to console   16 bytes: the broker's uuid                         ``read_broker``
``P``   console to broker   none                                                ``encode_request``
``p``   broker to console   package                                             ``read_package``
``Q``   console to broker   package                                             ``encode_class_query``
``q``   broker to console   kind, package, class, hash                          ``read_class``
``S``   console to agent    package, class, hash                                ``encode_schema_request``
``s``   agent to console    kind, package, class, hash, members                 ``encode_schema``
``z``   agent to console    uint32 code (0 is well), text                       ``encode_completion``
======  ==================  ==================================================  =============================

Every reader raises RemoteProtocolError for whatever is wrong with the bytes, and nothing else.

Source: qmf2.md 3.12 and 4.7; vectors/qmf2/schema-qmfv1.json
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from matahari.errors import RemoteProtocolError
from matahari.qmf._cursor import Cursor
from matahari.qmf._v1_schema import put_schema, put_text, skip_schema, take_class, take_schema
from matahari.qmf.schema import Schema, SchemaId

MAGIC: Final = b"AM2"

BROKER_REQUEST: Final = "B"
BROKER_RESPONSE: Final = "b"
PACKAGE_REQUEST: Final = "P"
PACKAGE_INDICATION: Final = "p"
CLASS_QUERY: Final = "Q"
CLASS_INDICATION: Final = "q"
SCHEMA_REQUEST: Final = "S"
SCHEMA_RESPONSE: Final = "s"
COMPLETION: Final = "z"

#: Most frames of one message. The broker puts one for each package or class into a message; it has about 30 classes,
#: while a message of 1 MiB has room for 130,000 empty frames, each of which somebody might answer.
MAX_FRAMES: Final = 1000

_NO_HASH: Final = uuid.UUID(int=0)


@dataclass(frozen=True, slots=True)
class Frame:
    """One QMFv1 message.

    Attributes:
        opcode: one letter.
        sequence: number (uint32) by which an answer finds its request; answers echo it.
        payload: what follows, to be read by the function for that opcode.
    """

    opcode: str
    sequence: int
    payload: bytes


def encode_frame(opcode: str, sequence: int, payload: bytes = b"") -> bytes:
    """Encode a frame; ValueError unless ``opcode`` is one ASCII letter and ``sequence`` fits 32 bits."""
    if len(opcode) != 1 or not opcode.isascii() or not opcode.isalpha():
        raise ValueError("an opcode is one ASCII letter")
    if not 0 <= sequence <= 0xFFFFFFFF:
        raise ValueError("a sequence number has 32 bits")
    return MAGIC + opcode.encode() + sequence.to_bytes(4, "big") + payload


def decode_frames(body: bytes) -> list[Frame]:
    """Cut a message into its frames, at least one; an opcode that is not in the module's table takes all the rest.

    Raises:
        RemoteProtocolError: no frame, a frame that is truncated, or more than ``MAX_FRAMES``.
    """
    cursor = Cursor(body)
    frames: list[Frame] = []
    while cursor.left or not frames:
        if len(frames) == MAX_FRAMES:
            raise RemoteProtocolError(f"more than {MAX_FRAMES} frames in one message")
        if cursor.take(3) != MAGIC:
            raise RemoteProtocolError("no AM2 where a frame should begin", path=f"[{len(frames)}]")
        code = cursor.number(1)
        opcode = chr(code)
        if not opcode.isascii() or not opcode.isalpha():
            raise RemoteProtocolError(f"an opcode that is no letter: 0x{code:02x}", path=f"[{len(frames)}]")
        sequence = cursor.number(4)
        start = cursor.position
        _SKIP.get(opcode, _skip_rest)(cursor)
        frames.append(Frame(opcode, sequence, body[start : cursor.position]))
    return frames


# -- making frames ---------------------------------------------------------------------------------------------------


def encode_request(opcode: Literal["B", "P"], sequence: int) -> bytes:
    """Ask the broker's agent for its uuid (``B``) or its packages (``P``)."""
    return encode_frame(opcode, sequence)


def encode_class_query(sequence: int, package: str) -> bytes:
    """Ask the broker's agent for the classes of a package; SchemaError above 255 bytes."""
    payload = bytearray()
    put_text(payload, package)
    return encode_frame(CLASS_QUERY, sequence, bytes(payload))


def encode_schema_request(sequence: int, schema_id: SchemaId) -> bytes:
    """Ask an agent for a schema; without a hash zeros are sent. SchemaError for a name above 255 bytes."""
    payload = bytearray()
    put_text(payload, schema_id.package)
    put_text(payload, schema_id.name)
    payload += (schema_id.hash or _NO_HASH).bytes
    return encode_frame(SCHEMA_REQUEST, sequence, bytes(payload))


def encode_schema(sequence: int, schema: Schema) -> bytes:
    """Answer a request for a schema; SchemaError when a member has no QMFv1 form (a name above 255 bytes)."""
    payload = bytearray()
    put_schema(payload, schema)
    return encode_frame(SCHEMA_RESPONSE, sequence, bytes(payload))


def encode_completion(sequence: int, code: int, text: str) -> bytes:
    """Tell that a request is done (code 0) or cannot be (another code, and a text of at most 255 bytes)."""
    payload = bytearray(code.to_bytes(4, "big"))
    put_text(payload, text)
    return encode_frame(COMPLETION, sequence, bytes(payload))


# -- reading payloads ------------------------------------------------------------------------------------------------


def read_broker(payload: bytes) -> uuid.UUID:
    """Read the payload of ``b``: the broker's uuid."""
    cursor = Cursor(payload)
    found = cursor.uuid()
    cursor.finish()
    return found


def read_package(payload: bytes) -> str:
    """Read the payload of ``p`` (or ``Q``): the name of a package."""
    cursor = Cursor(payload)
    found = cursor.text()
    cursor.finish()
    return found


def read_class(payload: bytes) -> SchemaId:
    """Read the payload of ``q``: the id of a class, with its hash."""
    cursor = Cursor(payload)
    found = take_class(cursor)
    cursor.finish()
    return found


def read_schema_request(payload: bytes) -> SchemaId:
    """Read the payload of ``S``; a hash of zeros means any version. The request does not tell the kind of class."""
    cursor = Cursor(payload)
    package, name, digest = cursor.text(), cursor.text(), cursor.uuid()
    cursor.finish()
    return SchemaId(package, name, hash=None if digest == _NO_HASH else digest)


def read_schema(payload: bytes) -> Schema:
    """Read the payload of ``s``: a schema with the hash that it was sent with."""
    cursor = Cursor(payload)
    found = take_schema(cursor)
    cursor.finish()
    return found


def read_completion(payload: bytes) -> tuple[int, str]:
    """Read the payload of ``z``: a code, 0 when all is well, and a text."""
    cursor = Cursor(payload)
    code, said = cursor.number(4), cursor.text()
    cursor.finish()
    return code, said


# -- where a frame ends ----------------------------------------------------------------------------------------------


def _skip_nothing(_cursor: Cursor) -> None:
    return


def _skip_rest(cursor: Cursor) -> None:
    cursor.take(cursor.left)


def _skip_uuid(cursor: Cursor) -> None:
    cursor.take(16)


def _skip_text(cursor: Cursor) -> None:
    cursor.take(cursor.number(1))


def _skip_class(cursor: Cursor) -> None:
    cursor.take(1)
    _skip_schema_request(cursor)


def _skip_schema_request(cursor: Cursor) -> None:
    _skip_text(cursor)
    _skip_text(cursor)
    cursor.take(16)


def _skip_completion(cursor: Cursor) -> None:
    cursor.take(4)
    _skip_text(cursor)


_SKIP: Final[dict[str, Callable[[Cursor], None]]] = {
    BROKER_REQUEST: _skip_nothing,
    BROKER_RESPONSE: _skip_uuid,
    PACKAGE_REQUEST: _skip_nothing,
    PACKAGE_INDICATION: _skip_text,
    CLASS_QUERY: _skip_text,
    CLASS_INDICATION: _skip_class,
    SCHEMA_REQUEST: _skip_schema_request,
    SCHEMA_RESPONSE: skip_schema,
    COMPLETION: _skip_completion,
}
