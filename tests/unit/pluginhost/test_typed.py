"""Annotations that need more than JSON: schemas that jsonschema takes, and values both ways."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import functools
import json
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from pathlib import Path
from typing import Annotated, Any, NotRequired, Required, TypedDict

import pytest
from jsonschema import Draft202012Validator
from pydantic import Field, SecretStr

from matahari.hostproto import Json, MethodSpec
from matahari.plugin import method
from matahari.pluginhost import DeclarationError
from matahari.pluginhost.describe import Described, examine
from matahari.pluginhost.forms import BadArgument


class Color(enum.Enum):
    RED = "red"


@dataclasses.dataclass
class Disk:
    """A disk."""

    path: Path
    size: Annotated[int, Field(ge=1)]
    color: Color = Color.RED
    kids: list[Disk] = dataclasses.field(default_factory=list)


class Options(TypedDict, total=False):
    force: Required[bool]
    depth: int
    inner: NotRequired[Options]


def look(action: Callable[..., object]) -> Described:
    notes: list[str] = []
    found = examine("action", action, notes.append)
    assert notes == []
    Draft202012Validator.check_schema(found.spec.params)
    if found.spec.result is not None:
        Draft202012Validator.check_schema(found.spec.result)
    return found


def properties(spec: MethodSpec) -> dict[str, Any]:
    found = spec.params["properties"]
    assert isinstance(found, dict)
    return found


def test_a_dataclass_comes_as_an_instance_and_goes_as_json() -> None:
    def action(disk: Disk, *, others: list[Disk] | None = None) -> Disk:
        return disk

    found = look(action)
    text = '{"path": "/dev/sda", "size": 5, "kids": [{"path": "/dev/sda1", "size": 1}]}'
    (disk,), _ = found.form.read([text], {})
    assert disk == Disk(Path("/dev/sda"), 5, Color.RED, [Disk(Path("/dev/sda1"), 1)])
    assert found.form.result is not None
    assert found.form.result.dump(disk) == {
        "path": "/dev/sda",
        "size": 5,
        "color": "red",
        "kids": [{"path": "/dev/sda1", "size": 1, "color": "red", "kids": []}],
    }
    validator = Draft202012Validator(found.spec.params)
    assert validator.is_valid({"disk": json.loads(text), "others": None})
    assert not validator.is_valid({"disk": {"path": "/dev/sda", "size": 0}})
    assert found.spec.result is not None
    assert Draft202012Validator(found.spec.result).is_valid(found.form.result.dump(disk))
    assert list(found.spec.params["$defs"]) == ["Color", "Disk"]  # type: ignore[arg-type]  # an object


@pytest.mark.parametrize(
    ("annotation", "schema", "text", "value"),
    [
        (Path, {"type": "string", "format": "path"}, '"/tmp"', Path("/tmp")),
        (datetime.date, {"type": "string", "format": "date"}, '"2020-02-03"', datetime.date(2020, 2, 3)),
        (Color, {"type": "string", "enum": ["red"], "title": "Color"}, '"red"', Color.RED),
        (Annotated[int, Field(ge=1, le=5)], {"type": "integer", "minimum": 1, "maximum": 5}, "3", 3),
        (Annotated[str, Field(pattern="^a")], {"type": "string", "pattern": "^a"}, '"ab"', "ab"),
        (tuple[int, ...], {"type": "array", "items": {"type": "integer"}}, "[1, 2]", (1, 2)),
        (set[str], {"type": "array", "items": {"type": "string"}}, '["a", "b", "a"]', {"a", "b"}),
        (frozenset[int], {"type": "array", "items": {"type": "integer"}}, "[1, 1, 2]", frozenset({1, 2})),
        (bytes, {"type": "string", "format": "binary"}, '"\u20ac"', "\u20ac".encode()),
        (Path | int, {"anyOf": [{"type": "string", "format": "path"}, {"type": "integer"}]}, "5", 5),
        (
            dict[str, Path],
            {"type": "object", "additionalProperties": {"type": "string", "format": "path"}},
            '{"a": "/b"}',
            {"a": Path("/b")},
        ),
    ],
)
def test_values_arrive_as_their_types(annotation: object, schema: Json, text: str, value: object) -> None:
    def action(x):  # type: ignore[no-untyped-def]
        pass

    action.__annotations__["x"] = annotation
    found = look(action)
    assert properties(found.spec)["x"] == schema
    assert found.form.read([text], {}) == ([value], {})
    assert found.form.read([], {"x": text}) == ([], {"x": value})


def test_a_typed_dict_of_the_standard_library_is_understood_even_when_it_holds_itself() -> None:
    def action(options: Options) -> None: ...

    found = look(action)
    validator = Draft202012Validator(found.spec.params)
    assert validator.is_valid({"options": {"force": True, "inner": {"force": False}}})
    assert not validator.is_valid({"options": {"depth": 1}})
    assert found.form.read(['{"force": true}'], {}) == ([{"force": True}], {})
    with pytest.raises(BadArgument, match=r"argument 'options': at inner: \{\} lacks the field 'force'; give it"):
        found.form.read(['{"force": true, "inner": {}}'], {})


def test_a_field_that_a_dataclass_or_typed_dict_does_not_have_is_refused_at_any_depth() -> None:
    def action(disk: Disk | None = None, options: dict[str, Options] | None = None) -> None: ...

    found = look(action)
    validator = Draft202012Validator(found.spec.params)
    disk = {"path": "/a", "size": 5}
    for arguments, place in (
        ({"disk": {**disk, "sizes": 6}}, "'disk': there is no field 'sizes'"),
        ({"disk": {**disk, "kids": [{**disk, "sizes": 6}]}}, r"at kids\[0\]: there is no field 'sizes'"),
        ({"options": {"a": {"force": True, "dept": 1}}}, "at a: there is no field 'dept'"),
    ):
        assert not validator.is_valid(arguments)
        with pytest.raises(BadArgument, match=place):
            found.form.read([], {name: json.dumps(value) for name, value in arguments.items()})


def test_all_kinds_of_parameters_are_converted() -> None:
    def action(a: Path, /, *more: Path, key: Color = Color.RED, **others: datetime.date) -> None: ...

    found = look(action)
    assert properties(found.spec)["key"]["default"] == "red"
    args, kwargs = found.form.read(['"/a"', '"/b"'], {"key": '"red"', "day": '"2020-01-02"'})
    assert args == [Path("/a"), Path("/b")]
    assert kwargs == {"key": Color.RED, "day": datetime.date(2020, 1, 2)}


def test_none_as_default_makes_a_converted_parameter_optional() -> None:
    def action(a: Path = None) -> None: ...  # type: ignore[assignment]  # noqa: RUF013

    found = look(action)
    assert found.form.read(["null"], {}) == ([None], {})
    assert properties(found.spec)["a"]["default"] is None


def test_a_misfit_is_told_with_its_place_and_its_value() -> None:
    def action(disk: Disk) -> None: ...

    with pytest.raises(BadArgument) as caught:
        look(action).form.read(['{"path": 5, "size": "big"}'], {})
    assert "at path: 5 is not a" in str(caught.value)
    assert "at size: 'big' is not a valid integer" in str(caught.value)
    with pytest.raises(BadArgument, match="'disk' is not JSON"):
        look(action).form.read([], {"disk": "NaN"})


def test_a_misfit_of_a_sensitive_argument_shows_nothing_of_it() -> None:
    @method(sensitive=["disk", "rest"])
    def action(disk: Disk, **others: Color) -> None: ...

    @method(sensitive=["key"])
    def more(*more: datetime.date, **others: Color) -> None: ...

    for form, args, kwargs in (
        (look(action).form, ['{"path": "/", "size": "canary"}'], {}),
        (look(action).form, ['{"path": "/", "size": 1, "canary": 1}'], {}),
        (look(action).form, [], {"key": '"canary"'}),
        (look(more).form, ['"canary"'], {}),
        (look(more).form, [], {"key": '"canary"'}),
    ):
        with pytest.raises(BadArgument, match="<hidden>") as caught:
            form.read(args, kwargs)
        assert "canary" not in str(caught.value)


def test_what_has_a_secret_anywhere_is_not_shown() -> None:
    @dataclasses.dataclass
    class Login:
        user: str
        password: SecretStr

    def action(login: Login) -> None: ...

    action.__annotations__["login"] = Login
    with pytest.raises(BadArgument, match="<hidden>") as caught:
        look(action).form.read(['{"password": "canary"}'], {})
    assert "canary" not in str(caught.value)


def test_members_of_an_enum_have_their_names_in_the_schema_where_these_say_more() -> None:
    class Level(enum.Enum):
        LOW = 1
        HIGH = 2

    def action(level: Level, color: Color) -> None: ...

    action.__annotations__["level"] = Level
    found = properties(look(action).spec)
    assert found["level"]["x-enum-names"] == ["LOW", "HIGH"]
    assert "x-enum-names" not in found["color"]


def test_two_types_of_one_name_do_not_mix() -> None:
    def local() -> type:
        @dataclasses.dataclass
        class Disk:
            other: int

        return Disk

    def action(a, b):  # type: ignore[no-untyped-def]
        pass

    action.__annotations__.update(a=list[Disk], b=list[local()])  # type: ignore[misc]  # made at run time
    found = look(action)
    validator = Draft202012Validator(found.spec.params)
    assert validator.is_valid({"a": [{"path": "/", "size": 1}], "b": [{"other": 1}]})
    assert not validator.is_valid({"a": [{"other": 1}], "b": []})
    assert not validator.is_valid({"a": [], "b": [{"path": "/", "size": 1}]})


@pytest.mark.parametrize("annotation", [object(), type("Own", (), {}), Callable[[int], int], "Missing", [1]])
def test_what_is_not_understood_is_anything_and_a_note(annotation: object) -> None:
    def action(x):  # type: ignore[no-untyped-def]
        pass

    action.__annotations__["x"] = annotation
    notes: list[str] = []
    found = examine("action", action, notes.append)
    assert properties(found.spec)["x"] == {}
    assert found.form.read(['{"a": 1}'], {}) == ([{"a": 1}], {})
    assert len(notes) == 1
    assert notes[0].startswith("action: ")
    assert notes[0].endswith("anything is taken")


def test_descriptions_come_from_the_docstring_and_annotated_wins() -> None:
    def action(a, b: int, c: Annotated[Path, Field(description="mine")]) -> None:  # type: ignore[no-untyped-def]
        """Do.

        Args:
            a: first.
            b: second.
            c: third.
        """

    found = properties(look(action).spec)
    assert found["a"] == {"description": "first."}
    assert found["b"] == {"type": "integer", "description": "second."}
    assert found["c"]["description"] == "mine"


def test_declarations_are_published_and_a_secret_default_is_not() -> None:
    @method(read_only=True, timeout=2.5, sensitive=["password"])
    def action(user: str = "me", password: str = "secret") -> None: ...

    spec = look(action).spec
    assert (spec.effects, spec.timeout, spec.sensitive) == ({"read_only": True}, 2.5, ("password",))
    assert "secret" not in json.dumps(spec.params)
    assert properties(spec)["user"]["default"] == "me"


def test_a_sensitive_parameter_that_there_is_not_is_an_error() -> None:
    @method(sensitive=["pasword"])
    def action(password: str) -> None: ...

    with pytest.raises(DeclarationError, match="'pasword', which is no parameter"):
        examine("action", action, print)

    @method(sensitive=["password"])
    def open_to_all(**anything: str) -> None: ...

    assert look(open_to_all).spec.sensitive == ("password",)


def test_generators_stream_and_say_what_they_yield() -> None:
    def plain():  # type: ignore[no-untyped-def]
        yield 1

    def lines() -> Iterator[str]:
        yield "a"

    def disks() -> Generator[Disk, None, Path]:
        yield Disk(Path("/"), 1)
        return Path("/")

    async def later() -> AsyncIterator[Disk]:
        yield Disk(Path("/"), 1)

    count = {"type": "integer"}
    assert (look(plain).spec.streams, look(plain).spec.result) == (True, count)
    assert look(lines).spec.params["x-yields"] == {"type": "string"}
    assert look(lines).spec.result == count
    found = look(disks)
    assert found.spec.result == {"type": "string", "format": "path"}
    assert found.form.yielded is not None
    assert found.form.yielded.dump(Disk(Path("/"), 1)) == {"path": "/", "size": 1, "color": "red", "kids": []}
    yields = found.spec.params["x-yields"]
    assert isinstance(yields, dict)
    Draft202012Validator(yields).validate({"path": "/", "size": 1, "color": "red", "kids": []})
    spec = look(later).spec
    assert (spec.streams, spec.params["x-async"], spec.result) == (True, True, count)
    assert not look(lambda: None).spec.streams


def test_a_generator_that_may_return_something_undeclared_promises_no_result() -> None:
    def returns(name):  # type: ignore[no-untyped-def]
        yield 1
        if name:
            return {"name": name}

    def hands_on(others):  # type: ignore[no-untyped-def]
        return (yield from others)

    def lines() -> Iterator[str]:
        yield "a"
        return "all"  # type: ignore[return-value]  # it runs all the same

    def returns_nothing(name):  # type: ignore[no-untyped-def]
        for each in name:
            if each == "":
                return
            try:
                yield each
            finally:
                print(each)
        return None

    @functools.wraps(returns)
    def wrapped(name):  # type: ignore[no-untyped-def]
        yield from ()
        return name

    async def live(name):  # type: ignore[no-untyped-def]
        yield name

    for action in (returns, functools.partial(returns, "a"), hands_on, lines, wrapped):
        assert (look(action).spec.streams, look(action).spec.result) == (True, None), action
    for action in (returns_nothing, functools.partial(returns_nothing, "a"), live):
        assert (look(action).spec.streams, look(action).spec.result) == (True, {"type": "integer"}), action
