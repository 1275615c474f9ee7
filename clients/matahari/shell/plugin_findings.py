"""What the users of a plugin would miss, from its source and from what its worker publishes. Pure."""

from __future__ import annotations

import ast
import builtins
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from matahari.testing import MethodSpec

__all__ = ["Finding", "Severity", "examine"]

Severity: TypeAlias = Literal["error", "warning", "note"]
_Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef

_BLOCKS: Final = (ast.If, ast.For, ast.While, ast.With, ast.Try, ast.TryStar)
_BUILTINS: Final = frozenset(name for name in dir(builtins) if not name.startswith("_"))
#: Classes of the standard library whose values JSON has no form for, by the last part of their names.
_NOT_JSON: Final = frozenset(
    ("set", "frozenset", "Set", "FrozenSet", "AbstractSet", "deque", "range", "slice", "complex", "Decimal", "Fraction")
) | {"bytearray", "memoryview", "datetime", "date", "time", "timedelta", "Path", "PurePath", "PosixPath", "UUID"}
#: Annotations that mean "anything".
_ANYTHING: Final = frozenset(("Any", "object"))


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to look at.

    Attributes:
        severity: ``error`` (cannot be used), ``warning`` (works worse than it could), ``note`` (may be meant so).
        code: stable word for machines.
        text: for people.
        line: in the plugin's own file, 0 when unknown.
        name: the action or name that is meant, empty for the plugin.
    """

    severity: Severity
    code: str
    text: str
    line: int = 0
    name: str = ""


def examine(plugin: str, source: str, methods: Sequence[MethodSpec]) -> list[Finding]:
    """Give everything that was found, by line.

    Args:
        plugin: its name.
        source: of its own module; it must parse, for it has been loaded.
        methods: what its worker published.
    """
    module = _Module(ast.parse(source))
    actions = {method.name: method for method in methods}
    findings = [
        *_about_plugin(plugin, module, actions),
        *_hidden(module, actions),
        *_redefined(module),
        *_shadowed(module),
    ]
    for name, method in actions.items():
        findings += _about_action(name, method, module)
    return sorted(findings, key=lambda finding: (finding.line, finding.code, finding.name))


class _Module:
    """What the top level of a module binds, also within ``if``, ``try`` and the like; the last one of a name wins."""

    def __init__(self, tree: ast.Module) -> None:
        self.tree = tree
        self.functions: dict[str, _Function] = {}
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


def _about_plugin(plugin: str, module: _Module, actions: Mapping[str, MethodSpec]) -> Iterator[Finding]:
    if not actions:
        yield Finding("warning", "no-actions", "nothing is exported: there is no public function")
    if ast.get_docstring(module.tree) is None:
        yield Finding("note", "undocumented", "the module has no docstring", 1)
    if plugin in sys.stdlib_module_names:
        text = f"import {plugin} gives the standard library's module, here and in every plugin, not this one"
        yield Finding("note", "shadowing", text)


def _hidden(module: _Module, actions: Mapping[str, MethodSpec]) -> Iterator[Finding]:
    """Names that look as if they were meant for callers, and are not exported."""

    def is_hidden(name: str) -> bool:
        return not name.startswith("_") and name not in actions

    for name, function in module.functions.items():
        if is_hidden(name) and module.lists_names:
            yield Finding("note", "not-exported", f"{name} is not in __all__", function.lineno, name)
        elif is_hidden(name):
            text = f"{name} was deleted, or replaced by a decorator or an assignment with what is not defined here"
            yield Finding("warning", "not-exported", text, function.lineno, name)
    if module.lists_names:
        return
    for name, found in module.classes.items():
        if is_hidden(name):
            yield Finding("note", "not-exported", f"{name} is a class: only functions are", found.lineno, name)
    for name, statement in module.imported.items():
        is_own = statement.level > 0 or (statement.module or "").startswith("_")
        if is_hidden(name) and is_own and statement.module not in (None, "__future__"):
            text = f"{name} is imported: list it in __all__ if callers should have it"
            yield Finding("note", "not-exported", text, statement.lineno, name)
    for name, value in module.assigned.items():
        if is_hidden(name) and isinstance(value, ast.Attribute | ast.Lambda):
            text = f"{name} is assigned what is not defined here: list it in __all__ if callers should have it"
            yield Finding("note", "not-exported", text, value.lineno, name)


def _redefined(module: _Module) -> Iterator[Finding]:
    seen: dict[str, int] = {}
    for statement in module.tree.body:  # within blocks, alternatives of one name are usual
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            name = statement.name
            if name in seen and not statement.decorator_list:
                text = f"{name} takes the place of the one in line {seen[name]}"
                yield Finding("warning", "shadowing", text, statement.lineno, name)
            if not statement.decorator_list:
                seen[name] = statement.lineno


def _shadowed(module: _Module) -> Iterator[Finding]:
    used = {node.id for node in ast.walk(module.tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    for name, function in module.functions.items():
        if name in _BUILTINS and name in used:
            text = f"{name} hides the builtin, which this module uses: annotations and calls get the function instead"
            yield Finding("warning", "shadowing", text, function.lineno, name)


def _about_action(name: str, method: MethodSpec, module: _Module) -> Iterator[Finding]:
    function = module.functions.get(name)
    if function is None:
        value = module.assigned.get(name)
        line = value.lineno if value is not None else 0
        if not method.doc:
            yield Finding("warning", "undocumented", f"{name} has no docstring", line, name)
        if isinstance(value, ast.Lambda) and _parameters(value.args):
            text = f"{name} is a lambda, whose parameters cannot be annotated: its calls are not checked"
            yield Finding("warning", "unannotated", text, line, name)
        return
    line = function.lineno
    if not method.doc:
        yield Finding("warning", "undocumented", f"{name} has no docstring", line, name)
    properties = method.params.get("properties")
    schemas = properties if isinstance(properties, dict) else {}
    for parameter in _parameters(function.args):
        if parameter.annotation is None:
            text = f"{name}: parameter {parameter.arg} has no annotation: anything is taken"
            yield Finding("warning", "unannotated", text, parameter.lineno, name)
        elif _is_unknown(parameter.annotation) and not _rules(schemas.get(parameter.arg, True)):
            shown = ast.unparse(parameter.annotation)
            text = f"{name}: parameter {parameter.arg} is not checked: {shown} has no JSON Schema"
            yield Finding("note", "unchecked", text, parameter.lineno, name)
    yield from _about_result(name, method, function, module)


def _about_result(name: str, method: MethodSpec, function: _Function, module: _Module) -> Iterator[Finding]:
    returns = function.returns
    if returns is None:
        yield Finding("note", "unannotated", f"{name}: the result has no annotation", function.lineno, name)
    elif method.result is None and (foreign := _not_json(returns, module)):
        text = f"{name}: the result is {ast.unparse(returns)}, and JSON has no form for {foreign}"
        yield Finding("warning", "result", text, returns.lineno, name)


def _parameters(arguments: ast.arguments) -> list[ast.arg]:
    rest = [each for each in (arguments.vararg, arguments.kwarg) if each is not None]
    return [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, *rest]


def _is_unknown(annotation: ast.expr) -> bool:
    return _last_name(annotation) not in _ANYTHING


def _rules(schema: object) -> bool:
    """Whether the schema of a parameter forbids anything."""
    if not isinstance(schema, dict):
        return schema is True  # not a named parameter, so published elsewhere
    return bool(set(schema) - {"default", "description", "title"})


def _not_json(annotation: ast.expr, module: _Module) -> str:
    """The part of an annotation that JSON has no form for, empty when none is known."""
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        try:
            annotation = ast.parse(annotation.value, mode="eval").body
        except SyntaxError:
            return ""
    for node in ast.walk(annotation):
        name = _last_name(node)
        if name in _NOT_JSON or (isinstance(node, ast.Name) and name in module.classes):
            return name
    return ""


def _last_name(node: ast.AST) -> str:
    if isinstance(node, ast.Name):
        return node.id
    return node.attr if isinstance(node, ast.Attribute) else ""
