"""The help of a plugin as text and as Markdown, and results as ``matahari plugin run`` prints them."""

from __future__ import annotations

from matahari.errors import PluginLoadError
from matahari.shell.author.doc import markdown_lines, text_lines
from matahari.shell.author.run import failure_record, result_text
from matahari.testing import CallFailure, MethodSpec

RESIZE = MethodSpec(
    "resize",
    {
        "type": "object",
        "properties": {
            "name": {"type": "string", "description": "which | volume"},
            "size": {"type": "integer", "default": 1},
        },
        "required": ["name"],
        "additionalProperties": False,
        "x-positional": ["name", "size"],
    },
    {"type": ["object", "null"]},
    "Resize a volume.\n\nReturns:\n    what changed\x1b.",
)
PLAIN = MethodSpec("plain", {"type": "object", "properties": {}, "additionalProperties": False})


def test_text_has_syntax_docstring_and_parameters() -> None:
    assert text_lines("disks", "1.2", "Volumes.", [PLAIN, RESIZE]) == [
        "disks 1.2",
        "    Volumes.",
        "",
        "disks plain",
        "",
        "disks resize NAME (SIZE) -> object|null",
        "    Resize a volume.",
        "",
        "    Returns:",
        "        what changed\\x1b.",
        "",
        "     string  name  which | volume",
        "    integer  size  (default 1)",
    ]


def test_the_section_on_parameters_is_left_out_where_they_are_listed() -> None:
    doc = "Resize a volume.\n\nArgs:\n    name: which.\n    size: new size.\n\nReturns:\n    what changed."
    method = MethodSpec("resize", RESIZE.params, None, doc)
    for lines in (text_lines("disks", "", "", [method]), markdown_lines("disks", "", "", [method])):
        assert not any("Args:" in line for line in lines)
        assert any("Returns:" in line for line in lines)


def test_markdown_keeps_the_layout_of_a_docstring_and_escapes_cells() -> None:
    lines = markdown_lines("disks", "1.2", "Volumes.", [RESIZE])
    assert lines[:6] == ["# disks", "", "Version 1.2", "", "Volumes.", ""]
    assert lines[6:12] == ["## resize", "", "`resize NAME (SIZE) -> object|null`", "", "Resize a volume.", ""]
    assert lines[12:16] == ["```text", "Returns:", "    what changed\\x1b.", "```"]
    assert "| `name` | string | which \\| volume |" in lines
    assert markdown_lines("disks", "", "", []) == ["# disks"]


def test_what_the_author_declared_is_told() -> None:
    effects = {"read_only": True, "idempotent": False}
    method = MethodSpec("ask", {}, None, "Ask.", effects, timeout=5.0, sensitive=("password",), streams=True)
    told = "not idempotent; read only; at most 5 s; never shown: password; gives partial results"
    assert f"    ({told})" in text_lines("shop", "", "", [method])
    assert f"*{told}*" in markdown_lines("shop", "", "", [method])
    assert "()" not in "".join(text_lines("shop", "", "", [PLAIN]))


def test_a_result_is_text_as_it_is_or_json() -> None:
    assert result_text("a\nb\x1b") == "a\nb\\x1b"
    assert result_text({"ä": [1, None]}) == '{\n  "ä": [\n    1,\n    null\n  ]\n}'
    assert result_text(True) == "true"


def test_a_failure_is_one_record_whatever_failed() -> None:
    raised = CallFailure("raised", "KeyError", "'x'", traceback="frames")
    assert failure_record(raised) == {
        "ok": False,
        "value": None,
        "error": {"kind": "raised", "type": "KeyError", "text": "KeyError: 'x'", "traceback": "frames"},
    }
    broken = PluginLoadError("SyntaxError: no", plugin="p", error_type="SyntaxError", line=3)
    error = failure_record(broken)["error"]
    assert error == {"kind": "not_loaded", "type": "SyntaxError", "text": "SyntaxError: no", "traceback": ""}


def test_ranges_choices_examples_and_classes_are_told() -> None:
    schemas = {
        "size": {"type": "integer", "minimum": 1, "maximum": 20, "examples": [5], "default": 3},
        "disk": {"$ref": "#/$defs/Disk"},
    }
    definitions = {"Disk": {"type": "object"}}
    params = {"properties": schemas, "x-positional": ["size", "disk"], "x-varargs-items": {"type": "string"}}
    method = MethodSpec("grow", params | {"$defs": definitions}, {"type": "array", "items": {"type": "string"}})  # type: ignore[arg-type]  # nested JSON
    lines = text_lines("disks", "", "", [method])
    assert "disks grow (SIZE) (DISK) -> array of string" in lines
    assert "    integer  size   [1 to 20] e.g. 5 (default 3)" in lines
    assert "       Disk  disk" in lines
    assert "     string  [ARG]" in lines


def test_settings_have_a_section_of_their_own() -> None:
    settings = {
        "type": "object",
        "properties": {
            "target": {"type": "string", "description": "where to."},
            "keep": {"type": "integer", "minimum": 1, "default": 7},
        },
        "required": ["target"],
    }
    assert text_lines("backup", "", "", [], settings)[1:] == [
        "",
        "backup.toml [settings]",
        "",
        "     string  target  where to. (needed)",
        "    integer  keep    [at least 1] (default 7)",
    ]
    page = markdown_lines("backup", "", "", [], settings)
    assert "## Settings" in page
    assert "| `keep` | integer | [at least 1] (default 7) |" in page
    assert "Settings" not in "".join(markdown_lines("backup", "", "", []))
