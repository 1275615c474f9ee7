"""Arguments by name for methods of classes that are no plugins."""

from __future__ import annotations

import pytest

from matahari.shell.base.outcome import ExitStatus
from tests.support.shell import TestShell


def on_host() -> TestShell:
    shell = TestShell()
    shell.run("select class Host")
    shell.out()
    return shell


@pytest.mark.parametrize(
    ("typed", "args", "named"),
    [
        ("set_uuid lifetime=Custom uuid=x", (), {"lifetime": "Custom", "uuid": "x"}),
        ("set_uuid uuid='a b' lifetime=Custom", (), {"lifetime": "Custom", "uuid": "a b"}),
        ("set_uuid Custom uuid=x", ("Custom",), {"uuid": "x"}),
        ("set_uuid Custom 'uuid=x'", ("Custom", "uuid=x"), {}),
        ("set_uuid Custom", ("Custom",), {}),
    ],
)
def test_they_are_taken_as_those_of_plugins(typed: str, args: tuple[object, ...], named: dict[str, object]) -> None:
    shell = on_host()
    assert shell.run(f"call {typed}") == ExitStatus.OK
    assert shell.console.calls == [("set_uuid", args, named)]


@pytest.mark.parametrize(
    ("typed", "said", "at"),
    [
        ("Custom lifetme=x", "set_uuid has no argument 'lifetme'; did you mean 'lifetime'?", "lifetme"),
        ("Custom hosts=vm", "set_uuid has no argument 'hosts'; it takes lifetime, uuid; in quotes it is text", "hosts"),
        ("lifetime=Custom lifetime=x", 'Argument "lifetime" is given twice', "lifetime=x"),
        ("Custom lifetime=x", 'Argument "lifetime" is given twice', "Custom"),
        ("Custom x uuid=x", 'Argument "uuid" is given twice', "x"),
        ("Custom x y uuid=x", "Excess arguments: 'y'", "y"),
        (f"uuid={'x' * 37} Custom", "Invalid argument value (Parameter is too long", "x"),
    ],
)
def test_a_mistake_is_told_at_its_column(typed: str, said: str, at: str) -> None:
    shell = on_host()
    line = f"call set_uuid {typed}"
    assert shell.run(line) == ExitStatus.USAGE
    text, shown, mark, *_ = shell.out().splitlines()
    assert text.startswith(f"% {said}")
    assert mark.index("^") == shown.index(at, shown.index("set_uuid ") + 9)
    assert shell.console.calls == []
