"""The source of a plugin as lint looks at it: what its module binds, and a finding about a place in it. Pure."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Literal, Self, TypeAlias

__all__ = ["Finding", "Function", "Module", "Severity", "parameters_in"]

Severity: TypeAlias = Literal["error", "warning", "note"]
Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef

_BLOCKS: Final = (ast.If, ast.For, ast.While, ast.With, ast.Try, ast.TryStar)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to look at.

    Attributes:
        severity: ``error`` (cannot be used), ``warning`` (works worse than it could), ``note`` (may be meant so).
        code: stable word for machines.
        text: what is wrong, for people.
        line: in the file, from 1; 0 when unknown.
        name: the method or name that is meant, empty for the plugin.
        column: in the line, in characters from 1; 0 when unknown.
        remedy: what to do about it.
        file: the file, empty for the plugin's own module.
    """

    severity: Severity
    code: str
    text: str
    line: int = 0
    name: str = ""
    column: int = 0
    remedy: str = ""
    file: str = ""

    @classmethod
    def at(
        cls, node: ast.expr | ast.stmt | ast.arg, severity: Severity, code: str, text: str, remedy: str, name: str
    ) -> Self:
        """What is found at a place of the source."""
        return cls(severity, code, text, node.lineno, name, node.col_offset + 1, remedy)


class Module:
    """What the top level of a module binds, also within ``if``, ``try`` and the like; the last one of a name wins."""

    def __init__(self, tree: ast.Module) -> None:
        self.tree = tree
        self.functions: dict[str, Function] = {}
        self.classes: dict[str, ast.ClassDef] = {}
        self.imported: dict[str, ast.ImportFrom] = {}
        self.assigned: dict[str, ast.expr] = {}
        self.lists_names = False
        for statement in _statements(tree.body):
            self._take(statement)

    def _take(self, statement: ast.stmt) -> None:
        match statement:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self.functions[statement.name] = statement
            case ast.ClassDef():
                self.classes[statement.name] = statement
            case ast.ImportFrom():
                for alias in statement.names:
                    self.imported[alias.asname or alias.name] = statement
            case ast.Assign():
                for target in statement.targets:
                    if isinstance(target, ast.Name):
                        self.assigned[target.id] = statement.value
                        self.lists_names = self.lists_names or target.id == "__all__"
            case ast.AnnAssign(target=ast.Name(id=name), value=value) if value is not None:
                self.assigned[name] = value
                self.lists_names = self.lists_names or name == "__all__"


def _statements(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    for statement in body:
        yield statement
        if isinstance(statement, _BLOCKS):
            for part in ("body", "orelse", "finalbody"):
                yield from _statements(getattr(statement, part, []))
            for handler in getattr(statement, "handlers", []):
                yield from _statements(handler.body)


def parameters_in(arguments: ast.arguments) -> list[ast.arg]:
    """All parameters, those of ``*args`` and ``**kwargs`` last."""
    rest = [each for each in (arguments.vararg, arguments.kwarg) if each is not None]
    return [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, *rest]
