"""The Host object's values and methods (matahari-2012.md 6 and 17.1, design D14)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from matahari.agent import CallContext, Fault
from matahari.agent.identity import Identity, IdentityFiles
from matahari.agents.host.agent import HostObject
from matahari.agents.host.schema import HEARTBEAT_SCHEMA, HOST_SCHEMA
from matahari.agents.host.system import Facts, Statistics, System
from matahari.config import Settings, load
from matahari.facts import HostDescription
from matahari.qmf import Value

MACHINE_ID = "3d1219c7c4c5404aaa1f6d2a48adfda4"
CALLER = CallContext(user_id="alice", request="17")


class StillSystem(System):
    """A machine whose statistics only tell how often they were asked for."""

    def __init__(self) -> None:
        self.looks = 0
        self.fact_looks = 0

    def facts(self) -> Facts:
        self.fact_looks += 1
        return Facts("Linux (6.1)", "x86_64", 64, 1000, 20, 4, 2, "Fast", "fpu")

    def statistics(self) -> Statistics:
        self.looks += 1
        return Statistics(self.looks, 10, {"1": 0.1, "5": 0.2, "15": 0.3}, {"total": 3})


class Bench:
    """A Host object on a bench: everything it does to the machine is only noted."""

    def __init__(self, folder: Path, text: str = "") -> None:
        self.folder = folder
        self.ran: list[Sequence[Sequence[str]]] = []
        self.beeps = 0
        self.published = 0
        self.now = 100.0
        self.system = StillSystem()
        (folder / "machine-id").write_text(MACHINE_ID)
        files = IdentityFiles(
            custom=folder / "custom",
            generated=folder / "generated",
            machine_ids=(folder / "machine-id",),
            hardware=(),
            instance_id=folder / "absent",
            boot_id=folder / "absent",
        )
        self.identity = Identity(files, system_hostname=lambda: "web1")
        self.host = HostObject(
            self.settings(text),
            self.identity,
            system=self.system,
            run=self._run,
            beep=self._beep,
            clock=lambda: self.now,
            publish=self._publish,
        )

    def settings(self, text: str) -> Settings:
        file = self.folder / "matahari.toml"
        file.write_text(text)
        return load({}, environ={}, files=[file], uid=1000)

    def call(self, method: str, **arguments: Value) -> Mapping[str, Value]:
        return asyncio.run(self.host.invoke(method, arguments, CALLER))

    def refuse(self, method: str, **arguments: Value) -> tuple[str, Value]:
        """Text and kind of the fault that a call ends in."""
        with pytest.raises(Fault) as caught:
            self.call(method, **arguments)
        assert caught.value.data is not None
        return caught.value.text, caught.value.data.values["kind"]

    async def _run(self, alternatives: Sequence[Sequence[str]]) -> None:
        self.ran.append(alternatives)

    def _beep(self) -> None:
        self.beeps += 1

    def _publish(self) -> None:
        self.published += 1


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


class TestValues:
    def test_every_property_of_the_schema_has_a_value_of_its_type(self, bench: Bench) -> None:
        values = bench.host.values()
        assert list(values) == [item.name for item in HOST_SCHEMA.properties]
        for item in HOST_SCHEMA.properties:
            assert item.type.accepts(values[item.name]), item.name

    def test_identity_facts_and_settings_are_there(self, bench: Bench) -> None:
        values = bench.host.values()
        assert (values["hostname"], values["uuid"], values["custom_uuid"]) == ("web1", MACHINE_ID, "not-available")
        assert (values["os"], values["cpu_count"], values["cpu_cores"], values["update_interval"]) == (
            "Linux (6.1)",
            4,
            2,
            5,
        )

    def test_what_else_is_known_of_the_host_is_told_as_it_is_now(self, bench: Bench) -> None:
        described = HostDescription({"site.name": "berlin"}, {"rack": "b12"}, ("db", "web"))
        host = HostObject(bench.settings(""), bench.identity, system=bench.system, describe=lambda: described)
        values = host.values()
        assert (values["facts"], values["labels"]) == ({"site.name": "berlin"}, {"rack": "b12"})
        assert values["classes"] == ["db", "web"]

    def test_statistics_are_fresh_at_query_time_but_shared_by_a_crowd(self, bench: Bench) -> None:
        assert [bench.host.values()["free_mem"] for _ in range(3)] == [1, 1, 1]
        bench.now += 1
        assert bench.host.values()["free_mem"] == 2

    def test_facts_are_looked_up_again_after_a_while(self, bench: Bench) -> None:
        bench.host.values()
        bench.now += 1
        bench.host.values()
        assert bench.system.fact_looks == 1
        bench.now += 100
        bench.host.values()
        assert bench.system.fact_looks == 2


class TestHeartbeat:
    def test_it_counts_from_one_with_a_time_in_nanoseconds(self, bench: Bench) -> None:
        before = bench.host.values()
        assert (before["sequence"], before["last_updated"]) == (0, 0)
        event = bench.host.beat(1_700_000_000_123_456_789)
        assert event == {
            "timestamp": 1_700_000_000_123_456_789,
            "sequence": 1,
            "hostname": "web1",
            "uuid": MACHINE_ID,
        }
        after = bench.host.values()
        assert (after["sequence"], after["last_updated"]) == (1, 1_700_000_000_123_456_789)

    def test_the_event_fits_its_schema(self, bench: Bench) -> None:
        event = bench.host.beat(1)
        assert list(event) == [item.name for item in HEARTBEAT_SCHEMA.properties]
        assert all(item.type.accepts(event[item.name]) for item in HEARTBEAT_SCHEMA.properties)

    def test_it_refreshes_the_statistics(self, bench: Bench) -> None:
        bench.host.values()
        bench.host.beat(1)
        assert bench.host.values()["free_mem"] == 2


class TestUuids:
    def test_get_uuid_takes_any_lifetime(self, bench: Bench) -> None:
        assert bench.call("get_uuid", lifetime="Filesystem") == {"uuid": MACHINE_ID}
        assert bench.call("get_uuid", lifetime=b"filesystem") == {"uuid": MACHINE_ID}
        assert bench.call("get_uuid", lifetime="lifetime") == {"uuid": "invalid-lifetime"}
        assert bench.call("get_uuid", lifetime="Reboot") == {"uuid": "not-available"}

    def test_the_empty_lifetime_and_none_mean_filesystem(self, bench: Bench) -> None:
        assert bench.call("get_uuid", lifetime="") == bench.call("get_uuid") == {"uuid": MACHINE_ID}

    def test_consoles_are_told_of_each_change_and_of_nothing_else(self, bench: Bench) -> None:
        bench.call("get_uuid", lifetime="")
        bench.refuse("set_properties", values={"update_interval": -1})
        bench.refuse("set_uuid", lifetime="Custom", uuid="two\nlines")
        assert bench.published == 0
        bench.call("set_properties", values={"update_interval": 60})
        bench.call("set_uuid", lifetime="Custom", uuid="box")
        assert bench.published == 2

    def test_set_uuid_changes_the_property(self, bench: Bench) -> None:
        for text in ("A1b2C3d4E5f6G7h8I9j0", "zyxwvutsrqponmlkjihg"):
            assert bench.call("set_uuid", lifetime="Custom", uuid=text) == {"rc": 0}
            assert bench.call("get_uuid", lifetime="Custom") == {"uuid": text}
            assert bench.host.values()["custom_uuid"] == text

    @pytest.mark.parametrize("lifetime", ["Hardware", "Reboot"])
    def test_set_uuid_of_another_lifetime_is_an_ordinary_reply_with_rc_23(self, bench: Bench, lifetime: str) -> None:
        assert bench.call("set_uuid", lifetime=lifetime, uuid="x") == {"rc": 23}

    def test_wrong_arguments_are_refused(self, bench: Bench) -> None:
        assert bench.refuse("set_uuid", lifetime="Custom") == (
            "Invalid Arguments: uuid: a text is needed",
            "missing_argument",
        )
        assert bench.refuse("get_uuid", lifetime=3)[1] == "invalid_argument"
        text, kind = bench.refuse("set_uuid", lifetime="Custom", uuid="two\nlines")
        assert text.startswith("Invalid Arguments: uuid: ")
        assert kind == "invalid_argument"


class TestActions:
    @pytest.mark.parametrize("method", ["shutdown", "reboot", "identify"])
    def test_they_are_refused_unless_configured(self, bench: Bench, method: str) -> None:
        text, kind = bench.refuse(method)
        assert text.startswith("You are not authorized for specified action")
        assert f"host.allow_{method} = true" in text
        assert kind == "refused"
        assert (bench.ran, bench.beeps) == ([], 0)

    def test_shutdown_runs_a_command_when_allowed(self, tmp_path: Path) -> None:
        bench = Bench(tmp_path, "[host]\nallow_shutdown = true")
        assert bench.call("shutdown") == {}
        assert bench.ran == [(("systemctl", "poweroff"), ("shutdown", "-h", "now"))]
        assert bench.refuse("reboot")[1] == "refused"

    def test_reboot_runs_a_command_when_allowed(self, tmp_path: Path) -> None:
        bench = Bench(tmp_path, "[host]\nallow_reboot = true")
        assert bench.call("reboot") == {}
        assert bench.ran == [(("systemctl", "reboot"), ("shutdown", "-r", "now"))]

    def test_identify_beeps_when_allowed(self, tmp_path: Path) -> None:
        bench = Bench(tmp_path, "[host]\nallow_identify = true")
        assert bench.call("identify") == {}
        assert bench.beeps == 1

    @pytest.mark.parametrize("method", ["set_power_profile", "get_power_profile", "list_power_profiles", "dance"])
    def test_what_is_not_there_is_not_implemented(self, bench: Bench, method: str) -> None:
        assert bench.refuse(method) == ("Not implemented", "unknown_action")


class TestSetProperties:
    def test_the_update_interval_is_really_written(self, bench: Bench) -> None:
        assert bench.call("set_properties", values={"update_interval": 60}) == {}
        assert bench.host.values()["update_interval"] == 60
        assert bench.host.changed.is_set()

    def test_zero_stops_the_heartbeat(self, bench: Bench) -> None:
        bench.call("set_properties", values={"update_interval": 0})
        assert bench.host.schedule.next_deadline() is None

    @pytest.mark.parametrize(
        ("values", "text", "kind"),
        [
            ({"memory": 1}, "memory is read-only", "refused"),
            ({"updateinterval": 1}, "Invalid Arguments: Host has no property updateinterval", "invalid_argument"),
            ({"update_interval": -1}, "from 0 to 86400, not -1", "invalid_argument"),
            ({"update_interval": "5"}, "not '5'", "invalid_argument"),
            ({"update_interval": True}, "whole number", "invalid_argument"),
            (None, "a map of property names", "missing_argument"),
        ],
    )
    def test_wrong_values_are_refused(self, bench: Bench, values: Value, text: str, kind: str) -> None:
        found, found_kind = bench.refuse("set_properties", values=values)
        assert text in found
        assert found_kind == kind

    def test_nothing_changes_when_one_value_is_wrong(self, bench: Bench) -> None:
        bench.refuse("set_properties", values={"update_interval": 60, "memory": 1})
        assert bench.host.values()["update_interval"] == 5


class TestReconfigure:
    def test_permissions_are_taken_over(self, bench: Bench) -> None:
        bench.host.reconfigure(bench.settings("[host]\nallow_identify = true"))
        assert bench.call("identify") == {}

    def test_an_interval_set_by_a_console_stays_unless_the_configured_one_changes(self, bench: Bench) -> None:
        bench.call("set_properties", values={"update_interval": 60})
        bench.host.reconfigure(bench.settings(""))
        assert bench.host.values()["update_interval"] == 60
        bench.host.reconfigure(bench.settings("[host]\nupdate_interval = 7"))
        assert bench.host.values()["update_interval"] == 7


class TestPrepare:
    """Whether a call fits and is allowed is known before anything is done."""

    def test_nothing_happens_before_the_call_runs(self, bench: Bench) -> None:
        bench.host.reconfigure(bench.settings("[host]\nallow_shutdown = true\nallow_identify = true"))
        calls: tuple[tuple[str, dict[str, Value]], ...] = (
            ("shutdown", {}),
            ("identify", {}),
            ("set_properties", {"values": {"update_interval": 9}}),
            ("set_uuid", {"lifetime": "Custom", "uuid": MACHINE_ID}),
        )
        for method, arguments in calls:
            bench.host.prepare(method, arguments, CALLER)
        assert (bench.ran, bench.beeps, bench.published) == ([], 0, 0)

    def test_effects_and_arguments_are_told(self, bench: Bench) -> None:
        action = bench.host.prepare("get_uuid", {"lifetime": b"Custom"}, CALLER)
        assert (action.effects.read_only, action.arguments) == (True, {"lifetime": "Custom"})

    @pytest.mark.parametrize(
        ("method", "arguments", "kind"),
        [
            ("shutdown", {}, "refused"),
            ("set_properties", {"values": {"hostname": "x"}}, "refused"),
            ("set_properties", {"values": {"update_interval": -1}}, "invalid_argument"),
            ("set_uuid", {"lifetime": "Custom"}, "missing_argument"),
            ("get_power_profile", {}, "unknown_action"),
        ],
    )
    def test_what_does_not_fit_or_is_not_allowed_is_known_at_once(
        self, bench: Bench, method: str, arguments: dict[str, Value], kind: str
    ) -> None:
        with pytest.raises(Fault) as caught:
            bench.host.prepare(method, arguments, CALLER)
        assert caught.value.kind == kind
