"""Open requests, and what one answer may hold."""

from __future__ import annotations

import pytest

from matahari.errors import LocalProtocolError, RemoteProtocolError
from matahari.qmf import _requests as module
from matahari.qmf._requests import Request, RequestTable, number_in
from matahari.qmf.query import QueryTarget
from matahari.qmf.schema import SchemaId
from matahari.qmf.values import Value


def test_requests_are_found_by_the_decimal_text_of_their_number() -> None:
    table = RequestTable(7)
    assert table.open("a", None, 5.0) == 7
    found = table.find(number_in("7"))
    assert found is not None and found.number == 7
    for other in (None, "", "8", "agent-locate", "-7", "\u0667", "7" * 5000):
        assert table.find(number_in(other)) is None


def test_numbers_stay_within_32_bits_and_skip_what_is_open() -> None:
    """libqmf2 reads correlation ids as uint32, and the sequence of a QMFv1 frame has no more."""
    table = RequestTable(2**32 - 1, taken={2})
    assert [table.open("a", None, 5.0) for _ in range(2)] == [2**32 - 1, 1]
    table._next = 2**32 - 1
    assert table.open("a", None, 5.0) == 3


def test_a_request_ends_once_in_whatever_way() -> None:
    table = RequestTable(1)
    numbers = [table.open(agent, None, when) for agent, when in (("a", 3.0), ("a", 1.0), ("b", 2.0))]
    assert table.next_deadline() == 1.0
    assert table.close_expired(0.5) is None
    expired = table.close_expired(5.0)
    assert expired is not None and expired.number == numbers[1]
    assert [request.number for request in table.close_all_of("a")] == [numbers[0]]
    assert table.close_all_of("a") == []
    assert table.close(numbers[0]) is None
    assert table.next_deadline() == 2.0
    assert len(table) == 1
    assert table._by_agent.keys() == {"b"}


def test_the_number_of_requests_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_PENDING_REQUESTS", 2)
    table = RequestTable(1)
    table.open("a", None, 1.0)
    table.open("a", None, 1.0)
    with pytest.raises(LocalProtocolError):
        table.open("a", None, 1.0)


def test_parts_are_joined_as_what_was_asked_for() -> None:
    request = Request(1, "a", QueryTarget.SCHEMA_ID)
    request.take_part([{"_class_name": b"c"}])
    request.take_part(None)
    request.take_part([{"_class_name": "d"}])
    assert request.items == [SchemaId("", "c"), SchemaId("", "d")]


@pytest.mark.parametrize("body", [{}, "x", [1], [{}]])
def test_a_part_that_cannot_be_read_is_refused(body: Value) -> None:
    for what in QueryTarget:
        with pytest.raises(RemoteProtocolError):
            Request(1, "a", what).take_part(body)


def test_an_endless_answer_is_refused_by_number_and_by_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_ANSWER_ITEMS", 3)
    request = Request(1, "a", QueryTarget.OBJECT)
    request.take_part([{"_values": {}}] * 3)
    with pytest.raises(RemoteProtocolError, match="more than 3 items"):
        request.take_part([{"_values": {}}])
    request = Request(1, "a", QueryTarget.OBJECT, room=1000)
    request.take_part([{"_values": {"a": "x" * 500}}])
    with pytest.raises(RemoteProtocolError, match="bytes"):
        request.take_part([{"_values": {"a": "x" * 500}}])
