"""``describe MEMBER``: everything that is known of a method or a property of the selected class."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from matahari.errors import NoAgentsError
from matahari.shell.base.outcome import ExitStatus
from matahari.shell.base.ports import ObjectsLike, PropertyLike
from matahari.shell.base.selection import Directory
from matahari.shell.display.docstring import without_parameters
from matahari.shell.display.method_text import MethodText, method_text, property_rules
from matahari.shell.display.output import Output
from matahari.shell.display.render import INDENT, printable
from matahari.shell.display.schema_text import table_lines
from matahari.shell.syntax.commands import Command
from matahari.shell.syntax.grammar import Keyword, Rest, Value
from matahari.shell.syntax.lines import Word
from matahari.shell.syntax.values import Bound, not_found, type_name
from matahari.shell.verbs.inspection import NO_CLASS

__all__ = ["Describe"]

NO_DESCRIPTION: Final = "(no description)"
ACCESS: Final[Mapping[str, str]] = {
    "RO": "read only",
    "RW": "read and write",
    "RC": "given when the object is made, then read only",
}


class Shell(Protocol):
    """What the command works on: the session."""

    output: Output
    objects: ObjectsLike | None

    def renew(self) -> None:
        """Fetch the objects of a selected plugin anew, where that is possible."""


class Describe:
    """The command, working on one shell."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell

    def commands(self, directory: Directory) -> Iterator[Command]:
        """With a class that has objects the command, else one that tells what it needs."""
        objects = self._shell.objects
        keyword = Keyword("describe")
        if objects is None or not len(objects):
            yield Command((keyword, Rest()), self._refuse, is_hidden=True)
        else:
            yield Command((keyword, Value("MEMBER", _Member(_names(objects)))), self._describe)

    def _refuse(self, values: tuple[object, ...]) -> ExitStatus:
        raise NoAgentsError(NO_CLASS if self._shell.objects is None else "No objects selected")

    def _describe(self, values: tuple[object, ...]) -> ExitStatus:
        """Show what is known of a method (signature, arguments, result, effects) or of a property of the class."""
        self._shell.renew()
        objects = self._shell.objects
        assert objects is not None  # else there is no such command
        name = str(values[1])
        if name not in (names := _names(objects)):
            raise not_found("Method or property", name, names)
        class_text = f"{objects.class_name.package}:{objects.class_name.name}"
        for method in objects.methods:
            if method.name == name:
                text = method_text(objects, method)
                self._shell.output.row(_printable(_method_lines(text)), {"class": class_text, **_method_record(text)})
        for member in objects.properties:
            if member.name == name:
                record = {"class": class_text, **_property_record(member)}
                self._shell.output.row(_printable(_property_lines(member)), record)
        return ExitStatus.OK


def _names(objects: ObjectsLike) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*(one.name for one in objects.methods), *(one.name for one in objects.properties)]))


def _method_lines(text: MethodText) -> list[str]:
    prose = without_parameters(text.description, [name for _, name, _ in text.rows])
    lines = [text.signature, *_indented(prose)]
    if text.declared:
        lines += ["", f"{INDENT}Declared: {text.declared}"]
    if text.parameters is None:
        lines += ["", f"{INDENT}Its agent does not publish the parameters."]
    if text.rows:
        lines += ["", f"{INDENT}Parameters:", *table_lines(text.rows, INDENT)]
    if text.result_rows:
        lines += ["", f"{INDENT}Result:", *table_lines(text.result_rows, INDENT)]
    return lines


def _method_record(text: MethodText) -> dict[str, object]:
    return {
        "member": "method",
        "name": text.name,
        "signature": text.signature,
        "description": text.description,
        "declared": text.declared,
        "parameters": None if text.parameters is None else list(text.parameters),
        "result": text.result,
    }


def _property_lines(member: PropertyLike) -> list[str]:
    lines = [f"{member.name}: {type_name(member)}", *_indented(member.description), ""]
    lines.append(f"{INDENT}Access: {ACCESS.get(member.access, member.access)}")
    if member.unit:
        lines.append(f"{INDENT}Unit: {member.unit}")
    if rules := property_rules(member):
        lines.append(f"{INDENT}Values: {', '.join(rules)}")
    return lines


def _property_record(member: PropertyLike) -> dict[str, object]:
    return {
        "member": "property",
        "name": member.name,
        "type": type_name(member),
        "access": member.access,
        "unit": member.unit,
        "rules": property_rules(member),
        "description": member.description,
    }


def _indented(text: str) -> list[str]:
    return [f"{INDENT}{line}".rstrip() for line in (text.strip() or NO_DESCRIPTION).splitlines()]


def _printable(lines: Sequence[str]) -> list[str]:
    return [printable(line) for line in lines]


@dataclass(frozen=True, slots=True)
class _Member:
    """A member of the class, in full or as a beginning that only one has: nothing is changed by taking it."""

    names: tuple[str, ...]
    name: str = "MEMBER"

    def convert(self, word: Word, bound: Bound) -> str:
        if word.text in self.names:
            return word.text
        fits = [name for name in self.names if word.text and not word.is_quoted and name.startswith(word.text)]
        if len(fits) > 1:
            raise NoAgentsError(f'"{word.text}" is ambiguous: it begins {", ".join(fits)}')
        if not fits:
            raise not_found("Method or property", word.text, self.names)
        return fits[0]

    def complete(self, fragment: str, bound: Bound) -> list[str]:
        return [name + " " for name in self.names if name.startswith(fragment)]
