"""An object's properties as attributes: what can be read, and what becomes of an assignment."""

from __future__ import annotations

import copy
import dataclasses

import pytest

from matahari.console import ClassName, RemoteObject
from matahari.errors import RefusedError
from matahari.qmf import ObjectId, Property, PropertyType, Schema, SchemaId, Value

NAME = ClassName("org.matahariproject", "Host")
SCHEMA = Schema(
    SchemaId(*dataclasses.astuple(NAME)),
    (
        Property("load", PropertyType.FLOAT),
        Property("update_interval", PropertyType.INT, access="RW"),
        Property("name", PropertyType.STRING, access="RW"),
        Property("class", PropertyType.STRING),
        Property("unsent", PropertyType.INT),
    ),
)


def item(**values: Value) -> RemoteObject:
    given: dict[str, Value] = {"load": 0.5, "update_interval": 5, "name": "inner", **values}
    return RemoteObject("web1", "a:host:1", "Host", NAME, given, ObjectId("a", "Host"), SCHEMA)


def test_properties_are_attributes_and_complete() -> None:
    found = item()
    assert (found.load, found.update_interval, found.unsent) == (0.5, 5, None)
    assert {"load", "update_interval", "host"} <= set(dir(found))
    assert getattr(found, "class") is None  # for what no program can write


def test_a_property_that_is_called_as_an_attribute_is_among_the_values() -> None:
    assert (item().name, item().values["name"]) == ("Host", "inner")


def test_an_unknown_attribute_names_close_matches() -> None:
    with pytest.raises(AttributeError, match=r"Host has no property 'laod'; did you mean 'load'\?"):
        item().laod  # noqa: B018 - it raises
    with pytest.raises(AttributeError, match="no property 'intervall'"):
        item().intervall = 5
    assert not hasattr(item(), "_repr_html_")


def test_a_read_only_property_is_refused_by_name() -> None:
    with pytest.raises(RefusedError, match=r"property 'load' of org\.matahariproject:Host is read-only"):
        item().load = 1.0


@pytest.mark.parametrize("name", ["update_interval", "name"])
def test_a_value_says_how_a_property_is_written(name: str) -> None:
    found = item()
    with pytest.raises(AttributeError, match=rf"written by set\('{name}', …\) of its group"):
        setattr(found, name, 7)
    with pytest.raises(AttributeError):
        del found.values
    assert found == item()


@pytest.mark.parametrize("name", ["load", "host", "laod"])
def test_nothing_can_be_deleted(name: str) -> None:
    with pytest.raises(AttributeError, match=f"'{name}' cannot be deleted"):
        delattr(item(), name)


def test_it_is_compared_by_all_and_hashed_by_its_address() -> None:
    assert item() == item() and item() != item(load=1.0) and item() != "web1"
    assert hash(item()) == hash(item(load=1.0))


def test_it_can_be_copied_and_changed_copies_are_of_its_kind() -> None:
    assert copy.copy(item()) == copy.deepcopy(item()) == dataclasses.replace(item()) == item()
    assert type(dataclasses.replace(item(), host="b")) is RemoteObject
