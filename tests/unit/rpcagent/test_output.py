from __future__ import annotations

from matahari.rpcagent.output import (
    BURST,
    KEPT_LINES,
    MAX_LINE,
    RATE,
    SHOWN,
    SHOWN_LINE,
    TAIL_LINES,
    Line,
    OutputLines,
)


def plain(*texts: str) -> list[Line]:
    """Lines of no call."""
    return [Line(text) for text in texts]


def test_pieces_become_lines() -> None:
    lines = OutputLines()
    assert lines.feed(b"on", 0.0) == []
    assert lines.feed(b"e\ntwo\r\nthr", 0.0) == plain("one", "two")
    assert lines.last(None) == "one\ntwo\nthr"
    assert lines.finish(0.0) == plain("thr")
    assert lines.finish(0.0) == []


def test_control_characters_and_broken_text_are_shown_not_passed_on() -> None:
    assert OutputLines().feed(b"\x1b[31m\xff\tok\x00\n", 0.0) == plain("\\x1b[31m\\xff\tok\\x00")


def test_a_line_without_end_is_cut() -> None:
    lines = OutputLines()
    assert [len(line.text) for line in lines.feed(b"x" * (2 * MAX_LINE + 1), 0.0)] == [MAX_LINE, MAX_LINE]
    assert lines.finish(0.0) == plain("x")


def test_a_long_line_that_comes_with_its_end_is_cut_too_and_nothing_of_it_lost() -> None:
    said = OutputLines().feed(b"\x1e7\x1e" + b"x" * (2 * MAX_LINE + 1) + b"\nshort\n", 0.0)
    assert {line.call for line in said[:-1]} == {7}
    assert "".join(line.text for line in said[:-1]) == "x" * (2 * MAX_LINE + 1)
    assert said[-1] == Line("short")


def test_the_tail_is_short() -> None:
    lines = OutputLines()
    lines.feed(b"".join(b"%d\n" % number for number in range(100)), 0.0)
    assert lines.last(None).split("\n") == [str(number) for number in range(100 - TAIL_LINES, 100)]


def test_the_tail_of_long_lines_is_bounded_and_says_where_it_is_cut() -> None:
    lines = OutputLines()
    lines.feed(b"x" * (1024 * 1024) + b"\nlast\n", 0.0)
    *cut, last = lines.last(None).split("\n")
    assert last == "last"
    assert set(cut) == {"x" * (SHOWN_LINE - 1) + "…"}
    assert SHOWN - 2 * SHOWN_LINE < len(lines.last(None)) <= SHOWN


def test_too_many_lines_are_counted_instead_of_logged() -> None:
    lines = OutputLines()
    assert len(lines.feed(b"x\n" * (BURST + 50), 1000.0)) == BURST
    later = lines.feed(b"y\n", 1000.0 + 1.5 / RATE)
    assert later == plain("(50 lines were not logged: too many a second)", "y")
    lines.feed(b"z\n" * 5, 1000.0 + 1.5 / RATE)
    assert lines.finish(1000.0 + 1.5 / RATE) == plain("(5 more lines were not logged)")


def test_in_a_flood_one_line_a_second_says_how_many_were_left_out() -> None:
    lines = OutputLines()
    said: list[Line] = []
    fed = 0
    for step in range(1000):  # ten seconds, 400 lines in each hundredth of one
        said += lines.feed(b"x\n" * 400, 1000.0 + step / 100)
        fed += 400
    said += lines.finish(1010.0)
    notes = [line.text for line in said if line.text != "x"]
    assert 9 <= len(notes) <= 11
    left_out = sum(int(note[1:].partition(" ")[0]) for note in notes)
    assert left_out + said.count(Line("x")) == fed


HEAD = "Fatal Python error: Segmentation fault"
DUMP = (
    "",
    "Thread 0x00007f0000000001 (most recent call first):",
    *(f'  File "/p/a.py", line {number} in f{number}' for number in range(200)),
    "",
    "Extension modules: numpy.core (total: 1)",
)


