"""Shipped plugins are tested by importing them, within a call."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from matahari.plugin import Context, running


@pytest.fixture(autouse=True)
def call() -> Iterator[Context]:
    """The call that runs during the test, without a time limit."""
    with running(Context("shipped")) as made:
        yield made
