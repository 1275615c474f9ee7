"""From a callable to its schema (JSON Schema 2020-12) and to the conversions of its arguments and result.

Annotations that JSON has a type for are read in ``plaintypes.py``, all others by a library (``typed.py``), which is
loaded for them only. What neither understands, and no annotation, is "any JSON". The ``x-…`` keywords are specified
in the host protocol (PROTOCOL.md section 4).
"""

from __future__ import annotations

import collections.abc
import dataclasses
import dis
import functools
import inspect
import json
import typing
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from matahari.hostproto import Json, MethodSpec
from matahari.plugin import Declared, declared

from .docstrings import parameter_texts
from .forms import Conversion, Form
from .plaintypes import Schema, any_of, plain_schema

if TYPE_CHECKING:
    from .typed import Converter

__all__ = ["DeclarationError", "Described", "describe", "examine"]

#: Longest docstring that is published, in characters; a page of help is far below.
MAX_DOC: Final = 16 * 1024
#: Longest default value that is published, in characters of JSON.
_MAX_DEFAULT: Final = 4096
#: Longest schema of one annotation, in characters of JSON: a plugin's schemas share one message on the bus.
_MAX_SCHEMA: Final = 32 * 1024

#: Longest reason in a note about an annotation, in characters.
_MAX_REASON: Final = 200

_POSITIONAL: Final = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
_EMPTY: Final = inspect.Parameter.empty
_YIELDING: Final = (
    collections.abc.Generator,
    collections.abc.Iterator,
    collections.abc.Iterable,
    collections.abc.AsyncGenerator,
    collections.abc.AsyncIterator,
    collections.abc.AsyncIterable,
)


class DeclarationError(Exception):
    """What ``@method`` declares does not fit the function."""


@dataclass(frozen=True, slots=True)
class Described:
    """One action: what is published about it, and how its calls are read and written."""

    spec: MethodSpec
    form: Form


def describe(name: str, action: Callable[..., object]) -> MethodSpec:
    """Give what is published about one action; never fails for a callable that can be called.

    Args:
        name: as published.
        action: the callable. A callable without a readable signature takes anything.

    Raises:
        DeclarationError: ``@method`` names a sensitive parameter that there is not.
    """
    return examine(name, action, _ignore).spec


def examine(name: str, action: Callable[..., object], note: Callable[[str], None]) -> Described:
    """Give what is published about one action, and its conversions.

    Args:
        name: as published.
        action: the callable.
        note: told in words what could not be understood and is taken as "anything".

    Raises:
        DeclarationError: as in :func:`describe`.
    """
    return _Examination(name, action, note).done()


def _ignore(_text: str) -> None:
    """Nobody wants to know."""


