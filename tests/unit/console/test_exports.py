"""What the console offers: names that are imported when they are first used, and are there all the same."""

from __future__ import annotations

from types import ModuleType
from typing import get_args

import pytest

import matahari.console
from matahari import qmf
from matahari.console import sync

FACES = pytest.mark.parametrize("face", [matahari.console, sync, qmf])


@FACES
def test_all_that_is_promised_is_there_and_is_listed(face: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in face.__all__:
        if name in face._HOMES:
            monkeypatch.delitem(vars(face), name, raising=False)  # as before its first use
        assert getattr(face, name) is getattr(face, name)
    assert dir(face) == sorted(face.__all__)


@FACES
def test_only_names_that_are_offered_are_imported_late(face: ModuleType) -> None:
    assert set(face._HOMES) <= set(face.__all__)


@FACES
def test_a_name_that_is_not_offered_is_no_attribute(face: ModuleType) -> None:
    with pytest.raises(AttributeError, match="has no attribute 'Nosuch'"):
        _ = face.Nosuch


@pytest.mark.parametrize("name", ["HostChoice", "Report", "Told"])
def test_a_type_that_is_offered_can_be_part_of_another_one_at_run_time(name: str) -> None:
    """As in a program without ``from __future__ import annotations``, or one whose annotations are read."""
    for face in (matahari.console, sync):
        assert type(None) in get_args(getattr(face, name) | None)
