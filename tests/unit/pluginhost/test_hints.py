"""Guesses from source: what is typed is found, and ordinary code is not taken for it."""

from __future__ import annotations

import pytest

from matahari.pluginhost import seems_typed
from tests.support.plugins import TIME

TYPED = [
    "from dataclasses import dataclass\n\n@dataclass\nclass Point:\n    x: int\n",
    "import dataclasses\n\n@dataclasses.dataclass(frozen=True)\nclass Point:\n    x: int\n",
    "class Size(TypedDict):\n    width: int\n",
    "class Size(typing.TypedDict, total=False):\n    width: int\n",
    "class Colour(Enum):\n    RED = 1\n",
    "class Colour(str, enum.Enum):\n    RED = 1\n\ndef paint(colour: Colour): ...\n",
    "class Level(enum.IntEnum):\n    LOW = 1\n",
    "class Pair(NamedTuple):\n    left: int\n",
    "from pydantic import Field\n",
    "def copy(source: Path): ...\n",
    "def copy(source: pathlib.Path): ...\n",
    "def copy(source: 'Path'): ...\n",
    "def when() -> datetime:\n",
    "def when() -> datetime.datetime:\n",
    "def wait(until: datetime | None = None): ...\n",
    "def wait(until: None | datetime = None): ...\n",
    "def take(sizes: list[Decimal]): ...\n",
    "def take(sizes: tuple[int, str]): ...\n",
    "def set_port(port: Annotated[int, Field(ge=1)]): ...\n",
    "def read() -> bytes: ...\n",
]
PLAIN = [
    "",
    "def nothing():\n    return None\n",
    "import datetime\n\ndef now():\n    return datetime.datetime.now().isoformat()\n",
    "import time\n\ndef wait(seconds: float) -> None:\n    if seconds: time.sleep(seconds)\n    else: time.sleep(1)\n",
    "from pathlib import Path\n\ndef names(folder: str) -> list[str]:\n    return [str(p) for p in Path(folder).iterdir()]\n",
    "def pick(colours: list[str], by: dict[str, int]) -> str | None:\n    return {1: tuple(colours)}[1][0]\n",
    "key = lambda value: bytes(value)\n",
    "class Base(Exception):\n    pass\n",
]


@pytest.mark.parametrize("source", TYPED)
def test_types_that_json_has_not_are_found(source: str) -> None:
    assert seems_typed([b"import os\n", source.encode()])


@pytest.mark.parametrize("source", PLAIN)
def test_ordinary_code_is_not_taken_for_types(source: str) -> None:
    assert not seems_typed([source.encode()])


def test_only_the_beginning_of_very_much_source_is_read() -> None:
    filler = b"# nothing here\n" * 100_000
    assert not seems_typed([filler, TYPED[0].encode()])
    assert seems_typed([TYPED[0].encode(), filler])


HOSTILE = [b"a" * 500_000, b" " * 500_000, b"a: " * 200_000, b"x." * 250_000, b"-> a." * 100_000, b"class a(" * 60_000]


@pytest.mark.timeout(30 * TIME)
@pytest.mark.parametrize("source", HOSTILE)
def test_hostile_source_is_soon_read(source: bytes) -> None:
    """Whoever reads it again and again, from each of its places, is not done within the limit."""
    assert not seems_typed([source])
