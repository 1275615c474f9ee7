"""The machine under a simulated host: its identity and numbers, made up of its name so that they stay the same."""

from __future__ import annotations

from matahari.agent.identity import INVALID_LIFETIME, NOT_AVAILABLE, NOT_SETTABLE, Identity
from matahari.agents.host import System
from matahari.agents.host.system import Facts, Statistics

from .plan import uuid_of

__all__ = ["SimulatedIdentity", "SimulatedSystem"]

_GIB_IN_KIB = 1 << 20


class SimulatedIdentity(Identity):
    """Name and UUIDs of a simulated host; no file is read or written."""

    def __init__(self, name: str) -> None:
        self._hostname = name
        self._uuids = {life: uuid_of(name, life) for life in ("hardware", "reboot", "agent")}
        self._uuids |= {"": uuid_of(name), "filesystem": uuid_of(name), "custom": ""}

    @property
    def uuid(self) -> str:
        return self._uuids[""]

    def get_uuid(self, lifetime: str) -> str:
        found = self._uuids.get(lifetime.lower())
        return INVALID_LIFETIME if found is None else found or NOT_AVAILABLE

    def set_uuid(self, lifetime: str, value: str) -> int:
        if lifetime.lower() != "custom":
            return NOT_SETTABLE
        self._uuids["custom"] = value
        return 0


class SimulatedSystem(System):
    """Numbers of a small machine; free memory and load differ from host to host.

    Args:
        number: of the host.
    """

    def __init__(self, number: int) -> None:
        self._number = number

    def facts(self) -> Facts:
        return Facts(
            os="Linux (simulated)",
            arch="x86_64",
            wordsize=64,
            memory=4 * _GIB_IN_KIB,
            swap=_GIB_IN_KIB,
            cpu_count=2,
            cpu_cores=2,
            cpu_model="simulated",
            cpu_flags="",
        )

    def statistics(self) -> Statistics:
        states = {"total": 100, "idle": 0, "zombie": 0, "running": 1, "stopped": 0, "sleeping": 99}
        load = self._number % 100 / 100
        return Statistics(
            free_mem=_GIB_IN_KIB + self._number % 1000 * 1024,
            free_swap=_GIB_IN_KIB,
            load={"1": load, "5": load, "15": load},
            process_statistics=states,
        )
