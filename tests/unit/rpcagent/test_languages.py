"""Programs that run plugins, as they are started and as errors name them."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from matahari.hooks import LanguageBackend, OfferedLanguage
from matahari.rpcagent.languages import Language, further_languages, further_programs, python_program

RUBY = OfferedLanguage("puppet", LanguageBackend("ruby", (".rb",), ("ruby-host", "-w"), main_file="init.rb"))
LUA = OfferedLanguage("mine", LanguageBackend("lua", (".lua",), (), "lua is not installed"))


def test_what_extensions_offer_becomes_files_and_programs() -> None:
    assert further_languages([LUA, RUBY]) == (Language("lua", (".lua",)), Language("ruby", (".rb",), "init.rb"))
    lua, ruby = further_programs([LUA, RUBY])
    assert (ruby.language, ruby.command, ruby.reason) == ("ruby", ("ruby-host", "-w"), "")
    assert lua.reason == (
        "the language backend lua of extension mine cannot be used on this host: lua is not installed; "
        "put that right, and start the node again"
    )


def test_a_program_that_cannot_be_started_is_named_with_backend_and_remedy() -> None:
    [ruby] = further_programs([RUBY])
    text = ruby.cannot_start(FileNotFoundError(errno.ENOENT, "No such file or directory"))
    assert text == (
        "the language backend ruby of extension puppet cannot be started: ruby-host: No such file or directory; "
        "install that program, or correct the extension and start the node again; then reload the plugin"
    )
    own = python_program("/usr/bin/python3").cannot_start(OSError(errno.EAGAIN, "Try again"))
    assert own == "the plugin host cannot be started: /usr/bin/python3: Try again"


def test_only_our_own_program_gets_the_way_to_our_packages() -> None:
    [ruby] = further_programs([RUBY])
    environ = {"PATH": "/bin", "PYTHONPATH": "/mine"}
    assert ruby.environment(environ) == environ
    own = python_program("python3")
    assert own.command[1:] == ("-P", "-m", "matahari.pluginhost")
    given = own.environment(environ)
    assert given["MATAHARI_PLUGIN_PYTHONPATH"] == "/mine"
    assert given["PYTHONPATH"].split(os.pathsep)[-1] == "/mine"
    assert all((Path(place) / "matahari").is_dir() for place in given["PYTHONPATH"].split(os.pathsep)[:-1])
    assert "MATAHARI_PLUGIN_PYTHONPATH" not in own.environment({})
