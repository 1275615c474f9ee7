"""What of a plugin's bounds the kernel is to enforce."""

from __future__ import annotations

import dataclasses
import os
import pwd
import resource

import pytest

from matahari.config.declaration import TABLE
from matahari.rpcagent import Limits
from matahari.rpcagent.limits import MIB, process_bounds


def test_without_bounds_only_core_dumps_are_off() -> None:
    bounds = process_bounds(Limits(memory=0, open_files=0))
    assert (dict(bounds.limits), dict(bounds.environment)) == ({"core": 0}, {})


def test_bounds_are_named_as_in_the_protocol() -> None:
    bounds = process_bounds(Limits(memory=1 << 20, open_files=7, processes=5, nice=3, environment=(("A", "1"),)))
    assert bounds.limits == {"core": 0, "address_space": 1 << 20, "open_files": 7, "processes": 5, "nice": 3}
    assert bounds.environment == {"A": "1"}


def test_no_bound_is_above_what_the_agent_may_have(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda number: (10, 20))
    assert process_bounds(Limits(open_files=1000)).limits["open_files"] == 20


def test_the_defaults_are_those_of_a_node_without_a_configuration() -> None:
    fields = {field.name: field.default for field in dataclasses.fields(Limits)}
    for setting in TABLE:
        name = setting.key.removeprefix("plugins.")
        if name != setting.key and name in fields:
            unit = MIB if name == "memory" else 1
            assert fields[name] == setting.default * unit, name  # type: ignore[operator]  # each of them is a number


def test_another_user_is_a_number_with_a_home(monkeypatch: pytest.MonkeyPatch) -> None:
    me = pwd.getpwuid(os.geteuid())
    same = process_bounds(Limits(user=me.pw_name, environment=(("HOME", "/elsewhere"),)))
    assert "uid" not in same.limits
    assert same.environment == {"HOME": "/elsewhere", "USER": me.pw_name, "LOGNAME": me.pw_name}
    monkeypatch.setattr(os, "geteuid", lambda: me.pw_uid + 1)
    assert process_bounds(Limits(user=me.pw_name)).limits["uid"] == me.pw_uid


def test_a_user_who_was_deleted_is_no_reason_to_run_as_the_agent() -> None:
    with pytest.raises(OSError, match="there is no user no-such-user-here"):
        process_bounds(Limits(user="no-such-user-here"))
