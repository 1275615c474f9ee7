"""The plugin package: what it reads from the package programs, what it refuses; nothing is run."""

from __future__ import annotations

from pathlib import Path

import pytest

from matahari.plugin import declared
from matahari.rpcagent import Limits
from matahari.rpcagent.options import read_options
from plugins import package
from plugins.package import apt, rpm
from plugins.package.programs import CHANGE, Done, PackageError, PackageLockedError
from plugins.package.records import Action, Found, Package, Update

SIMULATED = """\
NOTE: This is only a simulation!
Reading package lists...
The following NEW packages will be installed:
  hello
Inst hello (2.10-3 Debian:12.5/stable [amd64])
Inst dpkg [1.21.22] (1.21.23 Debian:12.15/oldstable [amd64]) []
Remv yq [3.1.0-3]
Purg jq [1.6-2.1+deb12u1]
Conf hello (2.10-3 Debian:12.5/stable [amd64])
"""

TRANSACTION = """\
Last metadata expiration check: 0:01:02 ago on Mon Jan  1 10:00:00 2024.
Dependencies resolved.
================================================================================
 Package                      Architecture  Version           Repository   Size
================================================================================
Installing:
 httpd                        x86_64        2.4.57-5.el9      appstream    46 k
Upgrading:
 openssl-libs                 x86_64        1:3.0.7-25.el9    baseos      2.1 M
Installing dependencies:
 a-package-with-a-name-that-is-longer-than-the-column
                              noarch        1.0-1.el9         appstream   2.2 M
Removing:
 old                          noarch        0.9-1.el9         @baseos     1.0 k

Transaction Summary
================================================================================
Install  2 Packages
 fake                         noarch        1                 none         1
Operation aborted.
"""

UPDATES = """\

openssl-libs.x86_64                1:3.0.7-25.el9                 baseos
python3.11.noarch                  3.11.5-1.el9                   appstream
a line of another kind
Obsoleting Packages
old.noarch                         1-1                            baseos
"""


def step(action: str, name: str, version: str, old_version: str) -> Action:
    return {"action": action, "name": name, "version": version, "old_version": old_version}


def installed(name: str, state: str = "installed") -> Package:
    return {"name": name, "version": "1", "architecture": "amd64", "state": state, "summary": ""}


class FakeBackend:
    """A package manager with a plan; ``done`` is what was really asked for."""

    name = "fake"

    def __init__(self, plan: list[Action], *there: Package) -> None:
        self.plan = plan
        self.there = list(there)
        self.done: list[str] = []

    def packages(self) -> list[Package]:
        return self.there

    def instances(self, name: str) -> list[Package]:
        return [one for one in self.there if one["name"] == name]

    def search(self, text: str) -> list[Found]:
        return [{"name": one["name"], "summary": text} for one in self.there]

    def plan_install(self, name: str, version: str) -> list[Action]:
        return self.plan

    def install(self, name: str, version: str) -> str:
        self.done.append(f"install {name} {version}")
        return "x" * 100_000 + "end"

    def plan_remove(self, name: str, purge: bool) -> list[Action]:
        return self.plan

    def remove(self, name: str, purge: bool) -> str:
        self.done.append(f"remove {name} {purge}")
        return "removed"

    def updates(self, refresh: bool) -> list[Update]:
        return []


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    return monkeypatch


def take(use: pytest.MonkeyPatch, backend: FakeBackend) -> FakeBackend:
    use.setattr(package, "_backend", lambda: backend)
    return backend


def test_the_simulation_of_apt_is_read_in_its_order() -> None:
    assert apt.parse_steps(SIMULATED) == [
        step("install", "hello", "2.10-3", ""),
        step("upgrade", "dpkg", "1.21.23", "1.21.22"),
        step("remove", "yq", "", "3.1.0-3"),
        step("purge", "jq", "", "1.6-2.1+deb12u1"),
    ]


def test_packages_that_dpkg_only_knows_by_name_are_left_out() -> None:
    text = "b\t2\tamd64\tinstalled\tB\na\t1\tall\tconfig-files\tA\tand tab\nvirtual\t\t\tnot-installed\t\nodd\n"
    assert [(one["name"], one["state"], one["summary"]) for one in apt.parse_packages(text)] == [
        ("a", "config-files", "A\tand tab"),
        ("b", "installed", "B"),
    ]


def test_the_table_of_dnf_is_read_up_to_its_summary() -> None:
    assert rpm.parse_transaction(TRANSACTION) == [
        step("install", "httpd", "2.4.57-5.el9", ""),
        step("upgrade", "openssl-libs", "1:3.0.7-25.el9", ""),
        step("install", "a-package-with-a-name-that-is-longer-than-the-column", "1.0-1.el9", ""),
        step("remove", "old", "", "0.9-1.el9"),
    ]
    assert rpm.parse_transaction("Nothing to do.\nComplete!\n") == []


