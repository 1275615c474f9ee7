"""Every code block of the guide on writing plugins: files are loaded by a real node, commands say what the page says."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

import pytest

from matahari.console.sync import Console
from tests.support.guide import Block, blocks, commands, says
from tests.support.node import BIN, TIME, Box, box, environment

pytestmark = [pytest.mark.integration, pytest.mark.embedded, pytest.mark.together]

PAGE = Path(__file__).parents[2] / "core" / "docs" / "guide" / "plugins.md"


def run(node: Box, words: list[str]) -> str:
    """Standard output of a command, or what it said on standard error when that is all."""
    env = environment(
        XDG_CONFIG_HOME=str(node.home),
        XDG_STATE_HOME=str(node.home),
        MATAHARI_BROKER=node.address,
        PATH=f"{BIN}{os.pathsep}{os.environ['PATH']}",
    )
    done = subprocess.run(
        words, cwd=node.plugins, env=env, capture_output=True, text=True, timeout=120 * TIME, check=False
    )
    return done.stdout or done.stderr


def save(node: Box, console: Console, block: Block) -> None:
    """Save a file of the page; a plugin must then be in service, with what belongs to it."""
    path = node.plugins / block.file
    path.parent.mkdir(exist_ok=True)
    path.write_text(block.text)
    if block.language == "python" and path.parent == node.plugins:
        digest = f"sha256:{hashlib.sha256(block.text.encode()).hexdigest()}"
        values = node.wait_plugin(
            console,
            path.stem,
            lambda values: (values["digest"] == digest and values["state"] == "ready") or bool(values["last_error"]),
        )
        assert values["state"] == "ready", f"{PAGE}:{block.line}: {values['last_error']!r}"


def test_every_block_of_the_page_does_what_it_says() -> None:
    with box() as node, node.up("--hostname", "alpha"), node.connect() as console:
        for block in blocks(PAGE):
            place = f"{PAGE.name}:{block.line}"
            if block.language == "console":
                for command in commands(block):
                    output = run(node, command.words)
                    assert says(output, command.output), f"{place}: {command.words} said:\n{output}"
            else:
                assert block.language in ("python", "toml"), f"{place}: nobody runs a block of {block.language!r}"
                assert block.file, f"{place}: a block of {block.language} needs the name of its file"
                save(node, console, block)


@pytest.mark.parametrize(
    ("output", "expected", "holds"),
    [
        ("a\nb\n", ["a", "b"], True),
        ("a\n", ["a", "b"], False),
        ("a b c\n", ["a ... c"], True),
        ("a b\n", ["a ... c"], False),
        ("x\ny\nend\n", ["...", "end"], True),
        ("end\n", ["...", "end"], True),
        ("a.c\n", ["a.c"], True),
        ("abc\n", ["a.c"], False),
    ],
)
def test_output_is_compared_to_the_letter_but_for_dots(output: str, expected: list[str], holds: bool) -> None:
    assert says(output, expected) is holds
