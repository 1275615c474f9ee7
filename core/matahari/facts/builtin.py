"""Facts that every host has, in groups; a group that cannot be told leaves the others alone.

Only what seldom changes: load, free memory and the like are statistics of the ``Host`` object.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import socket
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import psutil

from .flatten import is_fact_name

__all__ = ["BUILTIN", "builtin_facts", "describe_virtualization", "distribution_facts"]

MAX_INTERFACES: Final = 64
"""Interfaces told in full; a host of hundreds of containers has hundreds. All are listed by name."""

_ROOT = Path("/")


def _host() -> Mapping[str, object]:
    return {"hostname": platform.node(), "boot_time": int(psutil.boot_time())}


def _os() -> Mapping[str, object]:
    return {"os": distribution_facts(platform.freedesktop_os_release())}


def distribution_facts(release: Mapping[str, str]) -> dict[str, object]:
    """Facts below ``os`` from the fields of os-release; fields that are not there have no fact.

    ``like`` lists the distributions it descends from, itself first, so that one filter finds a family.
    """
    facts: dict[str, object] = {}
    for name, field in (
        ("id", "ID"),
        ("name", "NAME"),
        ("version", "VERSION_ID"),
        ("codename", "VERSION_CODENAME"),
        ("pretty_name", "PRETTY_NAME"),
        ("variant", "VARIANT_ID"),
    ):
        if release.get(field):
            facts[name] = release[field]
    family = [*release.get("ID", "").split(), *release.get("ID_LIKE", "").split()]
    facts["like"] = list(dict.fromkeys(family))
    return facts


def _kernel() -> Mapping[str, object]:
    system = os.uname()
    facts = {"name": system.sysname, "release": system.release, "version": system.version}
    return {"kernel": {**facts, "hostname": system.nodename}}


def _cpu() -> Mapping[str, object]:
    facts: dict[str, object] = {"architecture": platform.machine(), "count": psutil.cpu_count(logical=True)}
    if (cores := psutil.cpu_count(logical=False)) is not None:
        facts["cores"] = cores
    if model := _cpu_model(_ROOT):
        facts["model"] = model
    return {"cpu": facts}


def _cpu_model(root: Path) -> str:
    with (root / "proc/cpuinfo").open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return " ".join(value.split())
    return ""  # other architectures name no model


def _memory() -> Mapping[str, object]:
    return {"memory": {"total_bytes": psutil.virtual_memory().total, "swap_bytes": psutil.swap_memory().total}}


def _network() -> Mapping[str, object]:
    states = psutil.net_if_stats()
    names: list[str] = []
    interfaces: dict[str, dict[str, object]] = {}
    everywhere: dict[str, list[str]] = {"ipv4": [], "ipv6": []}
    for interface, addresses in sorted(psutil.net_if_addrs().items()):
        facts: dict[str, object] = {}
        if (state := states.get(interface)) is not None:
            facts |= {"up": state.isup, "mtu": state.mtu}
        for kind, family in (("ipv4", socket.AF_INET), ("ipv6", socket.AF_INET6)):
            # The kernel adds the zone of a link-local address, which says nothing elsewhere.
            own = [one.address.partition("%")[0] for one in addresses if one.family == family]
            facts[kind] = list(own)
            everywhere[kind] += [
                address for address in own if not address.startswith(("127.", "fe80:")) and address != "::1"
            ]
        if hardware := [one.address for one in addresses if one.family == psutil.AF_LINK]:
            facts["mac"] = hardware[0]
        names.append(interface)
        if len(interfaces) < MAX_INTERFACES and is_fact_name(interface):
            interfaces[interface] = facts
    return {"network": {"interfaces": names, "interface": interfaces, **everywhere}}


def _virtualization() -> Mapping[str, object]:
    kind, product = describe_virtualization(_ROOT)
    return {"virtualization": {"kind": kind, "product": product}}


# Beginnings of the vendor or product name that the firmware tells.
_FIRMWARE: Final = (
    ("QEMU", "qemu"),
    ("KVM", "kvm"),
    ("VMware", "vmware"),
    ("innotek", "virtualbox"),
    ("VirtualBox", "virtualbox"),
    ("Xen", "xen"),
    ("Amazon EC2", "amazon"),
    ("Google", "google"),
    ("Microsoft Corporation", "hyperv"),
    ("OpenStack", "openstack"),
    ("Bochs", "bochs"),
)


def describe_virtualization(root: Path) -> tuple[str, str]:
    """Kind (``container``, ``vm``, ``physical``) and product, empty when not known, by looking at files below ``root``."""
    for marker, product in (("run/.containerenv", "podman"), (".dockerenv", "docker")):
        if (root / marker).exists():
            return "container", product
    if named := _line(root / "run/systemd/container"):
        return "container", named
    names = [_line(root / "sys/class/dmi/id" / name) for name in ("sys_vendor", "product_name")]
    has_hypervisor = any(
        line.startswith("flags") and "hypervisor" in line.split() for line in _lines(root / "proc/cpuinfo")
    )
    for beginning, product in _FIRMWARE:
        # Some vendors build real machines too, so that the processor has the last word about these.
        is_sure = has_hypervisor or product not in ("amazon", "google", "hyperv")
        if is_sure and any(name.startswith(beginning) for name in names):
            return "vm", product
    return ("vm", "") if has_hypervisor else ("physical", "")


def _line(path: Path) -> str:
    return next(iter(_lines(path)), "").strip()


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []  # not on this architecture, or not for this user: as good as not said


def _python() -> Mapping[str, object]:
    return {
        "python": {"version": platform.python_version(), "implementation": sys.implementation.name},
        "matahari": {"version": importlib.metadata.version("matahari")},
    }


BUILTIN: Final[Mapping[str, Callable[[], Mapping[str, object]]]] = {
    "host": _host,
    "os": _os,
    "kernel": _kernel,
    "cpu": _cpu,
    "memory": _memory,
    "network": _network,
    "virtualization": _virtualization,
    "python": _python,
}
"""By name of the group."""


def builtin_facts(hostname: str | None) -> Mapping[str, Callable[[], Mapping[str, object]]]:
    """The groups for a host that appears as ``hostname``, None where that is the system's name.

    So filters find a host by the fact under the name that consoles show; the kernel's is ``kernel.hostname``.
    """
    return BUILTIN if hostname is None else {**BUILTIN, "host": lambda: {**_host(), "hostname": hostname}}
