"""Every numbered point of qmf2.md sections 6 and 7 has a test with its number in the name.

None is left out because it could not be tested. Those about the inside of other programs have a test of our side of
it: what we never send them (quirks 1, 4 to 11, 13), or what we take from them (2, 12, 14 to 18 and all of libqmf2's).
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

NAMES = re.findall(
    r"^def (test_(?:quirk|need)_\w+)",
    "\n".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py")),
    re.MULTILINE,
)
LISTS = {"6_1": 7, "6_2": 8, "6_3": 4}
CHECKLISTS = {"6_4": 10, "6_5": 9}


@pytest.mark.parametrize("number", range(1, 42))
def test_a_quirk_has_a_test(number: int) -> None:
    assert any(name.startswith(f"test_quirk_{number:02}_") for name in NAMES)


@pytest.mark.parametrize("point", [f"{part}_{n}" for part, last in LISTS.items() for n in range(1, last + 1)])
def test_a_need_has_a_test(point: str) -> None:
    assert any(name.startswith(f"test_need_{point}_") for name in NAMES)


@pytest.mark.parametrize("point", [f"{part}_{n:02}" for part, last in CHECKLISTS.items() for n in range(1, last + 1)])
def test_a_line_of_a_checklist_has_a_test(point: str) -> None:
    assert any(name.startswith(f"test_need_{point}_") for name in NAMES)


@pytest.mark.parametrize("section", ["6_6", "6_7"])
def test_a_section_without_numbers_has_tests(section: str) -> None:
    assert sum(name.startswith(f"test_need_{section}_") for name in NAMES) >= 2


def test_a_test_has_a_number_that_there_is() -> None:
    quirks = {int(found[1]) for name in NAMES if (found := re.match(r"test_quirk_(\d+)_", name))}
    assert quirks == set(range(1, 42))
    assert len(NAMES) == len(set(NAMES))
