"""Settings that have a class: read strictly, described by a schema. Uses the library of ``typed.py``."""

from __future__ import annotations

import dataclasses
import difflib
import inspect
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, cast

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from matahari.errors import ConfigError
from matahari.hostproto import Json

from .docstrings import parameter_texts
from .typed import Converter, adopt_typed_dicts

__all__ = ["SettingsReader"]

#: Faults that one error names; mending the first often mends the others.
_MAX_FAULTS: Final = 3
#: Longest value that an error shows, in characters of JSON.
_MAX_SHOWN: Final = 100
#: Longest schema, in characters of JSON: it travels with the plugin's methods.
_MAX_SCHEMA: Final = 32 * 1024
_UNKNOWN: Final = ("extra_forbidden", "unexpected_keyword_argument", "unexpected_positional_argument")
_MISSING: Final = ("missing", "missing_argument", "missing_keyword_only_argument")
_PATHS: Final = frozenset(("path", "file-path", "directory-path"))
#: Type of a fault -> the rule, where the library's words name none.
_RULES: Final[Mapping[str, str]] = {
    "path_not_directory": "must be the path of a directory that exists",
    "path_not_file": "must be the path of a file that exists",
    "path_exists": "must be a path where nothing is yet, in a directory that exists",
}
_HEADINGS: Final = ("Attributes:", "Args:", "Arguments:", "Parameters:")
_SECTION: Final = "settings"
#: Parts of a module's name that all modules of a plugin share: ``matahari_plugins.NAME``.
_ROOT_PARTS: Final = 2


class SettingsReader:
    """Reads settings as one class declares them.

    Args:
        kind: a dataclass, ``TypedDict``, ``NamedTuple`` or pydantic model.

    Raises:
        TypeError: the class has an annotation that is not understood.
    """

    def __init__(self, kind: type) -> None:
        self._kind = kind
        try:
            adopt_typed_dicts(kind.__module__)
            self._adapter: TypeAdapter[object] = TypeAdapter(kind)
            self._converter = Converter(self._adapter)
            self._schema = self._described()
        except Exception as error:
            reason = str(error).split("\n", 1)[0]
            raise TypeError(f"the class {kind.__name__} is not understood: {reason}") from error

    def read(self, table: Mapping[str, Json], file: str) -> object:
        """Give the instance for a table: nothing is converted that is not written as JSON and TOML cannot say.

        Raises:
            ConfigError: it does not fit; names file, key, value and rule.
        """
        try:
            return self._adapter.validate_json(json.dumps(table), strict=True, extra="forbid")
        except ValidationError as error:
            faults = error.errors(include_url=False, include_input=True)
            raise self._refusal(faults, table, file) from None  # its own text may show a secret

    def schema(self) -> dict[str, Json]:
        """The schema of the table: an object with ``properties``; secrets are ``writeOnly`` and have no default."""
        return self._schema

    def _described(self) -> dict[str, Json]:
        schema, definitions = self._converter.schema("validation")
        self._definitions = definitions
        if "prefixItems" in schema:  # a NamedTuple is an array to the library, and a table here
            schema = self._of_named_tuple(schema)
        properties = schema.get("properties")
        named = cast("dict[str, dict[str, Json]]", properties if isinstance(properties, dict) else {})
        texts = parameter_texts(inspect.getdoc(self._kind) or "", _HEADINGS)
        for name, each in named.items():
            each.pop("title", None)
            if text := texts.get(name):
                each.setdefault("description", text)
        self._complete(named, definitions)
        found: dict[str, Json] = {"type": "object", "properties": dict(named), "required": schema.get("required", [])}
        found["additionalProperties"] = False
        if definitions:
            found["$defs"] = definitions
        if len(json.dumps(found)) > _MAX_SCHEMA:
            raise ValueError(f"its schema is longer than {_MAX_SCHEMA} characters")
        return found

    def _of_named_tuple(self, schema: Mapping[str, Json]) -> dict[str, Json]:
        names: Iterable[str] = getattr(self._kind, "_fields", ())
        defaults: Mapping[str, object] = getattr(self._kind, "_field_defaults", {})
        items = schema["prefixItems"]
        assert isinstance(items, list)  # one for each field
        required: list[Json] = [name for name in names if name not in defaults]
        return {"properties": dict(zip(names, items, strict=True)), "required": required}

    def _complete(self, properties: Mapping[str, dict[str, Json]], definitions: Mapping[str, Json]) -> None:
        """Show what a factory makes as a default, and no secret."""
        _hide_secrets(definitions, self._kind)
        if dataclasses.is_dataclass(self._kind):
            for field in dataclasses.fields(self._kind):
                own = properties.get(field.name)
                if own is None:
                    continue
                if field.default_factory is not dataclasses.MISSING:
                    own.setdefault("default", _as_json(field.default_factory()))
                if not field.repr:
                    own["writeOnly"] = True
        for own in properties.values():
            if _has_secret(own, definitions):
                own.pop("default", None)

    def _refusal(self, faults: list[ErrorDetails], table: Mapping[str, Json], file: str) -> ConfigError:
        by_key: dict[str, list[ErrorDetails]] = {}
        for fault in faults:
            by_key.setdefault(_key(fault, table), []).append(fault)
        texts = [(key, self._words(key, own)) for key, own in by_key.items()]
        (first, text), others = texts[0], texts[1:_MAX_FAULTS]
        text += "".join(f"; {key}: {words}" for key, words in others)
        more = len(texts) - _MAX_FAULTS
        return ConfigError(text + (f"; and {more} more" if more > 0 else ""), file=file, key=first)

    def _words(self, key: str, faults: list[ErrorDetails]) -> str:
        """One sentence about one key: of a union, each alternative has a fault of its own."""
        properties = self._schema["properties"]
        assert isinstance(properties, dict)
        kind, name = faults[0]["type"], str(faults[0]["loc"][-1]) if faults[0]["loc"] else ""
        if kind in _UNKNOWN:
            known = list(properties) if len(faults[0]["loc"]) == 1 else []
            return f"there is no such setting;{_suggest(name, known)}"
        if kind in _MISSING:
            place = "[settings]" if len(faults[0]["loc"]) == 1 else f"[{key.rpartition('.')[0]}]"
            return f"is missing, and has no default; write {name} = … below {place}"
        own = properties.get(str(faults[0]["loc"][0])) if faults[0]["loc"] else None
        rules = list(dict.fromkeys(self._rule(fault, own) for fault in faults))
        rule = " or ".join([rules[0], *(each.removeprefix("must be ") for each in rules[1:])])
        if not faults[0]["loc"]:
            return rule  # of the class itself, such as of its __post_init__
        # What holds a secret anywhere may be the secret in a wrong place.
        is_secret = _has_secret(own, self._definitions)
        shown = "" if is_secret else f", not {_shown(faults[0]['input'])}"
        is_needed = len(faults[0]["loc"]) > 1 or name in cast("list[Json]", self._schema["required"])
        return f"{rule}{shown}; correct it" + ("" if is_needed else ", or remove it to have the default")

    def _rule(self, fault: ErrorDetails, schema: Json) -> str:
        if fault["type"] == "string_type":
            formats = set(_text_formats(schema, self._definitions))
            return "must be a path in quotes" if formats and formats <= _PATHS else "must be a string in quotes"
        return _RULES.get(fault["type"]) or _rule(fault["msg"])


