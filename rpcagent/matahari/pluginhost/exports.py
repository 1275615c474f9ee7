"""Which of a module's names are actions.

``__all__`` decides when there is one. Otherwise every public callable *defined in* the module: functions,
also decorated ones, and what was bound by assigning a lambda or a ``functools.partial``. What the module
imported stays private, and so do classes.
"""

from __future__ import annotations

import ast
import functools
import inspect
from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Final

__all__ = ["ExportError", "exported"]

_BLOCKS: Final = (ast.If, ast.For, ast.While, ast.With, ast.Try, ast.TryStar)


class ExportError(Exception):
    """``__all__`` does not fit the module."""


def exported(module: ModuleType, source: bytes) -> dict[str, Callable[..., object]]:
    """Give the actions of a plugin, by name, in alphabetical order.

    Args:
        module: the loaded module.
        source: its source, which tells an assigned partial from an imported one.

    Raises:
        ExportError: ``__all__`` is not a sequence of texts, or names what the module has not.
    """
    if hasattr(module, "__all__"):
        return _listed(module)
    members = {name: value for name, value in vars(module).items() if not name.startswith("_")}
    actions = {name: value for name, value in members.items() if _is_defined_in(value, module.__name__)}
    partials = {name: value for name, value in members.items() if isinstance(value, functools.partial)}
    if partials:
        assigned = set(_assigned_names(ast.parse(source).body))
        actions |= {name: value for name, value in partials.items() if name in assigned}
    return dict(sorted(actions.items()))


def _listed(module: ModuleType) -> dict[str, Callable[..., object]]:
    names = module.__all__
    if isinstance(names, str) or not isinstance(names, Iterable):
        raise ExportError(f"__all__ is {type(names).__name__}, not a list of names")
    actions: dict[str, Callable[..., object]] = {}
    for name in names:
        if not isinstance(name, str):
            raise ExportError(f"__all__ holds {name!r}, which is not a name")
        if not hasattr(module, name):
            raise ExportError(f"__all__ names {name!r}, which is not defined")
        value = getattr(module, name)
        # Constants are listed for "import *" and are no actions.
        if callable(value):
            actions[name] = value
    return dict(sorted(actions.items()))


def _is_defined_in(value: object, module_name: str) -> bool:
    # functools.wraps and lru_cache copy __module__, so decorated functions belong to where they were written.
    if inspect.isclass(value) or isinstance(value, functools.partial) or not callable(value):
        return False
    return getattr(value, "__module__", None) == module_name


def _assigned_names(body: Iterable[ast.stmt]) -> Iterable[str]:
    for statement in body:
        if isinstance(statement, ast.Assign):
            for target in statement.targets:
                yield from (node.id for node in ast.walk(target) if isinstance(node, ast.Name))
        elif isinstance(statement, ast.AnnAssign):
            if isinstance(statement.target, ast.Name):
                yield statement.target.id
        elif isinstance(statement, _BLOCKS):
            for part in ("body", "orelse", "finalbody"):
                yield from _assigned_names(getattr(statement, part, []))
            for handler in getattr(statement, "handlers", []):
                yield from _assigned_names(handler.body)
