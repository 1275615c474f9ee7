"""What a selection refuses, and the hosts that it misses."""

from __future__ import annotations

import pytest

from matahari.console import ClassName, Console
from matahari.console.extending import ConsoleExtensions
from matahari.errors import AgentGoneError, NoAgentsError, SchemaError
from matahari.qmf import Property, PropertyType, Schema, SchemaId
from tests.support.fake_bus import FakeBus, Libqmf2Agent, OurAgent, Play


class Expecting(ConsoleExtensions):
    """Discovery that expects hosts."""

    def __init__(self, *hosts: str) -> None:
        super().__init__()
        self.hosts = frozenset(hosts)
        self.asked = 0

    async def expected_hosts(self) -> frozenset[str]:
        self.asked += 1
        return self.hosts


def test_a_property_that_there_is_not_is_told_instead_of_selecting_nothing(play: Play) -> None:
    async def story(console: Console, bus: FakeBus) -> None:
        with pytest.raises(SchemaError, match=r"org\.example:Door has no property 'lable'; did you mean 'label'\?"):
            await console.select("Door", package="org.example", where={"lable": "front"})
        assert len(await console.select("Door", package="org.example", where={"label": "back"})) == 0
        objects = await console.select("Door", package="org.example", where={"label": "front"})
        with pytest.raises(SchemaError, match=r"did you mean 'label'\?"):
            objects.get("lable")
        with pytest.raises(SchemaError, match=r"did you mean 'is_open'\?"):
            await objects.set("is_opn", True)

    play(story, OurAgent())


@pytest.mark.parametrize("timeout", [0, -1])
def test_a_time_to_wait_that_is_none_is_refused_at_once(play: Play, timeout: float) -> None:
    async def story(console: Console, bus: FakeBus) -> None:
        objects = await console.select("Door", package="org.example")
        bus.sent.clear()
        with pytest.raises(ValueError, match="a timeout is a number of seconds above 0"):
            await objects.call("knock", timeout=timeout)
        with pytest.raises(ValueError, match="a timeout is a number of seconds above 0"):
            [one async for one in objects.call_iter("knock", timeout=timeout)]
        with pytest.raises(ValueError, match="a timeout is a number of seconds above 0"):
            await console.select("Door", package="org.example", timeout=timeout)
        assert bus.sent == []

    play(story, OurAgent())


def test_classes_are_told_of_some_hosts_alone(play: Play) -> None:
    async def story(console: Console, bus: FakeBus) -> None:
        [host] = await console.hosts()
        assert await console.classes(hosts=[host]) == [ClassName("org.example", "Door")]
        assert await console.classes("org.other", hosts=[host.name]) == []
        assert await console.classes(hosts=host.name) == [ClassName("org.example", "Door")]  # a filter
        assert await console.classes(hosts=[]) == []
        assert len({one.package for one in await console.classes()}) > 1  # the other agent tells no host
        with pytest.raises(NoAgentsError, match='Host "nosuch" not found'):
            await console.classes(hosts=["nosuch"])

    play(story, OurAgent(), Libqmf2Agent())


def test_classes_of_events_are_told_apart(play: Play) -> None:
    agent = OurAgent()
    agent.engine.add_schema(Schema(SchemaId("org.example", "opened", "_event"), ()), 1)

    async def story(console: Console, bus: FakeBus) -> None:
        assert await console.event_classes() == [ClassName("org.example", "opened")]
        assert ClassName("org.example", "opened") not in await console.classes()

    play(story, agent)


def test_a_class_of_exceptions_is_not_offered(play: Play) -> None:
    agent = OurAgent()
    exception = Schema(SchemaId("org.matahariproject.rpc", "PluginException"), (Property("type", PropertyType.STRING),))
    agent.engine.add_schema(exception, 1)

    async def story(console: Console, bus: FakeBus) -> None:
        assert await console.classes() == [ClassName("org.example", "Door")]
        with pytest.raises(NoAgentsError):
            await console.select("PluginException", package="org.matahariproject.rpc")

    play(story, agent)


class TestMissingHosts:
    def test_a_host_that_is_expected_and_not_there_is_in_every_result(self, play: Play) -> None:
        async def story(console: Console, bus: FakeBus) -> None:
            console._extensions = Expecting("box", "web1", "web2")
            objects = await console.select("Door", package="org.example")
            assert (len(objects), objects.missing) == (1, ("web1", "web2"))
            results = await objects.call("knock")
            assert [(one.host, one.ok) for one in results] == [("box", True), ("web1", False), ("web2", False)]
            assert [one.host for one in results.silent] == ["web1", "web2"]
            assert isinstance(results[1].error, AgentGoneError)
            assert str(results[1].object) == "org.example:Door[] on web1"
            assert {one.host async for one in objects.call_iter("knock")} == {"box", "web1", "web2"}
            assert (await objects.refresh()).missing == ("web1", "web2")

        play(story, OurAgent())

    def test_discovery_is_not_asked_where_it_could_not_tell(self, play: Play) -> None:
        async def story(console: Console, bus: FakeBus) -> None:
            extensions = console._extensions = Expecting("web1")
            assert (await console.select("Door", package="org.example", hosts=["box"])).missing == ()
            assert (await console.select("Door", package="org.example", where={"label": "front"})).missing == ()
            assert extensions.asked == 0

        play(story, OurAgent())

    def test_a_class_that_nobody_has_may_be_on_a_missing_host(self, play: Play) -> None:
        async def story(console: Console, bus: FakeBus) -> None:
            console._extensions = Expecting("web1")
            with pytest.raises(NoAgentsError, match=r"\(expected, and not on the bus: web1\)"):
                await console.select("Window", package="org.example")

        play(story, OurAgent())

    def test_a_summary_is_made_with_the_extensions_of_the_console(self, play: Play) -> None:
        class Counting(Expecting):
            def summarise(self, name: str, values: object) -> str:
                return f"{name} of {values}"

        async def story(console: Console, bus: FakeBus) -> None:
            console._extensions = Counting()
            results = await (await console.select("Door", package="org.example")).call("knock")
            assert results.summary("count") == "count of {'box': None}"
            assert await console.summarise("count", {"a": 1}) == "count of {'a': 1}"

        play(story, OurAgent())
