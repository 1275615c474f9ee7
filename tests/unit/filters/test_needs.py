"""What a filter looks at."""

from __future__ import annotations

from matahari.filters.needs import Needs, needs_of
from matahari.filters.tree import Glob, Property, Text
from tests.support.filters import parsed


def test_a_filter_on_names_needs_nothing() -> None:
    assert needs_of(parsed("web* or not /db/ and web1")).is_nothing


def test_every_kind_of_term_is_collected_from_every_depth() -> None:
    needs = needs_of(
        parsed(
            "role = web and not (fact.os.id in (a) or has label.rack) or class Host and plugin a* > 1 and plugin b "
            "and agent rpc and Host.load.1 > 2 and has org.x:Cat.n and Host.free_mem != 1"
        )
    )
    assert needs == Needs(
        facts=frozenset({"role", "os.id"}),
        labels=frozenset({"role", "rack"}),
        properties=frozenset({Property("Host", "load.1"), Property("Host", "free_mem"), Property("Cat", "n", "org.x")}),
        plugins=frozenset({Glob("a*"), Text("b")}),
        classes=True,
        agents=True,
    )
    assert needs.object_classes == {("org.matahariproject", "Host"), ("org.x", "Cat")}
    assert not needs.is_nothing
