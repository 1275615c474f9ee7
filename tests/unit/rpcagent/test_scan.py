"""Looking at real directories; only time is made up."""

from __future__ import annotations

import itertools
import os
import threading
from pathlib import Path

import pytest

from matahari.hostproto import content_digest
from matahari.rpcagent import LoadFailure, scan
from matahari.rpcagent.languages import PYTHON, Language
from matahari.rpcagent.orders import Content
from matahari.rpcagent.scan import MAX_CARRIED, REMOVAL_GRACE_NS, Found, Listing, Scanner, compare
from tests.support.plugins import TIME

SECOND = 1_000_000_000


def later(*paths: Path, ns: int = SECOND) -> int:
    """A time of day some time after the last change of these files."""
    return max(path.stat().st_ctime_ns for path in paths) + ns


def found(name: str, digest: str, path: str = "/p", fault: LoadFailure | None = None) -> Found:
    return Found(name, Content(path, "python", digest, None, fault), {}, 0)


class TestCompare:
    def test_new_changed_and_gone(self) -> None:
        before = {"a": found("a", "1"), "b": found("b", "1"), "c": found("c", "1")}
        after = {"b": found("b", "2"), "c": found("c", "1"), "d": found("d", "1"), "aa": found("aa", "1")}
        changes = compare(before, after)
        assert [each.name for each in changes.changed] == ["aa", "b", "d"]
        assert changes.removed == ("a",)

    def test_another_place_or_another_fault_is_a_change(self) -> None:
        before = {"a": found("a", "1"), "b": found("b", "")}
        after = {"a": found("a", "1", "/q"), "b": found("b", "", fault=LoadFailure("OSError", "no"))}
        assert [each.name for each in compare(before, after).changed] == ["a", "b"]

    def test_nothing(self) -> None:
        same = {"a": found("a", "1")}
        changes = compare(same, same)
        assert (changes.changed, changes.removed) == ((), ())


