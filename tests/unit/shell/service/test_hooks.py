"""``matahari facts`` and ``matahari hooks``: what they say of extensions that could not be loaded."""

from __future__ import annotations

import argparse
import os
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


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    parser = argparse.ArgumentParser()
    add_fact_options(parser)
    status = facts(parser.parse_args(list(words)))
    said = capsys.readouterr()
    return status, said.out, said.err


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MATAHARI_HOOKS", str(tmp_path / "none"))
    monkeypatch.setenv("MATAHARI_FACTS", str(tmp_path / "none"))
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("kernel.relase", "; did you mean 'kernel.release'"),
        ("kernal", "; did you mean 'kernel'?"),
        ("release", "; did you mean 'kernel.release'?"),
        ("zz.qq", "\n"),
    ],
)
def test_a_fact_that_is_none_is_told_with_what_may_have_been_meant(
    capsys: pytest.CaptureFixture[str], name: str, meant: str
) -> None:
    status, out, err = run(capsys, name)
    assert (status, out) == (1, "")
    assert err.startswith(f"matahari: there is no fact '{name}'{meant}")


@pytest.mark.usefixtures("alone")
def test_of_several_names_those_that_are_facts_are_shown_and_the_others_named(
    capsys: pytest.CaptureFixture[str],
) -> None:
    status, out, err = run(capsys, "kernel.name", "kernel.nome")
    assert (status, out) == (1, 'kernel.name = "Linux"\n')
    assert err.startswith("matahari: there is no fact 'kernel.nome'; did you mean 'kernel.name'")


@pytest.mark.usefixtures("alone")
def test_the_fact_hostname_is_the_name_under_which_the_host_appears(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "--hostname", "alpha", "hostname", "kernel.hostname")
    assert status == 0
    assert out == f'hostname = "alpha"\nkernel.hostname = "{os.uname().nodename}"\n'
