"""Stub files: what they say of a plugin, and that nothing from the bus gets into them but as names and values."""

from __future__ import annotations

import ast
import inspect
import os
import re
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from matahari.console import Call, Console, Plugin, Results, connect, sync
from matahari.console.stub_types import MAX_TEXT, TypeWriter, new_class_name
from matahari.console.stubs import MARK, save_files, stub_files
from tests.support.plugins import TIME
from tests.support.published import published

NOTHING: Mapping[str, object] = {"properties": {}, "x-positional": []}


def stubs(plugin: str, methods: Mapping[str, Mapping[str, object]]) -> str:
    files = stub_files({plugin: [published(plugin, methods)]})
    for text in files.values():
        ast.parse(text)
    return files["sync.pyi"]


def type_of(schema: object, *, is_given: bool = False) -> str:
    return TypeWriter("Disks", set()).type_of(schema, {}, is_given=is_given)


@pytest.mark.parametrize(
    ("schema", "given_type", "result_type"),
    [
        ({"type": "integer"}, "int", "int"),
        ({"type": ["integer", "null"]}, "int | None", "int | None"),
        ({"type": ["null", "string"]}, "str | None", "str | None"),
        ({"type": "array", "items": {"type": "integer"}}, "list[int] | tuple[int, ...]", "list[int]"),
        ({"type": "array"}, "list[_t.Any] | tuple[_t.Any, ...]", "list[_t.Any]"),
        ({"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}]},
         "list[int | str] | tuple[int, str]", "list[int | str]"),
        ({"type": "object"}, "dict[str, _t.Any]", "dict[str, _t.Any]"),
        ({"type": "object", "additionalProperties": {"type": "number"}}, "dict[str, float]", "dict[str, float]"),
        ({"enum": ["on", "off", None]}, "_t.Literal['on', 'off', None]", "_t.Literal['on', 'off', None]"),
        ({"const": 3}, "_t.Literal[3]", "_t.Literal[3]"),
        ({"enum": [1.5, 2.5], "type": "number"}, "float", "float"),
        ({"anyOf": [{"type": "string"}, {"type": "boolean"}, {"type": "null"}]}, "str | bool | None", "str | bool | None"),
        ({"anyOf": [{"type": "string"}, {}]}, "_t.Any", "_t.Any"),
        ({}, "_t.Any", "_t.Any"),
        (True, "_t.Any", "_t.Any"),
        ({"type": "strange"}, "_t.Any", "_t.Any"),
        ({"$ref": "#/$defs/Nowhere"}, "_t.Any", "_t.Any"),
    ],
)  # fmt: skip
def test_types_are_those_of_the_schema(schema: object, given_type: str, result_type: str) -> None:
    assert type_of(schema, is_given=True) == given_type
    assert type_of(schema) == result_type


def test_a_dataclass_of_several_methods_is_one_class_and_another_of_its_name_is_a_second() -> None:
    writer = TypeWriter("Disks", set())
    disk = {"type": "object", "title": "Disk", "properties": {"size": {"type": "integer"}}}
    reference, other = {"$ref": "#/$defs/Disk"}, {"type": "object", "properties": {"a": {"type": "string"}}}
    assert writer.type_of(disk, {}, is_given=True) == "DisksDisk"
    assert writer.type_of(disk, {}, is_given=False) == "DisksDisk"
    assert writer.type_of(reference, {"Disk": disk, "Other": other}, is_given=True) == "DisksDisk"
    assert list(writer.classes) == ["DisksDisk"]
    assert writer.type_of(reference, {"Disk": other}, is_given=True) == "DisksDisk2"

    box = {"type": "object", "title": "Box", "properties": {"inside": reference}}
    assert writer.type_of(box, {"Disk": disk}, is_given=True) == "DisksBox"
    assert writer.type_of(box, {"Disk": disk, "Other": other}, is_given=False) == "DisksBox"
    assert writer.type_of(box, {"Disk": other}, is_given=False) == "DisksBox2"


def test_a_dataclass_with_lists_is_another_class_where_tuples_may_be_given() -> None:
    writer = TypeWriter("Disks", set())
    disk = {"type": "object", "title": "Disk", "properties": {"parts": {"type": "array"}}}
    assert writer.type_of(disk, {}, is_given=True) == "DisksDisk"
    assert writer.type_of(disk, {}, is_given=False) == "DisksDisk2"
    assert "tuple" in writer.classes["DisksDisk"]
    assert "tuple" not in writer.classes["DisksDisk2"]


def test_dictionaries_with_members_are_classes_that_may_need_themselves() -> None:
    tree = {
        "type": "object",
        "properties": {"size": {"type": "integer"}, "parts": {"type": "array", "items": {"$ref": "#/$defs/Tree"}}},
        "required": ["size"],
    }
    writer = TypeWriter("Disks", {"DisksTree"})
    assert writer.type_of({"$ref": "#/$defs/Tree"}, {"Tree": tree}, is_given=False) == "DisksTree2"
    assert writer.classes == {
        "DisksTree2": "class DisksTree2(_t.TypedDict):\n    size: int\n    parts: _t.NotRequired[list[DisksTree2]]"
    }
    named = {"A": {"$ref": "#/$defs/A"}}
    assert writer.type_of({"$ref": "#/$defs/A"}, named, is_given=False) == "_t.Any"


def test_members_that_no_attribute_can_be_are_written_as_texts() -> None:
    writer = TypeWriter("Disks", set())
    members = {"a-b": {"type": "integer"}, "class": {}, "list": {}}
    schema = {"type": "object", "title": "x y", "properties": members, "required": ["a-b"]}
    assert writer.type_of(schema, {}, is_given=False) == "DisksXY"
    assert writer.classes["DisksXY"].splitlines() == [
        "DisksXY = _t.TypedDict('DisksXY', {",
        "    'a-b': int,",
        "    'class': _t.NotRequired[_t.Any],",
        "    'list': _t.NotRequired[_t.Any],",
        "})",
    ]


def test_a_method_has_parameters_and_result_and_documentation() -> None:
    params = {
        "properties": {"name": {"type": "string"}, "tags": {"type": "array", "items": {"type": "string"}}, "size": {}},
        "required": ["name", "size"],
        "x-positional": ["name", "tags"],
        "x-positional-only": ["name"],
        "x-varkw": True,
        "additionalProperties": {"type": "integer"},
    }
    text = stubs("disks", {"resize": {"params": params, "result": {"type": "boolean"}, "doc": "Resize it.\n\nNow."}})
    assert (
        "    def resize(self, name: str, /, tags: list[str] | tuple[str, ...] = ..., *, size: _t.Any, **kwargs: int)"
        ' -> _typed.BlockingCall[bool]:\n        """Resize it.\n\nNow."""\n'
    ) in text
    assert "name: _t.Literal['disks']," in text and ") -> Disks: ..." in text
    assert text.startswith(f"{MARK}\n")


def test_what_is_not_said_or_cannot_be_said_takes_anything() -> None:
    wrong = {"properties": {"not a name": {}, "b": {}}, "x-positional": ["not a name"]}
    unsaid: tuple[Mapping[str, object], ...] = (
        {},
        {"params": wrong},
        {"params": {"properties": {"__a": {}}}},
        {"params": "x"},
    )
    for entry in unsaid:
        assert "def go(self, *args: _t.Any, **kwargs: _t.Any) -> _typed.BlockingCall[_t.Any]:" in stubs(
            "p", {"go": entry}
        )
    assert "def go(self_, self: _t.Any = ...)" in stubs(
        "p", {"go": {"params": {"properties": {"self": {}}, "x-positional": ["self"]}}}
    )


def test_a_method_that_is_called_as_a_type_hides_none() -> None:
    entry = {"params": NOTHING, "result": {"type": "array", "items": {"type": "integer"}}}
    text = stubs("disks", {"list": entry, "used": entry})
    assert text.count("-> _typed.BlockingCall[_b.list[_b.int]]:") == 2


def test_hosts_that_differ_are_told_by_the_commonest() -> None:
    old, new = ({"go": {"params": {"properties": {"a": {"type": kind}}}}} for kind in ("integer", "string"))
    objects = [published("p", one, host) for one, host in ((old, "a"), (new, "b"), (new, "c"))]
    text = stub_files({"p": objects})["__init__.pyi"]
    assert "def go(self, *, a: str = ...) -> _typed.Call[_t.Any]:" in text and "Not all hosts publish the same" in text


def test_names_that_are_taken_or_are_none_are_reached_as_without_stubs() -> None:
    text = stubs(
        "disks", {name: {} for name in ("call", "using", "_hidden", "class", "a b", "\uff44ef", "x" * 101, "fine")}
    )
    assert [line.split("(")[0].strip() for line in text.splitlines() if line.startswith("    def ")] == [
        "def using", "def fine", "def __getattr__", "def plugin", "def plugin",
    ]  # fmt: skip


def test_classes_of_different_plugins_have_different_names() -> None:
    names = ["my-plugin", "my_plugin", "My.Plugin", "None", "console", "1st", "ü", ""]
    taken: set[str] = {"Console"}
    made = [new_class_name(name, taken) for name in names]
    assert made == ["MyPlugin", "MyPlugin2", "MyPlugin3", "PluginNone", "Console2", "Plugin1st", "Plugin", "Plugin2"]
    assert ") -> PluginNone: ..." in stubs("None", {})


@pytest.mark.parametrize("keyword", ["anyOf", "prefixItems"])
def test_what_means_itself_many_times_over_is_not_written_out(keyword: str) -> None:
    """Without bounds the second has hundreds of millions of parts."""
    named: dict[str, object] = {
        f"part{at}": {"type": "array", keyword: [{"$ref": f"#/$defs/part{at + 1}"}] * 60} for at in range(6)
    }
    found = TypeWriter("P", set()).type_of({"$ref": "#/$defs/part0"}, named, is_given=True)
    assert "_t.Any" in found
    assert len(found) <= MAX_TEXT


def test_classes_that_need_many_others_are_written_in_time() -> None:
    """Each has a member for each other one; their text is looked at once, and not for every member."""
    count = 120
    named: dict[str, object] = {
        f"Part{at}": {"type": "object", "properties": {f"m{to}": {"$ref": f"#/$defs/Part{to}"} for to in range(count)}}
        for at in range(count)
    }
    writer = TypeWriter("P", set())
    start = time.process_time()
    assert writer.type_of({"$ref": "#/$defs/Part0"}, named, is_given=False) == "PPart0"
    assert time.process_time() - start < 10.0 * TIME  # without that: minutes
    ast.parse("\n".join(writer.classes.values()))


def test_what_is_nested_too_deeply_leaves_no_class_that_is_none() -> None:
    deep: dict[str, object] = {"type": "integer"}
    for _ in range(190):
        deep = {"type": "object", "title": "Part", "properties": {"inner": deep}}
    files = stub_files({"p": [published("p", {"m": {"params": NOTHING, "result": deep}})]})
    made = {node.name for node in ast.walk(ast.parse(files["__init__.pyi"])) if isinstance(node, ast.ClassDef)}
    made |= set(re.findall(r"(?m)^(\w+) = ", files["__init__.pyi"]))
    assert set(re.findall(r"(?m)^from \. import (\w+)", files["sync.pyi"])) <= made


def test_no_line_of_documentation_is_an_option_of_the_type_checker() -> None:
    doc = "Says hello.\n# mypy: ignore-errors\n#mypy: x"
    text = stubs("p", {"hello": {"params": NOTHING, "doc": doc}})
    assert "ignore-errors" in text
    assert [line for line in text.splitlines()[1:] if line.startswith("#")] == []
    assert doc in [ast.get_docstring(node, clean=False) for node in ast.walk(ast.parse(text))
                   if isinstance(node, ast.FunctionDef)]  # fmt: skip


def test_a_class_of_values_is_not_called_as_a_method() -> None:
    info = {"type": "object", "title": "Info", "properties": {"size": {"type": "integer"}}}
    text = stubs(
        "disks", {"DisksInfo": {"params": NOTHING, "result": info}, "get": {"params": NOTHING, "result": info}}
    )
    assert "def DisksInfo(self) -> _typed.BlockingCall[DisksInfo2]:" in text
    assert "def get(self) -> _typed.BlockingCall[DisksInfo2]:" in text


# -- files -------------------------------------------------------------------------------------------------------------


def test_files_are_replaced_and_those_of_others_are_left_alone(tmp_path: Path) -> None:
    files = stub_files({"disks": []})
    place = tmp_path / "made" / "fleet"
    assert [path.name for path in save_files(place, files)] == list(files)
    (place / "mine.py").write_text("mine")
    save_files(place, {**files, "sync.py": f"{MARK}\nnew"})
    assert (place / "sync.py").read_text() == f"{MARK}\nnew"
    (place / "sync.py").write_text("mine")
    with pytest.raises(FileExistsError, match=r"sync.py is there and was not written"):
        save_files(place, {**files, "__init__.py": f"{MARK}\nother"})
    assert "other" not in (place / "__init__.py").read_text()
    assert sorted(path.name for path in place.iterdir()) == sorted([*files, "mine.py"])


def test_files_have_the_mode_of_new_files_and_the_umask_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = os.umask(0o027)
    try:
        monkeypatch.delattr(os, "umask")  # it is of the whole process: other threads may be making files
        paths = save_files(tmp_path, stub_files({"disks": []}))
        monkeypatch.undo()
    finally:
        os.umask(old)
    assert {path.stat().st_mode & 0o777 for path in paths} == {0o640}


def test_the_functions_of_the_stubs_have_the_parameters_of_the_real_ones() -> None:
    for stem, face, console in (("__init__", connect, Console), ("sync", sync.connect, sync.Console)):
        tree = ast.parse(stub_files({"disks": []})[f"{stem}.pyi"])
        functions = {
            node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        }
        for name, real in (("connect", face), ("plugin", console.plugin)):
            arguments = functions[name].args
            found = [*arguments.args, *arguments.kwonlyargs, *([arguments.kwarg] if arguments.kwarg else [])]
            assert [one.arg for one in found] == list(inspect.signature(real).parameters)
            assert isinstance(functions[name], ast.AsyncFunctionDef) == inspect.iscoroutinefunction(real)


def test_the_typed_classes_say_nothing_that_the_real_ones_have_not() -> None:
    path = Path(inspect.getfile(Results)).with_name("typed.pyi")
    real = {"Results": Results, "Call": Call, "BlockingCall": sync.Call}
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ClassDef) and node.name in real:
            functions = [one for one in node.body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)]
            assert functions
            for one in functions:
                found = getattr(real[node.name], one.name)
                if callable(found):
                    given_names = [arg.arg for arg in one.args.args]
                    assert given_names == list(inspect.signature(found).parameters)


def test_what_every_plugin_has_is_known() -> None:
    for kind in (Plugin, sync.Plugin):
        public = {name for name in dir(kind) if not name.startswith("_")}
        assert public == {"call", "hosts", "objects", "using"}
