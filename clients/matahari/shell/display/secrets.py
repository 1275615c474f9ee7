"""The arguments of a call as a question shows them: in short, and without what is declared sensitive. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TypeAlias

from matahari.shell.syntax.arguments import Parameters, parameters_from
from matahari.shell.syntax.values import parse_json

__all__ = ["MASK", "MAX_LENGTH", "arguments_text"]

MASK: Final = "***"
MAX_LENGTH: Final = 100  # characters; the end of a longer text is left out
_MORE: Final = "..."

_Declared: TypeAlias = tuple[Parameters | None, frozenset[str]]


def arguments_text(
    entries: Iterable[Mapping[str, object]], args: Sequence[object], kwargs: Mapping[str, object]
) -> str:
    """``"sda" force=true password=***``; empty for no arguments.

    Args:
        entries: what each object publishes of the method; what one of them declares sensitive is hidden.
    """
    declared = _declared(entries)
    shown = [
        MASK if any(_hides_at(one, at) for one in declared) else _value_text(value) for at, value in enumerate(args)
    ]
    for name, value in kwargs.items():
        is_hidden = any(_hides_name(one, name) for one in declared)
        shown.append(f"{name}={MASK if is_hidden else _value_text(value)}")
    text = " ".join(shown)
    return text if len(text) <= MAX_LENGTH else text[: MAX_LENGTH - len(_MORE)] + _MORE


def _declared(entries: Iterable[Mapping[str, object]]) -> list[_Declared]:
    """Parameters, where they can be read, and names of the sensitive ones, of each version that has any."""
    versions: dict[tuple[object, frozenset[str]], _Declared] = {}
    for entry in entries:
        sensitive, params = entry.get("sensitive"), entry.get("params")
        names = frozenset(map(str, sensitive)) if isinstance(sensitive, list) else frozenset()
        key = (params if isinstance(params, str) else None, names)
        if names and key not in versions:
            versions[key] = (_parameters(key[0]), names)
    return list(versions.values())


def _parameters(text: str | None) -> Parameters | None:
    try:
        schema = None if text is None else parse_json(text)
    except ValueError:
        return None
    return parameters_from(schema) if isinstance(schema, Mapping) else None


def _hides_at(declared: _Declared, at: int) -> bool:
    parameters, names = declared
    if parameters is None:
        return True
    if at < len(parameters.positional):
        return parameters.positional[at] in names
    return _hides_rest(parameters, names)


def _hides_name(declared: _Declared, name: str) -> bool:
    parameters, names = declared
    if parameters is None or name in names:
        return True
    return name not in parameters.schemas and _hides_rest(parameters, names)


def _hides_rest(parameters: Parameters, names: frozenset[str]) -> bool:
    """What ``*args`` and ``**kwargs`` take has no name in the schema: one that is sensitive hides all of that."""
    return not names <= parameters.schemas.keys()


def _value_text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
