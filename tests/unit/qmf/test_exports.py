"""What the room offers to others."""

from __future__ import annotations

from matahari import qmf


def test_all_that_is_promised_is_there() -> None:
    assert all(hasattr(qmf, name) for name in qmf.__all__)
    assert len(set(qmf.__all__)) == len(qmf.__all__)
