"""The commands that a selected class brings: one ``get``, ``set``, ``call`` and ``select property`` per member."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import NamedTuple, Protocol

from matahari.errors import NoAgentsError
from matahari.shell.base.outcome import CommandError, ExitStatus
from matahari.shell.base.ports import PLUGIN_PACKAGE, MethodLike, ObjectsLike, PropertyLike
from matahari.shell.base.selection import MEMBER_WORDS
from matahari.shell.display.docstring import without_parameters
from matahari.shell.display.effects import declared_of
from matahari.shell.display.method_text import property_row
from matahari.shell.display.schema_text import parameter_rows
from matahari.shell.syntax.arguments import documentation_of, given_name, parameters_from, schema_of
from matahari.shell.syntax.commands import Action, Command, Detail
from matahari.shell.syntax.grammar import Element, Group, Keyword, Repeat, Rest, Value
from matahari.shell.syntax.lines import Word
from matahari.shell.syntax.values import Bound, converter_for

__all__ = ["MemberActions", "is_out_of_service", "is_plugin_class", "member_commands"]

_OUT_OF_SERVICE = ("loading", "failed", "quarantined", "inactive")

NO_DESCRIPTION = "(no description)"

_LEFT_OUT = object()  # stands for an optional argument that was not given; None is a value


class MemberActions(Protocol):
    """What the commands do; the session provides it."""

    def get_property(self, name: str) -> ExitStatus:
        """Show a property of all objects."""

    def set_property(self, name: str, value: object) -> ExitStatus:
        """Write a property on all objects."""

    def filter_property(self, name: str, value: object) -> ExitStatus:
        """Restrict the selection to objects with this value."""

    def call_method(
        self, method: str, arguments: Sequence[object], named: Mapping[str, object] = MappingProxyType({})
    ) -> ExitStatus:
        """Call a method with typed arguments, by position and by name."""

    def summarise(self, name: str) -> ExitStatus:
        """Summarise the values of the last answers."""

    def call_plugin(self, method: str, words: Sequence[Word]) -> ExitStatus:
        """Call a plugin's method with words still to be read."""


def is_out_of_service(objects: ObjectsLike) -> bool:
    """True when a plugin runs nothing on at least one host: what it offers there is not known, and why, its agent knows."""
    return is_plugin_class(objects) and any(found.values.get("state") in _OUT_OF_SERVICE for found in objects)


def is_plugin_class(objects: ObjectsLike) -> bool:
    """True for the classes that stand for RPC plugins: their methods take JSON."""
    return objects.class_name.package == PLUGIN_PACKAGE


def member_commands(objects: ObjectsLike, actions: MemberActions) -> Iterator[Command]:
    """One command per member; without objects, commands that say so."""
    if not len(objects):
        yield from _nothing_selected()
        return
    for member in objects.properties:
        yield from _property_commands(member, actions)
    for method in objects.methods:
        if is_plugin_class(objects):
            yield _plugin_command(objects, method, actions)
        else:
            yield from _method_commands(objects, method, actions)
    yield Command(
        (Keyword("summary"), Value("NAME")),
        lambda values: actions.summarise(str(values[1])),
        "Show what the summary NAME, of an extension, makes of the answers to the last call or get.",
    )
    if is_out_of_service(objects):
        anything = Value("METHOD")
        yield Command((Keyword("call"), anything, Rest()), partial(_run_any, actions), is_hidden=True)
    elif not objects.methods:
        name = objects.class_name.name if is_plugin_class(objects) else str(objects.class_name)
        yield Command((Keyword("call"), Value("METHOD", _NoMethod(name)), Rest()), _never, is_hidden=True)


def _nothing_selected() -> Iterator[Command]:
    def refuse(values: tuple[object, ...]) -> ExitStatus:
        raise NoAgentsError("No objects selected")

    for word in MEMBER_WORDS:
        yield Command((Keyword(word), Rest()), refuse, is_hidden=True)
    yield Command((Keyword("select"), Keyword("property"), Rest()), refuse, is_hidden=True)


def _property_commands(member: PropertyLike, actions: MemberActions) -> Iterator[Command]:
    name = member.name
    value = Value("VALUE", converter_for(member))
    details = (Detail(*property_row(member)),)
    about = f": {member.description}" if member.description else "."

    yield Command(
        (Keyword("get"), Keyword(name, noun="Property")),
        lambda values: actions.get_property(name),
        f"Show {name} of the selected objects{about}",
        details,
        details_title="Details:",
    )
    yield Command(
        (Keyword("select"), Keyword("property"), Keyword(name, noun="Property"), value),
        lambda values: actions.filter_property(name, values[-1]),
        f"Select the objects whose {name} is VALUE.",
        details,
        details_title="Details:",
    )
    if member.access == "RW":
        yield Command(
            (Keyword("set"), Keyword(name, noun="Property", whole=True), value),
            lambda values: actions.set_property(name, values[-1]),
            f"Set {name} of the selected objects{about}",
            details,
            details_title="Details:",
        )
    else:
        read_only = Repeat(Value("VALUE"))
        yield Command(
            (Keyword("set"), Keyword(name, noun="Property", whole=True), read_only),
            partial(_refuse_write, name),
            is_hidden=True,
        )


