"""The rules that keep several folders one namespace package."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[2]
PORTIONS = [
    folder for name in ("core", "rpcagent", "clients", "ruby-backend") if (folder := ROOT / name / "matahari").is_dir()
]


def packages() -> list[Path]:
    return [entry for portion in PORTIONS for entry in portion.iterdir() if entry.name != "__pycache__"]


def test_there_are_portions() -> None:
    assert {portion.parent.name for portion in PORTIONS} >= {"core", "rpcagent", "clients"}


def test_no_portion_claims_the_namespace() -> None:
    """One ``matahari/__init__.py`` hides all other folders."""
    assert [portion for portion in PORTIONS if (portion / "__init__.py").exists()] == []


def test_a_package_lives_in_exactly_one_folder() -> None:
    """With two of them the wheel cannot be built, and at run time the first on the path wins in silence."""
    assert [name for name, number in Counter(entry.name for entry in packages()).items() if number > 1] == []


def test_directly_below_the_namespace_are_only_typed_packages() -> None:
    """A lone module there has no types for users."""
    assert [entry for entry in packages() if not entry.is_dir()] == []
    assert [entry for entry in packages() if not (entry / "__init__.py").is_file()] == []
    assert [entry for entry in packages() if not (entry / "py.typed").is_file()] == []


def test_tests_are_no_package() -> None:
    assert list((ROOT / "tests").rglob("__init__.py")) == []
