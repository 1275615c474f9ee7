"""Precedence and faults of settings (matahari-2012.md 2, checklist 4 and 5)."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import pytest

from matahari.config import Settings, describe, load
from matahari.config.declaration import TABLE
from matahari.errors import ConfigError
from matahari.net import Address


def load_from(
    text: str = "",
    *,
    tmp_path: Path,
    cli: Mapping[str, object] | None = None,
    environ: Mapping[str, str] | None = None,
) -> Settings:
    """Settings from one file with ``text`` and the other layers, for a plain user whose home is ``tmp_path``."""
    file = tmp_path / "matahari.toml"
    file.write_text(text)
    variables = {"HOME": str(tmp_path), **(environ or {})}
    return load(cli or {}, environ=variables, files=[file], uid=1000)


def test_every_entry_of_the_table_is_a_field_and_the_other_way_round() -> None:
    fields = {field.name for field in dataclasses.fields(Settings)} - {"sources"}
    assert {setting.field for setting in TABLE} - {"port"} == fields
    assert len({setting.key for setting in TABLE}) == len(TABLE)


def test_each_layer_beats_the_ones_before_it(tmp_path: Path) -> None:
    text, environ, cli = 'log = "error"', {"MATAHARI_LOG": "warning"}, {"log_level": "debug"}
    assert load_from(tmp_path=tmp_path).log_level == "info"
    assert load_from(text, tmp_path=tmp_path).log_level == "error"
    assert load_from(text, tmp_path=tmp_path, environ=environ).log_level == "warning"
    settings = load_from(text, tmp_path=tmp_path, environ=environ, cli=cli)
    assert settings.log_level == "debug"
    assert settings.sources["log_level"] == "command line --log"


def test_an_empty_variable_counts_as_unset(tmp_path: Path) -> None:
    assert load_from('log = "error"', tmp_path=tmp_path, environ={"MATAHARI_LOG": ""}).log_level == "error"


def test_the_later_of_two_files_is_the_stronger(tmp_path: Path) -> None:
    for name, interval in (("a.toml", 7), ("b.toml", 9)):
        (tmp_path / name).write_text(
            f"[host]\nupdate_interval = {interval}\nallow_reboot = {'true' if interval == 7 else 'false'}"
        )
    settings = load(
        {}, environ={}, files=[tmp_path / "a.toml", tmp_path / "b.toml", tmp_path / "absent.toml"], uid=1000
    )
    assert settings.update_interval == 9
    assert settings.allow_reboot is False
    assert settings.sources["update_interval"] == str(tmp_path / "b.toml")


def test_nothing_is_allowed_by_default(tmp_path: Path) -> None:
    settings = load_from(tmp_path=tmp_path)
    assert (settings.allow_shutdown, settings.allow_reboot, settings.allow_identify) == (False, False, False)
    assert settings.insecure_anonymous is False
    assert settings.insecure_port is None
    assert settings.update_interval == 5


def test_a_programs_own_default_is_weaker_than_a_file(tmp_path: Path) -> None:
    file = tmp_path / "matahari.toml"
    file.write_text("")
    assert load({}, environ={}, files=[file], uid=1000, defaults={"log_level": "warning"}).log_level == "warning"
    file.write_text('log = "debug"')
    assert load({}, environ={}, files=[file], uid=1000, defaults={"log_level": "warning"}).log_level == "debug"


def test_verbose_goes_one_level_further_for_each_use(tmp_path: Path) -> None:
    levels = [load_from('log = "error"', tmp_path=tmp_path, cli={"verbose": steps}).log_level for steps in range(5)]
    assert levels == ["error", "warning", "info", "debug", "debug"]


@pytest.mark.parametrize(
    ("text", "key", "rule"),
    [
        ("[host]\nupdate_intervall = 3", "host.update_intervall", "did you mean host.update_interval?"),
        ("update_interval = 3", "update_interval", "did you mean host.update_interval?"),
        ("[hosts]\nallow_reboot = true", "hosts.allow_reboot", "did you mean host.allow_reboot?"),
        ("frobnicate = 3", "frobnicate", "known are"),
        ("[host]\nupdate_interval = -1", "host.update_interval", "from 0 to 86400, not -1"),
        ("[host]\nupdate_interval = true", "host.update_interval", "whole number"),
        ('[host]\nupdate_interval = "5"', "host.update_interval", "not '5'"),
        ('[host]\nallow_reboot = "yes"', "host.allow_reboot", "true or false, without quotes"),
        ("[plugins]\ncall_timeout = nan", "plugins.call_timeout", "number of seconds"),
        ("[plugins]\ncall_timeout = 0", "plugins.call_timeout", "from 0.05"),
        ('[plugins]\ndirectories = "/a"', "plugins.directories", 'as in ["/a"]'),
        ("[plugins]\ndirectories = []", "plugins.directories", "one or more paths"),
        ("[plugins]\ndirectories = [1]", "plugins.directories", "must be a path"),
        ('log = "loud"', "log", "error, warning, info, debug"),
        ('hostname = "two words"', "hostname", "without blanks"),
        ("port = 0", "port", "from 1 to 65535"),
        ('broker = "http://x"', "broker", "scheme"),
        ("broker = 5", "broker", "an address"),
        ('state = ""', "state", "must be a path"),
        ("insecure_anonymous = true", "insecure_anonymous", "from the command line only"),
        ("insecure_port = 5672", "insecure_port", "from the command line only"),
    ],
)
def test_a_wrong_line_is_refused_with_file_key_and_rule(tmp_path: Path, text: str, key: str, rule: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_from(text, tmp_path=tmp_path)
    assert caught.value.file == str(tmp_path / "matahari.toml")
    assert caught.value.key == key
    assert rule in str(caught.value)
    assert str(tmp_path / "matahari.toml") in str(caught.value)


@pytest.mark.parametrize(
    ("variable", "value", "rule"),
    [
        ("MATAHARI_PORT", "49_000", "whole number"),
        ("MATAHARI_PORT", "70000", "from 1 to 65535"),
        ("MATAHARI_RECONNECT", "perhaps", "yes or no"),
        ("MATAHARI_LOG", "loud", "error, warning"),
        ("MATAHARI_BROKER", "host:port", "port"),
        ("MATAHARI_PLUGINS", ":", "one or more paths"),
        ("MATAHARI_INSECURE_ANONYMOUS", "1", "from the command line only"),
    ],
)
def test_a_wrong_variable_is_refused_with_its_name(tmp_path: Path, variable: str, value: str, rule: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_from(tmp_path=tmp_path, environ={variable: value})
    assert (caught.value.file, caught.value.key) == ("environment", variable)
    assert rule in str(caught.value)


def test_a_wrong_option_is_refused_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="command line: --port: must be a whole number"):
        load_from(tmp_path=tmp_path, cli={"port": "many"})


def test_a_weaker_value_is_checked_although_it_is_overridden(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="loud"):
        load_from('log = "loud"', tmp_path=tmp_path, cli={"log_level": "debug"})


@pytest.mark.parametrize(
    ("content", "rule"),
    [(b"log = ", "not valid TOML"), (b"\xff", "not UTF-8"), (b"#" * ((1 << 20) + 1), "no configuration file")],
)
def test_a_file_that_is_no_configuration_is_refused(tmp_path: Path, content: bytes, rule: str) -> None:
    file = tmp_path / "matahari.toml"
    file.write_bytes(content)
    with pytest.raises(ConfigError, match=rule) as caught:
        load({}, environ={}, files=[file], uid=1000)
    assert caught.value.file == str(file)


def test_a_directory_in_the_files_place_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load({}, environ={}, files=[tmp_path], uid=1000)


class TestNamedFile:
    """``--config`` and ``MATAHARI_CONFIG`` replace the usual files."""

    def test_the_variable_names_a_file(self, tmp_path: Path) -> None:
        file = tmp_path / "own.toml"
        file.write_text('log = "error"')
        assert load({}, environ={"MATAHARI_CONFIG": str(file)}, uid=1000).log_level == "error"

    def test_the_option_beats_the_variable(self, tmp_path: Path) -> None:
        file = tmp_path / "own.toml"
        file.write_text('log = "debug"')
        environ = {"MATAHARI_CONFIG": str(tmp_path / "absent.toml")}
        assert load({"config": str(file)}, environ=environ, uid=1000).log_level == "debug"

    def test_a_named_file_must_exist(self, tmp_path: Path) -> None:
        absent = str(tmp_path / "absent.toml")
        with pytest.raises(ConfigError, match=r"environment: MATAHARI_CONFIG: .*does not exist"):
            load({}, environ={"MATAHARI_CONFIG": absent}, uid=1000)
        with pytest.raises(ConfigError, match=r"--config: .*does not exist"):
            load({"config": absent}, environ={}, uid=1000)

    def test_the_users_file_is_found_by_xdg(self, tmp_path: Path) -> None:
        folder = tmp_path / "matahari"
        folder.mkdir()
        (folder / "matahari.toml").write_text('hostname = "from-xdg"')
        environ = {"XDG_CONFIG_HOME": str(tmp_path)}
        assert load({}, environ=environ, uid=1000).hostname == "from-xdg"
        assert load({}, environ=environ, uid=0).hostname is None, (
            "root does not read a file that sudo may have kept in HOME"
        )


@pytest.mark.parametrize(
    ("text", "environ", "cli", "expected"),
    [
        ("", {}, {}, "unix:/own/bus.sock"),
        ("", {"MATAHARI_BROKER": "there"}, {}, "amqp://there:49000"),
        ("", {"MATAHARI_PORT": "5000"}, {}, "amqp://localhost:5000"),
        ("", {"MATAHARI_BROKER": "there", "MATAHARI_PORT": "5000"}, {}, "amqp://there:5000"),
        ("", {"MATAHARI_BROKER": "there:1", "MATAHARI_PORT": "5000"}, {}, "amqp://there:1"),
        ("", {"MATAHARI_BROKER": "[::1]", "MATAHARI_PORT": "5000"}, {}, "amqp://[::1]:5000"),
        ('broker = "amqps://filed"', {"MATAHARI_PORT": "5000"}, {}, "amqps://filed:5000"),
        ('broker = "filed:7"', {"MATAHARI_PORT": "5000"}, {}, "amqp://filed:5000"),
        ('broker = "unix:/x"', {"MATAHARI_PORT": "5000"}, {}, "amqp://localhost:5000"),
        ("port = 7", {"MATAHARI_BROKER": "unix:/x"}, {}, "unix:/x"),
        ("", {"MATAHARI_BROKER": "there:1"}, {"port": "5000"}, "amqp://there:5000"),
        ("", {"MATAHARI_BROKER": "there:1"}, {"broker": "here"}, "amqp://here:49000"),
        ("", {"MATAHARI_PORT": "5000"}, {"broker": "here"}, "amqp://here:5000"),
        ("", {"MATAHARI_PORT": "5000"}, {"broker": "here:2"}, "amqp://here:2"),
        ("", {"MATAHARI_BROKER": "there"}, {"broker": "unix:/y"}, "unix:/y"),
    ],
)
def test_the_brokers_address_is_made_of_address_port_and_socket(
    tmp_path: Path, text: str, environ: dict[str, str], cli: dict[str, object], expected: str
) -> None:
    """matahari-2012.md 2.2: the port alone means localhost; the stronger layer decides."""
    environ = {"MATAHARI_SOCKET": "/own/bus.sock", **environ}
    assert str(load_from(text, tmp_path=tmp_path, environ=environ, cli=cli).broker) == expected


def test_a_socket_and_a_port_in_one_place_contradict_each_other(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"environment: MATAHARI_PORT: .*not both"):
        load_from(tmp_path=tmp_path, environ={"MATAHARI_BROKER": "unix:/x", "MATAHARI_PORT": "1"})


def test_relative_paths_start_where_they_were_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    text = 'state = "mine"\n[plugins]\ndirectories = ["a", "~/b", "/c/../d", "a"]'
    settings = load_from(text, tmp_path=tmp_path, environ={"MATAHARI_SOCKET": "bus"})
    assert settings.state == tmp_path / "mine"
    assert settings.plugins == (tmp_path / "a", tmp_path / "b", Path("/d"))
    assert settings.socket == elsewhere / "bus"


def test_plugin_directories_are_a_path_list_in_the_environment(tmp_path: Path) -> None:
    assert load_from(tmp_path=tmp_path, environ={"MATAHARI_PLUGINS": "/a::/b"}).plugins == (Path("/a"), Path("/b"))
    assert load_from(tmp_path=tmp_path, cli={"plugins": ["/x", "/y"]}).plugins == (Path("/x"), Path("/y"))


def test_the_custom_uuid_lives_in_the_state_directory_unless_told_otherwise(tmp_path: Path) -> None:
    assert load_from(tmp_path=tmp_path, cli={"state": "/s"}).custom_uuid_file == Path("/s/custom-uuid")
    assert load_from('[host]\ncustom_uuid_file = "/f"', tmp_path=tmp_path).custom_uuid_file == Path("/f")


def test_insecure_options_work_from_the_command_line(tmp_path: Path) -> None:
    assert load_from(tmp_path=tmp_path, cli={"insecure_anonymous": True}).insecure_anonymous is True
    assert load_from(tmp_path=tmp_path, cli={"insecure_port": "0"}).insecure_port == 0


def test_entries_of_the_command_line_that_are_no_settings_are_left_alone(tmp_path: Path) -> None:
    assert load_from(tmp_path=tmp_path, cli={"command": "up", "json": True}).broker.scheme == "unix"


def test_describe_shows_each_value_and_its_origin(tmp_path: Path) -> None:
    text = '[host]\nallow_reboot = true\n[plugins]\ncall_timeout = 2.5\ndirectories = ["/a\\"b"]'
    settings = load_from(text, tmp_path=tmp_path, environ={"MATAHARI_BROKER": "there"}, cli={"hostname": "web1"})
    lines = describe(settings).splitlines()
    file = tmp_path / "matahari.toml"
    assert 'broker = "amqp://there:49000"  # environment MATAHARI_BROKER' in lines
    assert f"host.allow_reboot = true  # {file}" in lines
    assert f"plugins.call_timeout = 2.5  # {file}" in lines
    assert f'plugins.directories = ["/a\\"b"]  # {file}' in lines
    assert 'hostname = "web1"  # command line --hostname' in lines
    assert "insecure_port = (not set)  # default" in lines
    assert len(lines) == len(TABLE) - 1, "the port is part of the address"


def test_settings_hold_a_parsed_address(tmp_path: Path) -> None:
    assert load_from(tmp_path=tmp_path, cli={"broker": "h:1"}).broker == Address("amqp", host="h", port=1)


def test_extensions_facts_and_audit_have_their_defaults_and_can_be_set(tmp_path: Path) -> None:
    settings = load_from(tmp_path=tmp_path)
    folder = tmp_path / ".config/matahari"
    assert (settings.hooks, settings.facts) == (folder / "hooks", (folder / "facts.d",))
    assert (settings.audit, settings.authorisation, settings.facts_interval) == ("required", "broker", 60.0)
    text = """
