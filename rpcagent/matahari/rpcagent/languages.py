"""Languages that plugins are written in: how their files are called, and the programs that run them.

Python is built in; further ones come from extensions (hook ``languages``). All programs speak the plugin host
protocol, and what starts, limits and ends them is the same for all.
"""

from __future__ import annotations

import os
import site
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import matahari
from matahari.hooks import OfferedLanguage

__all__ = ["PYTHON", "HostProgram", "Language", "further_languages", "further_programs", "python_program"]


@dataclass(frozen=True, slots=True)
class Language:
    """Which files are plugins of a language.

    Attributes:
        name: in lower case.
        suffixes: of its files, with the dot.
        main_file: what makes a folder a plugin of this language, empty when nothing does.
    """

    name: str
    suffixes: tuple[str, ...]
    main_file: str = ""


PYTHON: Final = Language("python", (".py",), "__init__.py")


@dataclass(frozen=True, slots=True)
class HostProgram:
    """What runs the plugins of one language.

    Attributes:
        language: its name.
        command: argument list; control socket and nonce are added. Never a shell.
        title: what it is called in errors.
        is_own: it belongs to the platform: it is started again whatever happens, and gets the way to our packages.
        reason: why it cannot be started on this host, empty when it can.
    """

    language: str
    command: tuple[str, ...]
    title: str
    is_own: bool = False
    reason: str = ""

    def environment(self, environ: Mapping[str, str]) -> dict[str, str]:
        """What its process gets: the agent's, and for our own program more."""
        return _own_environment(environ) if self.is_own else dict(environ)

    def cannot_start(self, error: OSError) -> str:
        """The sentence for a start that the system refuses."""
        text = f"{self.title} cannot be started: {self.command[0]}: {error.strerror or error}"
        if self.is_own:
            return text
        return (
            f"{text}; install that program, or correct the extension and start the node again; then reload the plugin"
        )


def python_program(python: str) -> HostProgram:
    """The program for Python, run by the interpreter ``python``."""
    # -P: a file in the current folder must not take the place of a standard module.
    command = (python, "-P", "-m", "matahari.pluginhost")
    return HostProgram(PYTHON.name, command, "the plugin host", is_own=True)


def further_languages(offered: Iterable[OfferedLanguage]) -> tuple[Language, ...]:
    """What extensions offer, as files. Names and suffixes are unique."""
    backends = [each.backend for each in offered]
    return tuple(Language(each.name, tuple(each.suffixes), each.main_file) for each in backends)


def further_programs(offered: Iterable[OfferedLanguage]) -> tuple[HostProgram, ...]:
    """What extensions offer, as programs."""
    found: list[HostProgram] = []
    for each in offered:
        title = f"the language backend {each.backend.name} of extension {each.provider}"
        reason = each.backend.reason
        if reason:
            reason = f"{title} cannot be used on this host: {reason}; put that right, and start the node again"
        found.append(HostProgram(each.backend.name, tuple(each.backend.command), title, reason=reason))
    return tuple(found)


def _own_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Our environment, and the way to our own packages when they are not installed."""
    installed = {Path(place).resolve() for place in (*site.getsitepackages(), site.getusersitepackages())}
    roots = [str(Path(place).parent) for place in matahari.__path__ if Path(place).parent.resolve() not in installed]
    given = environ.get("PYTHONPATH")
    result = dict(environ)
    if given is not None:
        result["MATAHARI_PLUGIN_PYTHONPATH"] = given
    result["PYTHONPATH"] = os.pathsep.join([*roots, *([given] if given else [])])
    # Threads of a worker share one heap: separate ones cost megabytes in each idle worker.
    result["MALLOC_ARENA_MAX"] = "1"
    return result