def _refuse_write(name: str, values: tuple[object, ...]) -> ExitStatus:
    raise CommandError(f'Property "{name}" is read-only')


class _NoMethod(NamedTuple):
    """No word is a method of ``owner``. Said while a line is read, so that the class is looked at again before."""

    owner: str
    name: str = "str"

    def convert(self, word: Word, bound: Bound) -> object:
        """Always raises."""
        raise NoAgentsError(f'{self.owner} has no method "{word.text}"; it has none')

    def complete(self, fragment: str, bound: Bound) -> list[str]:
        """Nothing."""
        return []


def _never(values: tuple[object, ...]) -> ExitStatus:
    raise AssertionError("no word is a method")


def _method_commands(objects: ObjectsLike, method: MethodLike, actions: MemberActions) -> Iterator[Command]:
    taken = [argument for argument in method.arguments if argument.direction in ("I", "IO")]
    elements: tuple[Element, ...] = ()
    is_tail = True
    for argument in reversed(taken):
        # Optional arguments nest from the end: (A (B)). One before a required argument must be given all the same.
        value = Value(argument.name.upper(), converter_for(argument), default=_LEFT_OUT)
        is_tail = is_tail and argument.optional
        elements = (Group((value, *elements)),) if is_tail else (value, *elements)
    details = tuple(Detail(*property_row(argument)) for argument in taken)
    keyword = Keyword(method.name, noun="Method", whole=True)

    def run(values: tuple[object, ...]) -> ExitStatus:
        return actions.call_method(method.name, list(_given(values[2:])))

    about = _with_declared(method.description or NO_DESCRIPTION, objects, method)
    if taken:
        run_named = partial(_run_named, method.name, taken, actions)
        yield Command((Keyword("call"), keyword, Rest(accepts=_has_names)), run_named, is_hidden=True)
    yield Command((Keyword("call"), keyword, *elements), run, about, details)


def _has_names(words: Sequence[Word]) -> bool:
    return any(map(given_name, words))


def _run_named(
    method: str, arguments: Sequence[PropertyLike], actions: MemberActions, values: tuple[object, ...]
) -> ExitStatus:
    from matahari.shell.verbs.named_arguments import read_named  # most are given by position

    words = values[-1]
    assert isinstance(words, tuple)  # what Rest matches
    return actions.call_method(method, *read_named(method, arguments, words))


def _given(values: Iterable[object]) -> Iterator[object]:
    for value in values:
        if isinstance(value, tuple):
            yield from _given(value)
        elif value is not _LEFT_OUT:
            yield value


def _plugin_command(objects: ObjectsLike, method: MethodLike, actions: MemberActions) -> Command:
    schema = schema_of(objects, method.name)

    def complete(words: Sequence[Word], fragment: str) -> list[str]:
        from matahari.shell.verbs.argument_completion import complete_arguments  # scripts complete nothing

        return complete_arguments(schema, words, fragment)

    def hints(words: Sequence[Word], fragment: str) -> Sequence[tuple[str, str]]:
        from matahari.shell.verbs.argument_completion import argument_hints  # only help in place needs it

        return argument_hints(schema, words, fragment)

    details: tuple[Detail, ...] = ()
    syntax = "([ARG])"
    if schema is not None:
        parameters = parameters_from(schema)
        syntax = parameters.syntax
        details = tuple(Detail(*row) for row in parameter_rows(parameters.schemas, schema))
    keyword = Keyword(method.name, noun="Method", whole=True)
    run: Action = partial(_run_plugin, method.name, actions)
    prose = without_parameters(documentation_of(objects, method.name), [detail.name for detail in details])
    about = prose or method.description or NO_DESCRIPTION
    rest = Rest(syntax, complete=complete, hints=hints)
    return Command((Keyword("call"), keyword, rest), run, _with_declared(about, objects, method), details)


def _with_declared(about: str, objects: ObjectsLike, method: MethodLike) -> str:
    declared = declared_of(objects, method.name)
    return f"{about.rstrip()}\nDeclared: {declared}" if declared else about


def _run_plugin(method: str, actions: MemberActions, values: tuple[object, ...]) -> ExitStatus:
    words = values[-1]
    assert isinstance(words, tuple)  # what Rest matches
    return actions.call_plugin(method, words)


def _run_any(actions: MemberActions, values: tuple[object, ...]) -> ExitStatus:
    return _run_plugin(str(values[1]), actions, values)
