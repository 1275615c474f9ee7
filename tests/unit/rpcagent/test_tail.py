"""The end of a call's output."""

from __future__ import annotations

from matahari.rpcagent.tail import MAX_TAIL, Tail


def test_short_output_is_kept_whole() -> None:
    tail = Tail()
    tail.add("one\ntw")
    tail.add("o\n")
    assert tail.text == "one\ntwo"


def test_of_long_output_the_last_whole_lines_are_kept() -> None:
    tail = Tail()
    for number in range(10_000):
        tail.add(f"line {number}\n")
    assert tail.text.startswith("line ")
    assert tail.text.endswith("line 9999")
    assert MAX_TAIL - 20 < len(tail.text) <= MAX_TAIL


def test_one_endless_line_is_cut() -> None:
    tail = Tail()
    tail.add("x" * 10 * MAX_TAIL)
    assert tail.text == "x" * MAX_TAIL
