from __future__ import annotations

from matahari.shell.base.selection import LiveDirectory, Selection, Snapshot, take_snapshot
from tests.support.fake_classes import PLUGINS
from tests.support.fake_console import fleet


def test_selections_are_values() -> None:
    one = Selection().with_hosts(["b", "a", "b"]).with_class("p", "C").with_filter("x", 1)
    assert one.hosts == ("b", "a")
    assert one.with_filter("x", 2).filters == {"x": 2}
    assert one.filters == {"x": 1}
    assert one.with_class("p", "D").filters == {}
    assert one.without_filters() == Selection(("b", "a"), "p", "C")


def test_a_directory_asks_for_each_kind_of_name_once() -> None:
    console = fleet()
    directory = LiveDirectory(console)
    assert list(directory.hosts()) == ["db1", "web1", "web2"]
    console.machines.clear()
    assert list(directory.hosts()) == ["db1", "web1", "web2"]
    assert list(directory.packages()) == list(directory.packages())
    assert (PLUGINS, "calc") in directory.classes()


def test_a_snapshot_holds_the_names_of_one_moment() -> None:
    console = fleet()
    snapshot = take_snapshot(console)
    console.machines.clear()
    assert snapshot.hosts() == ("db1", "web1", "web2")
    assert snapshot.packages() == ("org.matahariproject", PLUGINS)
    assert Snapshot().classes() == ()


def test_a_directory_knows_plugins_and_only_a_snapshot_knows_facts() -> None:
    console = fleet()
    directory = LiveDirectory(console)
    assert (list(directory.plugins()), directory.facts()) == (["asterisk", "calc", "old"], {})
    assert take_snapshot(console).plugins() == directory.plugins()
    assert Snapshot(fact_values={"role": ("web",)}).facts() == {"role": ("web",)}


def test_the_context_of_a_line_is_its_mode_without_property_filters() -> None:
    one = Selection()
    assert one.context == "-"
    assert one.with_hosts(["a"]).context == "(host)"
    classed = one.with_class("p", "C")
    assert (classed.context, classed.with_filter("x", 1).context) == ("[p:C]", "[p:C]")
    assert classed.with_hosts(["a"]).with_filter("x", 1).context == "(host)[p:C]"