[agent]
audit = "on"
authorisation = "owner"
[hooks]
directory = "my-hooks"
[facts]
directories = ["one", "/two"]
interval = 5
"""
    settings = load_from(text, tmp_path=tmp_path)
    assert (settings.hooks, settings.facts) == (tmp_path / "my-hooks", (tmp_path / "one", Path("/two")))
    assert (settings.audit, settings.authorisation, settings.facts_interval) == ("on", "owner", 5.0)
    cli = {"audit": "off", "hooks": "/h", "facts": ["/a", "/b"]}
    settings = load_from(text, tmp_path=tmp_path, cli=cli)
    assert (settings.audit, settings.hooks, settings.facts) == ("off", Path("/h"), (Path("/a"), Path("/b")))


def test_a_way_of_audit_that_there_is_not_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="must be one of required, on, off"):
        load_from('[agent]\naudit = "maybe"', tmp_path=tmp_path)


@pytest.mark.parametrize("memory", [1, 63])
def test_no_plugin_is_given_less_memory_than_a_worker_needs(tmp_path: Path, memory: int) -> None:
    with pytest.raises(ConfigError, match="must be 0, for no bound, or at least 64 MiB"):
        load_from(f"[plugins]\nmemory = {memory}\n", tmp_path=tmp_path)
    assert load_from("[plugins]\nmemory = 0\n", tmp_path=tmp_path).plugin_memory == 0
