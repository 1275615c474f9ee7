"""Objects of the blocking face: attributes that write, methods of a class, parts of a group."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import pytest

from matahari.console import ClassName, RemoteObject, Result, Results
from matahari.console import sync as blocking
from matahari.console.background import Background
from matahari.console.objects import Objects
from matahari.errors import RefusedError, RemoteError, SchemaError
from matahari.qmf import Method, ObjectId, Property, PropertyType, Schema, SchemaId, Value

NAME = ClassName("org.matahariproject", "Host")
SCHEMA = Schema(
    SchemaId("org.matahariproject", "Host"),
    (Property("load", PropertyType.FLOAT), Property("update_interval", PropertyType.INT, access="RW")),
    (Method("set_properties", "", (Property("values", PropertyType.MAP),)), Method("beep", "Make a noise.")),
)


class Answering(Objects):
    """Calls are noted and answered here."""

    sent: list[tuple[list[str], str, object]]
    error: RemoteError | None = None

    async def call_with(self, method: str, args: object, kwargs: object, *, timeout: float | None = None) -> Results:
        Answering.sent.append(([item.host for item in self], method, args))
        return Results(Result(item, None, Answering.error, 0.0) for item in self)

    def _some(self, items: object) -> Answering:
        return group(
            [one for one in items if isinstance(one, RemoteObject)] if isinstance(items, (list, tuple)) else []
        )


def group(items: list[RemoteObject]) -> Answering:
    async def refetch(objects: Objects, timeout: float) -> Objects:
        return objects

    return Answering(None, refetch, NAME, items)  # type: ignore[arg-type]  # no station: nothing is sent


def item(host: str) -> RemoteObject:
    values: dict[str, Value] = {"load": 0.5, "update_interval": 5}
    return RemoteObject(host, f"a:host:{host}", "Host", NAME, values, ObjectId(host, "Host"), SCHEMA)


@pytest.fixture
def objects() -> Iterator[blocking.Objects]:
    Answering.sent, Answering.error = [], None
    loop = Background()
    yield blocking.Objects(group([item("a"), item("b")]), loop)
    loop.close()


def test_an_assignment_is_a_write_to_this_object_alone(objects: blocking.Objects) -> None:
    objects[1].update_interval = 7
    assert Answering.sent == [(["b"], "set_properties", ({"update_interval": 7},))]
    assert [one.update_interval for one in objects] == [5, 7]
    assert objects[1].values["update_interval"] == 7


def test_what_the_host_refuses_is_raised_and_nothing_changes_here(objects: blocking.Objects) -> None:
    Answering.error = RemoteError("no", agent="a", action="set_properties")
    with pytest.raises(RemoteError, match="no"):
        objects[0].update_interval = 7
    assert objects[0].update_interval == 5


@pytest.mark.parametrize(
    ("name", "value", "error", "text"),
    [
        ("load", 1.0, RefusedError, "property 'load' of .* is read-only"),
        ("update_interval", "soon", SchemaError, "is not of type int"),
        ("updateinterval", 1, AttributeError, "did you mean 'update_interval'"),
        ("host", "c", AttributeError, "no property 'host'"),
        ("_write", None, AttributeError, "no property '_write'"),
    ],
)
def test_what_cannot_be_written_is_refused_before_anything_is_sent(
    objects: blocking.Objects, name: str, value: object, error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=text):
        setattr(objects[0], name, value)
    assert Answering.sent == []


def test_a_bound_object_equals_its_value_and_a_copy_has_no_console(objects: blocking.Objects) -> None:
    assert objects[0] == item("a") and hash(objects[0]) == hash(item("a")) and objects[0] is objects[0]
    copied = copy.copy(objects[0])
    assert type(copied) is RemoteObject and copied == objects[0]
    with pytest.raises(AttributeError, match="of its group"):
        copied.update_interval = 1


def test_methods_of_the_class_are_attributes_with_their_documentation(objects: blocking.Objects) -> None:
    assert objects.beep.__doc__ == "Make a noise."
    assert "beep" in dir(objects) and len(objects.beep()) == 2
    assert Answering.sent == [(["a", "b"], "beep", ())]
    with pytest.raises(AttributeError, match="no method 'bep'; did you mean 'beep'"):
        objects.bep  # noqa: B018 - it raises
    with pytest.raises(AttributeError, match="'load' is a property: get"):
        objects.load  # noqa: B018 - it raises
    assert not hasattr(objects, "_repr_html_")


def test_a_group_can_be_copied(objects: blocking.Objects) -> None:
    assert list(copy.copy(objects)) == list(objects)
    assert not hasattr(objects, "_repr_html_")


def test_a_part_of_a_group_is_a_group(objects: blocking.Objects) -> None:
    assert [one.host for one in objects[1:]] == ["b"]
    assert objects[1:].set("update_interval", 9).ok
    assert Answering.sent == [(["b"], "set_properties", ({"update_interval": 9},))]
