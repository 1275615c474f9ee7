"""The extensions of this process: found through entry points and in a directory, checked, and listed.

Whatever is wrong with one extension is kept as a :class:`~matahari.errors.HookError` and leaves the others alone.
"""

from __future__ import annotations

import difflib
import importlib.metadata
import inspect
import itertools
import os
import sys
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Final

import pluggy

from matahari.errors import ConfigError, HookError

from .ownership import read_owned, require_owned_directory
from .specifications import HOOKS, PROJECT, Specifications

__all__ = ["ENTRY_POINT_GROUP", "FOREIGN_FAILURES", "Extensions", "Implementation", "Provider"]

ENTRY_POINT_GROUP: Final = "matahari"

FOREIGN_FAILURES: Final = (Exception, SystemExit)
"""What foreign code may raise without anybody's harm; an extension that calls ``sys.exit`` does not end the agent."""

MODULE_PREFIX: Final = "matahari_extension"
"""Modules from a directory are below this name, and so are their loggers."""

MAX_FILES: Final = 256  # a directory given by mistake must not be run file by file
MAX_SOURCE_BYTES: Final = 1024 * 1024

_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Provider:
    """One loaded extension: its name, where it comes from, and the hooks it offers in alphabetical order."""

    name: str
    origin: str
    hooks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Implementation:
    """One implementation of one hook; ``parameters`` are those it wants, by name."""

    hook: str
    provider: str
    function: Callable[..., object]
    parameters: tuple[str, ...]


class Extensions:
    """All extensions. Filled at start by one thread; afterwards it may be read from any.

    Attributes:
        providers: what was loaded, in order.
        failures: what could not be loaded, in order.
    """

    def __init__(self) -> None:
        self._manager = pluggy.PluginManager(PROJECT)
        self._manager.add_hookspecs(Specifications)
        self.providers: list[Provider] = []
        self.failures: list[HookError] = []

    def load_entry_points(self, found: Iterable[importlib.metadata.EntryPoint] | None = None) -> None:
        """Load the entry points of group ``matahari``: modules, objects, or classes without arguments.

        Args:
            found: the entry points, None for those of the installed distributions.
        """
        if found is None:
            found = importlib.metadata.entry_points(group=ENTRY_POINT_GROUP)
        for entry in found:
            origin = f"entry point {entry.value}"
            if entry.dist is not None:
                origin += f" of {entry.dist.name} {entry.dist.version}"
            try:
                loaded = entry.load()
                provider = loaded() if isinstance(loaded, type) else loaded
            except FOREIGN_FAILURES as error:
                self._failed(entry.name, error, entry.value.partition(":")[0])
            else:
                self.register(provider, name=entry.name, origin=origin)

    def load_directory(self, directory: Path, *, uid: int | None = None) -> None:
        """Load every ``NAME.py`` in ``directory``, in alphabetical order; names with ``.`` or ``_`` in front are left out.

        Each file is a provider of its name. A missing directory holds nothing. Nothing is loaded from a directory,
        and no file is, that somebody other than root and ``uid`` can write.

        Args:
            uid: the user, None for the one who runs this.
        """
        uid = os.geteuid() if uid is None else uid
        if not os.path.lexists(directory):
            return
        try:
            require_owned_directory(directory, uid)
            paths = sorted(path for path in directory.iterdir() if path.suffix == ".py" and path.name[0] not in "._")
        except ConfigError as error:
            self.failures.append(_load_error(directory.name, error, "ConfigError"))
            return
        except OSError as error:
            self._failed(directory.name, error)
            return
        if len(paths) > MAX_FILES:
            text = f"{directory}: {len(paths)} files, at most {MAX_FILES} are loaded"
            self.failures.append(HookError(text, provider=directory.name))
        for path in paths[:MAX_FILES]:
            self._load_file(path, uid)

    def register(self, provider: object, *, name: str, origin: str) -> None:
        """Take ``provider`` (a module or an object with functions marked ``hookimpl``), or note why not.

        Refused are a name that is taken, unknown hooks, arguments a hook does not have, an extension without hooks,
        and wrappers, because a wrapper could turn the refusal of another extension into a permission.
        """
        if self._manager.has_plugin(name):
            self.failures.append(HookError(f"{origin}: another extension has this name", provider=name))
            return
        try:
            try:
                self._manager.register(provider, name=name)
            except pluggy.PluginValidationError:
                _require_known_arguments(provider, name, origin)  # in words of ours; any other reason stays its own
                raise
            self._require_known_hooks(provider, name, origin)
            callers = self._manager.get_hookcallers(provider) or []
            implementations = [one for caller in callers for one in caller.get_hookimpls() if one.plugin is provider]
            if any(one.wrapper or one.hookwrapper for one in implementations):
                raise HookError(f"{origin}: hook wrappers are not taken", provider=name)
            if not implementations:
                raise HookError(f"{origin}: offers no hook; mark its functions with @hookimpl", provider=name)
        except HookError as error:
            self.failures.append(error)
            self._forget(provider)
        # marking and inspecting an object runs its own code
        except FOREIGN_FAILURES as error:
            self._failed(name, error)
            self._forget(provider)
        else:
            self.providers.append(Provider(name, origin, tuple(sorted(caller.name for caller in callers))))

    def implementations(self, hook: str) -> list[Implementation]:
        """Those of one hook, in the order in which they are asked: ``tryfirst``, later loaded, earlier, ``trylast``."""
        caller: pluggy.HookCaller = getattr(self._manager.hook, hook)
        return [
            Implementation(hook, one.plugin_name, one.function, tuple(one.argnames))
            for one in reversed(caller.get_hookimpls())
        ]

    def _load_file(self, path: Path, uid: int) -> None:
        name = path.stem
        try:
            source = read_owned(path, uid, limit_bytes=MAX_SOURCE_BYTES)
        except ConfigError as error:
            self.failures.append(_load_error(name, error, "ConfigError"))
            return
        module = ModuleType(_free_module_name(f"{MODULE_PREFIX}.{name}"))
        module.__file__ = str(path)
        sys.modules[module.__name__] = module  # dataclasses look their module up there
        try:
            exec(compile(source, str(path), "exec", dont_inherit=True), module.__dict__)  # noqa: S102 - that is loading
        except FOREIGN_FAILURES as error:
            self._failed(name, error, module.__name__)
            del sys.modules[module.__name__]
        else:
            self.register(module, name=name, origin=str(path))

    def _require_known_hooks(self, provider: object, name: str, origin: str) -> None:
        for caller in self._manager.get_hookcallers(provider) or []:
            if not caller.has_spec():
                close = difflib.get_close_matches(caller.name, [hook.name for hook in HOOKS], n=2)
                hint = f"; did you mean {' or '.join(map(repr, close))}?" if close else ""
                raise HookError(f"{origin}: there is no hook {caller.name!r}{hint}", provider=name)

    def _forget(self, provider: object) -> None:
        if self._manager.is_registered(provider):
            self._manager.unregister(provider)

    def _failed(self, name: str, error: BaseException, module: str = "") -> None:
        self.failures.append(_load_error(name, error, type(error).__name__, _place(error, module) if module else ""))


