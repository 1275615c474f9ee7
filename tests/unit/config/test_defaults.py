"""Default paths by user and installation."""

from __future__ import annotations

from pathlib import Path

from matahari.config.defaults import configuration_files, default_paths, find_checkout

NOBODY = 987_654_321  # has no entry in the user database


def test_root_uses_the_systems_folders() -> None:
    paths = default_paths(0, {"HOME": "/root", "XDG_STATE_HOME": "/x"}, None)
    assert paths.socket == Path("/run/matahari/bus.sock")
    assert paths.state == Path("/var/lib/matahari")
    assert paths.plugins == Path("/usr/lib/matahari/plugins")
    assert (paths.hooks, paths.facts) == (Path("/etc/matahari/hooks"), Path("/etc/matahari/facts.d"))


def test_a_plain_user_uses_the_xdg_folders() -> None:
    environ = {"HOME": "/home/u", "XDG_RUNTIME_DIR": "/run/user/7", "XDG_STATE_HOME": "/st", "XDG_DATA_HOME": "/da"}
    paths = default_paths(NOBODY, environ, None)
    assert paths.socket == Path("/run/user/7/matahari/bus.sock")
    assert paths.state == Path("/st/matahari")
    assert paths.plugins == Path("/da/matahari/plugins")


def test_extensions_and_facts_are_beside_the_configuration_file() -> None:
    for environ, folder in (
        ({"HOME": "/home/u"}, Path("/home/u/.config/matahari")),
        ({"HOME": "/home/u", "XDG_CONFIG_HOME": "/cf"}, Path("/cf/matahari")),
    ):
        paths = default_paths(NOBODY, environ, None)
        assert (paths.hooks, paths.facts) == (folder / "hooks", folder / "facts.d")
        assert folder == configuration_files(NOBODY, environ)[-1].parent


def test_root_takes_extensions_from_nobodys_home() -> None:
    paths = default_paths(0, {"HOME": "/home/u", "XDG_CONFIG_HOME": "/home/u/.config"}, None)
    assert paths.hooks == Path("/etc/matahari/hooks")


def test_without_xdg_variables_the_home_folder_serves() -> None:
    paths = default_paths(NOBODY, {"HOME": "/home/u", "XDG_STATE_HOME": "relative"}, None)
    assert paths.socket == Path(f"/tmp/matahari-{NOBODY}/bus.sock")
    assert paths.state == Path("/home/u/.local/state/matahari")


def test_a_user_without_a_home_still_has_a_state_directory() -> None:
    assert default_paths(NOBODY, {}, None).state == Path(f"/tmp/matahari-{NOBODY}/.local/state/matahari")


def test_a_checkout_brings_its_own_plugins() -> None:
    checkout = Path("/src/matahari")
    assert default_paths(0, {}, checkout).plugins == checkout / "plugins"
    assert default_paths(NOBODY, {"HOME": "/h"}, checkout).plugins == checkout / "plugins"


def test_this_checkout_is_recognised() -> None:
    assert find_checkout() == Path(__file__).parents[3]


def test_root_reads_the_systems_file_only() -> None:
    assert configuration_files(0, {"HOME": "/home/u"}) == [Path("/etc/matahari/matahari.toml")]
    own = Path("/home/u/.config/matahari/matahari.toml")
    assert configuration_files(NOBODY, {"HOME": "/home/u"}) == [Path("/etc/matahari/matahari.toml"), own]
    assert configuration_files(NOBODY, {}) == [Path("/etc/matahari/matahari.toml")]
