"""What hooks are given and what they return. Records only, no behaviour."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TextIO, TypeAlias

__all__ = [
    "ActionRequest",
    "AgentOffer",
    "Aggregator",
    "Caller",
    "Decision",
    "DiscoveryQuery",
    "HostInventory",
    "JsonValue",
    "LanguageBackend",
    "Problem",
    "ShellCommand",
    "Validator",
]

JsonValue: TypeAlias = "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"


@dataclass(frozen=True, slots=True)
class LanguageBackend:
    """A program that runs plugins of one language and speaks the plugin host protocol.

    Attributes:
        name: the language in lower case, e.g. ``ruby``.
        suffixes: ends of the names of files that it is for, with the dot; each language has its own.
        command: argument list that starts the program; the first one is an absolute path, or a name that is found in
            PATH. Two arguments are added: the number of the control socket's descriptor, and the nonce.
        reason: why it cannot be used on this host, empty when it can.
        main_file: name of the file that makes a folder a plugin of this language, as ``__init__.py`` does in Python;
            empty when its plugins are single files.
    """

    name: str
    suffixes: tuple[str, ...]
    command: tuple[str, ...]
    reason: str = ""
    main_file: str = ""


@dataclass(frozen=True, slots=True)
class HostInventory:
    """What an inventory knows of this host: labels (name to value) and the classes (roles) it belongs to."""

    labels: Mapping[str, str] = field(default_factory=dict)
    classes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks.

    Attributes:
        user: name that the broker vouches for, None when it vouches for none.
        is_local: the name is that of a user of this machine, told by the kernel over the local socket. A user
            called ``root`` of a broker elsewhere is not root here.
    """

    user: str | None
    is_local: bool = False


@dataclass(frozen=True, slots=True)
class ActionRequest:
    """One call of one action, before it runs.

    Attributes:
        id: correlates log lines, audit records and the answer.
        plugin: name of the plugin, or of the agent whose method it is.
        action: name of the method.
        arguments: values by name of the parameter, positional ones included.
        sensitive: parameters whose values must not be shown or written anywhere.
        read_only: it changes nothing; None when the author did not say.
        destructive: it may lose something; None when the author did not say.
        idempotent: twice is as good as once; None when the author did not say.
    """

    id: str
    plugin: str
    action: str
    caller: Caller
    arguments: Mapping[str, JsonValue] = field(default_factory=dict)
    sensitive: frozenset[str] = frozenset()
    read_only: bool | None = None
    destructive: bool | None = None
    idempotent: bool | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether a request may run. ``rule`` names what decided; ``reason`` is a sentence for the caller."""

    allowed: bool
    reason: str
    rule: str


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with arguments or with a result.

    Attributes:
        place: the argument, with a path into it; empty for the whole.
        rule: what it breaks, e.g. ``maximum``.
        text: sentence for the caller; it may contain the value, so it is not written to the audit log.
    """

    place: str
    rule: str
    text: str


@dataclass(frozen=True, slots=True)
class Validator:
    """A named check of a value; ``check`` returns what is wrong as a sentence, empty when nothing is."""

    name: str
    summary: str
    check: Callable[[JsonValue], str]


@dataclass(frozen=True, slots=True)
class Aggregator:
    """A named summary of many answers; ``combine`` gets the values of those hosts that answered, by host name."""

    name: str
    summary: str
    combine: Callable[[Mapping[str, JsonValue]], JsonValue]


@dataclass(frozen=True, slots=True)
class DiscoveryQuery:
    """Which hosts are looked for: a filter expression as typed (empty: all), and the seconds there are to answer."""

    filter: str = ""
    timeout: float = 5.0


@dataclass(frozen=True, slots=True)
class AgentOffer:
    """An agent that a node can run beside its own.

    Attributes:
        name: as in ``--only``.
        summary: one line for the list.
        run: gets the node's settings as texts by name and lives until it is cancelled.
    """

    name: str
    summary: str
    run: Callable[[Mapping[str, str]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class ShellCommand:
    """A further command of ``matahari``: gets the arguments after its name and where to print; returns the status."""

    name: str
    summary: str
    run: Callable[[Sequence[str], TextIO], int]
