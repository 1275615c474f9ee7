"""The hooks that an extension can offer, each with the check of what it returned.

Hooks are foreign code: their results are looked at before anybody works with them. Nothing here calls a hook.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

import pluggy

from .backends import check_backend
from .records import (
    ActionRequest,
    AgentOffer,
    Aggregator,
    Decision,
    DiscoveryQuery,
    HostInventory,
    JsonValue,
    LanguageBackend,
    ShellCommand,
    Validator,
)

__all__ = [
    "AGENTS",
    "AGGREGATORS",
    "AUDIT",
    "AUTHORISE",
    "DISCOVER",
    "FACTS",
    "HOOKS",
    "HOST_INVENTORY",
    "LANGUAGES",
    "PROJECT",
    "SHELL_COMMANDS",
    "VALIDATORS",
    "Hook",
    "Specifications",
    "hookimpl",
]

_MAX_KEY_BYTES: Final = 255  # of a name on the bus; one label alone that cannot be told would cost all of them

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

PROJECT: Final = "matahari"

hookimpl = pluggy.HookimplMarker(PROJECT)
"""Marks a function of an extension as the implementation of the hook of that name."""

_hookspec = pluggy.HookspecMarker(PROJECT)


class Specifications:
    """Every hook: name, arguments (by name; an implementation may leave some out), result. ``None`` is no answer.

    Hooks are called in threads with a time limit, never on the event loop. One that raises is named and left out.
    """

    @_hookspec
    def languages(self) -> Sequence[LanguageBackend]:  # type: ignore[empty-body]  # a specification has no body
        """Programs that run plugins of further languages."""

    @_hookspec
    def facts(self) -> Mapping[str, JsonValue]:  # type: ignore[empty-body]  # a specification has no body
        """Facts of this host, by dotted name; nested maps are flattened."""

    @_hookspec
    def host_inventory(self) -> HostInventory:  # type: ignore[empty-body]  # a specification has no body
        """Labels and classes of this host."""

    @_hookspec
    def authorise(self, request: ActionRequest) -> Decision | None:
        """Whether a request may run; one refusal refuses, and so does one failure. None: no opinion."""

    @_hookspec
    def audit(self, record: Mapping[str, JsonValue]) -> None:
        """Takes one audit record, with sensitive values masked already; the file has it before."""

    @_hookspec
    def validators(self) -> Sequence[Validator]:  # type: ignore[empty-body]  # a specification has no body
        """Named checks of values."""

    @_hookspec
    def aggregators(self) -> Sequence[Aggregator]:  # type: ignore[empty-body]  # a specification has no body
        """Named summaries of the answers of many hosts."""

    @_hookspec
    def discover(self, query: DiscoveryQuery) -> Collection[str] | None:
        """Names of the hosts that are expected to answer. None: this source cannot tell."""

    @_hookspec
    def agents(self) -> Sequence[AgentOffer]:  # type: ignore[empty-body]  # a specification has no body
        """Agents that a node can run beside its own."""

    @_hookspec
    def shell_commands(self) -> Sequence[ShellCommand]:  # type: ignore[empty-body]  # a specification has no body
        """Further commands of the matahari program."""


@dataclass(frozen=True, slots=True)
class Hook(Generic[T_co]):
    """One hook: ``read`` turns what an implementation returned into its result, or raises TypeError or ValueError."""

    name: str
    read: Callable[[object], T_co]

    @property
    def summary(self) -> str:
        return (getattr(Specifications, self.name).__doc__ or "").strip()


def _one_of(kind: type[T]) -> Callable[[object], T]:
    def read(value: object) -> T:
        if not isinstance(value, kind):
            raise TypeError(f"returned {type(value).__name__}, not {kind.__name__}")
        return value

    return read


def _several_of(kind: type[T]) -> Callable[[object], tuple[T, ...]]:
    def read(value: object) -> tuple[T, ...]:
        if not isinstance(value, list | tuple):
            raise TypeError(f"returned {type(value).__name__}, not a list of {kind.__name__}")
        for entry in value:
            if not isinstance(entry, kind):
                raise TypeError(f"returned a list with {type(entry).__name__}, not {kind.__name__}")
        return tuple(value)

    return read


def _backends(value: object) -> tuple[LanguageBackend, ...]:
    found = _several_of(LanguageBackend)(value)
    for backend in found:
        check_backend(backend)
    return found


def _map(value: object) -> Mapping[str, object]:
    """What the values are is looked at by those who flatten the facts."""
    if not isinstance(value, Mapping):
        raise TypeError(f"returned {type(value).__name__}, not a map")
    for key in value:
        if not isinstance(key, str):
            raise TypeError(f"returned a map with the key {key!r}, which is no text")
    return dict(value)


def _names(value: object) -> frozenset[str]:
    if isinstance(value, str) or not isinstance(value, Collection):
        raise TypeError(f"returned {type(value).__name__}, not a list of host names")
    names = list(value)
    for name in names:
        if not isinstance(name, str):
            raise TypeError(f"returned a list with {type(name).__name__}, not host names")
    return frozenset(names)


def _inventory(value: object) -> HostInventory:
    found = _one_of(HostInventory)(value)
    if not all(isinstance(text, str) for pair in found.labels.items() for text in pair):
        raise TypeError("returned labels that are no texts")
    classes = _names(found.classes)
    for text in (*found.labels, *found.labels.values(), *classes):
        if not text.isascii() and any("\ud800" <= char <= "\udfff" for char in text):
            raise ValueError(f"returned {text!r}, which is not valid Unicode")
    for name in found.labels:
        if len(name.encode()) > _MAX_KEY_BYTES:
            raise ValueError(f"returned a label whose name has more than {_MAX_KEY_BYTES} bytes: {name[:40]!r}")
    return HostInventory(dict(found.labels), classes)


def _nothing(value: object) -> None:
    raise TypeError(f"returned {type(value).__name__}, and nothing is expected")


LANGUAGES: Final[Hook[tuple[LanguageBackend, ...]]] = Hook("languages", _backends)
FACTS: Final[Hook[Mapping[str, object]]] = Hook("facts", _map)
HOST_INVENTORY: Final[Hook[HostInventory]] = Hook("host_inventory", _inventory)
AUTHORISE: Final[Hook[Decision]] = Hook("authorise", _one_of(Decision))
AUDIT: Final[Hook[None]] = Hook("audit", _nothing)
VALIDATORS: Final[Hook[tuple[Validator, ...]]] = Hook("validators", _several_of(Validator))
AGGREGATORS: Final[Hook[tuple[Aggregator, ...]]] = Hook("aggregators", _several_of(Aggregator))
DISCOVER: Final[Hook[frozenset[str]]] = Hook("discover", _names)
AGENTS: Final[Hook[tuple[AgentOffer, ...]]] = Hook("agents", _several_of(AgentOffer))
SHELL_COMMANDS: Final[Hook[tuple[ShellCommand, ...]]] = Hook("shell_commands", _several_of(ShellCommand))

HOOKS: Final[tuple[Hook[object], ...]] = (
    LANGUAGES,
    FACTS,
    HOST_INVENTORY,
    AUTHORISE,
    AUDIT,
    VALIDATORS,
    AGGREGATORS,
    DISCOVER,
    AGENTS,
    SHELL_COMMANDS,
)
"""All of them, in the order in which they are listed."""
