"""Formats of texts: what a worker refuses is refused before, in the same words; what it takes is taken."""

from __future__ import annotations

import datetime
import ipaddress
import json
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import AnyUrl

from matahari.pluginhost.forms import Misfit
from matahari.pluginhost.typed import Converter, convert
from matahari.validation import ActionSchema, JsonValue, Rule
from matahari.validation.formats import format_fault

TYPES: dict[str, object] = {
    "date-time": datetime.datetime,
    "date": datetime.date,
    "time": datetime.time,
    "duration": datetime.timedelta,
    "uuid": uuid.UUID,
    "uri": AnyUrl,
    "ipv4": ipaddress.IPv4Address,
    "ipv6": ipaddress.IPv6Address,
    "ipv4network": ipaddress.IPv4Network,
    "ipv6network": ipaddress.IPv6Network,
    "ipv4interface": ipaddress.IPv4Interface,
    "ipv6interface": ipaddress.IPv6Interface,
}
CONVERTERS = {name: convert(annotation) for name, annotation in TYPES.items()}
TEXTS = (
    "x",
    "12",
    "",
    "2024-05-17",
    "2024-02-30",
    "2024-05-17T14:30:00Z",
    "2024-05-17 14:30",
    "2024-05-17T14:30:00+0200",
    "14:30",
    "14:30:00.5",
    "25:00",
    "P1DT2H30M",
    "-PT5S",
    "P1Y2X",
    "1 day",
    "12345678-1234-5678-1234-567812345678",
    "{12345678-1234-5678-1234-567812345678}",
    "http://example.org/a?b",
    "10.0.0.1",
    "10.0.0.0/8",
    "10.0.0.1/8",
    "::1",
    "fe80::/10",
    "fe80::1/10",
)


def said_by_worker(converter: Converter, text: str) -> str:
    try:
        converter.parse(json.dumps(text))
    except Misfit as error:
        return str(error)
    return ""


@pytest.mark.parametrize("name", TYPES)
def test_the_schema_of_the_type_names_the_format(name: str) -> None:
    schema, _ = CONVERTERS[name].schema("validation")
    assert schema["format"] == name


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("name", TYPES)
def test_a_text_is_taken_or_refused_as_the_worker_does_it_in_the_same_words(name: str, text: str) -> None:
    schema: JsonValue = {"type": "string", "format": name}
    assert (Rule(schema).find_fault(text) or "") == said_by_worker(CONVERTERS[name], text)


@given(st.sampled_from(sorted(TYPES)), st.text("0123456789-:TZP.+/ DHMSabcdef", max_size=24))
def test_any_text_is(name: str, text: str) -> None:
    assert format_fault(name, text) == said_by_worker(CONVERTERS[name], text)


@given(st.text())
def test_a_format_that_is_not_known_takes_all(text: str) -> None:
    assert Rule({"type": "string", "format": "path"}).find_fault(text) is None


@pytest.mark.parametrize("value", [5, None, ["2024"]])
def test_a_format_is_for_texts(value: JsonValue) -> None:
    assert Rule({"format": "date"}).find_fault(value) is None


@pytest.mark.parametrize(
    ("name", "example"),
    [("date-time", "2024-05-17T14:30:00Z"), ("date", "2024-05-17"), ("time", "14:30:00"), ("duration", "P1DT2H30M")],
)
def test_who_writes_a_date_or_a_time_wrongly_is_shown_one(name: str, example: str) -> None:
    params: dict[str, JsonValue] = {
        "properties": {"when": {"type": "string", "format": name}},
        "x-positional": ["when"],
    }
    action = ActionSchema("calendar", "add", params)
    for wrong in ('"soon"', "17"):
        refusal = action.find_refusal([wrong], {})
        assert refusal is not None
        assert refusal.text.startswith("calendar.add, argument 'when': ")
        assert refusal.text.endswith(f" (ISO 8601, such as {example})")
        with pytest.raises(Misfit, match=example):
            CONVERTERS[name].parse("[]")
    assert action.find_refusal([json.dumps(example)], {}) is None


def test_a_value_that_is_not_to_be_shown_is_not() -> None:
    fault = Rule({"type": "string", "format": "uuid"}, is_sensitive=True).find_fault("secret")
    assert fault == "<hidden> does not fit; give a text of the format 'uuid'"
