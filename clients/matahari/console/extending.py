"""Extensions at the console: the hosts that are expected to answer, and named summaries of answers.

Loading them takes a quarter of a short command's time and runs foreign code, so it happens in a thread, when something
first asks, and only where there are some. One that fails is named in the log or in the error, and the others work.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias
from uuid import UUID

from matahari.errors import AgentGoneError, MatahariError, NoAgentsError
from matahari.qmf import ObjectId, Schema, SchemaId

if TYPE_CHECKING:
    from matahari.console.values import ClassName, RemoteObject, Result
    from matahari.hooks import Aggregator, Extensions

__all__ = ["ConsoleExtensions", "JsonValue", "absent_error", "absent_object", "by_host", "no_hosts", "telling_missing"]

_log = logging.getLogger(__name__)

GROUP: Final = "matahari"
"""Of the entry points: ``matahari.hooks.ENTRY_POINT_GROUP``, which would have to be imported to be read."""

JsonValue: TypeAlias = "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"


class ConsoleExtensions:
    """The extensions of this process, as far as consoles ask them; may be used from any thread.

    Args:
        directory: where they are; None for the one that is configured. Entry points come in any case.
    """

    def __init__(self, directory: Path | None = None) -> None:
        self._directory = directory
        self._lock = threading.Lock()
        self._loaded: Extensions | None = None

    def load(self) -> Extensions:
        """All of them, loaded at the first call. May block.

        Raises:
            ConfigError: the configuration that names the directory is wrong.
        """
        with self._lock:
            if self._loaded is None:
                from matahari.hooks import Extensions

                loaded = Extensions()
                loaded.load_entry_points()
                loaded.load_directory(self._find_directory())
                for failure in loaded.failures:
                    _log.warning("%s", failure)
                self._loaded = loaded
            return self._loaded

    def are_there(self) -> bool:
        """Whether there may be any, found out without loading them.

        Raises:
            ConfigError: see :meth:`load`.
        """
        if self._loaded is not None:
            return bool(self._loaded.providers)
        directory = self._find_directory()
        if directory.is_dir() and any(path.suffix == ".py" for path in directory.iterdir()):
            return True
        from importlib.metadata import entry_points

        return bool(entry_points(group=GROUP))

    async def expected_hosts(self) -> frozenset[str]:
        """Names of all hosts that discovery expects, on the bus or not; what fails there is logged."""
        try:
            if not self.are_there():
                return frozenset()
            extensions = await asyncio.to_thread(self.load)
        except (MatahariError, OSError) as error:
            _log.warning("extensions cannot be loaded: %s", error)
            return frozenset()
        from matahari.hooks import DISCOVER, HOOK_TIMEOUT, DiscoveryQuery, Threads, call_all_within

        if not extensions.implementations(DISCOVER.name):
            return frozenset()
        query = DiscoveryQuery(timeout=HOOK_TIMEOUT)
        outcome = await call_all_within(extensions, DISCOVER, Threads(), query=query)
        for failure in outcome.failures:
            _log.warning("%s", failure)
        return frozenset().union(*(one.value for one in outcome.results))

    def _find_directory(self) -> Path:
        if self._directory is None:
            from matahari.config import load

            self._directory = load({}, environ=os.environ).hooks
        return self._directory

    def summarise(self, name: str, values: Mapping[str, object]) -> JsonValue:
        """What the aggregator ``name`` makes of these values, by host. May block.

        Raises:
            NoAgentsError: there is no such aggregator; the message names close matches.
            HookError: it failed; names the extension.
            ConfigError: see :meth:`load`.
        """
        from matahari.hooks import AGGREGATORS, call_all, run_guarded

        outcome = call_all(self.load(), AGGREGATORS)
        offered: dict[str, tuple[str, Aggregator]] = {}
        for one in outcome.results:
            for aggregator in one.value:
                offered.setdefault(aggregator.name, (one.provider, aggregator))
        if name not in offered:
            if outcome.failures:
                raise outcome.failures[0]  # it may well be the one that would have had it
            raise NoAgentsError(_unknown(name, sorted(offered)))
        provider, chosen = offered[name]
        plain = {host: _plain(value) for host, value in values.items()}
        return run_guarded(AGGREGATORS.name, provider, lambda: chosen.combine(plain))


async def no_hosts() -> list[str]:
    """What is missing where that cannot be told, or has been: a named host that is not there was refused."""
    return []


@contextmanager
def telling_missing(missing: Sequence[str]) -> Iterator[None]:
    """Where nobody has a class, say that hosts are missing that may have it."""
    try:
        yield
    except NoAgentsError as error:
        if not missing:
            raise
        raise NoAgentsError(f"{error} (expected, and not on the bus: {', '.join(missing)})") from error


def absent_object(host: str, class_name: ClassName, agent: str = "") -> RemoteObject:
    """Stands for what a host would have, that is expected and not on the bus; or an agent that tells nothing."""
    from matahari.console.remote import RemoteObject  # who only looks around has no objects

    schema = Schema(SchemaId(class_name.package, class_name.name))
    return RemoteObject(host, agent, "", class_name, {}, ObjectId(agent, ""), schema)


def absent_error() -> AgentGoneError:
    """The outcome of a call there: nothing was sent."""
    return AgentGoneError("expected to answer, and not on the bus")


def by_host(results: Iterable[Result]) -> dict[str, object]:
    """Values of those that are ok, by host; where a host has several objects, each under ``HOST[OBJECT]``."""
    answered = [(one.host or one.object.agent, one) for one in results if one.ok]
    count = Counter(place for place, _ in answered)
    return {place if count[place] == 1 else f"{place}[{one.object.name}]": one.value for place, one in answered}


def _plain(value: object) -> JsonValue:
    match value:
        case None | bool() | int() | float() | str():
            return value
        case bytes():
            return value.decode("utf-8", "backslashreplace")
        case UUID():
            return str(value)
        case Mapping():
            return {str(key): _plain(item) for key, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
        case _:
            return str(value)


def _unknown(name: str, offered: list[str]) -> str:
    text = f'Summary "{name}" not found'
    if not offered:
        return f"{text}; no extension offers any"
    import difflib  # only wanted after a mistake

    close = difflib.get_close_matches(name, offered, n=3, cutoff=0.5)
    return f"{text}; did you mean {', '.join(close)}?" if close else f"{text}; there are {', '.join(offered)}"