def _text_formats(schema: Json, definitions: Mapping[str, Json], seen: frozenset[str] = frozenset()) -> Iterator[str]:
    """The formats of all texts in what a schema describes, empty for one without."""
    if isinstance(schema, list):
        for part in schema:
            yield from _text_formats(part, definitions, seen)
    elif isinstance(schema, dict):
        if schema.get("type") == "string":
            yield str(schema.get("format", ""))
        name = str(schema.get("$ref", "")).rpartition("/")[2]
        if name and name not in seen:
            yield from _text_formats(definitions.get(name), definitions, seen | {name})
        for part in schema.values():
            yield from _text_formats(part, definitions, seen)


def _has_secret(schema: Json, definitions: Mapping[str, Json], seen: frozenset[str] = frozenset()) -> bool:
    """Whether a secret is anywhere in what a schema describes."""
    if isinstance(schema, list):
        return any(_has_secret(part, definitions, seen) for part in schema)
    if not isinstance(schema, dict):
        return False
    if schema.get("writeOnly"):
        return True
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    if name and name not in seen:
        seen |= {name}
        if _has_secret(definitions.get(name), definitions, seen):
            return True
    return any(_has_secret(part, definitions, seen) for part in schema.values())


def _hide_secrets(definitions: Mapping[str, Json], kind: type) -> None:
    """Mark the secrets of the dataclasses within, which the library does not know as such, and drop all their defaults."""
    root = ".".join(kind.__module__.split(".")[:_ROOT_PARTS])
    modules = [one for name, one in list(sys.modules.items()) if name == root or name.startswith(f"{root}.")]
    hidden = {
        (cls.__name__, field.name)
        for module in modules
        for cls in list(vars(module).values())
        if isinstance(cls, type) and dataclasses.is_dataclass(cls)
        for field in dataclasses.fields(cls)
        if not field.repr
    }
    for schema in definitions.values():
        properties = schema.get("properties") if isinstance(schema, dict) else None
        for name, own in properties.items() if isinstance(properties, dict) else ():
            if not isinstance(own, dict) or not isinstance(schema, dict):
                continue
            if (schema.get("title"), name) in hidden:
                own["writeOnly"] = True
            if _has_secret(own, definitions):
                own.pop("default", None)


def _key(fault: ErrorDetails, table: Mapping[str, Json]) -> str:
    """The place in the file; of a union, the library adds the alternative's name, which is in no file."""
    key, value = _SECTION, cast("Json", table)
    is_missing = fault["type"] in _MISSING
    for number, part in enumerate(fault["loc"]):
        if isinstance(part, int) and isinstance(value, list) and part < len(value):
            key, value = f"{key}[{part}]", value[part]
        elif isinstance(value, dict) and str(part) in value:
            key, value = f"{key}.{part}", value[str(part)]
        elif is_missing and number == len(fault["loc"]) - 1:
            key = f"{key}.{part}"
    return key


def _rule(text: str) -> str:
    text = text.removeprefix("Value error, ").removeprefix("Assertion failed, ")
    for start in ("Input should be ", "Input should "):
        if text.startswith(start):
            return f"must {'be ' if start.endswith('be ') else ''}{text.removeprefix(start)}"
    return text


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=repr)
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}…"


def _as_json(value: object) -> Json:
    return cast("Json", TypeAdapter(object).dump_python(value, mode="json"))


def _suggest(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    if close:
        return f" did you mean {close[0]}?"
    return f" known are {', '.join(sorted(known))}" if known else " remove it"
