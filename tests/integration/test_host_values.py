"""The Host object's values against the kernel's own and the system's tools (matahari-2012.md 17.1)."""

from __future__ import annotations

import os
import platform
import subprocess
from pathlib import Path

import pytest

from matahari.agent.identity import Identity, IdentityFiles
from matahari.agents.host.system import System

pytestmark = [pytest.mark.integration, pytest.mark.embedded, pytest.mark.together]

CPUINFO = Path("/proc/cpuinfo").read_text()
MEMINFO = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())


def kib(name: str) -> int:
    return int(MEMINFO[name].split()[0])


def lines_of(name: str) -> list[str]:
    """Values of the cpuinfo lines with that name."""
    return [line.partition(":")[2].strip() for line in CPUINFO.splitlines() if line.partition(":")[0].strip() == name]


def uname(option: str) -> str:
    return subprocess.run(["uname", option], check=True, capture_output=True, text=True).stdout.strip()


def test_os_and_arch_are_those_of_uname() -> None:
    facts = System().facts()
    assert facts.os == f"{uname('-s')} ({uname('-r')})"
    assert facts.arch == uname("-m")


def test_the_hostname_is_that_of_the_system(tmp_path: Path) -> None:
    identity = Identity(IdentityFiles.of_host(tmp_path, tmp_path / "custom", uid=os.geteuid()))
    assert identity.hostname in (uname("-n"), identity.uuid)
    assert identity.uuid != "not-available"


def test_the_reboot_uuid_is_available_and_the_same_for_all(tmp_path: Path) -> None:
    one, two = (Identity(IdentityFiles.of_host(tmp_path, tmp_path / "custom", uid=1)) for _ in range(2))
    assert one.get_uuid("Reboot") == two.get_uuid("reboot") != "not-available"


def test_the_wordsize_is_that_of_the_systems_programs() -> None:
    told = subprocess.run(["getconf", "LONG_BIT"], check=True, capture_output=True, text=True)
    assert System().facts().wordsize == int(told.stdout)
    if platform.machine() in ("x86_64", "aarch64", "s390x", "ppc64le"):
        assert System().facts().wordsize == 64


def test_memory_and_swap_are_the_kernels_totals() -> None:
    facts = System().facts()
    assert (facts.memory, facts.swap) == (kib("MemTotal"), kib("SwapTotal"))


def test_the_cpu_count_is_the_number_of_processor_lines_where_the_kernel_lists_them() -> None:
    assert System().facts().cpu_count == (len(lines_of("processor")) or os.cpu_count())


def test_the_core_count_is_the_number_of_different_cores() -> None:
    sockets = lines_of("physical id") or ["0"] * len(lines_of("core id"))
    cores = set(zip(sockets, lines_of("core id"), strict=True))
    siblings = {one.read_text() for one in Path("/sys/devices/system/cpu").glob("cpu[0-9]*/topology/core_cpus_list")}
    assert System().facts().cpu_cores == (len(cores) or len(siblings) or System().facts().cpu_count)


def test_there_is_at_least_one_core_and_no_more_than_cpus() -> None:
    facts = System().facts()
    assert 1 <= facts.cpu_cores <= facts.cpu_count


@pytest.mark.x86_64  # the names of lines differ by architecture
def test_model_and_flags_are_those_of_the_first_cpu() -> None:
    facts = System().facts()
    assert facts.cpu_model == lines_of("model name")[0]
    assert set(facts.cpu_flags.split()) == set(lines_of("flags")[0].split())


def test_free_memory_and_swap_are_close_to_the_kernels() -> None:
    """Within 5 % and a bit, as the original's tests: memory moves between two looks."""
    statistics = System().statistics()
    for found, name in ((statistics.free_mem, "MemFree"), (statistics.free_swap, "SwapFree")):
        now = int(
            next(line.split()[1] for line in Path("/proc/meminfo").read_text().splitlines() if line.startswith(name))
        )
        assert abs(found - now) <= now * 0.05 + 5 * 1024


def test_the_load_is_the_kernels() -> None:
    load = System().statistics().load
    assert list(load) == ["1", "5", "15"]
    assert all(value >= 0 for value in load.values())


def test_processes_are_counted_and_we_are_one_of_the_running() -> None:
    counts = System().statistics().process_statistics
    assert counts["running"] >= 1
    assert counts["total"] >= sum(counts.values()) - counts["total"]
