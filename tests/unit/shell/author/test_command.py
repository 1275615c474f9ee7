"""The command line of ``matahari plugin``."""

from __future__ import annotations

import argparse

import pytest

from matahari.shell.author.command import add_plugin_commands


def test_of_a_call_without_a_method_the_method_alone_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    add_plugin_commands(parser)
    with pytest.raises(SystemExit):
        parser.parse_args(["run", "calc.py"])
    assert capsys.readouterr().err.endswith("are required: METHOD\n")
    assert parser.parse_args(["run", "calc.py", "now"]).words == []
    assert parser.parse_args(["run", "calc.py", "add", "1", "y=2"]).words == ["1", "y=2"]
