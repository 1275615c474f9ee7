"""The dpkg part of the plugin package, with the real dpkg and apt: a database and a repository of its own."""

from __future__ import annotations

import fcntl
import hashlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from matahari.plugin import Context, running
from plugins import package
from plugins.package import programs
from plugins.package.apt import Apt

# dpkg gives files to root, which only root may.
pytestmark = [pytest.mark.integration, pytest.mark.embedded, pytest.mark.root, pytest.mark.together]

CONTROL = """\
Package: {name}
Version: {version}
Architecture: all
Maintainer: nobody <nobody@example.org>
{more}Description: {name} for a test
"""

CONFIG = """\
Dir "{root}";
Dir::State::status "{root}/var/lib/dpkg/status";
Dir::Bin::methods "/usr/lib/apt/methods";
Dir::Bin::dpkg "/usr/bin/dpkg";
DPkg::Options:: "--root={root}";
DPkg::Options:: "--log={root}/dpkg.log";
"""

FOLDERS = (
    *("var/lib/dpkg/info", "var/lib/dpkg/updates", "var/lib/apt/lists/partial", "var/cache/apt/archives/partial"),
    *("var/log/apt", "etc/apt/preferences.d", "etc/apt/apt.conf.d", "etc/apt/sources.list.d", "etc/apt/trusted.gpg.d"),
)


def build(home: Path, name: str, version: str, more: str = "") -> None:
    """Make a package with one configuration file, and put it into the repository and its index."""
    tree, repo = home / f"{name}-{version}", home / "repo"
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "etc").mkdir()
    (tree / "etc" / f"{name}.conf").write_text(version)
    (tree / "DEBIAN" / "conffiles").write_text(f"/etc/{name}.conf\n")
    control = CONTROL.format(name=name, version=version, more=more)
    (tree / "DEBIAN" / "control").write_text(control)
    archive = repo / f"{name}_{version}_all.deb"
    repo.mkdir(exist_ok=True)
    words: list[str | Path] = ["dpkg-deb", "--root-owner-group", "-b", tree, archive]
    subprocess.run(words, check=True, capture_output=True, timeout=120)
    content = archive.read_bytes()
    with (repo / "Packages").open("a") as index:
        index.write(f"{control}Filename: ./{archive.name}\nSize: {len(content)}\n")
        index.write(f"SHA256: {hashlib.sha256(content).hexdigest()}\n\n")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A host of its own below a folder; nothing is installed. ``hello`` needs ``base``, ``needy`` what there is not."""
    build(tmp_path, "base", "1.0")
    build(tmp_path, "hello", "1.0", "Depends: base\n")
    build(tmp_path, "needy", "1.0", "Depends: what-is-nowhere\n")
    root, bin_ = tmp_path / "root", tmp_path / "bin"
    for folder in FOLDERS:
        (root / folder).mkdir(parents=True)
    bin_.mkdir()
    (root / "var/lib/dpkg/status").touch()
    (root / "etc/apt/sources.list").write_text(f"deb [trusted=yes] copy:{tmp_path}/repo ./\n")
    (tmp_path / "apt.conf").write_text(CONFIG.format(root=root))
    for name, words in (
        ("apt-get", f"APT_CONFIG={tmp_path}/apt.conf exec /usr/bin/apt-get"),
        ("apt-cache", f"APT_CONFIG={tmp_path}/apt.conf exec /usr/bin/apt-cache"),
        ("dpkg-query", f"exec /usr/bin/dpkg-query --admindir={root}/var/lib/dpkg"),
    ):
        program = bin_ / name
        program.write_text(f'#!/bin/sh\n{words} "$@"\n')
        program.chmod(0o755)
    monkeypatch.setattr(programs, "PATH", f"{bin_}:{programs.PATH}")
    monkeypatch.setattr(package, "_backend", Apt)
    with running(Context("package")):
        package.update_check(refresh=True)
        yield tmp_path


def names() -> list[str]:
    return [one["name"] for one in package.list()["packages"] if one["state"] == "installed"]


def test_a_package_is_found_planned_installed_updated_removed_and_purged(home: Path) -> None:
    assert package.status("hello") == {"backend": "dpkg", "name": "hello", "installed": False, "instances": []}
    assert package.search("hel test")["packages"] == [{"name": "hello", "summary": "hello for a test"}]
    assert names() == []

    plan = package.install("hello", dry_run=True)
    assert (plan["changed"], names()) == (False, [])
    assert [(step["action"], step["name"], step["version"]) for step in plan["actions"]] == [
        ("install", "base", "1.0"),
        ("install", "hello", "1.0"),
    ]
    done = package.install("hello")
    assert (done["changed"], done["actions"]) == (True, plan["actions"])
    assert "Setting up hello (1.0)" in done["output"]
    assert names() == ["base", "hello"]
    [one] = package.status("hello")["instances"]
    assert one == {
        "name": "hello",
        "version": "1.0",
        "architecture": "all",
        "state": "installed",
        "summary": "hello for a test",
    }
    assert package.install("hello")["changed"] is False

    own = home / "root/etc/hello.conf"
    own.write_text("the administrator's")
    assert package.update_check()["updates"] == []
    build(home, "hello", "2.0", "Depends: base\n")
    assert package.update_check()["updates"] == []
    assert package.update_check(refresh=True)["updates"] == [{"name": "hello", "installed": "1.0", "available": "2.0"}]
    upgraded = package.install("hello", version="2.0")
    assert [(step["action"], step["name"], step["version"]) for step in upgraded["actions"]] == [
        ("upgrade", "hello", "2.0")
    ]
    assert package.status("hello")["instances"][0]["version"] == "2.0"
    assert own.read_text() == "the administrator's"  # nobody is asked, and it is kept

    with pytest.raises(programs.PackageError, match="set dependents"):
        package.remove("base")
    assert names() == ["base", "hello"]
    removed = package.remove("base", dependents=True)
    assert sorted(step["name"] for step in removed["actions"]) == ["base", "hello"]
    assert names() == []
    assert package.remove("base")["changed"] is False
    assert own.exists()
    purged = package.remove("hello", purge=True)
    assert [(step["action"], step["name"]) for step in purged["actions"]] == [("purge", "hello")]
    assert not own.exists()
    assert package.status("hello")["instances"] == []


def test_what_cannot_be_done_is_told_in_apts_words(home: Path) -> None:
    with pytest.raises(LookupError, match="no package 'nosuch'"):
        package.install("nosuch", dry_run=True)
    with pytest.raises(programs.PackageError, match=r"needy : Depends: what-is-nowhere but it is not installable"):
        package.install("needy")
    assert names() == []


def test_a_database_that_another_program_changes_is_told_at_once(home: Path) -> None:
    with (home / "root/var/lib/dpkg/lock-frontend").open("w") as lock:
        fcntl.lockf(lock, fcntl.LOCK_EX)
        with pytest.raises(programs.PackageLockedError, match="try again later"):
            package.install("base")
    assert names() == []
