"""Every kind of annotation on a real node: what fits arrives as its type, and what does not names argument and rule."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace

import pytest

from matahari.console.sync import Console, Objects
from matahari.errors import InvalidArgumentError, MissingArgumentError
from tests.support.node import PLUGIN_PACKAGE, box

pytestmark = pytest.mark.integration

SOURCE = '''
import datetime
import enum
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, Optional, TypedDict, Union

from pydantic import AwareDatetime, Field

class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"

@dataclass
class Disk:
    path: Path
    size: int = 1

class Options(TypedDict, total=False):
    depth: int

def text(x: str): return repr(x)
def integer(x: int): return repr(x)
def number(x: float): return repr(x)
def truth(x: bool): return repr(x)
def integers(x: list[int]): return repr(x)
def numbers(x: dict[str, float]): return repr(x)
def literal(x: Literal["fast", "safe"]): return repr(x)
def choice(x: Color): return repr(x)
def maybe(x: Optional[int]): return repr(x)
def either(x: int | str): return repr(x)
def both(x: Union[list[int], dict[str, int]]): return repr(x)
def disk(x: Disk): return repr(x)
def options(x: Options): return repr(x)
def moment(x: datetime.datetime): return repr(x)
def zoned(x: AwareDatetime): return repr(x)
def path(x: Path): return type(x).__name__ + str(x)
def ranged(x: Annotated[int, Field(ge=1, le=5)]): return repr(x)
def pattern(x: Annotated[str, Field(pattern="^a+$")]): return repr(x)
def anything(x): return repr(x)

def kinds(a, b: int = 2, *rest: float, key: bool, other: str = "o", **more: int):
    """Take all kinds of parameters.

    Args:
        a: is needed.
        key: can only be named.
    """
    return [a, b, list(rest), key, other, more]
'''

FITS: dict[str, tuple[object, str]] = {
    "text": ("a", "'a'"),
    "integer": (5, "5"),
    "number": (2.5, "2.5"),
    "truth": (True, "True"),
    "integers": ([1, 2], "[1, 2]"),
    "numbers": ({"a": 1.5}, "{'a': 1.5}"),
    "literal": ("safe", "'safe'"),
    "choice": ("red", "<Color.RED: 'red'>"),
    "maybe": (None, "None"),
    "either": ("a", "'a'"),
    "both": ({"a": 1}, "{'a': 1}"),
    "disk": ({"path": "/dev/sda"}, "Disk(path=PosixPath('/dev/sda'), size=1)"),
    "options": ({"depth": 2}, "{'depth': 2}"),
    "moment": ("2020-01-02T03:04:05Z", "datetime.datetime(2020, 1, 2, 3, 4, 5, tzinfo=TzInfo(0))"),
    "path": ("/tmp", "PosixPath/tmp"),
    "ranged": (5, "5"),
    "pattern": ("aa", "'aa'"),
    "anything": ({"a": [None]}, "{'a': [None]}"),
}

#: Method, the value, and what the refusal must name beside method and argument: the value, and the rule.
REFUSED: list[tuple[str, object, str]] = [
    ("text", 5, "5 is an integer; give a string"),
    ("integer", "5", "'5' is a string; give an integer"),
    ("number", "x", "'x' is a string; give a number"),
    ("truth", 1, "1 is an integer; give a boolean"),
    ("integers", [1, "b"], "'b' is a string; give an integer"),
    ("numbers", {"a": "b"}, "'b' is a string; give a number"),
    ("literal", "slow", "'slow' is not one of 'fast', 'safe'"),
    ("choice", "green", "'green' is not one of 'red', 'blue'"),
    ("maybe", "x", "'x' is a string; give an integer or null"),
    ("either", [1], "[1] is a list; give an integer or a string"),
    ("both", 5, "5 is an integer; give a list of integers or an object"),
    ("disk", {"path": "/", "size": "big"}, "'big' is a string; give an integer"),
    ("disk", {"size": 1}, "{'size': 1} lacks the field 'path'"),
    ("disk", {"path": "/", "sise": 1}, "there is no field 'sise', only 'path', 'size'; did you mean 'size'?"),
    ("options", {"depth": "deep"}, "'deep' is a string; give an integer"),
    ("path", 5, "5 is an integer; give a string"),
    ("ranged", 6, "6 is greater than the maximum of 5"),
    ("ranged", 0, "0 is less than the minimum of 1"),
    ("pattern", "ab", "'ab' does not match '^a+$'"),
    ("moment", "soon", "'soon' is not a valid datetime or date, input is too short (ISO 8601, such as 2024-05-17T"),
    ("moment", 5, "5 is an integer; give a string (ISO 8601, such as 2024-05-17T14:30:00Z)"),
]


@pytest.fixture(scope="module")
def console() -> Iterator[Console]:
    with box() as made:
        made.save("types.py", SOURCE)
        with made.up(), made.connect() as console:
            made.wait_plugin(console, "types", lambda values: values["state"] == "ready")
            yield console


def types(console: Console) -> Objects:
    return console.select("types", package=PLUGIN_PACKAGE)


def unchecked(console: Console) -> Objects:
    """As a console has it that does not check: nothing is known of what methods take."""
    found = types(console)
    [one] = found
    found._objects._objects = (replace(one, values={"state": "ready"}),)
    return found


@pytest.mark.parametrize("method", FITS)
def test_what_fits_arrives_as_its_type(method: str, console: Console) -> None:
    value, shown = FITS[method]
    for objects in (types(console), unchecked(console)):
        [result] = objects.call_with(method, [value], {})
        assert (result.error, result.value) == (None, shown)


@pytest.mark.parametrize(("method", "value", "text"), REFUSED)
def test_what_does_not_fit_is_refused_by_the_console_and_by_the_agent(
    method: str, value: object, text: str, console: Console
) -> None:
    """The console's refusal is raised, for no host would take it; the agent's is its answer."""
    with pytest.raises(InvalidArgumentError) as caught:
        types(console).call_with(method, [value], {})
    [result] = unchecked(console).call_with(method, [value], {})
    assert isinstance(result.error, InvalidArgumentError)
    for said in (str(caught.value), str(result.error)):
        assert f"types.{method}, argument 'x'" in said
        assert text in said


def test_all_kinds_of_parameters_are_taken_and_described(console: Console) -> None:
    objects = types(console)
    [result] = objects.call_with("kinds", [1, 2, 0.5, 1.5], {"key": True, "extra": 7})
    assert (result.error, result.value) == (None, [1, 2, [0.5, 1.5], True, "o", {"extra": 7}])
    refused: list[tuple[type[Exception], str, list[object], dict[str, object], str]] = [
        (MissingArgumentError, "kinds", [1], {}, "types.kinds needs argument 'key'"),
        (InvalidArgumentError, "kinds", [1, 2, "x"], {"key": True}, "argument '#3': 'x' is a string; give a number"),
        (
            InvalidArgumentError,
            "kinds",
            [1],
            {"key": True, "a1": "x"},
            "argument 'a1': 'x' is a string; give an integer",
        ),
        (InvalidArgumentError, "text", ["a", "b"], {}, "types.text takes 1 positional argument, 2 were given"),
        (InvalidArgumentError, "choice", ["red"], {"xx": 1}, "types.choice has no argument 'xx'; did you mean 'x'?"),
    ]
    for kind, method, args, kwargs, text in refused:
        with pytest.raises(kind, match=re.escape(text)):
            objects.call_with(method, args, kwargs)
        [result] = unchecked(console).call_with(method, args, kwargs)
        assert isinstance(result.error, kind)
        assert text in str(result.error)
    methods = objects[0].values["methods"]
    assert isinstance(methods, dict)
    entry = methods["kinds"]
    assert isinstance(entry, dict)
    params = json.loads(str(entry["params"]))
    assert params["properties"]["a"]["description"] == "is needed."
    assert params["properties"]["key"]["description"] == "can only be named."
    assert params["required"] == ["a", "key"]


def test_what_only_the_type_itself_can_tell_is_refused_by_the_worker_with_argument_and_rule(console: Console) -> None:
    """JSON Schema has no word for it."""
    [result] = types(console).call("zoned", "2020-01-02T03:04:05")
    assert isinstance(result.error, InvalidArgumentError)
    assert result.error.kind == "invalid_argument"
    assert str(result.error).startswith("types.zoned, argument 'x': '2020-01-02T03:04:05' should have timezone info")
