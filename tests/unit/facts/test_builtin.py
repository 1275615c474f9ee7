"""Facts that every host has."""

from __future__ import annotations

from pathlib import Path

import pytest

from matahari.facts import BUILTIN, builtin_facts, flatten
from matahari.facts.builtin import describe_virtualization, distribution_facts


def tree(root: Path, **files: str) -> Path:
    for name, text in files.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


@pytest.mark.parametrize("group", sorted(BUILTIN))
def test_every_group_has_facts_on_this_host(group: str) -> None:
    assert flatten(BUILTIN[group]())


def test_the_promised_names_are_there() -> None:
    facts = flatten({name: value for read in BUILTIN.values() for name, value in read().items()})
    assert set(facts) >= {
        "hostname",
        "kernel.release",
        "cpu.count",
        "memory.total_bytes",
        "network.interfaces",
        "network.ipv4",
        "network.ipv6",
        "os.like",
        "python.version",
        "virtualization.kind",
        "matahari.version",
    }


def test_a_distribution_is_the_first_of_its_family() -> None:
    release = {"ID": "rocky", "ID_LIKE": "rhel centos fedora", "VERSION_ID": "9.3", "NAME": "Rocky Linux"}
    assert distribution_facts(release) == {
        "id": "rocky",
        "name": "Rocky Linux",
        "version": "9.3",
        "like": ["rocky", "rhel", "centos", "fedora"],
    }
    assert distribution_facts({}) == {"like": []}


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ({}, ("physical", "")),
        ({"proc__cpuinfo": "flags : fpu hypervisor sse\n"}, ("vm", "")),
        ({"sys__class__dmi__id__sys_vendor": "QEMU\n"}, ("vm", "qemu")),
        ({"sys__class__dmi__id__product_name": "VMware7,1\n"}, ("vm", "vmware")),
        ({"sys__class__dmi__id__sys_vendor": "Microsoft Corporation\n"}, ("physical", "")),
        (
            {
                "sys__class__dmi__id__sys_vendor": "Microsoft Corporation\n",
                "proc__cpuinfo": "flags : fpu hypervisor\n",
            },
            ("vm", "hyperv"),
        ),
        ({"run__systemd__container": "lxc\n"}, ("container", "lxc")),
        ({"run__.containerenv": "", "sys__class__dmi__id__sys_vendor": "QEMU"}, ("container", "podman")),
        ({".dockerenv": ""}, ("container", "docker")),
    ],
)
def test_virtualization_is_told_from_files(tmp_path: Path, files: dict[str, str], found: tuple[str, str]) -> None:
    assert describe_virtualization(tree(tmp_path, **files)) == found


def test_the_hostname_is_that_under_which_the_host_appears_and_the_kernel_keeps_its_own() -> None:
    named = builtin_facts("alpha")
    assert named["host"]()["hostname"] == "alpha"
    assert flatten(named["kernel"]())["kernel.hostname"] == flatten(BUILTIN["host"]())["hostname"]
    assert list(named) == list(BUILTIN)
    assert builtin_facts(None) == BUILTIN
