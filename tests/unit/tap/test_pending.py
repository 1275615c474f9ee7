"""Requests and their answers."""

from __future__ import annotations

from matahari.tap.pending import EXPIRY, MAX_PENDING, Pending, PendingTable


def test_an_answer_finds_its_request_by_key_correlation_and_agent() -> None:
    table = PendingTable()
    table.ask("key", "1", Pending(0.0, agent="a", method="m"))
    table.ask("key", "1", Pending(0.0, agent="b"))
    assert table.answer("key", "1", "c", 1.0, is_last=True) is None
    assert table.answer("key", "2", "a", 1.0, is_last=True) is None
    assert table.answer("other", "1", "a", 1.0, is_last=True) is None
    found = table.answer("key", "1", "a", 1.0, is_last=True)
    assert found is not None
    assert (found.method, found.number, found.parts) == ("m", 1, 1)
    assert table.answer("key", "1", "a", 1.0, is_last=True) is None
    assert len(table) == 1


def test_parts_are_counted_until_the_last() -> None:
    table = PendingTable()
    table.ask("key", "1", Pending(0.0, agent="a"))
    parts = [table.answer("key", "1", "a", 1.0, is_last=last) for last in (False, False, True, True)]
    assert [part.parts if part else 0 for part in parts] == [3, 3, 3, 0]  # one request, counted three times


def test_everybody_may_answer_a_broadcast() -> None:
    table = PendingTable()
    table.ask("key", "", Pending(0.0, is_broadcast=True))
    answers = [table.answer("key", "", agent, 1.0, is_last=True) for agent in ("a", "b")]
    assert [answer.parts if answer else None for answer in answers] == [0, 0]


def test_the_brokers_agent_answers_by_either_name() -> None:
    table = PendingTable()
    table.ask("key", "1", Pending(0.0, agent="broker"))
    assert table.answer("key", "1", "apache.org:qpidd:1", 1.0, is_last=True) is not None


def test_an_answer_that_names_no_agent_finds_a_request_to_anybody() -> None:
    table = PendingTable()
    table.ask("key", "v1:7", Pending(0.0, agent="a"), of_anybody=True)
    assert table.answer("key", "v1:7", "a", 1.0, is_last=True) is not None


def test_a_request_expires() -> None:
    table = PendingTable()
    table.ask("key", "1", Pending(0.0, agent="a"))
    table.ask("key", "2", Pending(EXPIRY, agent="a"))
    assert len(table) == 1
    assert table.answer("key", "1", "a", EXPIRY, is_last=True) is None
    assert table.answer("key", "2", "a", 2 * EXPIRY, is_last=True) is None


def test_the_table_is_bounded() -> None:
    table = PendingTable()
    for number in range(MAX_PENDING + 10):
        table.ask("key", str(number), Pending(0.0, agent="a"))
    assert len(table) == MAX_PENDING
    assert table.answer("key", "0", "a", 0.0, is_last=True) is None
    assert table.answer("key", str(MAX_PENDING), "a", 0.0, is_last=True) is not None
