from __future__ import annotations

import pytest

from matahari.rpcagent.languages import PYTHON, Language
from matahari.rpcagent.names import RESERVED, classify, is_noise, is_plugin_name, name_fault, touches_plugins


@pytest.mark.parametrize(
    ("entry", "is_folder", "expected"),
    [
        ("disk.py", False, ("plugin", "disk", "python")),
        ("Disk_2.py", False, ("plugin", "Disk_2", "python")),
        ("class.py", False, ("plugin", "class", "python")),
        ("shop", True, ("plugin", "shop", "python")),
        ("my-plugin.py", False, ("misnamed", "", "")),
        ("2disk.py", False, ("misnamed", "", "")),
        ("a.b.py", False, ("misnamed", "", "")),
        (".py", False, ("other", "", "")),
        ("disk\n.py", False, ("misnamed", "", "")),
        ("caf\u00e9.py", False, ("misnamed", "", "")),
        (f"{'x' * 256}.py", False, ("misnamed", "", "")),
        ("my-folder", True, ("misnamed", "", "")),
        ("_private.py", False, ("other", "", "")),
        ("__pycache__", True, ("other", "", "")),
        ("notes.txt", False, ("other", "", "")),
        ("disk.rb", False, ("other", "", "")),
        ("disk.toml", False, ("other", "", "")),
        ("disk", False, ("other", "", "")),
    ],
)
def test_an_entry_is_a_plugin_or_not(entry: str, is_folder: bool, expected: tuple[str, str, str]) -> None:
    assert classify(entry, is_folder=is_folder) == expected


@pytest.mark.parametrize(
    ("entry", "is_folder", "expected"),
    [
        ("disk.py", False, ("plugin", "disk", "python")),
        ("disk.rb", False, ("plugin", "disk", "ruby")),
        ("disk.rbx", False, ("plugin", "disk", "ruby")),
        ("disk.rb~", False, ("other", "", "")),
        ("my-plugin.rb", False, ("misnamed", "", "")),
        ("disk.sh", False, ("other", "", "")),
        ("shop", True, ("plugin", "shop", "ruby")),
    ],
)
def test_further_languages_have_suffixes_of_their_own(
    entry: str, is_folder: bool, expected: tuple[str, str, str]
) -> None:
    languages = (PYTHON, Language("ruby", (".rb", ".rbx"), "init.rb"))
    assert classify(entry, is_folder=is_folder, folder="ruby", languages=languages) == expected


@pytest.mark.parametrize(
    "name",
    [".disk.py.swp", "disk.py~", "#disk.py#", ".#disk.py", "disk.py.swp", "disk.py.tmp", "disk.pyc", "4913", ".git"],
)
def test_what_editors_leave_is_noise(name: str) -> None:
    assert is_noise(name)
    assert classify(name, is_folder=False)[0] == "other"


def test_a_change_within_noise_does_not_touch_plugins() -> None:
    assert touches_plugins(["shop", "helper.py"])
    assert not touches_plugins(["shop", "__pycache__", "helper.pyc"])
    assert not touches_plugins([".git", "index"])


def test_names_of_the_agents_own_objects_are_taken() -> None:
    assert classify("Plugins.py", is_folder=False)[0] == "misnamed"
    assert classify("plugins.py", is_folder=False)[0] == "plugin"


@pytest.mark.parametrize("name", sorted(RESERVED))
def test_no_plugin_has_the_name_of_an_object_of_the_agent(name: str) -> None:
    assert "object of the agent" in name_fault(name)
    assert not is_plugin_name(name)
    assert classify(f"{name}.py", is_folder=False) == ("misnamed", "", "")
    assert is_plugin_name(name.lower())