class _Examination:
    """The reading of one signature."""

    def __init__(self, name: str, action: Callable[..., object], note: Callable[[str], None]) -> None:
        self._name = name
        self._action = action
        self._note = note
        self._declared: Declared = declared(action)
        self._doc = _doc(action)
        self._texts = parameter_texts(self._doc)
        self._definitions: Schema = {}

    def done(self) -> Described:
        signature = self._signature()
        if signature is None:
            params = self._head({}, [], True) | {"x-positional": [], "x-positional-only": []}
            params |= {"x-varargs": True, "x-varkw": True}
            return Described(self._spec(params, None, streams=False), Form())
        self._check_sensitive(signature)
        params, form = self._parameters(list(signature.parameters.values()))
        streams, yielded, returned = self._outcome(signature)
        result, result_conversion = self._read_result(returned, "the result")
        if streams:
            yields, yield_conversion = self._read_result(yielded, "what is yielded")
            if yields:
                params["x-yields"] = yields
            if returned in (None, type(None)) or (returned is _EMPTY and not _may_return_value(self._action)):
                result, result_conversion = {"type": "integer"}, None  # the number of values
        else:
            yield_conversion = None
        if _is_async(self._action):
            params["x-async"] = True
        if self._definitions:
            params["$defs"] = self._definitions
        form = dataclasses.replace(form, result=result_conversion, yielded=yield_conversion)
        return Described(self._spec(params, result or None, streams=streams), form)

    def _spec(self, params: Schema, result: Schema | None, *, streams: bool) -> MethodSpec:
        said = self._declared
        return MethodSpec(
            self._name, params, result, self._doc, dict(said.effects), said.timeout, said.sensitive, streams
        )

    def _signature(self) -> inspect.Signature | None:
        try:
            return inspect.signature(self._action, eval_str=True)
        except Exception as error:  # noqa: BLE001  # annotations are the plugin's code: evaluating them may raise anything
            try:
                found = inspect.signature(self._action)
            except (TypeError, ValueError):
                return None
            self._say(f"its annotations cannot be read ({type(error).__name__}: {error})")
            return found

    def _say(self, text: str) -> None:
        self._note(f"{self._name}: {text}; anything is taken")

    def _check_sensitive(self, signature: inspect.Signature) -> None:
        parameters = signature.parameters
        if any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in parameters.values()):
            return
        # A secret that is shown because of a misspelt name is noticed too late.
        for name in self._declared.sensitive:
            if name not in parameters:
                raise DeclarationError(f"{self._name}: sensitive names {name!r}, which is no parameter")

    def _outcome(self, signature: inspect.Signature) -> tuple[bool, object, object]:
        """Tell whether it streams, and the annotations of what it yields and what it returns."""
        returned: object = signature.return_annotation
        streams = _is_generator(self._action)
        origin, arguments = typing.get_origin(returned), typing.get_args(returned)
        if not streams:
            # A wrapper of a generator function is known by its annotation only.
            streams = origin in (collections.abc.Generator, collections.abc.AsyncGenerator)
        if not streams:
            return False, _EMPTY, returned
        if origin in _YIELDING and arguments:
            return True, arguments[0], arguments[2] if len(arguments) == 3 else _EMPTY
        return True, _EMPTY, _EMPTY

    def _head(self, properties: Schema, required: list[Json], additional: Json) -> Schema:
        schema: Schema = {"type": "object"}
        if self._doc:
            schema["description"] = self._doc.split("\n\n", 1)[0]
        return schema | {"properties": properties, "required": required, "additionalProperties": additional}

    def _parameters(self, parameters: list[inspect.Parameter]) -> tuple[Schema, Form]:
        properties: Schema = {}
        required: list[Json] = []
        positional: list[str] = []
        positional_only: list[Json] = []
        conversions: dict[str, Conversion] = {}
        varargs: Schema | None = None
        more: Conversion | None = None
        others: Conversion | None = None
        additional: Json = False
        for parameter in parameters:
            annotation: object = parameter.annotation
            if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
                varargs, more = self._read_parameter(annotation, parameter.name)
                continue
            if parameter.kind is inspect.Parameter.VAR_KEYWORD:
                schema, others = self._read_parameter(annotation, parameter.name)
                additional = schema or True
                continue
            properties[parameter.name] = self._property(parameter, conversions)
            if parameter.default is _EMPTY:
                required.append(parameter.name)
            if parameter.kind in _POSITIONAL:
                positional.append(parameter.name)
            if parameter.kind is inspect.Parameter.POSITIONAL_ONLY:
                positional_only.append(parameter.name)
        schema = self._head(properties, required, additional)
        schema |= {"x-positional": list(positional), "x-positional-only": positional_only}
        schema |= {"x-varargs": varargs is not None, "x-varkw": additional is not False}
        if varargs:
            schema["x-varargs-items"] = varargs
        sensitive = self._declared.sensitive
        # A name that is no parameter's is one of **kwargs: all of those are hidden, and *args with them.
        hides_rest = not set(sensitive) <= set(properties)
        return schema, Form(tuple(positional), conversions, more, others, sensitive, hides_rest)

    def _property(self, parameter: inspect.Parameter, conversions: dict[str, Conversion]) -> Schema:
        annotation: object = parameter.annotation
        schema, conversion = self._read_parameter(annotation, parameter.name)
        if parameter.default is None and schema:
            # "x: int = None" has always meant an optional int
            if conversion is None:
                schema = any_of([schema, {"type": "null"}])
            else:
                schema, conversion = self._read_parameter(typing.Optional[annotation], parameter.name)  # noqa: UP045  # "|" is not for all of them
        if conversion is not None:
            conversions[parameter.name] = conversion
        text = self._texts.get(parameter.name)
        if text:
            schema.setdefault("description", text)
        if parameter.default is not _EMPTY and parameter.name not in self._declared.sensitive:
            _show_default(schema, parameter.default, conversion)
        return schema

    def _read_parameter(self, annotation: object, name: str) -> tuple[Schema, Conversion | None]:
        """Give schema and conversion; ``({}, None)`` for an annotation that says nothing, or nothing we understand."""
        return self._read(annotation, f"parameter {name!r}", self._parameter_schema, f"{name}.")

    def _read_result(self, annotation: object, place: str) -> tuple[Schema, Conversion | None]:
        return self._read(annotation, place, _result_schema, "")

    def _read(
        self, annotation: object, place: str, write: Callable[[Converter, str], Schema], prefix: str
    ) -> tuple[Schema, Conversion | None]:
        if annotation is _EMPTY or isinstance(annotation, str):  # texts are left when they cannot be evaluated
            return {}, None
        plain = plain_schema(annotation)
        if plain is not None:
            return plain, None
        try:
            from .typed import adopt_typed_dicts, convert  # costs memory; most plugins need it never

            adopt_typed_dicts(getattr(self._action, "__module__", None) or "")
            converter = convert(annotation)
            return write(converter, prefix), converter
        except Exception as error:  # noqa: BLE001  # types are the plugin's code, and the library has many errors
            reason = str(error).split("\n", 1)[0][:_MAX_REASON]
            self._say(f"the annotation of {place} is not understood ({type(error).__name__}: {reason})")
            return {}, None

    def _parameter_schema(self, converter: Converter, prefix: str) -> Schema:
        schema, definitions = converter.schema("validation")
        if any(self._definitions.get(name, each) != each for name, each in definitions.items()):
            schema, definitions = converter.schema("validation", prefix)  # two types of one name
        _check_length(schema, definitions)
        self._definitions |= definitions
        return schema


