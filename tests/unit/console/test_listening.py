"""Listeners of a console: what they are told, and that none harms another."""

from __future__ import annotations

import logging

import pytest

from matahari.console.listening import MAX_LISTENERS, Listeners
from matahari.console.values import ConsoleEvent
from matahari.errors import RequestError
from matahari.qmf import AgentAdded, AgentInfo, AgentRemoved, Data, EventRaised, SchemaId

INFO = AgentInfo("v:p:i", "v", "p", "i", {"hostname": "box"})


def test_agents_that_come_and_go_are_told_with_their_host() -> None:
    listeners, heard = Listeners(), list[ConsoleEvent]()
    with listeners.add(heard.append):
        listeners.handle_event(AgentAdded(INFO), {})
        listeners.handle_event(AgentRemoved("v:p:i", "gone"), {})
        listeners.handle_event(AgentRemoved("v:p:other", "gone"), {})
    listeners.handle_event(AgentAdded(INFO), {})
    assert [(one.kind, one.host) for one in heard] == [
        ("agent_added", "box"),
        ("agent_removed", "box"),
        ("agent_removed", ""),
    ]


def test_who_listens_later_hears_the_host_of_an_agent_that_goes() -> None:
    listeners, heard = Listeners(), list[ConsoleEvent]()
    listeners.handle_event(AgentAdded(INFO), {})
    listeners.add(heard.append)
    listeners.handle_event(AgentRemoved("v:p:i", "gone"), {})
    assert [(one.kind, one.host) for one in heard] == [("agent_removed", "box")]


def test_an_agent_that_went_unheard_is_forgotten() -> None:
    listeners, heard = Listeners(), list[ConsoleEvent]()
    listeners.handle_event(AgentAdded(INFO), {})
    listeners.handle_event(AgentRemoved("v:p:i", "gone"), {})
    listeners.add(heard.append)
    listeners.handle_event(AgentRemoved("v:p:i", "gone"), {})
    assert [one.host for one in heard] == [""]


def test_an_event_without_a_severity_is_a_notice() -> None:
    listeners, heard = Listeners(), list[ConsoleEvent]()
    listeners.add(heard.append)
    listeners.handle_event(
        EventRaised("v:p:i", Data({"x": b"y"}, schema_id=SchemaId("p", "n", "_event"))), {"v:p:i": INFO}
    )
    [event] = heard
    assert (event.kind, event.host, event.package, event.name, event.severity) == ("event", "box", "p", "n", 5)
    assert event.values == {"x": "y"}


def test_a_listener_that_fails_is_logged_and_the_others_hear(caplog: pytest.LogCaptureFixture) -> None:
    listeners, heard = Listeners(), list[ConsoleEvent]()

    def fail(event: ConsoleEvent) -> None:
        raise KeyError("oops")

    listeners.add(fail)
    listeners.add(heard.append)
    with caplog.at_level(logging.ERROR):
        listeners.handle_event(AgentAdded(INFO), {})
    assert len(heard) == 1
    assert "a listener failed" in caplog.text


def test_a_console_has_a_limit_of_listeners_and_a_closed_one_makes_room() -> None:
    listeners = Listeners()
    made = [listeners.add(lambda event: None) for _ in range(MAX_LISTENERS)]
    with pytest.raises(RequestError, match="close some"):
        listeners.add(lambda event: None)
    made[0].close()
    made[0].close()
    listeners.add(lambda event: None)
