"""The options of ``matahari tap``."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from matahari.shell.command import main
from matahari.shell.service import tap as module
from matahari.tap import WORDS, TapOptions


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[TapOptions]:
    """Options of the taps that were run; none really is."""
    seen: list[TapOptions] = []

    async def run_tap(address: object, options: TapOptions, *, out: int, err: int) -> int:
        seen.append(options)
        return 0

    monkeypatch.setattr(module, "run_tap", run_tap)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("MATAHARI_CONFIG", "")
    return seen


def test_without_options_everything_is_shown_and_secrets_are_not(given: list[TapOptions]) -> None:
    assert main(["tap"]) == 0
    [options] = given
    assert not options.show_secrets
    assert (options.as_json, options.full, options.record, options.count, options.duration) == (False,) * 2 + (
        None,
    ) * 3
    assert list(options.filters.opcodes) == []


def test_every_option_arrives(given: list[TapOptions]) -> None:
    words = "--agent a --agent b --host h --opcode call --opcode result --class C --method m --key k.# --only-errors"
    words += " --no-heartbeats --json --full --record r.json --count 5 --for 2.5 --show-secrets --insecure-anonymous"
    words += " --broker-kind qpid --virtual-host vhost:qmf"
    main(["tap", *words.split()])
    [options] = given
    filters = options.filters
    assert (filters.agents, filters.hosts, filters.opcodes) == (["a", "b"], ["h"], ["call", "result"])
    assert (filters.classes, filters.methods, filters.only_errors, filters.no_heartbeats) == (["C"], ["m"], True, True)
    assert [fits("k.x") for fits in filters.keys] == [True]
    assert (options.as_json, options.full, options.show_secrets, options.insecure_anonymous) == (True,) * 4
    assert (options.record, options.count, options.duration) == (Path("r.json"), 5, 2.5)
    assert (options.broker_kind, options.virtual_host) == ("qpid", "vhost:qmf")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--opcode", "shout"], "'shout' is no kind of message; there are locate, located, heartbeat"),
        (["--count", "0"], "'0' is not a number from 1"),
        (["--count", "x"], "'x' is not a number from 1"),
        (["--for", "-1"], "'-1' is not a number of seconds"),
        (["--for", "nan"], "'nan' is not a number of seconds"),
        (["--for", "x"], "'x' is not a number of seconds"),
    ],
)
def test_a_wrong_value_is_a_usage_error_that_says_what_is_right(
    given: list[TapOptions], capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["tap", *words])
    assert ended.value.code == 64
    assert said in capsys.readouterr().err
    assert given == []


def test_help_names_every_kind_of_message(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["tap", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    assert [word for word in WORDS if word not in text.replace("- ", "-")] == []


def test_a_stream_that_the_caller_closed_leads_nowhere() -> None:
    descriptor = module._descriptor(None)
    try:
        assert os.path.samestat(os.fstat(descriptor), os.stat(os.devnull))
    finally:
        os.close(descriptor)
