"""What is known of a host: nothing, unless it is given."""

from __future__ import annotations

from matahari.filters import ObjectView, PluginView, Subject


def test_nothing_is_known_unless_it_is_given() -> None:
    subject = Subject("h")
    assert (subject.facts, subject.labels, subject.inventory, subject.classes) == (None, None, None, None)
    assert (subject.plugins, subject.agents, subject.objects) == (None, None, {})
    assert ObjectView({}).units == {}
    assert PluginView() == PluginView("", "")
