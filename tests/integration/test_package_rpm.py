"""The rpm part of the plugin package, with the real rpm and dnf: a database and a repository of its own."""

from __future__ import annotations

import fcntl
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from matahari.plugin import Context, running
from plugins import package
from plugins.package import programs
from plugins.package.rpm import Rpm

# rpm changes its root folder, which only root may; .ci/rpm installs the programs.
pytestmark = [pytest.mark.integration, pytest.mark.embedded, pytest.mark.root, pytest.mark.together]

SPEC = """\
Name: {name}
Version: {version}
Release: 1
Summary: {name} for a test
License: none
BuildArch: noarch
{more}
%description
Nothing.
%files
"""


def build(home: Path, name: str, version: str, more: str = "") -> None:
    """Make a package without files, and put it into the repository."""
    spec = home / f"{name}.spec"
    spec.write_text(SPEC.format(name=name, version=version, more=more))
    words: list[str | Path] = [
        "rpmbuild",
        "-bb",
        "--quiet",
        "--define",
        f"_topdir {home}/build",
        "--define",
        f"_rpmdir {home}/repo",
        spec,
    ]
    subprocess.run(words, check=True, capture_output=True, timeout=120)


def publish(home: Path) -> None:
    """Write the repository's index."""
    subprocess.run(["createrepo_c", "--quiet", home / "repo"], check=True, capture_output=True, timeout=120)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A host of its own below a folder; nothing is installed. ``hello`` needs ``base``, ``needy`` what there is not."""
    build(tmp_path, "base", "1.0")
    build(tmp_path, "hello", "1.0", "Requires: base\n")
    build(tmp_path, "needy", "1.0", "Requires: what-is-nowhere\n")
    publish(tmp_path)
    root, bin_ = tmp_path / "root", tmp_path / "bin"
    for folder in (root, bin_, tmp_path / "repos"):
        folder.mkdir()
    (tmp_path / "repos" / "own.repo").write_text(
        f"[own]\nname=own\nbaseurl=file://{tmp_path}/repo\ngpgcheck=0\nmetadata_expire=0\n"
    )
    places = f"--installroot={root} --setopt=reposdir={tmp_path}/repos --setopt=cachedir={tmp_path}/cache"
    for name, words in (
        ("rpm", f"/usr/bin/rpm --root {root}"),
        ("dnf", f"/usr/bin/dnf {places} --setopt=logdir={tmp_path} --setopt=pluginpath={tmp_path} --releasever=1"),
    ):
        program = bin_ / name
        program.write_text(f'#!/bin/sh\nexec {words} "$@"\n')
        program.chmod(0o755)
    subprocess.run([bin_ / "rpm", "--initdb"], check=True, capture_output=True, timeout=60)
    monkeypatch.setattr(programs, "PATH", f"{bin_}:{programs.PATH}")
    monkeypatch.setattr(package, "_backend", Rpm)
    with running(Context("package")):
        yield tmp_path


def names() -> list[str]:
    return [one["name"] for one in package.list()["packages"]]


def test_a_package_is_found_planned_installed_updated_and_removed(home: Path) -> None:
    assert package.status("hello") == {"backend": "rpm", "name": "hello", "installed": False, "instances": []}
    assert package.search("hel")["packages"] == [{"name": "hello", "summary": "hello for a test"}]
    assert names() == []

    plan = package.install("hello", dry_run=True)
    assert (plan["changed"], names()) == (False, [])
    assert sorted((step["action"], step["name"], step["version"]) for step in plan["actions"]) == [
        ("install", "base", "1.0-1"),
        ("install", "hello", "1.0-1"),
    ]
    done = package.install("hello")
    assert (done["changed"], done["actions"]) == (True, plan["actions"])
    assert "Complete!" in done["output"]
    assert names() == ["base", "hello"]
    [one] = package.status("hello")["instances"]
    assert one == {
        "name": "hello",
        "version": "1.0-1",
        "architecture": "noarch",
        "state": "installed",
        "summary": "hello for a test",
    }
    assert package.install("hello")["changed"] is False

    assert package.update_check()["updates"] == []
    build(home, "hello", "2.0", "Requires: base\n")
    publish(home)
    assert package.update_check(refresh=True)["updates"] == [
        {"name": "hello", "installed": "1.0-1", "available": "2.0-1"}
    ]
    upgraded = package.install("hello", version="2.0")
    assert [(step["action"], step["name"], step["version"]) for step in upgraded["actions"]] == [
        ("upgrade", "hello", "2.0-1")
    ]
    assert package.status("hello")["instances"][0]["version"] == "2.0-1"

    with pytest.raises(programs.PackageError, match="base is needed by hello; set dependents"):
        package.remove("base")
    assert names() == ["base", "hello"]
    removed = package.remove("base", dependents=True)
    assert sorted(step["name"] for step in removed["actions"]) == ["base", "hello"]
    assert names() == []
    assert package.remove("base")["changed"] is False


def test_what_cannot_be_done_is_told_in_dnfs_words(home: Path) -> None:
    with pytest.raises(LookupError, match="no such package"):
        package.install("nosuch", dry_run=True)
    with pytest.raises(programs.PackageError, match="what-is-nowhere"):
        package.install("needy")
    package.install("base")
    with pytest.raises(ValueError, match="purge is for dpkg"):
        package.remove("base", purge=True)


def test_a_database_that_another_program_changes_is_told_at_once(home: Path) -> None:
    package.install("base")
    with (home / "root" / "var" / "lib" / "dnf" / "rpmdb_lock.pid").open("w") as lock:
        lock.write(str(os.getpid()))
        lock.flush()
        fcntl.lockf(lock, fcntl.LOCK_EX)
        with pytest.raises(programs.PackageLockedError):
            package.remove("base")
    assert names() == ["base"]