def _require_known_arguments(provider: object, name: str, origin: str) -> None:
    for hook in HOOKS:
        function = getattr(provider, hook.name, None)
        if not inspect.isroutine(function) or not hasattr(function, f"{PROJECT}_impl"):  # what hookimpl marks them with
            continue
        known = [one for one in inspect.signature(getattr(Specifications, hook.name)).parameters if one != "self"]
        unknown = [one for one in inspect.signature(function).parameters if one not in known]
        if unknown:
            code = getattr(inspect.unwrap(function), "__code__", None)
            line = f":{code.co_firstlineno}" if code is not None else ""
            remedy = f"it takes {', '.join(known)}" if known else "it takes none, remove it"
            text = f"the hook {hook.name} has no argument {unknown[0]!r}: {remedy}"
            raise HookError(f"{origin}{line}: {text}", provider=name)


def _free_module_name(name: str) -> str:
    """``name``, by which it logs; numbered where there is one of that name already, which must not be hidden."""
    return f"{name}_{next(_numbers)}" if name in sys.modules else name


def _place(error: BaseException, module: str) -> str:
    """File and line of the extension's own code at which it was raised, empty when it was not raised there."""
    if isinstance(error, SyntaxError):
        return ""  # says so itself
    package = f"{module}."
    own = [
        f" ({frame.f_code.co_filename}:{line})"
        for frame, line in traceback.walk_tb(error.__traceback__)
        if f"{frame.f_globals.get('__name__')}.".startswith(package)
    ]
    return own[-1] if own else ""


def _load_error(name: str, error: BaseException, error_type: str, place: str = "") -> HookError:
    made = HookError(f"{error}{place}", provider=name, error_type=error_type)
    made.__cause__ = error
    return made