def test_the_updates_of_dnf_are_read_up_to_what_is_obsoleted() -> None:
    assert rpm.parse_updates(UPDATES, {"openssl-libs.x86_64": "1:3.0.7-24.el9"}) == [
        {"name": "openssl-libs", "installed": "1:3.0.7-24.el9", "available": "1:3.0.7-25.el9"},
        {"name": "python3.11", "installed": "", "available": "3.11.5-1.el9"},
    ]


def test_apt_gives_dpkg_no_terminal_for_which_it_would_write_percentages_over_each_other() -> None:
    for words in (apt._install("bash", ""), apt._remove("bash", purge=True)):
        at = words.index("Dpkg::Use-Pty=0")
        assert words[at - 1] == "-o"
        assert at < words.index("--")


def test_the_keys_among_rpms_packages_are_left_out() -> None:
    text = "bash\t5.1.8-6.el9\tx86_64\tinstalled\tShell\ngpg-pubkey\t1\t(none)\tinstalled\tkey\n"
    assert [one["name"] for one in rpm.parse_packages(text)] == ["bash"]


@pytest.mark.parametrize(
    "errors",
    [
        "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 77 (apt-get)",
        "E: Unable to acquire the dpkg frontend lock (/var/lib/dpkg/lock-frontend), is another process using it?",
        "E: Unable to lock directory /var/lib/apt/lists/",
    ],
)
def test_a_held_lock_of_apt_is_an_error_of_its_own(errors: str) -> None:
    with pytest.raises(PackageLockedError, match="another program holds the lock"):
        apt._checked(Done(["apt-get"], 100, "", errors))


def test_a_held_lock_of_dnf_is_an_error_of_its_own() -> None:
    with pytest.raises(PackageLockedError, match="another program holds the lock"):
        rpm._checked(Done(["dnf"], 200, "", "Error: Failed to obtain the transaction lock"))


def test_who_may_not_is_told_who_may() -> None:
    denied = "E: Could not open lock file /var/lib/dpkg/lock-frontend - open (13: Permission denied)\n"
    denied += "E: Unable to acquire the dpkg frontend lock (/var/lib/dpkg/lock-frontend), are you root?"
    with pytest.raises(PermissionError, match="needs root: only root"):
        apt._checked(Done(["apt-get"], 100, "", denied))
    with pytest.raises(PermissionError, match="needs root: only root"):
        apt._checked(Done(["apt-get"], 100, "", "E: Could not open lock file - open (13: Permission denied)"))
    for said in (
        "Error: This command has to be run with superuser privileges (under the root user on most systems).",
        "The requested operation requires superuser privileges. Please log in as a user with elevated rights",
        "error: can't create transaction lock on /var/lib/rpm/.rpm.lock (Permission denied)",
    ):
        with pytest.raises(PermissionError, match="needs root: only root"):
            rpm._checked(Done(["dnf"], 1, "", said))


@pytest.mark.parametrize("name", ["install", "remove", "update_check"])
def test_what_needs_root_says_so_in_its_documentation(name: str) -> None:
    assert "PermissionError: " in (getattr(package, name).__doc__ or "")


def test_why_packages_of_apt_do_not_go_together_is_told_from_its_output() -> None:
    said = " needy : Depends: nowhere but it is not installable\n"
    with pytest.raises(PackageError, match=r"needy : Depends: nowhere[^\n]*\n[^\n]*broken packages"):
        apt._checked(Done(["apt-get"], 100, said, "E: Unable to correct problems, you have held broken packages."))


def test_an_unknown_package_of_dnf_is_a_lookup_error() -> None:
    with pytest.raises(LookupError, match="no such package"):
        rpm._planned(Done(["dnf"], 1, "", "Error: Unable to find a match: nosuch"))


def test_the_refused_plan_of_dnf_is_no_error() -> None:
    assert len(rpm._planned(Done(["dnf"], 1, TRANSACTION, "Operation aborted."))) == 4


@pytest.mark.parametrize(
    "name", ["", "-y", "--force", "hello-", "a b", "a/b", "/etc", "a*", "a;b", "a=1", "@group", "a\n", "x" * 200, "é"]
)
def test_what_is_no_name_of_a_package_is_refused_before_anything_runs(name: str, use: pytest.MonkeyPatch) -> None:
    backend = take(use, FakeBackend([step("install", name, "1", "")]))
    for ask in (package.status, package.install, package.remove):
        with pytest.raises(ValueError, match="must be the name of a package"):
            ask(name)
    assert backend.done == []


@pytest.mark.parametrize("name", ["g++", "libc6:amd64", "python3.11", "NetworkManager-wifi", "java_cup", "0ad", "R"])
def test_names_of_real_packages_are_accepted(name: str, use: pytest.MonkeyPatch) -> None:
    take(use, FakeBackend([]))
    assert not package.status(name)["installed"]


