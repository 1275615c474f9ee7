from __future__ import annotations

from matahari.rpcagent.output import BURST, MAX_LINE, RATE, TAIL_LINES, OutputLines


def test_pieces_become_lines() -> None:
    lines = OutputLines()
    assert lines.feed(b"on", 0.0) == []
    assert lines.feed(b"e\ntwo\r\nthr", 0.0) == ["one", "two"]
    assert lines.tail == "one\ntwo\nthr"
    assert lines.finish(0.0) == ["thr"]
    assert lines.finish(0.0) == []


def test_control_characters_and_broken_text_are_shown_not_passed_on() -> None:
    assert OutputLines().feed(b"\x1b[31m\xff\tok\x00\n", 0.0) == ["\\x1b[31m\\xff\tok\\x00"]


def test_a_line_without_end_is_cut() -> None:
    lines = OutputLines()
    assert [len(line) for line in lines.feed(b"x" * (2 * MAX_LINE + 1), 0.0)] == [MAX_LINE, MAX_LINE]
    assert lines.finish(0.0) == ["x"]


def test_the_tail_is_short() -> None:
    lines = OutputLines()
    lines.feed(b"".join(b"%d\n" % number for number in range(100)), 0.0)
    assert lines.tail.split("\n") == [str(number) for number in range(100 - TAIL_LINES, 100)]


def test_too_many_lines_are_counted_instead_of_logged() -> None:
    lines = OutputLines()
    assert len(lines.feed(b"x\n" * (BURST + 50), 1000.0)) == BURST
    later = lines.feed(b"y\n", 1000.0 + 1.5 / RATE)
    assert later == ["(50 lines were not logged: too many a second)", "y"]
    lines.feed(b"z\n" * 5, 1000.0 + 1.5 / RATE)
    assert lines.finish(1000.0 + 1.5 / RATE) == ["(5 more lines were not logged)"]
