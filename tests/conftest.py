"""Options of the test run."""

from __future__ import annotations

import logging
import os
import platform
import signal
from collections.abc import Iterator

import pytest

from tests.support import buses

_LEFT_OUT = pytest.StashKey[dict[str, int]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--bus",
        choices=buses.KINDS,
        default=buses.KINDS[0],
        help="the kind of broker under the integration tests; tests of the embedded one itself run on no other",
    )


def pytest_configure(config: pytest.Config) -> None:
    buses.choose(config.getoption("--bus"))
    # Behind `nohup` and a shell's `&` these are ignored, by whatever a test starts too.
    for number in (signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what cannot be here, each with its reason; what is merely missing fails."""
    kind = config.getoption("--bus")
    reasons = {one: f"only for --bus {one}" for one in buses.KINDS if one != kind}
    if os.geteuid() != 0:
        reasons["root"] = "only for root"
    if platform.machine() != "x86_64":
        reasons["x86_64"] = "only on x86_64"
    left_out = {reason: [one for one in items if one.get_closest_marker(name)] for name, reason in reasons.items()}
    config.stash[_LEFT_OUT] = {reason: len(some) for reason, some in left_out.items() if some}
    unwanted = {id(one) for some in left_out.values() for one in some}
    config.hook.pytest_deselected(items=[one for one in items if id(one) in unwanted])
    items[:] = [one for one in items if id(one) not in unwanted]


def pytest_report_collectionfinish(config: pytest.Config) -> list[str]:
    return [f"left out, {reason}: {number} tests" for reason, number in config.stash.get(_LEFT_OUT, {}).items()]


@pytest.fixture(autouse=True)
def _restored_logging() -> Iterator[None]:
    """A program that a test runs within its own process sets up logging, which must not reach the next test."""
    root, ours = logging.getLogger(), logging.getLogger("matahari")
    handlers, levels = list(root.handlers), (root.level, ours.level)
    yield
    root.handlers[:] = handlers
    root.setLevel(levels[0])
    ours.setLevel(levels[1])
