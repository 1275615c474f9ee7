"""What fact files and programs write: JSON, YAML, TOML, lines ``name=value``. Bytes in, a map out."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Mapping
from typing import Final

from matahari.errors import SchemaError

from .flatten import MAX_DEPTH

__all__ = ["READERS", "read_json", "read_lines", "read_output", "read_toml", "read_yaml"]


def read_json(data: bytes) -> Mapping[str, object]:
    """A JSON object. A name that is there twice is refused: which one counts would be luck."""
    try:
        return _map(json.loads(_text(data), object_pairs_hook=_unique))
    except (ValueError, RecursionError) as error:
        raise SchemaError(f"is no JSON: {error}") from error


def read_toml(data: bytes) -> Mapping[str, object]:
    """A TOML document."""
    try:
        return tomllib.loads(_text(data))
    except (ValueError, RecursionError) as error:
        raise SchemaError(f"is no TOML: {error}") from error


def read_yaml(data: bytes) -> Mapping[str, object]:
    """A YAML document of plain values; an empty one has no facts.

    Aliases are refused: a few lines of them stand for gigabytes.
    """
    import yaml  # only hosts with such files pay for it

    text = _text(data)
    try:
        depth = 0
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > MAX_DEPTH:  # the reader's time grows with its square
                raise SchemaError(f"line {event.start_mark.line + 1}: is nested deeper than {MAX_DEPTH} levels")
            if isinstance(event, yaml.AliasEvent):
                raise SchemaError(f"line {event.start_mark.line + 1}: aliases are not taken")
        loaded: object = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise SchemaError(f"is no YAML: {' '.join(str(error).split())}") from error
    return {} if loaded is None else _map(loaded)


def read_lines(data: bytes) -> Mapping[str, object]:
    """Lines ``name=value``, the values texts without the spaces around them; empty lines and ``#`` lines are skipped."""
    facts: dict[str, object] = {}
    for number, line in enumerate(_text(data).splitlines(), 1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        name, equals, value = stripped.partition("=")
        if not equals:
            raise SchemaError(f"line {number} is neither JSON nor name=value")
        if name.strip() in facts:
            raise SchemaError("is there twice", path=name.strip())
        facts[name.strip()] = value.strip()
    return facts


def read_output(data: bytes) -> Mapping[str, object]:
    """What a program printed: a JSON object, else lines ``name=value``."""
    return read_json(data) if data.lstrip().startswith(b"{") else read_lines(data)


READERS: Final[Mapping[str, Callable[[bytes], Mapping[str, object]]]] = {
    ".json": read_json,
    ".yaml": read_yaml,
    ".yml": read_yaml,
    ".toml": read_toml,
}
"""By suffix of the file."""


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SchemaError(f"is not UTF-8: {error.reason} at byte {error.start}") from error


def _map(value: object) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise SchemaError(f"is a {type(value).__name__}, not a map of names to values")
    return value


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the name {twice!r} is there twice")
    return found
