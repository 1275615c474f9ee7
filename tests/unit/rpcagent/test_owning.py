"""Plugins that others can change are not loaded."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from matahari.rpcagent import plugin_faults
from matahari.rpcagent.scan import Listing, Scanner
from tests.unit.rpcagent.test_scan import later

NOBODY = 65534


@pytest.fixture
def plugins(tmp_path: Path) -> Path:
    """A plugins directory with a file that has settings and a helper, and a folder."""
    for name in ("one.py", "one.toml", "_helper.py", "_lib/__init__.py", "many/__init__.py", "many/in/part.py"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
        path.chmod(0o644)
        path.parent.chmod(0o755)
    (tmp_path / "many" / "in").chmod(0o755)
    return tmp_path


def scan(plugins: Path, scanner: Scanner | None = None) -> Listing:
    scanner = scanner or Scanner([plugins], uid=os.geteuid())
    return scanner.scan(later(*plugins.rglob("*")))


def faults(listing: Listing) -> dict[str, str]:
    found = {name: each.content.fault for name, each in listing.plugins.items()}
    return {name: fault.text for name, fault in found.items() if fault is not None}


def test_what_nobody_else_can_change_is_loaded(plugins: Path) -> None:
    listing = scan(plugins)
    assert (list(listing.plugins), faults(listing), listing.refused) == (["many", "one"], {}, ())


@pytest.mark.parametrize(
    ("name", "refused"),
    [
        ("one.py", {"one"}),
        ("one.toml", {"one"}),
        ("_helper.py", {"one"}),
        ("_lib", {"one"}),
        ("_lib/__init__.py", {"one"}),
        ("many/__init__.py", {"many"}),
        ("many/in/part.py", {"many"}),
        ("many", {"many"}),
        ("many/in", {"many"}),
        (".", {"one", "many"}),
    ],
)
def test_what_everybody_can_change_is_refused_with_file_mode_and_remedy(
    plugins: Path, name: str, refused: set[str]
) -> None:
    path = plugins / name
    scanner = Scanner([plugins], uid=os.geteuid())
    assert faults(scan(plugins, scanner)) == {}
    mode = 0o777 if path.is_dir() else 0o666
    path.chmod(mode)
    found = faults(scan(plugins, scanner))
    assert set(found) == refused
    verb = "add files" if path.is_dir() else "change it"
    assert set(found.values()) == {f"{path}: has mode 0{mode:o}, so other users can {verb} (chmod go-w)"}
    assert plugin_faults(plugins) == sorted(set(found.values()))
    path.chmod(0o755 if path.is_dir() else 0o644)
    assert faults(scan(plugins, scanner)) == {}


def test_a_fault_of_a_whole_directory_is_told_once_for_the_log(plugins: Path) -> None:
    (plugins / "_helper.py").chmod(0o666)
    text = f"{plugins}/_helper.py: has mode 0666, so other users can change it (chmod go-w)"
    assert scan(plugins).refused == (text,)


def test_another_owner_is_refused_also_behind_a_link(plugins: Path) -> None:
    elsewhere = plugins / "elsewhere.txt"
    elsewhere.write_text("")
    elsewhere.chmod(0o644)
    (plugins / "linked.py").symlink_to(elsewhere)
    uid = os.geteuid()
    if uid == 0:
        os.chown(elsewhere, NOBODY, NOBODY)
        found = faults(scan(plugins))
        assert set(found) == {"linked"}
        assert f"linked.py: belongs to user {NOBODY}, not to root, who runs this (chown)" in found["linked"]
    else:
        found = faults(scan(plugins, Scanner([plugins], uid=uid + 1)))
        assert f"belongs to user {uid}, not to root or user {uid + 1} who runs this (chown)" in found["linked"]


def test_who_takes_anything_takes_what_others_can_change(plugins: Path) -> None:
    (plugins / "one.py").chmod(0o666)
    plugins.chmod(0o777)
    listing = scan(plugins, Scanner([plugins]))
    assert (faults(listing), listing.refused) == ({}, ())
