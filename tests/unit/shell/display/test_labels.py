"""How objects are called, and where what they say begins."""

from __future__ import annotations

from matahari.console import ClassName, RemoteObject
from matahari.qmf import ObjectId, Schema, SchemaId
from matahari.shell.display.labels import MAX_WIDTH, Labels, common_width, labels
from tests.support.fake_console import fleet


def test_objects_of_an_agent_without_a_host_are_called_by_the_agent() -> None:
    """The broker's own agent tells no host."""
    name, schema = ClassName("p", "C"), Schema(SchemaId("p", "C"))
    found = [
        RemoteObject(host, agent, one, name, {}, ObjectId(agent, one), schema)
        for host, agent, one in (("web1", "a:b:1", "x"), ("", "q:q:1", "x"), ("", "q:q:2", "x"), ("", "q:q:2", "y"))
    ]
    assert list(labels(found).values()) == ["web1", "q:q:1", "q:q:2[x]", "q:q:2[y]"]


def test_the_width_is_that_of_the_widest_label_missing_hosts_included() -> None:
    console = fleet()
    objects = console.select("Volume")
    known = Labels(objects)
    assert (known.width, known.of(objects[0])) == (len("db1[data]"), "db1[data]")
    assert [known.place_of(one) for one in objects] == [0, 1, 2]
    console.missing = ["日本のコンピュータ"]
    assert Labels(console.select("Volume")).width == 18


def test_an_object_of_which_nothing_is_known_is_called_by_its_host() -> None:
    console = fleet()
    other = console.select("Host")[1]
    known = Labels(console.select("Volume"))
    assert (known.of(other), known.place_of(other)) == ("web1", 3)


def test_one_very_long_name_moves_no_other_values() -> None:
    assert common_width(["web1", "x" * MAX_WIDTH, "y" * (MAX_WIDTH + 1)]) == MAX_WIDTH
    assert common_width(["y" * (MAX_WIDTH + 1)]) == 0


def test_objects_of_one_name_of_several_agents_are_told_apart() -> None:
    name, schema = ClassName("p", "C"), Schema(SchemaId("p", "C"))
    found = [
        RemoteObject("web1", agent, one, name, {}, ObjectId(agent, one), schema)
        for agent, one in (("a:b:1", "x"), ("a:b:2", "x"), ("a:b:2", "y"))
    ]
    assert list(labels(found).values()) == ["web1[a:b:1:x]", "web1[a:b:2:x]", "web1[y]"]


def test_a_label_is_one_line() -> None:
    console = fleet()
    console.missing = ["web3: OK\nweb4"]
    kind = console.kind("Host")
    kind.values["a\nb"] = kind.values.pop("db1")
    objects = console.select("Host")
    assert Labels(objects).of(objects[0]) == "a\\x0ab"
    assert Labels(objects).width == len("web3: OK\\x0aweb4")
