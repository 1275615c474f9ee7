"""How the arguments of one action are read, and what it gives is written: JSON on one side, values on the other."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NoReturn, Protocol

__all__ = ["PLAIN", "BadArgument", "Conversion", "Form", "Misfit"]


class BadArgument(Exception):
    """An argument is not JSON, or does not fit its annotation."""


class Misfit(ValueError):
    """A value does not fit an annotation; the text says where and why.

    Attributes:
        hidden: the same without anything of the value, for arguments that are not to be shown.
    """

    def __init__(self, text: str, hidden: str) -> None:
        super().__init__(text)
        self.hidden = hidden


class Conversion(Protocol):
    """Turns JSON into values of one annotated type and back."""

    def parse(self, text: str) -> object:
        """Turn JSON text into a value.

        Raises:
            Misfit: it is not of the type.
        """

    def dump(self, value: object) -> object:
        """Turn a value into what JSON has a form for, as far as it is of the type."""


@dataclass(frozen=True, slots=True)
class Form:
    """The conversions of one action; what has none is passed as JSON gives it.

    Attributes:
        positional: names of the parameters that may be given by position, in order.
        parameters: name -> conversion.
        more: of each further positional argument.
        others: of each argument with another name.
        sensitive: names of the parameters whose values no text repeats.
        hides_rest: no text repeats what ``more`` and ``others`` read.
        result: of what is returned.
        yielded: of each value that is yielded.
    """

    positional: Sequence[str] = ()
    parameters: Mapping[str, Conversion] = field(default_factory=dict)
    more: Conversion | None = None
    others: Conversion | None = None
    sensitive: Collection[str] = ()
    hides_rest: bool = False
    result: Conversion | None = None
    yielded: Conversion | None = None

    def read(self, args: Sequence[str], kwargs: Mapping[str, str]) -> tuple[list[object], dict[str, object]]:
        """Turn the texts of a call into arguments.

        Raises:
            BadArgument: one is not JSON, or does not fit.
        """
        values: list[object] = []
        for index, text in enumerate(args):
            if index < len(self.positional):
                values.append(self._read_named(self.positional[index], text))
            else:
                values.append(_read(text, f"argument '#{index + 1}'", self.more, is_hidden=self.hides_rest))
        return values, {name: self._read_named(name, text) for name, text in kwargs.items()}

    def _read_named(self, name: str, text: str) -> object:
        is_hidden = name in self.sensitive or (self.hides_rest and name not in self.parameters)
        return _read(text, f"argument {name!r}", self.parameters.get(name, self.others), is_hidden=is_hidden)


PLAIN: Final = Form()


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_parse = json.JSONDecoder(parse_constant=_refuse_constant).decode


def _read(text: str, name: str, conversion: Conversion | None, *, is_hidden: bool) -> object:
    try:
        # Converted arguments too: their library is more generous in what it takes for JSON.
        value: object = _parse(text)
    except (ValueError, RecursionError) as error:
        raise BadArgument(f"{name} is not JSON: {error}") from error
    if conversion is None:
        return value
    try:
        return conversion.parse(text)
    except Misfit as error:
        raise BadArgument(f"{name}: {error.hidden if is_hidden else error}") from error
