"""How results are shown: few with a line each, many as groups, and as rows where a program reads them."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator

import pytest

from matahari.console import Output, Partial, Progress, RemoteObject, Report
from matahari.errors import AbortedError, ConnectionLostError
from matahari.shell.base.outcome import ExitStatus
from matahari.shell.display.output import Output as ShellOutput
from matahari.shell.display.results import MAX_ROWS, ResultsView
from tests.support.fake_console import fleet
from tests.support.shell import CALC, TestShell

ODD, BROKEN = "host07", ("host03", "host09")


def crowd(
    count: int,
    behaviour: Callable[[str], object] = lambda host: 0,
    *,
    as_json: bool = False,
    colour: bool = False,
    clock: Callable[[], float] = lambda: 0.0,
) -> TestShell:
    """So many hosts, host01 and on, whose ``calc.add`` does that; calc is selected."""
    console = fleet()
    kind = console.kind("calc")
    published = kind.values["db1"]
    kind.values = {f"host{number:02}": published for number in range(1, count + 1)}
    kind.behaviours["add"] = lambda host, args, kwargs: behaviour(host)
    shell = TestShell(console, as_json=as_json, colour=colour, clock=clock)
    shell.run(CALC)
    shell.out()
    return shell


def mixed(host: str) -> object:
    if host in BROKEN:
        raise AbortedError("boom", remote_type="ValueError")
    return "1 channel" if host == ODD else "0 channels"


GROUPED = """\
9 hosts: 0 channels
host07:  1 channel
2 hosts: % ValueError: boom  (host03, host09)
"""


class TestFew:
    def test_answers_come_at_once_in_one_column_and_failures_at_the_end(self) -> None:
        said: list[str] = []

        def look(host: str) -> object:
            said.append(shell.out())
            return mixed(host)

        shell = crowd(MAX_ROWS, look)
        assert shell.run("call add 1 2") is ExitStatus.SOME_FAILED
        assert said[:5] == ["", "host01: 0 channels\n", "host02: 0 channels\n", "", "host04: 0 channels\n"]
        assert shell.out() == (
            "host10: 0 channels\nhost03: % ValueError: boom\nhost09: % ValueError: boom\n"
        )  # fmt: skip

    def test_who_is_silent_comes_behind_those_that_failed(self) -> None:
        shell = crowd(4, mixed)
        shell.console.deaf = {"host01"}
        assert shell.says("call add 1 2").splitlines() == [
            "host02: 0 channels", "host04: 0 channels", "host03: % ValueError: boom", "host01: % no answer within 10 s"
        ]  # fmt: skip

    def test_an_interrupt_shows_the_failures_that_are_in(self) -> None:
        def interrupted(host: str) -> object:
            if host == "host04":
                raise KeyboardInterrupt
            return mixed(host)

        shell = crowd(5, interrupted)
        with pytest.raises(KeyboardInterrupt):
            shell.run("call add 1 2")
        assert shell.out().splitlines()[-1] == "host03: % ValueError: boom"
        assert "5 hosts: 2 answered, 1 failed, 2 silent" in shell.err()

    def test_a_lost_connection_does_not_take_away_what_is_in(self) -> None:
        shell = crowd(3, mixed)
        objects = shell.session.objects
        assert objects is not None

        def results() -> Iterator[object]:
            yield from list(objects.iterate("add", [], {}))[:2]
            raise ConnectionLostError("the broker is gone")

        view = ResultsView(shell.session, objects, name="add")
        with pytest.raises(ConnectionLostError):
            view.show(results())  # type: ignore[arg-type]  # results of the fake console, as the view takes them
        assert shell.out() == "host01: 0 channels\nhost02: 0 channels\n"
        assert shell.err() == "3 hosts: 2 answered, 0 failed, 1 silent, 0.00 s\n"


class TestMany:
    def test_equal_answers_are_together_at_the_end_and_failures_last(self) -> None:
        shell = crowd(12, mixed)
        assert shell.says("call add 1 2") == GROUPED

    def test_failures_are_red_where_there_is_colour(self) -> None:
        red = "\x1b[31m2 hosts: % ValueError: boom  (host03, host09)\x1b[0m\n"
        assert crowd(12, mixed, colour=True).says("call add 1 2").endswith(red)

    def test_silent_hosts_are_together_behind_other_failures(self) -> None:
        shell = crowd(14, mixed)
        shell.console.deaf = {"host12", "host13", "host14"}
        shell.console.missing = ["gone1", "gone2"]
        shell.run(CALC)
        assert shell.says("call add 1 2").splitlines()[2:] == [
            "2 hosts: % ValueError: boom  (host03, host09)",
            "3 hosts: % no answer within 10 s  (host12, host13, host14)",
            "2 hosts: % expected to answer, and not on the bus  (gone1, gone2)",
        ]

    def test_an_interrupt_shows_groups_of_what_is_in(self) -> None:
        def interrupted(host: str) -> object:
            if host == "host11":
                raise KeyboardInterrupt
            return mixed(host)

        shell = crowd(12, interrupted)
        with pytest.raises(KeyboardInterrupt):
            shell.run("call add 1 2")
        assert shell.out() == GROUPED.replace("9 hosts: 0", "7 hosts: 0").replace(
            "0 channels\n", "0 channels  (host01, host02, host04, host05, host06, host08, host10)\n"
        )
        assert "12 hosts: 8 answered, 2 failed, 2 silent" in shell.err()

    def test_the_answers_are_kept_for_a_summary(self) -> None:
        shell = crowd(12, mixed)
        shell.run("call add 1 2")
        assert len(shell.session.answers) == 10
        assert shell.session.answers[ODD] == "1 channel"

    def test_a_property_is_grouped_too_and_has_a_closing_line(self) -> None:
        shell = crowd(12)
        shell.console.kind("calc").values["host05"] = {"calc": {"state": "failed", "methods": {}}}
        assert shell.says("get state") == "11 hosts: ready\nhost05:   failed\n"
        assert shell.err() == "12 hosts: 12 answered, 0 failed, 0 silent, 0.00 s\n"

    def test_a_method_that_gives_nothing_is_ok(self) -> None:
        shell = TestShell()
        kind = shell.console.kind("Host")
        kind.values = {f"host{number:02}": kind.values["db1"] for number in range(1, 13)}
        shell.run("select class Host")
        assert shell.says("call identify") == "12 hosts: OK\n"

    def test_of_a_write_only_failures_are_shown(self) -> None:
        shell = TestShell()
        kind = shell.console.kind("Host")
        kind.values = {f"host{number:02}": kind.values["db1"] for number in range(1, 13)}
        shell.run("select class Host")
        shell.console.deaf = {"host02", "host05"}
        assert shell.says("set update_interval 7") == "2 hosts: % no answer within 10 s  (host02, host05)\n"
        assert shell.err() == "12 hosts: 10 answered, 0 failed, 2 silent, 0.00 s\n"

    def test_objects_are_counted_where_hosts_have_several(self) -> None:
        shell = TestShell()
        kind = shell.console.kind("Volume")
        kind.values = {f"host{at}": {"data": {"size": 2}, "log": {"size": at // 7}} for at in range(1, 8)}
        shell.run("select class Volume")
        assert shell.says("get size").splitlines() == [
            "7 objects:  2  (host1[data], host2[data], host3[data], host4[data], host5[data], host6[data], host7[data])",
            "6 objects:  0  (host1[log], host2[log], host3[log], host4[log], host5[log], host6[log])",
            "host7[log]: 1",
        ]
        assert shell.err() == "7 hosts, 14 objects: 14 answered, 0 failed, 0 silent, 0.00 s\n"

    def test_the_same_warning_of_many_is_one(self) -> None:
        shell = crowd(12)
        shell.console.mismatch = "not as declared\x1b"
        shell.run("call add 1 2")
        assert shell.err().splitlines()[0] == "12 hosts: warning: not as declared\\x1b"

    def test_lines_of_output_come_at_once_behind_their_host(self) -> None:
        shell = crowd(12)
        shell.console.reports["add"] = lambda item: [Output(item, "x\n"), Partial(item, 1)] if "1" in item.host else ()
        said = shell.says("call add 1 2").splitlines()
        assert said[:2] == ["host01: x", "host01: 1"]
        assert said[-1] == "12 hosts: 0"

    def test_ten_thousand_results_are_few_lines(self) -> None:
        shell = crowd(10_000, lambda host: "x" * 100 if host != "host9000" else "y")
        assert shell.says("call add 1 2") == f"9999 hosts: {'x' * 100}\nhost9000:   y\n"

    def test_ten_thousand_lines_of_output_are_shown(self) -> None:
        shell = crowd(1)
        shell.console.reports["add"] = lambda item: (Output(item, f"{at}\n") for at in range(10_000))
        assert len(shell.says("call add 1 2").splitlines()) == 10_001


class TestRows:
    def test_with_json_each_result_is_a_record_when_it_comes(self) -> None:
        shell = crowd(12, mixed, as_json=True)
        records = shell.records("call add 1 2")
        assert [record["host"] for record in records] == [f"host{number:02}" for number in range(1, 13)]
        assert [record["host"] for record in records if not record["ok"]] == list(BROKEN)

    def test_in_front_of_a_pipe_each_result_is_a_row_when_it_comes(self) -> None:
        shell = crowd(12, mixed)
        rows: list[str] = []
        with shell.session.output.into(lambda row: rows.extend(row.lines), wants_records=False):
            shell.run("call add 1 2")
        assert rows[1:4] == ["host02: 0 channels", "host03: % ValueError: boom", "host04: 0 channels"]
        assert len(rows) == 12

    def test_a_read_has_no_duration_in_its_record(self) -> None:
        assert "duration" not in crowd(2, as_json=True).records("get state")[0]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class TestBar:
    @pytest.fixture(autouse=True)
    def terminal(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TERM", "xterm")

    def seen(self, shell: TestShell, line: str) -> list[str]:
        """What the status line showed, one after the other; empty where it was taken away."""
        err = Terminal()
        shell.session.output = ShellOutput(io.StringIO(), err, as_json=shell.as_json)
        shell.run(line)
        return [text.split("\x1b[K")[0] for text in err.getvalue().split("\r")[1:]]

    def test_many_hosts_have_a_bar_that_goes_before_the_answers(self) -> None:
        shown = self.seen(crowd(12, mixed), "call add 1 2")
        assert shown[0] == "[..........] 0/12 answered 0, failed 0, waiting 12"
        assert shown[3] == "[##........] 3/12 answered 2, failed 1, waiting 9"
        assert shown[12:] == ["[##########] 12/12 answered 10, failed 2, waiting 0", ""]

    @pytest.mark.parametrize("line", ["get state", "set state 1"])
    def test_a_read_has_one_too(self, line: str) -> None:
        shell = crowd(12)
        if line.startswith("set"):
            kind = shell.console.kind("calc")
            kind.properties = [type(one)(one.name, one.type, "RW") for one in kind.properties]
            shell.run(CALC)
        assert self.seen(shell, line)[0] == "[..........] 0/12 answered 0, failed 0, waiting 12"

    def test_it_comes_again_behind_what_is_shown_meanwhile(self) -> None:
        def tell(item: RemoteObject) -> Iterable[Report]:
            return [Progress(item, 1, 2), Output(item, "x\n")] if item.host == "host02" else ()

        shell = crowd(12)
        shell.console.reports["add"] = tell
        one = "[..........] 1/12 answered 1, failed 0, waiting 11"
        assert self.seen(shell, "call add 1 2")[1:5] == [one, one, "", one]

    def test_few_hosts_and_json_have_none(self) -> None:
        assert self.seen(crowd(10, mixed), "call add 1 2") == []
        assert self.seen(crowd(12, mixed, as_json=True), "call add 1 2") == []


class TestClosingLine:
    def ticking(self) -> Callable[[], float]:
        times = iter([100.0, 100.346])
        return lambda: next(times)

    def test_it_tells_how_long_it_took(self) -> None:
        shell = crowd(3, clock=self.ticking())
        shell.run("call add 1 2")
        assert shell.err() == "3 hosts: 3 answered, 0 failed, 0 silent, 0.35 s\n"

    def test_one_host_has_none(self) -> None:
        shell = crowd(1)
        shell.run("call add 1 2")
        assert shell.err() == ""

    def test_a_read_of_few_hosts_has_one_only_when_one_is_silent(self) -> None:
        shell = crowd(3)
        shell.run("get state")
        assert shell.err() == ""
        shell.console.deaf = {"host01"}
        shell.run("get state")
        assert shell.err() == "3 hosts: 2 answered, 0 failed, 1 silent, 0.00 s\n"
