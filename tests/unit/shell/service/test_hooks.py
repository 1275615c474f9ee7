"""``matahari facts`` and ``matahari hooks``: what they say of extensions that could not be loaded."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from matahari.shell.service.hooks import add_fact_options, facts


def test_an_extension_that_does_not_load_is_named_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "hooks"
    folder.mkdir(mode=0o755)
    (folder / "broken.py").write_text("1 / 0\n")
    monkeypatch.setenv("MATAHARI_HOOKS", str(folder))
    parser = argparse.ArgumentParser()
    add_fact_options(parser)
    assert facts(parser.parse_args(["none.of.these"])) != 0
    line = f"matahari: extension broken: ZeroDivisionError: division by zero ({folder}/broken.py:1)\n"
    assert line in capsys.readouterr().err
