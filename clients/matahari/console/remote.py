"""One object on one host, as a value: its properties and statistics can be read as attributes. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Final, NoReturn

from matahari.console.names import ClassName
from matahari.errors import RefusedError
from matahari.qmf import ObjectId, Schema, Value
from matahari.validation import did_you_mean

__all__ = ["RemoteObject"]


@dataclass(frozen=True, slots=True, eq=False)
class _Fields:
    host: str
    agent: str
    name: str
    class_name: ClassName
    values: Mapping[str, Value]
    object_id: ObjectId = field(repr=False)
    schema: Schema = field(repr=False)


class RemoteObject(_Fields):
    """One object on one host, with its values as of the fetch; ``item.free_mem`` is ``item.values["free_mem"]``.

    A property that is called as an attribute here, e.g. ``name``, is only in ``values``. It is a value: nothing can be
    assigned. In :mod:`matahari.console.sync`, objects of a group have attributes that write.

    Attributes:
        host: empty when the agent tells none, as the broker's own.
        values: by property name; text that foreign agents send as binary is decoded.
    """

    __slots__ = ()

    def __getattr__(self, name: str) -> Value:
        """The value of a property, None where it was not sent.

        Raises:
            AttributeError: the class has no such property; the message names close matches.
        """
        if name.startswith("_") or name in _FIELDS:
            raise AttributeError(name)  # no property; copying asks for some before there is anything to ask
        if name in self.values or self.schema.find_property(name) is not None:
            return self.values.get(name)
        raise AttributeError(self._no_property(name), name=name, obj=self)

    def __setattr__(self, name: str, value: object) -> None:
        self._refuse(name)

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{name!r} cannot be deleted: nothing of an object can", name=name, obj=self)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self._property_names()})

    def __eq__(self, other: object) -> bool:
        return _key(self) == _key(other) if isinstance(other, RemoteObject) else NotImplemented

    def __hash__(self) -> int:
        return hash((self.host, self.agent, self.name, self.class_name, self.object_id))

    def __repr__(self) -> str:
        return f"<RemoteObject: {self}>"

    def __str__(self) -> str:
        return f"{self.class_name}[{self.name}] on {self.host or self.agent}"

    def _property_names(self) -> list[str]:
        """Those that are attributes."""
        known = dict.fromkeys([*(one.name for one in self.schema.properties), *self.values])
        return [name for name in known if name.isidentifier() and name not in _FIELDS and not name.startswith("_")]

    def _no_property(self, name: str) -> str:
        return f"{self.class_name} has no property {name!r}{did_you_mean(name, self._property_names())}"

    def _refuse(self, name: str) -> NoReturn:
        """Say what to do instead of assigning.

        Raises:
            RefusedError: it is a property that may not be written.
            AttributeError: it is none, or has to be written in another way.
        """
        found = self.schema.find_property(name)
        if found is None:
            text = self._no_property(name)
        elif found.access != "RW":
            text = f"property {name!r} of {self.class_name} is read-only"
            raise RefusedError(text, agent=self.agent, action="set_properties")
        else:
            text = f"an object is a value, as of its fetch: {name!r} is written by set({name!r}, …) of its group"
        raise AttributeError(text, name=name, obj=self)


_FIELDS: Final = frozenset(one.name for one in fields(_Fields))


def _key(item: RemoteObject) -> tuple[object, ...]:
    return (item.host, item.agent, item.name, item.class_name, item.values, item.object_id, item.schema)
