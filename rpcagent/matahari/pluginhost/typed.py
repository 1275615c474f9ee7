"""Annotations that need more than JSON: dataclasses, enums, dates, paths, ranges … by pydantic.

Imported only for annotations that are not plain: it is as large as all the rest. The warm parent does so when the
first plugin comes that seems to have some, and its workers share it; a worker that was forked before imports it itself.
"""

from __future__ import annotations

import sys
import typing
import warnings
from collections.abc import Callable
from typing import Annotated, Any, Final, Literal

import typing_extensions
from pydantic import ConfigDict, GetCoreSchemaHandler, TypeAdapter, ValidationError
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import CoreConfig, CoreSchema, SchemaSerializer
from pydantic_core.core_schema import EnumSchema, FrozenSetSchema, SetSchema

from matahari.hostproto import Json

from .forms import Misfit
from .typedwords import misfit_texts

__all__ = ["Converter", "adopt_typed_dicts", "convert"]

#: A plugin is ``matahari_plugins.NAME``; its other modules are below.
_ROOT_PARTS: Final = 2
_REFERENCE: Final = "#/$defs/"


class _Generator(GenerateJsonSchema):
    """JSON Schema without a title for every field, which would say its name again."""

    def field_title_should_be_set(self, schema: object) -> bool:
        return False

    def enum_schema(self, schema: EnumSchema) -> JsonSchemaValue:
        """With the members' names, for people who know these; only where some differ from their values."""
        made = super().enum_schema(schema)
        names = [member.name for member in schema["members"]]
        values = made.get("enum", [])
        if [str(value).lower() for value in values] != [name.lower() for name in names] and len(values) == len(names):
            made["x-enum-names"] = names
        return made

    def set_schema(self, schema: SetSchema) -> JsonSchemaValue:
        return self._of_set(super().set_schema(schema))

    def frozenset_schema(self, schema: FrozenSetSchema) -> JsonSchemaValue:
        return self._of_set(super().frozenset_schema(schema))

    def _of_set(self, made: JsonSchemaValue) -> JsonSchemaValue:
        """Of equal elements a set takes one, so a list that has some is no reason to refuse a call."""
        if self.mode == "validation":
            made.pop("uniqueItems", None)
        return made


class Converter:
    """Converts between JSON and one annotated type. Made by :func:`convert`."""

    def __init__(self, adapter: TypeAdapter[object]) -> None:
        self._adapter = adapter
        self._serializer: SchemaSerializer | None = None

    def schema(
        self, mode: Literal["validation", "serialization"], prefix: str = ""
    ) -> tuple[dict[str, Json], dict[str, Json]]:
        """Give the schema, and the schemas of the named types that it refers to as ``#/$defs/{prefix}NAME``.

        Args:
            mode: of what goes in (``validation``) or of what comes out.
            prefix: put before the names, to tell them from others.

        Raises:
            Exception: the type has no form in JSON.
        """
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of defaults that cannot be shown
            schema: dict[str, Json] = self._adapter.json_schema(
                mode=mode, ref_template=f"{_REFERENCE}{prefix}{{model}}", schema_generator=_Generator
            )
        definitions = schema.pop("$defs", {})
        if not isinstance(definitions, dict):
            raise TypeError("$defs is not an object")  # it always is
        return schema, {f"{prefix}{name}": each for name, each in definitions.items()}

    def parse(self, text: str) -> object:
        """Turn JSON text into a value.

        Raises:
            Misfit: it is not of the type.
        """
        try:
            return self._adapter.validate_json(text)
        except ValidationError as error:
            seen, hidden = misfit_texts(error, text)
            raise Misfit(hidden if self._holds_secret() else seen, hidden) from None  # its own text shows the value

    def _holds_secret(self) -> bool:
        """Whether a secret is anywhere in what the type describes: it may be the value in a wrong place."""
        schema, definitions = self.schema("validation")
        return "'writeOnly': True" in str([schema, definitions])

    def dump(self, value: object) -> object:
        """Turn a value into what JSON has a form for; what is not of the type is left as it is.

        Raises:
            ValueError: there is no form for it.
        """
        if self._serializer is None:
            # The adapter's own makes null of numbers that JSON has no form for; they are errors here.
            self._serializer = SchemaSerializer(self._adapter.core_schema, CoreConfig(ser_json_inf_nan="constants"))
        dumped: object = self._serializer.to_python(value, mode="json", by_alias=True, warnings="none")
        return dumped


def convert(annotation: object) -> Converter:
    """Make the converter of an annotation.

    Raises:
        Exception: the library does not know what to do with it; annotations and types are the plugin's own.
    """
    # A class of its own configuration keeps that; the adapter takes none for a class that stands alone.
    adapter: TypeAdapter[object] = TypeAdapter(Annotated[Any, _Inner(annotation)], config=ConfigDict(extra="forbid"))
    return Converter(adapter)


class _Inner:
    """Puts an annotation in the place of the one that it is a mark of."""

    def __init__(self, annotation: object) -> None:
        self._annotation = annotation

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        return handler.generate_schema(self._annotation)


def adopt_typed_dicts(home: str) -> None:
    """Make the ``typing.TypedDict`` classes of a plugin usable as annotations.

    Before Python 3.12 they lack what the library needs, and it refuses them; each gets a twin that has it.
    To be removed with the support of Python 3.11.

    Args:
        home: name of a module of the plugin.
    """
    if sys.version_info >= (3, 12):
        return
    root = ".".join(home.split(".")[:_ROOT_PARTS])
    for name, module in list(sys.modules.items()):
        if name == root or name.startswith(f"{root}."):
            for value in list(vars(module).values()):
                if typing.is_typeddict(value) and "__get_pydantic_core_schema__" not in vars(value):
                    value.__get_pydantic_core_schema__ = _twin_maker(value)


def _twin_maker(original: type) -> Callable[[object, GetCoreSchemaHandler], CoreSchema]:
    twins: list[type] = []

    def make(source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        if not twins:
            hints = typing.get_type_hints(original, include_extras=True)
            required = getattr(original, "__required_keys__", frozenset(hints))
            fields: dict[str, object] = {}
            for name, hint in hints.items():
                if typing.get_origin(hint) in (typing.Required, typing.NotRequired):
                    fields[name] = hint  # annotations that were texts have escaped __required_keys__
                elif name in required:
                    fields[name] = typing_extensions.Required[hint]
                else:
                    fields[name] = typing_extensions.NotRequired[hint]
            twin = typing_extensions.TypedDict(original.__name__, fields)  # type: ignore[misc]  # names as they come
            twin.__module__, twin.__qualname__, twin.__doc__ = (
                original.__module__,
                original.__qualname__,
                original.__doc__,
            )
            twins.append(twin)
        return handler.generate_schema(twins[0])  # unlike handler(), this may meet itself again

    return make