def _result_schema(converter: Converter, _prefix: str) -> Schema:
    # Results are checked apart from parameters, so they carry their own definitions.
    schema, definitions = converter.schema("serialization")
    _check_length(schema, definitions)
    return schema | ({"$defs": definitions} if definitions else {})


def _check_length(schema: Schema, definitions: Schema) -> None:
    if len(json.dumps([schema, definitions])) > _MAX_SCHEMA:
        raise ValueError(f"its schema is longer than {_MAX_SCHEMA} characters")


def _doc(action: Callable[..., object]) -> str:
    # A partial or an instance would show the docstring of its class, which says nothing.
    own = action if inspect.isroutine(action) or inspect.isclass(action) else getattr(action, "func", None)
    text = inspect.getdoc(own) if own is not None else None
    return (text or "")[:MAX_DOC].encode("utf-8", "backslashreplace").decode()


def _is_async(action: Callable[..., object]) -> bool:
    return inspect.iscoroutinefunction(action) or inspect.isasyncgenfunction(action)


def _is_generator(action: Callable[..., object]) -> bool:
    return inspect.isgeneratorfunction(action) or inspect.isasyncgenfunction(action)


def _may_return_value(action: Callable[..., object]) -> bool:
    """Whether the code of a generator function can return anything but None; true where that cannot be seen."""
    if inspect.isasyncgenfunction(action):
        return False
    while isinstance(action, functools.partial):
        action = action.func
    code = getattr(action, "__code__", None)
    if not inspect.iscode(code) or not code.co_flags & inspect.CO_GENERATOR:
        return True  # a wrapper: what it wraps may return something
    before: object = inspect  # stands for "not None"
    for each in dis.get_instructions(code):
        if each.opname == "RETURN_CONST" and each.argval is not None:
            return True
        if each.opname == "RETURN_VALUE" and before is not None:
            return True
        before = each.argval if each.opname == "LOAD_CONST" else inspect
    return False


def _show_default(schema: Schema, value: object, conversion: Conversion | None) -> None:
    """Put the default into the schema; one that is not JSON stays in force, it only cannot be shown."""
    try:
        text = json.dumps(value if conversion is None else conversion.dump(value), allow_nan=False)
        text.encode()
    except (TypeError, ValueError, RecursionError):
        return
    if len(text) <= _MAX_DEFAULT:
        schema["default"] = json.loads(text)
