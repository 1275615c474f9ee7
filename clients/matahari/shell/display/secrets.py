"""What of a call is secret, and its arguments as a question shows them: in short, and without secrets. Pure.

Secret is what a method declares sensitive, and what is named like a secret.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TypeAlias

from matahari.shell.syntax.arguments import Parameters, parameters_from
from matahari.shell.syntax.values import parse_json
from matahari.validation import is_secret_name

__all__ = ["MASK", "MAX_LENGTH", "arguments_text", "assigns_secret", "looks_secret", "parameters_of_text"]

MASK: Final = "***"
MAX_LENGTH: Final = 100  # characters; the end of a longer text is left out
_MORE: Final = "..."

_PLAIN_KEYS: Final = frozenset({"key", "keys"})
_ASSIGNED: Final = re.compile(r"([^\W\d][\w.-]*)=|\"((?:[^\"\\]|\\.)*)\"\s*:")  # NAME=, or a member in JSON

_Declared: TypeAlias = tuple[Parameters | None, frozenset[str]]


def looks_secret(name: str) -> bool:
    """Whether a value of this name is not to be shown; ``key`` alone is what a value is looked up by."""
    return is_secret_name(name) and name.lower() not in _PLAIN_KEYS


def assigns_secret(word: str) -> bool:
    """Whether a word gives a value to what is named like a secret: ``NAME=VALUE``, or a member in JSON."""
    if "=" not in word and ":" not in word:
        return False
    names = (found for match in _ASSIGNED.finditer(word) for found in match.groups() if found)
    return any(map(looks_secret, names))


def arguments_text(
    entries: Iterable[Mapping[str, object]], args: Sequence[object], kwargs: Mapping[str, object]
) -> str:
    """``"sda" force=true password=***``; empty for no arguments.

    Args:
        entries: what each object publishes of the method; what is secret for one of them is hidden.
    """
    declared = _declared(entries)
    shown = [
        MASK if any(_hides_at(one, at) for one in declared) else _value_text(value) for at, value in enumerate(args)
    ]
    for name, value in kwargs.items():
        is_hidden = looks_secret(name) or any(_hides_name(one, name) for one in declared)
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
        if key not in versions:
            parameters = parameters_of_text(key[0])
            looking = frozenset(filter(looks_secret, parameters.schemas if parameters else ()))
            versions[key] = (parameters, names | looking)
    return [one for one in versions.values() if one[1]]


def parameters_of_text(text: str | None) -> Parameters | None:
    """The parameters that a method publishes as JSON text; None where it publishes none that can be read."""
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
    return json.dumps(_without_secrets(value), ensure_ascii=False, default=str)


def _without_secrets(value: object) -> object:
    """Members that are named like a secret are hidden, at any depth that JSON of a line has."""
    if isinstance(value, Mapping):
        return {name: MASK if looks_secret(str(name)) else _without_secrets(one) for name, one in value.items()}
    return [_without_secrets(one) for one in value] if isinstance(value, list | tuple) else value
