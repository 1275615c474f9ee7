"""The blocking face has the names and parameters of the asynchronous one."""

from __future__ import annotations

import inspect

import pytest

import matahari.console
from matahari.console import sync

#: What only one of the faces needs.
OWN = {
    "__aenter__",
    "__aexit__",
    "__aiter__",
    "__anext__",
    "__enter__",
    "__exit__",
    "__iter__",
    "__next__",
    "__await__",
}


def test_both_faces_offer_the_same_names() -> None:
    """Records and the like are the very same ones, so that a program imports from one face alone."""
    assert set(sync.__all__) == set(matahari.console.__all__) - {"Connecting"}  # what there is to be awaited
    for name in ("Batch", "Host", "Output", "Progress", "Result", "Results", "Selection", "Summary", "group_values"):
        assert getattr(sync, name) is getattr(matahari.console, name)


@pytest.mark.parametrize("name", ["Call", "Console", "EventStream", "Objects", "Plugin", "RunningCall", "Subscription"])
def test_both_faces_offer_the_same_methods_with_the_same_parameters(name: str) -> None:
    plain, blocking = getattr(matahari.console, name), getattr(sync, name)
    public = {key for key, value in vars(plain).items() if not key.startswith("_")} - OWN
    assert {key for key in vars(blocking) if not key.startswith("_")} - OWN >= public
    for key in sorted(public):
        one, other = getattr(plain, key), getattr(blocking, key)
        if callable(one):
            assert list(inspect.signature(one).parameters.values()) == parameters_of(other, one), key


def parameters_of(function: object, like: object) -> list[inspect.Parameter]:
    """Parameters, with annotations as in ``like``: both modules write the types' names their own way."""
    assert callable(function) and callable(like)
    wanted = inspect.signature(like).parameters
    return [
        one.replace(annotation=wanted[one.name].annotation) if one.name in wanted else one
        for one in inspect.signature(function).parameters.values()
    ]


def test_both_faces_connect_with_the_same_parameters() -> None:
    plain = inspect.signature(matahari.console.connect).parameters
    assert list(inspect.signature(sync.connect).parameters.values()) == list(plain.values())
