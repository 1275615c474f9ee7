"""Options of the test run."""

from __future__ import annotations

import pytest

from tests.support import buses


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--bus",
        choices=buses.KINDS,
        default=buses.KINDS[0],
        help="the kind of broker under the integration tests; tests of the embedded one itself run on no other",
    )


def pytest_configure(config: pytest.Config) -> None:
    buses.choose(config.getoption("--bus"))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    kind = config.getoption("--bus")
    elsewhere = [one for one in buses.KINDS if one != kind]
    wanted = [item for item in items if not any(item.get_closest_marker(one) for one in elsewhere)]
    config.hook.pytest_deselected(items=[item for item in items if item not in wanted])
    items[:] = wanted
