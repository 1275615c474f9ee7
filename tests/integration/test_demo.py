"""The demo prints what the README says it prints."""

from __future__ import annotations

import difflib
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.node import TIME, environment

pytestmark = [pytest.mark.integration, pytest.mark.embedded, pytest.mark.together]

ROOT = Path(__file__).parents[2]


def test_the_transcript_in_the_readme_is_what_the_demo_prints() -> None:
    readme = (ROOT / "README.md").read_text()
    told = readme.partition("<!-- transcript of make demo")[2].partition("```\n")[2].partition("\n```")[0]
    done = subprocess.run(
        [sys.executable, ROOT / "examples" / "demo" / "run.py"],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=120 * TIME,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    expected, printed = _steady(told), _steady(done.stdout)
    assert printed == expected, "\n".join(difflib.unified_diff(expected, printed, "README", "demo", lineterm=""))


def _steady(text: str) -> list[str]:
    """Without what differs from machine to machine and run to run: its name, times and load."""
    text = text.strip().replace(f"{socket.gethostname()}", "vm")
    text = re.sub(r"\d+ ms", "N ms", text)
    return re.sub(r'"(1|5|15)": [\d.]+', r'"\1": N', text).splitlines()
