"""What the kernel's text files say: pure functions from their contents to values.

Source: proc(5); matahari-2012.md 6.1
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

__all__ = [
    "count_states",
    "cpu_cores",
    "cpu_count",
    "cpu_flags",
    "cpu_model",
    "parse_cpuinfo",
    "parse_load",
    "parse_meminfo",
]

UNKNOWN = "unknown"

_STATES = {"D": "idle", "Z": "zombie", "R": "running", "T": "stopped", "t": "stopped", "S": "sleeping", "I": "sleeping"}


def parse_meminfo(text: str) -> dict[str, int]:
    """Entries of ``/proc/meminfo`` that have a number, in KiB (a few are plain counts)."""
    found = {}
    for line in text.splitlines():
        name, _, rest = line.partition(":")
        number = rest.split()[0] if rest.split() else ""
        if number.isdigit():
            found[name.strip()] = int(number)
    return found


def parse_load(text: str) -> dict[str, float]:
    """Load averages of ``/proc/loadavg`` over ``1``, ``5`` and ``15`` minutes."""
    words = text.split()
    return {minutes: float(word) for minutes, word in zip(("1", "5", "15"), words, strict=False)}


def parse_cpuinfo(text: str) -> list[dict[str, str]]:
    """Blocks of ``/proc/cpuinfo``: one for each CPU, and on some architectures one for the board."""
    blocks: list[dict[str, str]] = [{}]
    for line in text.splitlines():
        name, colon, value = line.partition(":")
        if colon:
            blocks[-1][name.strip()] = value.strip()
        elif not line.strip() and blocks[-1]:
            blocks.append({})
    return [block for block in blocks if block]


def cpu_count(blocks: Iterable[Mapping[str, str]]) -> int:
    """Number of logical CPUs, 0 when the text does not tell (s390 has no ``processor : N`` blocks)."""
    return sum("processor" in block for block in blocks)


def cpu_cores(blocks: Iterable[Mapping[str, str]]) -> int:
    """Number of physical cores: different pairs of socket and core, 0 when the text does not tell."""
    return len({(block.get("physical id", "0"), block["core id"]) for block in blocks if "core id" in block})


def cpu_model(blocks: Iterable[Mapping[str, str]]) -> str:
    """Model of the first CPU in the words of the kernel, which differ by architecture."""
    # x86 and some ARM; PowerPC; s390 (a line "processor 0: version = FF, identification = …, machine = 2964").
    for name in ("model name", "cpu", "processor 0", "Model", "Hardware"):
        for block in blocks:
            if block.get(name):
                return block[name]
    return UNKNOWN


def cpu_flags(blocks: Iterable[Mapping[str, str]]) -> str:
    """Capabilities of the first CPU, separated by blanks; ``unknown`` when the text does not tell."""
    for name in ("flags", "features", "Features"):
        for block in blocks:
            if block.get(name):
                return block[name]
    if any("altivec supported" in block.get("cpu", "") for block in blocks):
        return "altivec"
    return UNKNOWN


def count_states(stats: Iterable[str]) -> dict[str, int]:
    """Processes by state, from the first lines of their ``/proc/PID/stat``.

    Returns:
        ``total``, ``idle`` (uninterruptible, D), ``zombie``, ``running``, ``stopped`` (by job
        control or a debugger) and ``sleeping`` (also idle kernel threads). A process in none of these
        states, e.g. about to disappear, only counts in the total.
    """
    # The name before the state is in parentheses and may itself hold blanks and parentheses.
    letters = Counter(stat.rpartition(")")[2].strip()[:1] for stat in stats)
    counts = dict.fromkeys(("total", "idle", "zombie", "running", "stopped", "sleeping"), 0)
    counts["total"] = letters.total()
    for letter, number in letters.items():
        if letter in _STATES:
            counts[_STATES[letter]] += number
    return counts
