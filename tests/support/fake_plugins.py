"""The ``Plugins`` object of each host of the in-memory fleet, with what a reload answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matahari.console import ClassName
from matahari.errors import UnexpectedError
from matahari.qmf import Method, Property, PropertyType, Value
from tests.support.fake_classes import HOSTS, FakeClass

RPC = "org.matahariproject.rpc"


def reload_answer(
    old: int, new: int, *, state: str = "ready", error: Mapping[str, Value] | None = None, **changes: Value
) -> dict[str, Value]:
    """What an agent answers to ``reload``; changes are the lists of methods."""
    lists: dict[str, Value] = {"added": [], "removed": [], "changed": []}
    return {
        "old_generation": old, "generation": new, **lists, **changes, "state": state, "last_error": dict(error or {}),
    }  # fmt: skip


def plugins_class(states: dict[str, dict[str, str]], answers: dict[str, dict[str, dict[str, Value]]]) -> FakeClass:
    """The class.

    Args:
        states: host -> plugin -> state, as the agents know it.
        answers: host -> plugin -> what reloading it answers; another plugin is none that the host has.
    """

    def reload(host: str, args: Sequence[object], kwargs: Mapping[str, object]) -> object:
        answer = answers.get(host, {}).get(str(args[0]))
        if answer is None:
            raise UnexpectedError(f"there is no plugin {args[0]!r}", kind="not_loaded")
        return answer

    def reload_all(host: str, args: Sequence[object], kwargs: Mapping[str, object]) -> object:
        return answers.get(host, {})

    result = Property("plugins", PropertyType.MAP, direction="O")
    methods = [
        Method("reload", "", (Property("name", PropertyType.STRING), result)),
        Method("reload_all", "", (result,)),
    ]
    values: dict[str, dict[str, dict[str, Value]]] = {
        host: {"Plugins": {"states": dict(states.get(host, {}))}} for host in HOSTS
    }
    return FakeClass(
        ClassName(RPC, "Plugins"),
        "rpc",
        [Property("states", PropertyType.MAP)],
        methods,
        values,
        {"reload": reload, "reload_all": reload_all},
    )
