"""Documents say what is true: settings, links, decisions."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

import pytest

from matahari.config.declaration import TABLE, Setting
from matahari.net.address import DEFAULT_PORT
from matahari.shell import command, mhsh

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "plugins" / "README.md", *(ROOT / "core" / "docs").rglob("*.md")])


@pytest.mark.parametrize("setting", TABLE, ids=lambda setting: setting.field)
def test_every_setting_is_in_the_guide_with_its_option_and_default(setting: Setting) -> None:
    page = (ROOT / "core" / "docs" / "guide" / "settings.md").read_text()
    [line] = [line for line in page.splitlines() if line.startswith(f"| `{setting.key}` |")]
    for flag in setting.flags:
        assert f"`{flag}`" in line
    assert setting.help in line
    if isinstance(setting.default, int | float) and not isinstance(setting.default, bool):
        assert f"(default `{setting.default}`)" in line


@pytest.mark.parametrize("page", ["README.md", "core/docs/guide/settings.md"])
def test_the_port_of_an_address_without_one_is_told(page: str) -> None:
    assert f"port {DEFAULT_PORT}" in (ROOT / page).read_text()


@pytest.mark.parametrize("program", ["mhsh", "tap"])
def test_every_option_of_a_client_is_in_its_guide(program: str, capsys: pytest.CaptureFixture[str]) -> None:
    page = (ROOT / "core" / "docs" / "guide" / f"{program}.md").read_text()
    with contextlib.suppress(SystemExit):
        mhsh.main(["--help"]) if program == "mhsh" else command.main(["tap", "--help"])
    usage = capsys.readouterr().out.partition("\n\n")[0]
    shared = {flag for setting in TABLE for flag in setting.flags} | {"--config", "-v", "--verbose"}
    flags = set(re.findall(r"\[(--?[a-z-]+)", usage)) - (set() if program == "mhsh" else shared | {"-h"})
    assert len(flags) > 8
    assert [flag for flag in sorted(flags) if f"`{flag}" not in page] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_within_the_documents_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
        assert (page.parent / target).exists(), target


def test_decision_records_are_numbered_without_gaps() -> None:
    numbers = [int(path.name[:4]) for path in sorted((ROOT / "core" / "docs" / "adr").glob("*.md"))]
    assert numbers == list(range(1, len(numbers) + 1))
