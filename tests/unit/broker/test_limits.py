"""The limit of open files, with a system that only remembers it."""

from __future__ import annotations

import logging
import resource

import pytest

from matahari.broker import raise_descriptor_limit
from matahari.broker.limits import ENOUGH, MOST


class Limits:
    """Stands for the kernel."""

    def __init__(self, soft: int, hard: int) -> None:
        self.now = soft, hard

    def get(self, kind: int) -> tuple[int, int]:
        assert kind == resource.RLIMIT_NOFILE
        return self.now

    def set(self, kind: int, limits: tuple[int, int]) -> None:
        assert kind == resource.RLIMIT_NOFILE
        self.now = limits


@pytest.mark.parametrize(
    ("soft", "hard", "expected", "lines"),
    [
        (1024, 20_000, 20_000, ["raised the limit of open files from 1024 to 20000"]),
        (1024, 1 << 30, MOST, [f"raised the limit of open files from 1024 to {MOST}"]),
        (1024, resource.RLIM_INFINITY, MOST, [f"raised the limit of open files from 1024 to {MOST}"]),
        (20_000, 20_000, 20_000, []),
        (1 << 20, 1 << 20, 1 << 20, []),
        (ENOUGH, ENOUGH, ENOUGH, []),
        (256, 1024, 1024, ["raised the limit of open files from 256 to 1024", "at most 1024 files may be open"]),
        (256, 256, 256, ["at most 256 files may be open"]),
    ],
)
def test_the_soft_limit_goes_up_to_the_hard_one_and_a_low_one_is_named(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    soft: int,
    hard: int,
    expected: int,
    lines: list[str],
) -> None:
    limits = Limits(soft, hard)
    monkeypatch.setattr(resource, "getrlimit", limits.get)
    monkeypatch.setattr(resource, "setrlimit", limits.set)
    with caplog.at_level(logging.INFO, logger="matahari.broker"):
        assert raise_descriptor_limit() == expected
    assert limits.now == (expected, hard)
    found = [record.getMessage() for record in caplog.records]
    assert len(found) == len(lines)
    assert all(line.startswith(start) for line, start in zip(found, lines, strict=True))


def test_a_soft_limit_without_end_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = Limits(resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    monkeypatch.setattr(resource, "getrlimit", limits.get)
    monkeypatch.setattr(resource, "setrlimit", limits.set)
    assert raise_descriptor_limit() == MOST
    assert limits.now == (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
