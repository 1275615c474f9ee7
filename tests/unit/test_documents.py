"""Documents say what is true: settings, links, decisions."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from matahari.config.declaration import TABLE, Setting

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


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_within_the_documents_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
        assert (page.parent / target).exists(), target


def test_decision_records_are_numbered_without_gaps() -> None:
    numbers = [int(path.name[:4]) for path in sorted((ROOT / "core" / "docs" / "adr").glob("*.md"))]
    assert numbers == list(range(1, len(numbers) + 1))