class TestFatal:
    def test_the_first_line_of_a_crash_dump_is_kept_when_the_dump_is_cut(self) -> None:
        lines = OutputLines()
        lines.feed("\n".join(["before", HEAD, *DUMP]).encode(), 0.0)
        for call in (None, 7):
            shown = lines.last(call).split("\n")
            assert shown[:2] == [HEAD, "…"]
            assert shown[2:] == [*DUMP[-TAIL_LINES:]]

    def test_it_is_not_shown_twice_and_the_whole_is_bounded(self) -> None:
        lines = OutputLines()
        lines.feed(f"{HEAD}\n{DUMP[1]}\n".encode(), 0.0)
        assert lines.last(None) == f"{HEAD}\n{DUMP[1]}"
        lines = OutputLines()
        lines.feed(b"".join(b"  %s\n" % (b"y" * SHOWN_LINE) for _ in range(30)), 0.0)
        lines.feed(f"{HEAD}\n".encode() + b"".join(b"  %s\n" % (b"y" * SHOWN_LINE) for _ in range(30)), 0.0)
        assert lines.last(None).startswith(f"{HEAD}\n…\n")
        assert len(lines.last(None)) <= SHOWN

    def test_that_of_a_child_is_forgotten_when_others_go_on(self) -> None:
        lines = OutputLines()
        lines.feed("\n".join([HEAD, *DUMP, "and the worker goes on", *DUMP, ""]).encode(), 0.0)
        assert HEAD not in lines.last(None)


class TestMarks:
    def test_a_line_is_of_the_call_in_its_mark(self) -> None:
        lines = OutputLines()
        assert lines.feed(b"before\n\x1e7\x1eseven\n\x1e8\x1e\nafter\n", 0.0) == [
            Line("before"),
            Line("seven", 7),
            Line("", 8),
            Line("after"),
        ]

    def test_pieces_of_a_line_are_put_together_when_they_are_of_one_call(self) -> None:
        lines = OutputLines()
        assert lines.feed(b"\x1e7\x1eone, ", 0.0) == []
        assert lines.feed(b"\x1e7\x1etwo", 0.0) == []
        assert lines.feed(b"\x1e", 0.0) == []
        assert lines.feed(b"7\x1e, three\n", 0.0) == [Line("one, two, three", 7)]

    def test_pieces_of_different_calls_are_lines_of_their_own(self) -> None:
        line = b"a child\x1e7\x1eseven\x1e8\x1eeight\n"
        assert OutputLines().feed(line, 0.0) == [Line("a child"), Line("seven", 7), Line("eight", 8)]

    def test_a_mark_without_number_ends_the_text_of_a_call(self) -> None:
        lines = OutputLines()
        assert lines.feed(b"\x1e7\x1eone, \x1e\x1e\x1e7\x1etwo\x1e\x1eFatal\n", 0.0) == [
            Line("one, two", 7),
            Line("Fatal"),
        ]

    def test_what_is_cut_off_a_long_line_is_of_the_same_call(self) -> None:
        lines = OutputLines()
        cut = lines.feed(b"\x1e7\x1e" + b"x" * (2 * MAX_LINE), 0.0)
        assert {line.call for line in (*cut, *lines.finish(0.0))} == {7}

    def test_a_line_is_not_cut_within_a_mark(self) -> None:
        for length in range(MAX_LINE - 12, MAX_LINE + 1):
            lines = OutputLines()
            data = b"\x1e7\x1e" + b"x" * (length - 3) + b"\x1e1234\x1e" + b"y" * MAX_LINE
            found = [*lines.feed(data, 0.0), *lines.finish(0.0)]
            assert {(line.call, letter) for line in found for letter in set(line.text)} == {(7, "x"), (1234, "y")}
            assert sum(len(line.text) for line in found) == length - 3 + MAX_LINE

    def test_a_mark_that_is_none_is_text(self) -> None:
        assert OutputLines().feed(b"\x1ex\x1e \x1e8\n", 0.0) == plain("\\x1ex\\x1e \\x1e8")

    def test_the_last_lines_for_a_call_are_its_own_and_those_of_none(self) -> None:
        lines = OutputLines()
        lines.feed(b"import\n\x1e7\x1eseven\n\x1e8\x1eeight\nFatal\n\x1e7\x1eopen", 0.0)
        assert lines.last(7) == "import\nseven\nFatal\nopen"
        assert lines.last(8) == "import\neight\nFatal"
        assert lines.last(None) == "import\nFatal"

    def test_lines_of_other_calls_do_not_displace_those_of_this_one_at_once(self) -> None:
        lines = OutputLines()
        lines.feed(b"\x1e7\x1eseven\n" + b"\x1e8\x1eeight\n" * (KEPT_LINES - 1), 0.0)
        assert lines.last(7) == "seven"
        lines.feed(b"\x1e8\x1eeight\n", 0.0)
        assert lines.last(7) == ""

    def test_what_the_worker_says_does_not_displace_what_the_call_has_said(self) -> None:
        lines = OutputLines()
        lines.feed(b"\x1e7\x1eseven\n" + b"Thread\n" * (2 * TAIL_LINES), 0.0)
        assert lines.last(7).split("\n") == ["seven", *["Thread"] * TAIL_LINES]
