"""``NAME.toml``: what it may say, and how it is told what is wrong with it."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest

from matahari.errors import ConfigError
from matahari.rpcagent import Limits
from matahari.rpcagent.limits import MIB
from matahari.rpcagent.options import MAX_OPTIONS, find_options, read_options

FILE = "/p/disks.toml"


def test_limits_take_the_place_of_the_defaults_and_the_rest_stays() -> None:
    options = read_options(b"[limits]\nconcurrency = 2\ncall_timeout = 300\nmemory = 64\n", FILE)
    limits = options.limits(Limits(queue=7))
    assert (limits.concurrency, limits.call_timeout, limits.memory, limits.queue) == (2, 300.0, 64 * MIB, 7)


def test_calls_in_an_old_version_get_as_long_as_a_call_may_take() -> None:
    assert read_options(b"[limits]\ncall_timeout = 300\n", FILE).limits(Limits()).drain_timeout == 300.0
    both = read_options(b"[limits]\ncall_timeout = 300\ndrain_timeout = 5\n", FILE)
    assert both.limits(Limits()).drain_timeout == 5.0


def test_settings_become_json_and_dates_become_texts() -> None:
    options = read_options(b'[settings]\nday = 2026-01-02\nlevels = [1, 2.5, true]\n[settings.db]\nname = "x"\n', FILE)
    assert options.settings == {"day": "2026-01-02", "levels": [1, 2.5, True], "db": {"name": "x"}}


def test_the_environment_is_kept_in_the_order_of_names() -> None:
    options = read_options(b'[limits.environment]\nB = "2"\nA = "1"\n', FILE)
    assert options.limits(Limits()).environment == (("A", "1"), ("B", "2"))


def test_the_user_of_the_agent_is_a_user() -> None:
    name = pwd.getpwuid(os.geteuid()).pw_name
    assert read_options(f'[limits]\nuser = "{name}"\n'.encode(), FILE).limits(Limits()).user == name


def test_an_empty_file_says_nothing_but_is_another_than_none() -> None:
    options = read_options(b"", FILE)
    assert (dict(options.overrides), dict(options.settings)) == ({}, {})
    assert options.digest.startswith("sha256:")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[limits]\nconcurency = 1", "limits.concurency: there is no such limit; did you mean concurrency?"),
        ("[limits]\nconcurrency = 0", "limits.concurrency: must be a whole number from 1 to 256, not 0; correct it"),
        ("[limits]\ncall_timeout = '5'", "limits.call_timeout: must be a number of seconds from 0.05 to 86400"),
        ("[limits]\nuser = 'no-such-user-here'", "limits.user: there is no user 'no-such-user-here' on this host"),
        ("[limits]\nenvironment = 'A=1'", "limits.environment: must be a table of texts, as in environment = {"),
        ("[limits.environment]\n'A B' = '1'", "limits.environment.A B: a variable's name has letters, digits and _"),
        ("[limits.environment]\nA = 1", "limits.environment.A: must be a text of at most 4096 bytes, in quotes, not 1"),
        ("concurrency = 1", "concurrency: there are only the tables [limits] and [settings]; write it below [limits]"),
        ("[limit]\nqueue = 1", "limit: there are only the tables [limits] and [settings]; did you mean limits?"),
        ("limits = 1", "limits: must be a table; write [limits] on a line of its own"),
        ("[settings]\nx = inf", "settings.x: must be a finite number, not inf; JSON has no other"),
        ("[settings\nx = 1", "is not valid TOML: "),
        ("[settings]\nx = " + 20 * "[" + 20 * "]", "is nested deeper than 16 levels; make it flatter"),
    ],
)
def test_a_fault_is_told_with_file_key_rule_and_remedy(text: str, expected: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_options(text.encode(), FILE)
    assert str(caught.value).startswith(f"{FILE}: ")
    assert expected in str(caught.value)


def test_what_is_no_text_or_too_long_is_refused() -> None:
    with pytest.raises(ConfigError, match="is not UTF-8 text; save it as such"):
        read_options(b"\xff", FILE)
    with pytest.raises(ConfigError, match=f"has more than {MAX_OPTIONS} bytes"):
        read_options(b" " * (MAX_OPTIONS + 1), FILE)
    with pytest.raises(ConfigError, match="has 65 variables, at most 64 are allowed"):
        read_options(b"[limits.environment]\n" + b"".join(b"A%d = ''\n" % n for n in range(65)), FILE)


def test_the_file_lies_beside_the_plugin_or_in_its_folder(tmp_path: Path) -> None:
    plugin = tmp_path / "disks.py"
    folder = tmp_path / "shop"
    folder.mkdir()
    assert (find_options(plugin), find_options(folder)) == (None, None)
    (tmp_path / "disks.toml").touch()
    (folder / "plugin.toml").touch()
    assert find_options(plugin) == tmp_path / "disks.toml"
    assert find_options(folder) == folder / "plugin.toml"
    (tmp_path / "shop.toml").touch()
    assert find_options(folder) == tmp_path / "shop.toml"


@pytest.mark.parametrize("memory", [1, 5, 63])
def test_a_plugin_is_not_given_less_memory_than_its_worker_needs(memory: int) -> None:
    with pytest.raises(ConfigError, match=r"limits\.memory.* at least 64 MiB"):
        read_options(f"[limits]\nmemory = {memory}\n".encode(), FILE)


@pytest.mark.parametrize("memory", [0, 64])
def test_no_bound_and_the_least_memory_are_allowed(memory: int) -> None:
    assert read_options(f"[limits]\nmemory = {memory}\n".encode(), FILE).overrides["memory"] == memory * 1024 * 1024
