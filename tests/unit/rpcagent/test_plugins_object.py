"""What the ``Plugins`` object says of a reload and of a plugin; and the events that go with it."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from matahari.errors import RemoteProtocolError
from matahari.hostproto import PluginEvent
from matahari.qmf import encode_map
from matahari.rpcagent import Limits, LoadFailure, MethodSpec, PluginStatus
from matahari.rpcagent.events import EVENTS, event_class, event_values, told_values
from matahari.rpcagent.limits import MIB
from matahari.rpcagent.plugins_object import PLUGINS_SCHEMA, PluginsObject, reload_values, status_values
from matahari.rpcagent.provider import PluginProvider

WHERE = {"hostname": "h", "uuid": "u"}
ERROR = LoadFailure("SyntaxError", "bad", "/p/a.py", 3, "Traceback")


def status(generation: int, *methods: MethodSpec, error: LoadFailure | None = None) -> PluginStatus:
    state = "ready" if error is None else "degraded"
    return PluginStatus("a", Path("/p/a.py"), "python", "1", generation, "d", state, error, "local", methods, 1)  # type: ignore[arg-type]  # a state


def test_a_reload_tells_versions_and_methods_added_removed_and_changed() -> None:
    same = MethodSpec("same", {}, None, "Doc.")
    before = status(3, same, MethodSpec("gone", {}), MethodSpec("other", {"a": 1}))
    after = status(4, replace(same, doc="Other text."), MethodSpec("other", {"a": 2}), MethodSpec("new", {}))
    assert reload_values(before, after) == {
        "old_generation": 3,
        "generation": 4,
        "added": ["new"],
        "removed": ["gone"],
        "changed": ["other"],
        "state": "ready",
        "last_error": {},
    }


def test_declared_effects_belong_to_what_a_caller_depends_on() -> None:
    before, after = status(1, MethodSpec("m", {})), status(2, MethodSpec("m", {}, effects={"destructive": True}))
    assert reload_values(before, after)["changed"] == ["m"]


def test_a_reload_of_what_is_new_or_broken_says_so() -> None:
    assert reload_values(None, status(1, MethodSpec("m", {})))["old_generation"] == 0
    told = reload_values(status(2), status(2, error=ERROR))
    assert (told["generation"], told["state"]) == (2, "degraded")
    assert told["last_error"] == {"type": "SyntaxError", "text": "bad", "file": "/p/a.py", "line": 3}


def test_the_status_has_the_limits_in_force() -> None:
    told = status_values(replace(status(1), limits=Limits(concurrency=3, user="nobody", memory=512 * MIB)))
    limits = told["limits"]
    assert isinstance(limits, dict)
    assert (limits["concurrency"], limits["user"]) == (3, "nobody")
    assert limits["memory"] == 512  # MiB, as in NAME.toml


def test_what_reload_answers_is_what_its_class_declares() -> None:
    [reload] = [method for method in PLUGINS_SCHEMA.methods if method.name == "reload"]
    declared = [argument.name for argument in reload.arguments if argument.direction == "O"]
    assert list(reload_values(None, status(1))) == declared


def test_events_of_the_agent_have_the_values_that_their_classes_declare() -> None:
    values = told_values(status(2), ERROR, WHERE)
    for schema in EVENTS:
        assert [one.name for one in schema.properties] == list(values)
        assert schema.id.kind == "_event"
    assert [schema.default_severity for schema in EVENTS] == [6, 4, 6, 4]
    assert values["error"] == {"type": "SyntaxError", "text": "bad", "file": "/p/a.py", "line": 3}


def test_an_event_of_a_plugin_has_one_class_whatever_its_name() -> None:
    schema = event_class("disks")
    values = event_values("disks", PluginEvent(None, "full", '{"path": "/x"}', 3), WHERE)
    assert (schema.id.package, schema.id.name) == ("org.matahariproject.rpc.plugin", "disks_event")
    assert values == {**WHERE, "plugin": "disks", "event": "full", "fields": {"path": "/x"}}
    assert [one.name for one in schema.properties] == list(values)


def test_fields_of_an_event_that_are_no_object_are_refused() -> None:
    with pytest.raises(RemoteProtocolError):
        event_values("disks", PluginEvent(None, "full", "[1]"), WHERE)
    with pytest.raises(ValueError, match="Expecting"):
        event_values("disks", PluginEvent(None, "full", "{"), WHERE)


def test_a_name_on_disk_that_is_not_utf_8_can_be_told_all_the_same() -> None:
    path = Path(os.fsdecode(b"/p/\xff.py"))
    told = status_values(replace(status(1), path=path))
    assert told["path"] == "/p/\\xff.py"

    class Service:
        misnamed = (path,)

        def statuses(self) -> list[PluginStatus]:
            return []

    values = PluginsObject(cast("PluginProvider", Service()), WHERE).values()
    assert values["misnamed"] == ["/p/\\xff.py"]
    encode_map(values)
