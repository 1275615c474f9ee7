"""Finding extensions, and refusing those that cannot be trusted or understood."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib.metadata import EntryPoint
from pathlib import Path
from types import SimpleNamespace

from matahari.errors import HookError
from matahari.hooks import Extensions, JsonValue, hookimpl

GOOD = "from matahari.hooks import hookimpl\n\n\n@hookimpl\ndef facts():\n    return {'a': 1}\n"


def directory(folder: Path, **sources: str) -> Path:
    folder.chmod(0o755)
    for name, source in sources.items():
        path = folder / f"{name}.py"
        path.write_text(source)
        path.chmod(0o644)
    return folder


def loaded(folder: Path) -> Extensions:
    extensions = Extensions()
    extensions.load_directory(folder)
    return extensions


def failure(extensions: Extensions) -> HookError:
    (only,) = extensions.failures
    assert extensions.providers == []
    assert extensions.implementations("facts") == []
    return only


def test_a_file_is_a_provider_of_its_name(tmp_path: Path) -> None:
    extensions = loaded(directory(tmp_path, mine=GOOD))
    (provider,) = extensions.providers
    assert (provider.name, provider.origin, provider.hooks) == ("mine", str(tmp_path / "mine.py"), ("facts",))
    assert extensions.failures == []


def test_hidden_and_private_files_are_left_alone(tmp_path: Path) -> None:
    folder = directory(tmp_path, **{"_helper": "raise RuntimeError", ".swap": "raise RuntimeError"})
    extensions = loaded(folder)
    assert (extensions.providers, extensions.failures) == ([], [])


def test_a_missing_directory_holds_nothing(tmp_path: Path) -> None:
    extensions = loaded(tmp_path / "missing")
    assert (extensions.providers, extensions.failures) == ([], [])


def test_a_file_that_raises_is_named_and_leaves_the_others_alone(tmp_path: Path) -> None:
    extensions = loaded(directory(tmp_path, bad="1 / 0\n", good=GOOD))
    assert [provider.name for provider in extensions.providers] == ["good"]
    (error,) = extensions.failures
    assert (error.provider, error.error_type) == ("bad", "ZeroDivisionError")
    assert isinstance(error.__cause__, ZeroDivisionError)


def test_what_a_file_raises_comes_with_the_last_line_of_its_own(tmp_path: Path) -> None:
    source = "import json\n\n\ndef read():\n    return json.loads('{')\n\n\nread()\n"
    assert str(failure(loaded(directory(tmp_path, bad=source)))).endswith(f" ({tmp_path}/bad.py:5)")


def test_an_extension_logs_under_the_name_of_its_file(tmp_path: Path) -> None:
    source = f"import logging\nLOG = logging.getLogger(__name__)\n{GOOD}"
    found = loaded(directory(tmp_path, ticking_away=source)).implementations("facts")
    assert found[0].function.__globals__["LOG"].name == "matahari_extension.ticking_away"
    again = loaded(tmp_path).implementations("facts")
    assert again[0].function.__module__.startswith("matahari_extension.ticking_away_")


def test_a_file_that_ends_the_program_does_not(tmp_path: Path) -> None:
    assert failure(loaded(directory(tmp_path, bad="raise SystemExit(3)\n"))).error_type == "SystemExit"


def test_a_file_with_a_syntax_error_is_named(tmp_path: Path) -> None:
    assert failure(loaded(directory(tmp_path, bad="def (:\n"))).error_type == "SyntaxError"


def test_a_file_that_others_can_write_is_refused(tmp_path: Path) -> None:
    folder = directory(tmp_path, bad=GOOD)
    (folder / "bad.py").chmod(0o664)
    assert "chmod go-w" in str(failure(loaded(folder)))


def test_nothing_is_loaded_from_a_directory_that_others_can_write(tmp_path: Path) -> None:
    folder = directory(tmp_path, good=GOOD)
    folder.chmod(0o1777)
    assert "chmod go-w" in str(failure(loaded(folder)))


def test_nothing_is_loaded_below_a_directory_that_others_can_write(tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    tmp_path.chmod(0o777)
    assert "chmod go-w" in str(failure(loaded(directory(inner, good=GOOD))))


def test_a_linked_file_and_a_linked_directory_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    folder = directory(tmp_path / "a", good=GOOD)
    os.symlink(folder / "good.py", tmp_path / "b/linked.py")
    os.symlink(folder, tmp_path / "c")
    assert "symbolic link" in str(failure(loaded(tmp_path / "b")))
    assert "symbolic link" in str(failure(loaded(tmp_path / "c")))


def test_an_unknown_hook_is_refused(tmp_path: Path) -> None:
    text = str(failure(loaded(directory(tmp_path, bad=GOOD.replace("facts", "fakts")))))
    assert text == f"extension bad: {tmp_path}/bad.py: there is no hook 'fakts'; did you mean 'facts'?"


def test_an_argument_that_the_hook_does_not_have_is_refused_with_its_place_and_those_that_it_has(
    tmp_path: Path,
) -> None:
    text = str(failure(loaded(directory(tmp_path, bad=GOOD.replace("facts()", "facts(colour)")))))
    place = f"extension bad: {tmp_path}/bad.py:4: the hook"
    assert text == f"{place} facts has no argument 'colour': it takes none, remove it"
    (tmp_path / "bad.py").write_text(f"{GOOD}\n\n@hookimpl\ndef authorise(req): ...\ndef audit(no_hook): ...\n")
    text = str(failure(loaded(tmp_path)))
    assert text == f"extension bad: {tmp_path}/bad.py:9: the hook authorise has no argument 'req': it takes request"


def test_the_argument_of_a_method_of_an_object_is_told_too() -> None:
    class Bad:
        @hookimpl
        def audit(self, entry: object) -> None: ...

    extensions = Extensions()
    extensions.register(Bad(), name="bad", origin="entry point bad:Bad")
    (error,) = extensions.failures
    assert str(error).endswith(": the hook audit has no argument 'entry': it takes record")


def test_a_file_without_hooks_is_refused(tmp_path: Path) -> None:
    assert "@hookimpl" in str(failure(loaded(directory(tmp_path, bad="def facts(): ...\n"))))


def test_a_wrapper_is_refused(tmp_path: Path) -> None:
    """It could turn the refusal of another extension into a permission."""
    source = "from matahari.hooks import hookimpl\n\n\n@hookimpl(wrapper=True)\ndef authorise(request):\n    return (yield)\n"
    extensions = loaded(directory(tmp_path, bad=source))
    assert "wrappers" in str(failure(extensions))
    assert extensions.implementations("authorise") == []


def test_a_name_that_is_taken_is_refused(tmp_path: Path) -> None:
    extensions = loaded(directory(tmp_path, mine=GOOD))
    extensions.load_directory(tmp_path)
    assert len(extensions.providers) == 1
    assert "another extension has this name" in str(extensions.failures[0])


def test_later_extensions_are_asked_before_earlier_ones(tmp_path: Path) -> None:
    extensions = loaded(directory(tmp_path, a=GOOD, b=GOOD, c=GOOD.replace("@hookimpl", "@hookimpl(trylast=True)")))
    assert [one.provider for one in extensions.implementations("facts")] == ["b", "a", "c"]


class Installed:
    """What the entry point below names."""

    @hookimpl
    def facts(self) -> Mapping[str, JsonValue]:
        return {"installed": True}


def test_an_entry_point_may_name_a_class() -> None:
    extensions = Extensions()
    module = SimpleNamespace(load=lambda: Installed, name="inst", value="x:Installed", dist=None)
    extensions.load_entry_points([module])  # type: ignore[list-item]  # the fields that are used
    assert [provider.origin for provider in extensions.providers] == ["entry point x:Installed"]


def test_an_entry_point_that_cannot_be_imported_is_named() -> None:
    extensions = Extensions()
    extensions.load_entry_points([EntryPoint("gone", "no_such_module_here", "matahari")])
    assert failure(extensions).error_type == "ModuleNotFoundError"
