"""What an agent keeps across restarts: instance and epoch (qmf2.md 3.11)."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest

from matahari.agent import next_start
from matahari.errors import ConfigError

KNOWN = "12345678-1234-5678-1234-567812345678"


def test_the_first_start_makes_an_instance_and_counts_from_one(tmp_path: Path) -> None:
    instance, epoch = next_start(tmp_path)
    assert str(uuid.UUID(instance)) == instance
    assert epoch == 1


def test_each_start_keeps_the_instance_and_counts_on(tmp_path: Path) -> None:
    first, _ = next_start(tmp_path)
    assert [next_start(tmp_path) for _ in range(3)] == [(first, 2), (first, 3), (first, 4)]


def test_two_agents_are_two_instances(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()
    assert next_start(one)[0] != next_start(two)[0]


def test_after_4095_the_count_begins_again(tmp_path: Path) -> None:
    (tmp_path / "agent").write_text(f"{KNOWN} 4095\n")
    assert next_start(tmp_path) == (KNOWN, 1)


@pytest.mark.parametrize("number", ["0", "-7", "100000"])
def test_a_strange_count_comes_back_into_its_range(tmp_path: Path, number: str) -> None:
    (tmp_path / "agent").write_text(f"{KNOWN} {number}")
    instance, epoch = next_start(tmp_path)
    assert instance == KNOWN
    assert 1 <= epoch <= 4095


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        b"\n",
        b"no uuid here",
        KNOWN.encode(),
        f"{KNOWN} one".encode(),
        f"{KNOWN} 1 2".encode(),
        b"\xff\xfe\x00",
        b"x 1",
    ],
)
def test_a_damaged_file_gives_a_new_agent_and_is_replaced(tmp_path: Path, damaged: bytes) -> None:
    (tmp_path / "agent").write_bytes(damaged)
    instance, epoch = next_start(tmp_path)
    assert instance != KNOWN
    assert epoch == 1
    assert next_start(tmp_path) == (instance, 2)


def test_nothing_but_the_record_stays_behind(tmp_path: Path) -> None:
    next_start(tmp_path)
    next_start(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["agent"]


def test_a_directory_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="missing/agent") as caught:
        next_start(tmp_path / "missing")
    assert caught.value.key == "state"


def test_a_record_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "agent").mkdir()
    with pytest.raises(ConfigError, match=r"cannot read .*agent"):
        next_start(tmp_path)


def test_a_record_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "agent.new").mkdir()
    with pytest.raises(ConfigError, match=r"cannot write .*agent"):
        next_start(tmp_path)
