"""Lines that hold what a method declares sensitive."""

from __future__ import annotations

import json

import pytest

from matahari.qmf import Method, Property, PropertyType, Value
from matahari.shell.verbs.sensitive import SensitiveMethods
from tests.support.fake_classes import PLUGINS
from tests.support.fake_console import fleet


def published(
    sensitive: list[str], names: tuple[str, ...] = ("user", "password", "force"), **extra: object
) -> dict[str, Value]:
    schema = {
        "type": "object",
        "properties": {name: {} for name in names},
        "required": [names[0]],
        "additionalProperties": False,
        "x-positional": list(names),
        "x-positional-only": [],
        **extra,
    }
    return {"params": json.dumps(schema), "sensitive": list(sensitive)}


def met(entry: dict[str, Value]) -> SensitiveMethods:
    console = fleet()
    console.kind("calc").values["web1"]["calc"]["methods"] = {"login": entry, "add": {"params": "{}"}}
    methods = SensitiveMethods()
    methods.meet(console.select("calc", package=PLUGINS))
    return methods


LOGIN = met(published(["password"]))

SECRET = [
    ("call login bob hunter2", "call login bob ***"),
    ("call login password=hunter2 user=bob", "call login ***"),
    ("call login bob pasword=hunter2", "call login ***"),
    ('call login ["bob", "hunter2"] {}', "call login ***"),
    ('call login bob "hunter2', "call login bob ***"),
    ("select class x; ca login bob hunter2; clear class", "select class x; ca login bob ***"),
    ("time call login bob hunter2", "time call login bob ***"),
    ("watch 'call login bob hunter2'", "watch ***"),
    ("call login bob hunter2 | grep x", "call login bob ***"),
    ("call login bob hunter2 and more", "call login bob ***"),
    ("watch \"time 'call login bob hunter2'\"", "watch ***"),
    ("get state | call login bob hunter2", "get state | call login bob ***"),
    ("call logni bob hunter2", "call logni ***"),
    ("call log bob hunter2", "call log ***"),
]


@pytest.mark.parametrize(("line", "masked"), SECRET)
def test_a_line_that_may_hold_a_secret_is_masked_from_the_first_argument_on_that_may_be_it(
    line: str, masked: str
) -> None:
    assert LOGIN.masked(line) == masked


@pytest.mark.parametrize(
    "line",
    [
        "call login bob",
        "call login user=bob force=1",
        "call add 1 2",
        "get state",
        "",
        "call login",
        "help login",
        "watch 'time \"get state\"'",
    ],
)
def test_other_lines_are_as_they_are(line: str) -> None:
    assert LOGIN.masked(line) is None


def test_what_has_no_name_is_secret_where_the_rest_is() -> None:
    methods = met(published(["others"], ("user", "group", "force"), **{"x-varargs": True}))
    assert methods.masked("call login a b c") is None
    assert methods.masked("call login a b c d") == "call login a b c ***"


def test_without_published_parameters_everything_is_secret() -> None:
    assert met({"sensitive": ["password"]}).masked("call login bob") == "call login ***"


def test_nothing_met_is_nothing_masked() -> None:
    assert SensitiveMethods().masked("call login bob hunter2") is None


def test_without_a_class_the_arguments_of_any_call_may_be_secret() -> None:
    nobody = SensitiveMethods()
    assert nobody.masked("call login bob hunter2", known=()) == "call login ***"
    assert nobody.masked("select plugin x; watch 'call login bob hunter2'", known=()) is not None
    assert nobody.masked("call status", known=()) is None
    assert nobody.masked("list hosts", known=()) is None
    assert nobody.masked("call login bob hunter2") is None


def test_of_a_method_that_is_not_among_those_known_the_arguments_may_be_secret() -> None:
    assert LOGIN.masked("call other bob hunter2", known={"login", "add"}) == "call other ***"
    assert LOGIN.masked("call add 1 2", known={"login", "add"}) is None


NAMED = met(published([], ("user", "api_token", "force")))


@pytest.mark.parametrize(
    ("line", "masked"),
    [
        ("call login bob hunter2", "call login bob ***"),
        ("call login bob api_token=hunter2", "call login bob ***"),
        ("call other x password=hunter2 y", "call other x ***"),
        ("calls other db_password='hunter 2'", "calls other ***"),
        ('call other {"db": {"password" : "hunter2"}}', "call other ***"),
        ('call other db={"password":"hunter2"}', "call other ***"),
        ("watch 'call other password=hunter2'", "watch ***"),
        ("watch 'time \"call other password=hunter2\"' x password=1", "watch ***"),
        ("set admin_password hunter2", "set admin_password ***"),
        ("time se clientSecret hunter2", "time se clientSecret ***"),
        ("select db_password hunter2; get x", "select db_password ***"),
    ],
)
def test_what_is_named_like_a_secret_is_one(line: str, masked: str) -> None:
    assert NAMED.masked(line) == masked


@pytest.mark.parametrize(
    "line",
    [
        "call login bob",
        "call other key=x keyboard=us",
        "get password",
        "select password",
        "describe api_token",
        "show history token",
        "select hosts role=web and /^token/",
        'call other {"user": "password"}',
        "set port 8080",
    ],
)
def test_a_name_alone_is_no_secret(line: str) -> None:
    assert NAMED.masked(line) is None


def test_the_arguments_in_a_schema_have_names_too() -> None:
    console = fleet()
    arguments = tuple(Property(name, PropertyType.STRING) for name in ("user", "password"))
    console.kind("Host").methods.append(Method("login", "", arguments))
    methods = SensitiveMethods()
    methods.meet(console.select("Host"))
    assert methods.masked("call login bob hunter2") == "call login bob ***"
    assert methods.masked("call login bob") is None
