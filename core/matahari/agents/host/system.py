"""What this machine is and how it is doing: the numbers behind the Host object's properties."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from matahari.agents.host import kernel

__all__ = ["Facts", "Statistics", "System"]


@dataclass(frozen=True, slots=True)
class Facts:
    """What does not change while the machine runs. Field names are the properties' names.

    Attributes:
        os: system and release, as ``Linux (6.1.0)``.
        wordsize: width of this process's addresses in bit.
        memory: KiB of memory; likewise ``swap``.
        cpu_count: logical CPUs, at least 1.
        cpu_cores: physical cores, at least 1.
    """

    os: str
    arch: str
    wordsize: int
    memory: int
    swap: int
    cpu_count: int
    cpu_cores: int
    cpu_model: str
    cpu_flags: str


@dataclass(frozen=True, slots=True)
class Statistics:
    """What changes all the time. Field names are the properties' names.

    Attributes:
        free_mem: KiB of memory that nobody uses, not even as cache (``MemFree``); likewise ``free_swap``.
        load: load averages by minutes: ``1``, ``5``, ``15``.
        process_statistics: processes by state, see :func:`matahari.agents.host.kernel.count_states`.
    """

    free_mem: int
    free_swap: int
    load: dict[str, float]
    process_statistics: dict[str, int]


class System:
    """Reads the kernel's files below ``proc``; all methods are quick enough for an event loop."""

    def __init__(self, proc: Path = Path("/proc")) -> None:
        self._proc = proc

    def facts(self) -> Facts:
        """What this machine is."""
        name = os.uname()
        memory = kernel.parse_meminfo(self._read("meminfo"))
        cpus = kernel.parse_cpuinfo(self._read("cpuinfo"))
        count = kernel.cpu_count(cpus) or psutil.cpu_count() or 1
        return Facts(
            os=f"{name.sysname} ({name.release})",
            arch=name.machine,
            wordsize=struct.calcsize("P") * 8,
            memory=memory.get("MemTotal", 0),
            swap=memory.get("SwapTotal", 0),
            cpu_count=count,
            # psutil cannot tell in many virtual machines and containers; the last resort is one core a CPU.
            cpu_cores=psutil.cpu_count(logical=False) or kernel.cpu_cores(cpus) or count,
            cpu_model=kernel.cpu_model(cpus),
            cpu_flags=kernel.cpu_flags(cpus),
        )

    def statistics(self) -> Statistics:
        """How this machine is doing now. Costs about 15 us for each process on it."""
        memory = kernel.parse_meminfo(self._read("meminfo"))
        return Statistics(
            free_mem=memory.get("MemFree", 0),
            free_swap=memory.get("SwapFree", 0),
            load=kernel.parse_load(self._read("loadavg")),
            process_statistics=kernel.count_states(self._stats()),
        )

    def _stats(self) -> Iterator[str]:
        try:
            entries = os.listdir(self._proc)
        except OSError:
            return
        for entry in entries:
            if entry.isdigit() and (text := self._read(f"{entry}/stat")):
                yield text

    def _read(self, name: str) -> str:
        """A file's contents, empty when it is not there: processes end while we look at them."""
        try:
            return (self._proc / name).read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""