class TestScanner:
    def test_files_and_folders_are_found_with_digest_and_content(self, tmp_path: Path) -> None:
        (tmp_path / "disk.py").write_bytes(b"X = 1")
        (tmp_path / "shop").mkdir()
        (tmp_path / "shop" / "__init__.py").write_bytes(b"")
        (tmp_path / "shop" / "b.py").write_bytes(b"Y = 2")
        (tmp_path / "data").mkdir()
        listing = Scanner([tmp_path]).scan(later(tmp_path / "disk.py", tmp_path / "shop" / "b.py"))
        assert list(listing.plugins) == ["disk", "shop"]
        disk, shop = (listing.plugins[name].content for name in ("disk", "shop"))
        assert (disk.path, disk.language, disk.digest) == (
            str(tmp_path / "disk.py"),
            "python",
            content_digest({"": b"X = 1"}),
        )
        assert disk.files == {"": "WCA9IDE="}
        assert shop.digest == content_digest({"__init__.py": b"", "b.py": b"Y = 2"})
        assert listing.look_again is None

    def test_names_that_are_none_and_names_that_are_taken_are_listed(self, tmp_path: Path) -> None:
        first, second = tmp_path / "1", tmp_path / "2"
        for place in (first, second):
            place.mkdir()
            (place / "a.py").write_text(place.name)
        (second / "my-plugin.py").write_text("x")
        (first / "b").mkdir()
        (first / "b" / "__init__.py").write_text("x")
        (first / "b.py").write_text("x")
        listing = Scanner([first, tmp_path / "nowhere", second]).scan(later(second / "a.py", first / "b.py"))
        assert listing.plugins["a"].content.path == str(first / "a.py")
        assert listing.plugins["b"].content.path == str(first / "b")
        assert listing.misnamed == (second / "my-plugin.py",)
        assert listing.shadowed == (first / "b.py", second / "a.py")

    def test_a_folder_with_sources_but_without_its_main_file_is_listed(self, tmp_path: Path) -> None:
        for name in ("a/b.py", "a/c.txt", "_private/b.py", ".git/b.py", "data/c.txt", "__pycache__/a.py"):
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text("x")
        scanner = Scanner([tmp_path])
        listing = scanner.scan(later(tmp_path / "a" / "b.py"))
        assert (dict(listing.plugins), listing.headless) == ({}, (tmp_path / "a",))
        (tmp_path / "a" / "__init__.py").write_text("x")
        listing = scanner.scan(later(tmp_path / "a" / "__init__.py"))
        assert (list(listing.plugins), listing.headless) == (["a"], ())

    def test_a_file_that_changed_just_now_is_left_until_it_is_quiet(self, tmp_path: Path) -> None:
        path = tmp_path / "a.py"
        path.write_text("X = 1")
        scanner = Scanner([tmp_path])
        listing = scanner.scan(later(path, ns=1_000_000))
        assert (listing.plugins, listing.look_again is not None) == ({}, True)
        assert list(scanner.scan(later(path)).plugins) == ["a"]
        old = scanner.scan(later(path)).plugins["a"]
        path.write_text("X = 2")
        listing = scanner.scan(later(path, ns=1_000_000))
        assert listing.plugins["a"].content == old.content
        assert scanner.scan(later(path)).plugins["a"].content.digest != old.content.digest

    def test_an_empty_or_open_file_is_given_more_time(self, tmp_path: Path) -> None:
        path = tmp_path / "a.py"
        path.write_text("")
        scanner = Scanner([tmp_path])
        assert scanner.scan(later(path, ns=SECOND // 10)).plugins == {}
        assert list(scanner.scan(later(path)).plugins) == ["a"]
        path.write_text("X = 1")
        before = content_digest({"": b""})
        assert scanner.scan(later(path, ns=SECOND // 10), [str(path)]).plugins["a"].content.digest == before
        assert scanner.scan(later(path, ns=SECOND // 10)).plugins["a"].content.digest != before

    def test_a_plugin_is_gone_only_when_it_stays_away(self, tmp_path: Path) -> None:
        path = tmp_path / "a.py"
        path.write_text("X = 1")
        scanner = Scanner([tmp_path])
        now = later(path)
        first = scanner.scan(now)
        path.unlink()
        listing = scanner.scan(now)
        assert compare(first.plugins, listing.plugins).removed == ()
        assert listing.look_again is not None
        assert list(scanner.scan(now + REMOVAL_GRACE_NS - 1).plugins) == ["a"]
        path.write_text("X = 1")
        assert list(scanner.scan(later(path)).plugins) == ["a"]
        path.unlink()
        now = now + 10 * SECOND
        scanner.scan(now)
        listing = scanner.scan(now + REMOVAL_GRACE_NS)
        assert (listing.plugins, listing.look_again) == ({}, None)

    def test_an_unchanged_old_file_is_not_read_again(self, tmp_path: Path) -> None:
        path = tmp_path / "a.py"
        path.write_text("X = 1")
        scanner = Scanner([tmp_path])
        first = scanner.scan(later(path)).plugins["a"]
        assert scanner.scan(later(path, ns=2 * SECOND)).plugins["a"] is first

    def test_a_file_that_was_read_right_after_its_change_is_read_again(self, tmp_path: Path) -> None:
        path = tmp_path / "a.py"
        path.write_text("X = 1")
        scanner = Scanner([tmp_path])
        first = scanner.scan(later(path, ns=10_000_000)).plugins["a"]
        assert scanner.scan(later(path)).plugins["a"] is not first

    def test_what_cannot_be_a_plugin_is_a_fault_of_it(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe.py")
        (tmp_path / "dangling.py").symlink_to(tmp_path / "nowhere")
        (tmp_path / "folder.py").mkdir()
        plugins = Scanner([tmp_path]).scan(0).plugins
        assert sorted(plugins) == ["dangling", "pipe"]
        for each in plugins.values():
            assert each.content.fault is not None
            assert each.content.fault.file == each.content.path
            assert each.content.digest == ""

    def test_a_file_that_becomes_a_folder_between_look_and_reading_costs_no_descriptor(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = tmp_path / "a.py"
        path.write_text("X = 1")
        now = later(path)

        def swap(*_: object, **__: object) -> bool:
            path.unlink()
            path.mkdir()
            return True

        scanner = Scanner([tmp_path])
        monkeypatch.setattr(scan, "is_settled", swap)
        before = os.listdir("/proc/self/fd")
        listing = scanner.scan(now)
        assert os.listdir("/proc/self/fd") == before
        assert (dict(listing.plugins), sorted(listing.unsettled)) == ({}, ["a"])

    def test_a_file_that_becomes_a_pipe_between_look_and_reading_is_not_read(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = tmp_path / "a.py"
        path.write_text("X = 1")
        now = later(path)

        def swap(*_: object, **__: object) -> bool:
            path.unlink()
            os.mkfifo(path)
            return True

        scanner = Scanner([tmp_path])
        found: list[Listing] = []
        monkeypatch.setattr(scan, "is_settled", swap)
        # A thread, because reading a pipe would never end.
        looking = threading.Thread(target=lambda: found.append(scanner.scan(now)), daemon=True)
        looking.start()
        looking.join(10.0 * TIME)
        [listing] = found
        assert (dict(listing.plugins), sorted(listing.unsettled)) == ({}, ["a"])
        monkeypatch.undo()
        fault = scanner.scan(now).plugins["a"].content.fault
        assert fault is not None
        assert "is not a regular file" in fault.text

    def test_a_link_to_a_file_is_that_file(self, tmp_path: Path) -> None:
        target = tmp_path / "elsewhere.txt"
        target.write_text("X = 1")
        (tmp_path / "a.py").symlink_to(target)
        scanner = Scanner([tmp_path])
        assert scanner.scan(later(target)).plugins["a"].content.digest == content_digest({"": b"X = 1"})

    def test_a_large_plugin_is_not_carried(self, tmp_path: Path) -> None:
        path = tmp_path / "big.py"
        path.write_bytes(b"#" * (MAX_CARRIED + 1))
        content = Scanner([tmp_path]).scan(later(path)).plugins["big"].content
        assert (content.files, content.fault) == (None, None)

    def test_a_monstrous_plugin_is_a_fault(self, tmp_path: Path) -> None:
        path = tmp_path / "big.py"
        with path.open("wb") as file:
            file.truncate(17 * 1024 * 1024)
        fault = Scanner([tmp_path]).scan(later(path)).plugins["big"].content.fault
        assert fault is not None
        assert "bytes of source" in fault.text

    def test_no_directory_is_no_plugin(self, tmp_path: Path) -> None:
        assert Scanner([tmp_path / "nowhere"]).scan(0) == Listing({})


class TestLanguages:
    """Further languages beside Python."""

    LANGUAGES = (PYTHON, Language("lua", (".lua",)), Language("ruby", (".rb",), "init.rb"))

    def save(self, directory: Path, *names: str) -> int:
        """Write files; gives a time of day at which they have been quiet for long."""
        for name in names:
            (directory / name).parent.mkdir(exist_ok=True)
            (directory / name).write_text("x")
        return later(*(directory / name for name in names))

    def test_each_has_its_files_and_folders(self, tmp_path: Path) -> None:
        now = self.save(
            tmp_path, "a.lua", "b.rb", "c/init.rb", "c/more.rb", "c/data.py", "d/init.lua", "e.sh", "x-y.rb"
        )
        listing = Scanner([tmp_path], self.LANGUAGES).scan(now)
        found = {name: each.content for name, each in listing.plugins.items()}
        assert {name: each.language for name, each in found.items()} == {"a": "lua", "b": "ruby", "c": "ruby"}
        assert sorted(found["c"].files or ()) == ["init.rb", "more.rb"]
        assert found["c"].digest == content_digest({"init.rb": b"x", "more.rb": b"x"})
        assert listing.misnamed == (tmp_path / "x-y.rb",)

    def test_of_one_name_the_folder_counts_then_python_then_the_order_of_languages(self, tmp_path: Path) -> None:
        now = self.save(
            tmp_path, "a.lua", "a.py", "a.rb", "b.lua", "b.rb", "c.py", "c/init.rb", "d/init.rb", "d/__init__.py"
        )
        listing = Scanner([tmp_path], self.LANGUAGES).scan(now)
        paths = {name: each.content.path for name, each in listing.plugins.items()}
        expected = {"a": "a.py", "b": "b.lua", "c": "c", "d": "d"}
        assert paths == {name: str(tmp_path / path) for name, path in expected.items()}
        assert [listing.plugins[name].content.language for name in "abcd"] == ["python", "lua", "ruby", "python"]
        assert listing.shadowed == tuple(tmp_path / name for name in ("a.lua", "a.rb", "b.rb", "c.py"))

    def test_only_python_is_looked_at_for_types_of_python(self, tmp_path: Path) -> None:
        for name in ("a.py", "b.rb"):
            (tmp_path / name).write_text("import pydantic\n")
        plugins = Scanner([tmp_path], self.LANGUAGES).scan(later(tmp_path / "a.py", tmp_path / "b.rb")).plugins
        assert (plugins["a"].content.is_typed, plugins["b"].content.is_typed) == (True, False)

    def test_the_file_with_limits_and_settings_is_the_same_for_all(self, tmp_path: Path) -> None:
        (tmp_path / "b.rb").write_text("x")
        (tmp_path / "b.toml").write_text("[limits]\nconcurrency = 1\n")
        now = later(tmp_path / "b.rb", tmp_path / "b.toml")
        assert Scanner([tmp_path], self.LANGUAGES).scan(now).plugins["b"].content.options.overrides == {
            "concurrency": 1
        }


class TestOptions:
    """The file with limits and settings is part of its plugin."""

    def scan(self, scanner: Scanner, *paths: Path) -> Content:
        return scanner.scan(later(*paths)).plugins["disk"].content

    def test_a_change_of_it_is_a_change_of_the_plugin_and_its_absence_is_one(self, tmp_path: Path) -> None:
        plugin, options = tmp_path / "disk.py", tmp_path / "disk.toml"
        plugin.write_bytes(b"X = 1")
        scanner = Scanner([tmp_path])
        looks = [scanner.scan(later(plugin)).plugins]
        for text in (b"[settings]\na = 1\n", b"[settings]\na = 2\n"):
            options.write_bytes(text)
            looks.append(scanner.scan(later(plugin, options)).plugins)
        options.unlink()
        looks.append(scanner.scan(later(plugin)).plugins)
        assert [dict(look["disk"].content.options.settings) for look in looks] == [{}, {"a": 1}, {"a": 2}, {}]
        for before, after in itertools.pairwise(looks):
            assert [each.name for each in compare(before, after).changed] == ["disk"]
        assert len({look["disk"].content.digest for look in looks}) == 1
        assert looks[1]["disk"].content.files == {"": "WCA9IDE="}

    def test_a_fault_in_it_is_the_plugins(self, tmp_path: Path) -> None:
        plugin, options = tmp_path / "disk.py", tmp_path / "disk.toml"
        plugin.write_bytes(b"X = 1")
        options.write_bytes(b"[limits]\nqueue = -1\n")
        content = self.scan(Scanner([tmp_path]), plugin, options)
        assert content.fault is not None
        assert (content.fault.type, content.fault.file) == ("ConfigError", str(options))
        assert "disk.toml: limits.queue: must be a whole number from 0 to 10000, not -1" in content.fault.text

    def test_a_link_to_nothing_or_a_folder_in_its_place_is_a_fault(self, tmp_path: Path) -> None:
        plugin, options = tmp_path / "disk.py", tmp_path / "disk.toml"
        plugin.write_bytes(b"X = 1")
        scanner = Scanner([tmp_path])
        options.symlink_to("nowhere")
        content = self.scan(scanner, plugin)
        assert content.fault is not None
        assert "disk.toml is a link to nothing" in content.fault.text
        options.unlink()
        options.mkdir()
        content = self.scan(scanner, plugin)
        assert content.fault is not None
        assert "disk.toml is not a regular file" in content.fault.text

    def test_a_folder_may_have_it_inside(self, tmp_path: Path) -> None:
        init, options = tmp_path / "disk" / "__init__.py", tmp_path / "disk" / "plugin.toml"
        init.parent.mkdir()
        init.write_bytes(b"")
        options.write_bytes(b"[limits]\nconcurrency = 1\n")
        assert self.scan(Scanner([tmp_path]), init, options).options.overrides == {"concurrency": 1}
