"""Equal answers together, failures last."""

from __future__ import annotations

from matahari.errors import AbortedError, MatahariError, RequestTimeoutError
from matahari.shell.display.grouped import MAX_NAMED, Told, failure_entries, told_lines, value_entries


def hosts(count: int, start: int = 1) -> list[str]:
    return [f"web{number}" for number in range(start, start + count)]


def lines(entries: list[Told], *, debug: bool = False) -> list[str]:
    return [line for shown, _ in told_lines(entries, debug=debug) for line in shown]


def values(*groups: tuple[int, object]) -> list[tuple[str, object]]:
    given = [value for count, value in groups for _ in range(count)]
    return list(zip(hosts(len(given)), given, strict=True))


def test_equal_values_are_one_line_with_the_largest_group_first() -> None:
    entries = value_entries(values((3, "0 channels"), (12, "3 channels"), (1, "9 channels")), noun="hosts")
    assert lines(entries) == [
        "12 hosts: 3 channels",
        "3 hosts:  0 channels  (web1, web2, web3)",
        "web16:    9 channels",
    ]


def test_groups_of_the_same_size_stay_in_the_order_of_their_hosts() -> None:
    entries = value_entries(values((2, 5), (2, 4), (2, 6)), noun="hosts")
    assert lines(entries) == ["2 hosts: 5  (web1, web2)", "2 hosts: 4  (web3, web4)", "2 hosts: 6  (web5, web6)"]


def test_values_of_other_types_are_other_values() -> None:
    entries = value_entries(values((2, 1), (2, "1"), (2, True), (2, 1.0)), noun="hosts")
    assert [entry.head for entry in entries] == ["2 hosts"] * 4


def test_only_a_few_hosts_of_a_group_are_named() -> None:
    few, many = value_entries(values((MAX_NAMED, "a"), (MAX_NAMED + 1, "b")), noun="hosts")[::-1]
    assert few.names == "(web1, web2, web3, web4, web5, web6, web7, web8)"
    assert many.names == ""


def test_a_value_of_several_lines_stands_below_who_says_it() -> None:
    entries = value_entries(values((12, "a\nb\n"), (2, "c\nd"), (1, "e\nf")), noun="objects")
    assert lines(entries) == [
        "12 objects:", "    a", "    b", "2 objects:  (web13, web14)", "    c", "    d", "web15:", "    e", "    f"
    ]  # fmt: skip


def test_where_most_values_differ_each_host_has_its_line_in_the_order_of_the_hosts() -> None:
    given: list[tuple[str, object]] = [(host, at) for at, host in enumerate(hosts(10))]
    given[7] = ("web8", 0)
    assert lines(value_entries(given, noun="hosts"))[-3:] == ["web8:  0", "web9:  8", "web10: 9"]
    assert len(lines(value_entries(given, noun="hosts"))) == 10
    assert value_entries([], noun="hosts") == []


def test_failures_with_the_same_text_are_together_and_the_first_hosts_are_named() -> None:
    silent = RequestTimeoutError("no answer within 10 s", timeout=10.0)
    failures: list[tuple[str, MatahariError | None]] = [
        (host, AbortedError("boom", remote_type="ValueError")) for host in hosts(MAX_NAMED + 3)
    ]
    failures += [("db1", silent), ("db2", None)]
    told = told_lines(failure_entries(failures, noun="hosts"), debug=False)
    assert told == [
        (["11 hosts: % ValueError: boom  (web1, web2, web3, web4, web5, web6, web7, web8 and 3 more)"], True),
        (["db1:      % no answer within 10 s"], True),
        (["db2:      % no answer"], True),
    ]


def test_with_debug_failures_with_other_tracebacks_are_apart() -> None:
    failures: list[tuple[str, MatahariError | None]] = [
        (host, AbortedError("boom", remote_traceback=f"line {at // 2}")) for at, host in enumerate(hosts(4))
    ]
    assert len(failure_entries(failures, noun="hosts")) == 1
    assert lines(failure_entries(failures, noun="hosts", debug=True), debug=True) == [
        "2 hosts: % boom  (web1, web2)", "    line 0", "2 hosts: % boom  (web3, web4)", "    line 1"
    ]  # fmt: skip


def test_failures_of_hosts_whose_names_look_alike_are_not_mixed_up() -> None:
    failures: list[tuple[str, MatahariError | None]] = [
        ("web1", AbortedError("disk on fire")),
        ("web1", AbortedError("is busy")),
    ]
    assert lines(failure_entries(failures, noun="hosts")) == ["web1: % disk on fire", "web1: % is busy"]
