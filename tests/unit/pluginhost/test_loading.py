"""How a plugin is imported."""

from __future__ import annotations

import json
import linecache
import os
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest

from matahari.hostproto import content_digest
from matahari.pluginhost import Sources, import_plugin, python_files
from matahari.pluginhost.loading import NAMESPACE


@pytest.fixture(autouse=True)
def _import_system() -> Iterator[None]:
    modules, path, finders, argv = set(sys.modules), list(sys.path), list(sys.meta_path), list(sys.argv)
    writes = sys.dont_write_bytecode
    yield
    for name in set(sys.modules) - modules:
        if name.startswith(NAMESPACE) or not hasattr(sys.modules[name], "__spec__"):
            del sys.modules[name]
    for name in ("sample", "_beside", "sample_folder"):
        sys.modules.pop(name, None)
    sys.path[:], sys.meta_path[:], sys.argv[:], sys.dont_write_bytecode = path, finders, argv, writes


def test_a_single_file_is_loaded_under_a_name_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "sample.py"
    path.write_text("import sys\nNAME, FILE, ARGV = __name__, __file__, list(sys.argv)\n")
    module = import_plugin("sample", Sources.read(str(path)))
    assert (module.NAME, module.FILE, module.ARGV) == (f"{NAMESPACE}.sample", str(path), ["sample"])
    assert sys.modules["sample"] is module


def test_a_plugin_with_the_name_of_a_standard_module_takes_nothing_away(tmp_path: Path) -> None:
    path = tmp_path / "json.py"
    path.write_text("import json\nTEXT = json.dumps([1])\n")
    module = import_plugin("json", Sources.read(str(path)))
    assert module.TEXT == "[1]"
    assert sys.modules["json"] is json


def test_a_helper_beside_the_plugin_can_be_imported_and_comes_last(tmp_path: Path) -> None:
    (tmp_path / "_beside.py").write_text("VALUE = 5\n")
    (tmp_path / "json.py").write_text("raise RuntimeError('must not be imported')\n")
    path = tmp_path / "sample.py"
    path.write_text("import _beside, json\nVALUE = _beside.VALUE\n")
    assert import_plugin("sample", Sources.read(str(path))).VALUE == 5
    assert sys.path[-1] == str(tmp_path)


def test_modules_of_a_folder_come_from_the_snapshot_however_late(tmp_path: Path) -> None:
    folder = tmp_path / "sample_folder"
    (folder / "deep").mkdir(parents=True)
    (folder / "__init__.py").write_text("def late():\n    from .deep import part\n    return part.VALUE, __name__\n")
    (folder / "deep" / "__init__.py").write_text("")
    (folder / "deep" / "part.py").write_text("VALUE = 'old'\n")
    module = import_plugin("sample_folder", Sources.read(str(folder)))
    (folder / "deep" / "part.py").write_text("VALUE = 'new'\n")
    assert module.late() == ("old", f"{NAMESPACE}.sample_folder")


def test_a_folder_may_read_its_data_files(tmp_path: Path) -> None:
    folder = tmp_path / "sample_folder"
    folder.mkdir()
    (folder / "__init__.py").write_text(
        "from importlib import resources\ndef data(): return (resources.files(__name__) / 'd.txt').read_text()\n"
    )
    (folder / "d.txt").write_text("data")
    assert import_plugin("sample_folder", Sources.read(str(folder))).data() == "data"


def test_what_was_carried_is_loaded_and_the_disk_is_not_read() -> None:
    sources = Sources.decode("/nowhere/sample.py", {"": "WCA9IDE="})
    assert import_plugin("sample", sources).X == 1
    assert sources.digest == content_digest({"": b"X = 1"})


def test_carried_files_that_are_not_base64_are_refused() -> None:
    with pytest.raises(ValueError, match="not base64"):
        Sources.decode("/nowhere/sample.py", {"": "%%%"})


def test_bytecode_is_neither_written_nor_read(tmp_path: Path) -> None:
    path = tmp_path / "sample.py"
    path.write_text("X = 1\n")
    cache = tmp_path / "__pycache__"
    cache.mkdir()
    (cache / f"sample.{sys.implementation.cache_tag}.pyc").write_bytes(b"rubbish")
    assert import_plugin("sample", Sources.read(str(path))).X == 1
    assert [file.name for file in cache.iterdir()] == [f"sample.{sys.implementation.cache_tag}.pyc"]


def test_tracebacks_show_the_lines_that_run(tmp_path: Path) -> None:
    path = tmp_path / "sample.py"
    path.write_text("def fail():\n    raise ValueError('old line')\n")
    sources = Sources.read(str(path))
    sources.show_in_tracebacks()
    module = import_plugin("sample", sources)
    path.write_text("# a new\n# file\n")
    with pytest.raises(ValueError, match="old line") as caught:
        module.fail()
    assert "raise ValueError('old line')" in "".join(traceback.format_tb(caught.value.__traceback__))
    linecache.cache.pop(str(path), None)


def test_a_folder_without_init_is_no_plugin(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="__init__"):
        import_plugin("sample", Sources(str(tmp_path), {"other.py": b""}))


def test_files_of_a_folder_are_its_python_files(tmp_path: Path) -> None:
    for name in ("__init__.py", "a/b.py", "a/data.txt", ".hidden/x.py", "__pycache__/y.py", ".dot.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    assert python_files(tmp_path) == ["__init__.py", "a/b.py"]
    with pytest.raises(OSError, match="nowhere"):
        python_files(tmp_path / "nowhere")


def test_a_file_whose_name_is_not_utf_8_is_named(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"\xff.py")).touch()
    with pytest.raises(ValueError, match=r"'\\udcff.py' is not UTF-8"):
        python_files(tmp_path)
