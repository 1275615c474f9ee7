"""A destructive method is asked about before ``matahari plugin run`` calls it on this machine."""

from __future__ import annotations

import io
import sys

import pytest

from matahari.shell.author.approval import approve, risk_here
from matahari.shell.base.outcome import CommandError, ExitStatus
from matahari.testing import MethodSpec

WIPE = MethodSpec(
    "wipe",
    {"properties": {"disk": {}, "pin": {}}, "x-positional": ["disk", "pin"]},
    effects={"destructive": True},
    sensitive=("pin",),
)


def test_a_method_that_is_not_declared_destructive_risks_nothing() -> None:
    assert risk_here("disks", MethodSpec("list", {}), (), {}) is None
    assert risk_here("disks", MethodSpec("list", {}, effects={"destructive": False}), (), {}) is None


def test_the_question_names_the_call_without_its_secrets() -> None:
    risk = risk_here("disks", WIPE, ("sda",), {"pin": "1234"})
    assert risk is not None
    assert risk.text.startswith('disks.wipe "sda" pin=*** is declared destructive, and would be called on 1 host: ')
    assert "1234" not in repr(risk)


def test_where_nobody_can_be_asked_it_is_refused_with_the_switch_that_allows_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    risk = risk_here("disks", WIPE, ("sda",), {})
    assert risk is not None
    with pytest.raises(CommandError, match=r"nobody can be asked here: add -y \(--yes\)") as caught:
        approve(risk)
    assert caught.value.status is ExitStatus.USAGE
