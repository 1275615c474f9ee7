"""Extensions at the console: expected hosts, and summaries."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from matahari.console import ClassName, RemoteObject, Results, connect
from matahari.console.extending import GROUP, ConsoleExtensions, absent_error, absent_object, by_host
from matahari.console.values import Result
from matahari.errors import AgentGoneError, HookError, NoAgentsError
from matahari.hooks import ENTRY_POINT_GROUP
from matahari.qmf import ObjectId, Schema, SchemaId

COUNT = """
from matahari.hooks import Aggregator, hookimpl
@hookimpl
def aggregators():
    return [
        Aggregator("count", "how many", lambda values: {"hosts": sorted(values), "values": list(values.values())}),
        Aggregator("fails", "never works", lambda values: 1 / 0),
    ]
"""
EXPECT = """
from matahari.hooks import hookimpl
@hookimpl
def discover(query):
    return ["web1", "web2"]
"""


def an_object(host: str, name: str = "o") -> RemoteObject:
    return RemoteObject(host, "a", name, ClassName("p", "C"), {}, ObjectId("a", name), Schema(SchemaId("p", "C")))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "hooks"
    made.mkdir(mode=0o755)
    return made


def expected(extensions: ConsoleExtensions) -> frozenset[str]:
    return asyncio.run(extensions.expected_hosts())


def test_the_group_of_entry_points_is_that_of_all_extensions() -> None:
    assert GROUP == ENTRY_POINT_GROUP


def test_without_extensions_nobody_is_expected(folder: Path) -> None:
    for nowhere in (folder, folder / "missing"):
        extensions = ConsoleExtensions(nowhere)
        assert not extensions.are_there()
        assert expected(extensions) == frozenset()


def test_all_that_discovery_tells_is_expected_and_what_fails_is_named(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (folder / "first.py").write_text(EXPECT)
    (folder / "second.py").write_text(EXPECT.replace("web1", "db1"))
    (folder / "third.py").write_text(EXPECT.replace('["web1", "web2"]', "1 / 0"))
    (folder / "fourth.py").write_text("1 / 0\n")
    extensions = ConsoleExtensions(folder)
    assert extensions.are_there()
    assert expected(extensions) == {"web1", "web2", "db1"}
    assert f"extension fourth: ZeroDivisionError: division by zero ({folder / 'fourth.py'}:1)" in caplog.messages
    assert "hook discover of third: ZeroDivisionError: division by zero" in caplog.messages
    caplog.clear()
    assert len(expected(extensions)) == 3
    assert [text for text in caplog.messages if "fourth" in text] == []


def test_extensions_without_discovery_expect_nobody(folder: Path) -> None:
    (folder / "count.py").write_text(COUNT)
    assert expected(ConsoleExtensions(folder)) == frozenset()


def test_a_configuration_that_is_wrong_is_logged_and_nobody_is_expected(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("MATAHARI_CONFIG", "/no/such/file")
    assert expected(ConsoleExtensions()) == frozenset()
    assert "extensions cannot be loaded" in caplog.text


def test_the_configured_directory_is_taken_unless_one_is_given(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "first.py").write_text(EXPECT)
    monkeypatch.setenv("MATAHARI_HOOKS", str(folder))
    assert expected(ConsoleExtensions()) == {"web1", "web2"}
    assert connect("unix:/nowhere")._extensions is not None
    assert expected(ConsoleExtensions(folder / "missing")) == frozenset()


def test_a_summary_is_made_of_the_values_that_came(folder: Path) -> None:
    (folder / "count.py").write_text(COUNT)
    results = Results(
        [
            Result(an_object("one"), {"a": b"x"}, None, 0.1),
            Result(an_object("two"), None, AgentGoneError("gone"), 0.1),
            Result(an_object("three"), (1, 2), None, 0.1),
        ],
        ConsoleExtensions(folder),
    )
    assert results.summary("count") == {"hosts": ["one", "three"], "values": [{"a": "x"}, [1, 2]]}


def test_an_unknown_summary_is_told_with_what_was_meant(folder: Path) -> None:
    with pytest.raises(NoAgentsError, match='Summary "count" not found; no extension offers any'):
        ConsoleExtensions(folder).summarise("count", {})
    (folder / "count.py").write_text(COUNT)
    extensions = ConsoleExtensions(folder)
    with pytest.raises(NoAgentsError, match=r"did you mean count\?"):
        extensions.summarise("coumt", {})
    with pytest.raises(NoAgentsError, match="there are count, fails"):
        extensions.summarise("zzzzz", {})


def test_a_summary_that_fails_names_its_extension(folder: Path) -> None:
    (folder / "count.py").write_text(COUNT)
    with pytest.raises(HookError, match="hook aggregators of count: ZeroDivisionError"):
        ConsoleExtensions(folder).summarise("fails", {"one": 1})
    (folder / "broken.py").write_text("from matahari.hooks import hookimpl\n@hookimpl\ndef aggregators(): return 5\n")
    extensions = ConsoleExtensions(folder)
    assert extensions.summarise("count", {"one": 1}) == {"hosts": ["one"], "values": [1]}
    with pytest.raises(HookError, match="hook aggregators of broken"):
        extensions.summarise("other", {})


def test_several_objects_of_a_host_are_told_apart() -> None:
    results = [Result(an_object("one", name), name, None, 0.0) for name in ("front", "back")]
    assert by_host(results) == {"one[front]": "front", "one[back]": "back"}


def test_a_missing_host_has_a_result_that_says_so() -> None:
    made = Result(absent_object("web9", ClassName("p", "C")), None, absent_error(), 0.0)
    assert (made.host, made.ok) == ("web9", False)
    assert repr(made) == "<Result: web9: AgentGoneError: expected to answer, and not on the bus>"
    assert Results([made]).silent == [made]