@pytest.mark.parametrize("version", ["-1", "1 2", "1;2", "1/2", "*"])
def test_what_is_no_version_is_refused(version: str, use: pytest.MonkeyPatch) -> None:
    take(use, FakeBackend([]))
    with pytest.raises(ValueError, match="version is"):
        package.install("hello", version)


@pytest.mark.parametrize("text", ["", "-v", "a|b", "a*", "$(x)", "x" * 200])
def test_what_is_no_text_to_search_for_is_refused(text: str, use: pytest.MonkeyPatch) -> None:
    take(use, FakeBackend([]))
    with pytest.raises(ValueError, match="text is"):
        package.search(text)


def test_a_dry_run_tells_the_plan_and_does_nothing(use: pytest.MonkeyPatch) -> None:
    backend = take(use, FakeBackend([step("install", "hello", "1", "")]))
    told = package.install("hello", dry_run=True)
    assert (told["changed"], told["actions"]) == (False, backend.plan)
    assert backend.done == []


def test_an_install_carries_out_its_plan_and_keeps_the_end_of_what_was_said(use: pytest.MonkeyPatch) -> None:
    backend = take(use, FakeBackend([step("install", "hello", "1", "")]))
    told = package.install("hello", "1")
    assert told["changed"]
    assert told["output"].endswith("xend")
    assert len(told["output"]) == 16 * 1024
    assert backend.done == ["install hello 1"]


def test_an_install_with_nothing_to_do_changes_nothing(use: pytest.MonkeyPatch) -> None:
    backend = take(use, FakeBackend([]))
    assert not package.install("hello")["changed"]
    assert backend.done == []


def test_an_install_that_would_remove_something_is_refused(use: pytest.MonkeyPatch) -> None:
    backend = take(use, FakeBackend([step("install", "a", "1", ""), step("remove", "b", "", "1")]))
    with pytest.raises(PackageError, match="installing a would remove b"):
        package.install("a")
    assert backend.done == []


def test_a_removal_takes_others_along_only_when_told_so(use: pytest.MonkeyPatch) -> None:
    plan = [step("remove", "yq", "", "3"), step("remove", "jq", "", "1")]
    backend = take(use, FakeBackend(plan, installed("jq")))
    with pytest.raises(PackageError, match="jq is needed by yq"):
        package.remove("jq")
    assert backend.done == []
    assert package.remove("jq", dry_run=True)["actions"] == plan
    assert backend.done == []
    assert package.remove("jq", dependents=True)["changed"]
    assert backend.done == ["remove jq False"]


def test_a_removal_that_would_install_something_is_refused(use: pytest.MonkeyPatch) -> None:
    backend = take(use, FakeBackend([step("install", "b", "1", "")], installed("a")))
    with pytest.raises(PackageError, match="removing a would install or change b"):
        package.remove("a", dependents=True)
    assert backend.done == []


def test_removing_what_is_not_there_is_no_change(use: pytest.MonkeyPatch) -> None:
    backend = take(use, FakeBackend([step("remove", "a", "", "1")]))
    assert not package.remove("a")["changed"]
    assert backend.done == []


def test_left_configuration_is_not_installed(use: pytest.MonkeyPatch) -> None:
    take(use, FakeBackend([], installed("a", "config-files")))
    assert package.status("a")["installed"] is False
    assert len(package.status("a")["instances"]) == 1


def test_a_list_says_how_many_there_are_beyond_its_limit(use: pytest.MonkeyPatch) -> None:
    take(use, FakeBackend([], installed("aa"), installed("ab"), installed("b")))
    told = package.list("a*", limit=1)
    assert (told["matched"], [one["name"] for one in told["packages"]]) == (2, ["aa"])
    assert package.search("text", limit=2)["matched"] == 3
    for limit in (0, 5000):
        with pytest.raises(ValueError, match="limit is"):
            package.list(limit=limit)


def test_without_a_package_manager_it_says_what_was_looked_for(use: pytest.MonkeyPatch) -> None:
    use.setattr(package, "find", lambda name: None)
    for ask in (package.activate, package.list, package.update_check):
        with pytest.raises(PackageError, match=r"neither dpkg-query .* nor rpm with dnf"):
            ask()


def test_rpm_has_no_purge() -> None:
    with pytest.raises(ValueError, match="purge is for dpkg"):
        rpm.Rpm().plan_remove("a", purge=True)


def test_the_file_with_its_limits_gives_changes_the_time_that_they_are_declared_to_need() -> None:
    file = Path(str(package.__file__)).with_name("plugin.toml")
    limits = read_options(file.read_bytes(), str(file)).limits(Limits())
    for change in (package.install, package.remove, package.update_check):
        assert declared(change).timeout == limits.call_timeout == CHANGE
