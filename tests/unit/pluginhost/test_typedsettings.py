"""Settings by class: what is taken, what is refused and in which words, and what is published."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import json
from pathlib import Path
from typing import Annotated, NamedTuple, NotRequired, TypedDict

import pydantic
import pytest
from jsonschema import Draft202012Validator

from matahari.errors import ConfigError
from matahari.hostproto import Json
from matahari.pluginhost.typedsettings import SettingsReader

FILE = "/etc/p.toml"


class Color(enum.Enum):
    RED = "red"


@dataclasses.dataclass(frozen=True)
class Mirror:
    host: str
    port: int = 80


@dataclasses.dataclass(frozen=True)
class Wide:
    """How it is set up.

    Attributes:
        keep: how many versions
            are kept.
        token: for the mirror.
    """

    target: Path
    keep: Annotated[int, pydantic.Field(ge=1)] = 7
    ratio: float = 0.5
    since: datetime.date | None = None
    color: Color = Color.RED
    roots: list[str] = dataclasses.field(default_factory=lambda: ["/srv"])
    mirror: Mirror = Mirror("here")
    size: int | str = 0
    token: str = dataclasses.field(default="t0p", repr=False)

    def __post_init__(self) -> None:
        if self.ratio > 1:
            raise ValueError("ratio is a part of 1")


class Row(NamedTuple):
    target: str
    keep: int = 7


class Table(TypedDict):
    target: str
    keep: NotRequired[int]


class Model(pydantic.BaseModel):
    target: str
    keep: int = 7
    token: pydantic.SecretStr = pydantic.SecretStr("t0p")


class Odd(TypedDict):
    what: Wide.missing  # type: ignore[name-defined]  # there is no such class, and that is the point


def refusal(kind: type, table: dict[str, Json]) -> str:
    with pytest.raises(ConfigError) as caught:
        SettingsReader(kind).read(table, FILE)
    assert caught.value.file == FILE
    assert str(caught.value).startswith(f"{FILE}: {caught.value.key}: ")
    return str(caught.value).removeprefix(f"{FILE}: ")


def test_values_become_what_the_class_says() -> None:
    table: dict[str, Json] = {
        "target": "/srv/backup",
        "keep": 2,
        "ratio": 1,
        "since": "2020-02-01",
        "color": "red",
        "mirror": {"host": "there"},
    }
    found = SettingsReader(Wide).read(table, FILE)
    assert found == Wide(Path("/srv/backup"), 2, 1.0, datetime.date(2020, 2, 1), Color.RED, mirror=Mirror("there"))


@pytest.mark.parametrize("kind", [Row, Table, Model])
def test_every_kind_of_class_is_read_strictly_and_described_alike(kind: type) -> None:
    reader = SettingsReader(kind)
    found = reader.read({"target": "/x", "keep": 2}, FILE)
    values = found if isinstance(found, dict) else {name: getattr(found, name) for name in ("target", "keep")}
    assert values == {"target": "/x", "keep": 2}
    schema = reader.schema()
    Draft202012Validator.check_schema(schema)
    assert (schema["type"], schema["required"], schema["additionalProperties"]) == ("object", ["target"], False)
    properties = schema["properties"]
    assert isinstance(properties, dict)
    keep = properties["keep"]
    assert isinstance(keep, dict)
    assert keep["type"] == "integer"
    assert properties["target"] == {"type": "string"}
    assert refusal(kind, {"target": "/x", "kep": 1}) == "settings.kep: there is no such setting; did you mean keep?"
    assert refusal(kind, {}) == "settings.target: is missing, and has no default; write target = … below [settings]"
    assert refusal(kind, {"target": 5}) == "settings.target: must be a string in quotes, not 5; correct it"
    assert refusal(kind, {"target": "", "keep": "2"}).startswith('settings.keep: must be a valid integer, not "2"; ')


@pytest.mark.parametrize(
    ("table", "text"),
    [
        ({"keep": 0}, "settings.keep: must be greater than or equal to 1, not 0; correct it, or remove it to have the"),
        ({"keep": True}, "settings.keep: must be a valid integer, not true"),
        ({"since": "soon"}, "settings.since: must be a valid date in the format YYYY-MM-DD, "),
        ({"color": "blue"}, "settings.color: must be 'red', not \"blue\""),
        ({"roots": ["/a", 3]}, "settings.roots[1]: must be a string in quotes, not 3; correct it"),
        ({"mirror": {"host": "a", "prot": 3}}, "settings.mirror.prot: there is no such setting; remove it"),
        (
            {"mirror": {}},
            "settings.mirror.host: is missing, and has no default; write host = … below [settings.mirror]",
        ),
        ({"size": 0.5}, "settings.size: must be a valid integer or a string in quotes, not 0.5"),
        ({"ratio": 2.0}, "settings: ratio is a part of 1"),
        ({"zzzzz": 1}, "settings.zzzzz: there is no such setting; known are color, keep, mirror, ratio, roots"),
        ({"roots": ["x" * 500, 1] * 9}, "settings.roots[1]: "),
    ],
)
def test_a_refusal_names_key_rule_value_and_remedy(table: dict[str, Json], text: str) -> None:
    assert text in refusal(Wide, {"target": "/x", **table})


def test_several_faults_are_told_up_to_a_limit() -> None:
    told = refusal(Wide, {"target": 1, "keep": 0, "ratio": "x", "color": 1, "size": 1.5})
    assert told.count("; settings.") == 2
    assert told.endswith("; and 2 more")


@dataclasses.dataclass(frozen=True)
class Account:
    name: str = "anna"
    password: str = dataclasses.field(default="open sesame", repr=False)


class Key(pydantic.BaseModel):
    text: pydantic.SecretStr = pydantic.SecretStr("open sesame")


@dataclasses.dataclass(frozen=True)
class Deep:
    account: Account = dataclasses.field(default_factory=Account)
    others: list[Account] = dataclasses.field(default_factory=lambda: [Account()])
    key: Key = dataclasses.field(default_factory=Key)


def test_a_secret_within_is_not_shown_either_nor_what_holds_it() -> None:
    reader = SettingsReader(Deep)
    schema = json.dumps(reader.schema())
    assert "sesame" not in schema
    assert "*****" not in schema
    assert '"default": "anna"' in schema
    tables: list[dict[str, Json]] = [
        {"account": {"password": 4711}},
        {"account": {"name": 5, "password": "4711"}},
        {"account": ["4711"]},
        {"others": {"password": "4711"}},
        {"others": [{"password": 4711}]},
        {"key": {"text": 4711}},
        {"key": "4711"},
    ]
    for table in tables:
        with pytest.raises(ConfigError) as caught:
            reader.read(table, FILE)
        assert "4711" not in str(caught.value)


@dataclasses.dataclass
class Places:
    root: Path
    more: list[Path] = dataclasses.field(default_factory=list)
    home: pydantic.DirectoryPath | None = None
    name: Path | str = ""


@pytest.mark.parametrize(
    ("table", "text"),
    [
        ({"root": 5}, "settings.root: must be a path in quotes, not 5; correct it"),
        ({"root": "/", "more": [3]}, "settings.more[0]: must be a path in quotes, not 3; "),
        ({"root": "/", "home": 3}, "settings.home: must be a path in quotes, not 3; "),
        (
            {"root": "/", "home": "/no/such"},
            'settings.home: must be the path of a directory that exists, not "/no/such"',
        ),
        ({"root": "/", "name": 3}, "settings.name: must be a string in quotes, not 3; "),
    ],
)
def test_a_setting_that_is_a_path_is_called_one(table: dict[str, Json], text: str) -> None:
    assert refusal(Places, table).startswith(text)


def test_the_value_of_a_secret_is_not_shown_and_its_default_neither() -> None:
    told = refusal(Wide, {"target": "/x", "token": 123456})
    assert told == "settings.token: must be a string in quotes; correct it, or remove it to have the default"
    assert "123456" not in refusal(Model, {"target": "/x", "token": 123456})
    for kind in (Wide, Model):
        assert "t0p" not in str(SettingsReader(kind).schema())


def test_texts_of_the_docstring_and_made_defaults_are_published() -> None:
    properties = SettingsReader(Wide).schema()["properties"]
    assert isinstance(properties, dict)
    assert properties["keep"] == {
        "type": "integer",
        "minimum": 1,
        "default": 7,
        "description": "how many versions are kept.",
    }
    assert properties["roots"] == {"type": "array", "items": {"type": "string"}, "default": ["/srv"]}
    assert properties["token"] == {"type": "string", "writeOnly": True, "description": "for the mirror."}


def test_a_class_that_is_not_understood_is_named() -> None:
    with pytest.raises(TypeError, match="the class Odd is not understood"):
        SettingsReader(Odd)
