"""Reading the kernel's text files."""

from __future__ import annotations

from matahari.agents.host.kernel import (
    count_states,
    cpu_cores,
    cpu_count,
    cpu_flags,
    cpu_model,
    parse_cpuinfo,
    parse_load,
    parse_meminfo,
)


def x86(*cores: tuple[int, int]) -> str:
    """A cpuinfo with one block for each (socket, core)."""
    return "\n".join(
        f"processor\t: {number}\nmodel name\t: Fast CPU @ 3.00GHz\nphysical id\t: {socket}\ncore id\t\t: {core}\n"
        f"flags\t\t: fpu vme\npower management:\n"
        for number, (socket, core) in enumerate(cores)
    )


def test_two_threads_of_a_core_are_two_cpus_and_one_core() -> None:
    blocks = parse_cpuinfo(x86((0, 0), (0, 1), (0, 0), (0, 1)))
    assert (cpu_count(blocks), cpu_cores(blocks)) == (4, 2)


def test_equal_core_numbers_on_two_sockets_are_two_cores() -> None:
    assert cpu_cores(parse_cpuinfo(x86((0, 0), (1, 0)))) == 2


def test_model_and_flags_are_in_the_kernels_words() -> None:
    blocks = parse_cpuinfo(x86((0, 0)))
    assert cpu_model(blocks) == "Fast CPU @ 3.00GHz"
    assert cpu_flags(blocks) == "fpu vme"


def test_powerpc_tells_altivec_in_the_model() -> None:
    blocks = parse_cpuinfo("processor\t: 0\ncpu\t\t: POWER9, altivec supported\n\nplatform\t: pSeries\n")
    assert cpu_model(blocks) == "POWER9, altivec supported"
    assert cpu_flags(blocks) == "altivec"
    assert (cpu_count(blocks), cpu_cores(blocks)) == (1, 0)


def test_s390_calls_the_flags_features() -> None:
    text = "vendor_id : IBM/S390\nfeatures\t: esan3 zarch\nprocessor 0: version = FF, machine = 2964\n"
    blocks = parse_cpuinfo(text)
    assert cpu_flags(blocks) == "esan3 zarch"
    assert "2964" in cpu_model(blocks)


def test_an_empty_cpuinfo_tells_nothing() -> None:
    blocks = parse_cpuinfo("")
    assert (cpu_count(blocks), cpu_cores(blocks), cpu_model(blocks), cpu_flags(blocks)) == (0, 0, "unknown", "unknown")


def test_meminfo_is_in_kib_and_strange_lines_are_passed_over() -> None:
    text = "MemTotal:       24684096 kB\nHugePages_Total:       0\nno colon\nBroken: x kB\nEmpty:\n"
    assert parse_meminfo(text) == {"MemTotal": 24684096, "HugePages_Total": 0}


def test_load_has_three_keys() -> None:
    assert parse_load("0.17 1.50 12.00 1/150 4711\n") == {"1": 0.17, "5": 1.5, "15": 12.0}
    assert parse_load("") == {}


def test_processes_are_counted_by_state() -> None:
    letters = "DZRTtSIX"
    stats = [f"{pid} (name) {letter} 1 1" for pid, letter in enumerate(letters)]
    assert count_states(stats) == {"total": 8, "idle": 1, "zombie": 1, "running": 1, "stopped": 2, "sleeping": 2}


def test_a_process_may_have_parentheses_and_blanks_in_its_name() -> None:
    assert count_states(["7 (a) Z (b) R 1 2 3"])["running"] == 1


def test_without_processes_every_key_is_there() -> None:
    assert set(count_states([]).values()) == {0}
    assert len(count_states([])) == 6
