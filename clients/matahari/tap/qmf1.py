"""QMFv1 frames in one body, in the form that vector files have them.

Source: qmf2.md 3.12 and 4.7
"""

from __future__ import annotations

from collections.abc import Callable

from matahari.errors import RemoteProtocolError
from matahari.tap.amqp010 import Reader010
from matahari.tap.nodes import node_json

__all__ = ["FRAME_START", "MAX_FRAMES", "Frame1", "read_frames"]

FRAME_START = b"AM2"
MAX_FRAMES = 10_000  # in one message; a broker's list of all its classes has a few hundred

#: One frame: ``opcode``, ``sequence`` and what the opcode carries.
Frame1 = dict[str, object]


def read_frames(data: bytes) -> list[Frame1]:
    """The frames of a body, one after another.

    A frame whose opcode is not known takes the rest of the body as ``rest``, in hex.

    Raises:
        RemoteProtocolError: no frame, or one that ends too early.
    """
    reader = Reader010(data)
    frames: list[Frame1] = []
    while reader.position < len(data):
        if len(frames) >= MAX_FRAMES:
            raise RemoteProtocolError(f"more than {MAX_FRAMES} frames")
        if reader.take(3) != FRAME_START:
            raise RemoteProtocolError(f"byte {reader.position - 3}: no QMFv1 frame begins here")
        opcode = reader.take(1).decode("latin-1")
        frame: Frame1 = {"opcode": opcode, "sequence": reader.number(4)}
        read = _READERS.get(opcode)
        if read is None:
            frame["rest"] = reader.take(len(data) - reader.position).hex()
        else:
            read(reader, frame)
        frames.append(frame)
    if not frames:
        raise RemoteProtocolError("no QMFv1 frame")
    return frames


def _nothing(reader: Reader010, frame: Frame1) -> None:
    pass


def _read_broker(reader: Reader010, frame: Frame1) -> None:
    frame["broker-uuid"] = reader.take(16).hex()


def _read_package(reader: Reader010, frame: Frame1) -> None:
    frame["package"] = reader.short_text()


def _read_class(reader: Reader010, frame: Frame1) -> None:
    frame["kind"] = reader.number(1)
    _read_class_key(reader, frame)


def _read_class_key(reader: Reader010, frame: Frame1) -> None:
    frame["package"] = reader.short_text()
    frame["class"] = reader.short_text()
    frame["hash"] = reader.take(16).hex()


def _read_completion(reader: Reader010, frame: Frame1) -> None:
    frame["status"] = reader.number(4)
    frame["text"] = reader.short_text()


def _read_schema(reader: Reader010, frame: Frame1) -> None:
    _read_class(reader, frame)
    if frame["kind"] == 1:
        counts = {name: reader.number(2) for name in ("properties", "statistics", "methods")}
        frame["counts"] = counts
        for name in ("properties", "statistics"):
            frame[name] = [_read_map(reader)[0] for _ in range(counts[name])]
        frame["methods"] = [_read_method(reader) for _ in range(counts["methods"])]
    elif frame["kind"] == 2:
        number = reader.number(2)
        frame["counts"] = {"arguments": number}
        frame["arguments"] = [_read_map(reader)[0] for _ in range(number)]
    else:
        raise RemoteProtocolError(f"a schema of kind {frame['kind']}")


def _read_method(reader: Reader010) -> dict[str, object]:
    method, number = _read_map(reader)
    return {"method": method, "arguments": [_read_map(reader)[0] for _ in range(number)]}


def _read_map(reader: Reader010) -> tuple[object, int]:
    """A map's entries as in vector files, and its ``argCount`` if it has one."""
    node = reader.container("map", None, 1)
    number = 0
    for key, value in zip(node.items[::2], node.items[1::2], strict=True):
        if key.value == "argCount" and isinstance(value.value, int):
            number = value.value
    return node_json(node)["v"], number


_READERS: dict[str, Callable[[Reader010, Frame1], None]] = {
    "B": _nothing,
    "b": _read_broker,
    "P": _nothing,
    "p": _read_package,
    "Q": _read_package,
    "q": _read_class,
    "S": _read_class_key,
    "s": _read_schema,
    "z": _read_completion,
}
