"""Settings in ``NAME.toml`` that no line of the plugin reads."""

from __future__ import annotations

from matahari.shell.author.options import unread_settings

OPTIONS = """\
[limits]
keep = 1

[settings]
keep = 7
  target = "/srv"
"colour" = "red"

[settings.mirror]
host = "a"
"""


def test_a_setting_that_the_plugin_never_names_is_found_with_its_place() -> None:
    source = "from matahari.plugin import context\ndef f(): return context().settings['keep'], 'mirror.host'\n"
    found = unread_settings(OPTIONS, "/p/backup.toml", [source])
    assert [(each.name, each.line, each.column, each.file) for each in found] == [
        ("target", 6, 3, "/p/backup.toml"),
        ("colour", 7, 2, "/p/backup.toml"),
    ]
    assert {(each.severity, each.code) for each in found} == {("warning", "unread-setting")}


def test_names_count_wherever_they_are_written() -> None:
    sources = ["x.target\n", "f(colour=1)\nd = {'keep': 'mirror'}\n"]
    assert unread_settings(OPTIONS, "f", sources) == []
    assert [each.line for each in unread_settings("settings = { deep = 1 }\n", "f", [])] == [0]
    assert unread_settings("[limits]\n", "f", []) == []
