"""What a plugin says about itself."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from types import ModuleType

import pytest

from matahari.hostproto import Activation
from matahari.plugin import Context, context
from matahari.pluginhost.activity import Activity
from matahari.pluginhost.outcomes import load_failure
from matahari.pluginhost.selfcheck import SelfCheckFailed, activation, check_self, hook

TIMEOUT = 20


def module(source: str) -> ModuleType:
    made = ModuleType("sample_hooks")
    exec(source, made.__dict__)
    return made


@pytest.mark.parametrize(
    ("source", "is_hook"),
    [
        ("def activate(): pass", True),
        ("def activate(force=False): pass", True),
        ("async def activate(): pass", True),
        ("def activate(name): pass", False),
        ("activate = 5", False),
        ("class activate: pass", False),
        ("from os import getcwd as activate", False),
        ("__all__ = ['activate']\ndef activate(): pass", False),
        ("__all__ = ['other']\ndef activate(): pass", True),
        ("", False),
    ],
)
def test_a_function_of_the_name_that_needs_no_argument_is_the_plugins_word(source: str, is_hook: bool) -> None:
    assert (hook(module(source), "activate") is not None) is is_hook


async def _later() -> tuple[bool, str]:
    return False, "async"


@pytest.mark.parametrize("check", [lambda: None, lambda: True, lambda: 1, lambda: (True, "fine")])
def test_a_self_check_that_does_not_complain_passes(check: Callable[[], object]) -> None:
    check_self(check)


@pytest.mark.parametrize(
    ("check", "text"),
    [
        (lambda: False, "self_check() returned false"),
        (lambda: 0, "self_check() returned 0"),
        (lambda: (False, "no disks"), "no disks"),
        (lambda: dict[str, int]()["a"], "KeyError: 'a'"),
        (_later, "async"),
    ],
)
def test_a_self_check_that_fails_says_why(check: Callable[[], object], text: str) -> None:
    with pytest.raises(SelfCheckFailed) as caught:
        check_self(check)
    assert str(caught.value) == text


def test_a_self_check_that_raises_is_told_with_its_place() -> None:
    def check() -> None:
        raise SystemExit(3)

    with pytest.raises(SelfCheckFailed) as caught:
        check_self(check)
    failure = load_failure(caught.value, [__file__])
    assert (failure.error_type, failure.text, failure.file) == ("SelfCheckFailed", "SystemExit: 3", __file__)
    assert "raise SystemExit(3)" in failure.traceback


class Mute(Exception):
    def __str__(self) -> str:
        raise RuntimeError


def _raise(error: BaseException) -> Callable[[], object]:
    def function() -> object:
        raise error

    return function


@pytest.mark.parametrize(
    ("function", "answer"),
    [
        (lambda: True, (True, "")),
        (lambda: False, (False, "")),
        (lambda: (False, "no disks"), (False, "no disks")),
        (lambda: (True, None), (True, "")),
        (lambda: None, (False, "activate() returned null, neither true nor false")),
        (object, (False, "activate() returned object, neither true nor false")),
        (_raise(OSError("no /dev")), (False, "OSError: no /dev")),
        (_raise(Mute()), (False, "Mute")),
        (_raise(SystemExit()), (False, "SystemExit")),
        (lambda: (False, "\ud800" + "x" * 9999), (False, "\\ud800" + "x" * 1023)),
        (_later, (False, "async")),
    ],
)
def test_activate_gives_a_yes_or_a_no_with_a_reason(function: Callable[[], object], answer: tuple[bool, str]) -> None:
    assert activation(function) == answer


def test_a_plugin_without_activate_is_active() -> None:
    sent: queue.Queue[Activation] = queue.Queue()
    activity = Activity(None, Context("p"), sent.put)
    assert activity.first() == (True, "")
    activity.ask()
    assert sent.get(timeout=TIMEOUT) == Activation(True)


def test_questions_meanwhile_share_one_further_answer() -> None:
    sent: queue.Queue[Activation] = queue.Queue()
    asked, gate = threading.Semaphore(0), threading.Semaphore(0)

    def activate() -> tuple[bool, str]:
        asked.release()
        assert gate.acquire(timeout=TIMEOUT)
        return False, context().plugin

    activity = Activity(activate, Context("p"), sent.put)
    activity.ask()
    assert asked.acquire(timeout=TIMEOUT)
    for _ in range(10):
        activity.ask()
    gate.release(2)
    assert [sent.get(timeout=TIMEOUT) for _ in range(2)] == [Activation(False, "p")] * 2
    assert asked.acquire(timeout=TIMEOUT)
    assert not asked.acquire(blocking=False)
