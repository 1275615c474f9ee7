"""What the users of a plugin would miss, from its source and from what its worker publishes. Pure."""

from __future__ import annotations

import ast
import builtins
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from matahari.shell.author.pitfalls import HOOKS, SETTINGS, pitfalls
from matahari.shell.author.source import Finding, Function, Module, parameters_in
from matahari.testing import MethodSpec

__all__ = ["Finding", "examine"]

_BUILTINS: Final = frozenset(name for name in dir(builtins) if not name.startswith("_"))
#: Classes of the standard library whose values JSON has no form for, by the last part of their names.
_NOT_JSON: Final = frozenset(
    ("set", "frozenset", "Set", "FrozenSet", "AbstractSet", "deque", "range", "slice", "complex", "Decimal", "Fraction")
) | {"bytearray", "memoryview", "datetime", "date", "time", "timedelta", "Path", "PurePath", "PosixPath", "UUID"}
_ONLY_LISTED: Final = "is exported only when __all__ lists it"
_LIST_IT: Final = "list it there if callers should have it, else begin its name with _"
_WRITE_ONE: Final = "write one: its first line is what help shows"
#: Annotations that mean "anything".
_ANYTHING: Final = frozenset(("Any", "object"))


def examine(plugin: str, source: str, methods: Sequence[MethodSpec]) -> list[Finding]:
    """Give everything that was found, by line.

    Args:
        plugin: its name.
        source: of its own module; it must parse, for it has been loaded.
        methods: what its worker published.
    """
    module = Module(ast.parse(source))
    actions = {method.name: method for method in methods}
    findings = [
        *_about_plugin(plugin, module, actions),
        *_hidden(module, actions),
        *_redefined(module),
        *_shadowed(module),
        *pitfalls(module, actions),
    ]
    for name, method in actions.items():
        findings += _about_action(name, method, module)
    return sorted(findings, key=lambda finding: (finding.line, finding.column, finding.code, finding.name))


def _about_plugin(plugin: str, module: Module, actions: Mapping[str, MethodSpec]) -> Iterator[Finding]:
    if not actions:
        remedy = "define a function whose name does not begin with _"
        yield Finding("warning", "no-methods", "nothing is exported: there is no public function", remedy=remedy)
    if ast.get_docstring(module.tree) is None:
        remedy = "begin it with a text in quotes that says what the plugin is for"
        yield Finding("note", "undocumented", "the module has no docstring", 1, column=1, remedy=remedy)
    if plugin in sys.stdlib_module_names:
        text = f"import {plugin} gives the standard library's module, here and in every plugin, not this one"
        yield Finding("note", "shadowing", text, remedy="rename it when it is meant to be imported")


def _hidden(module: Module, actions: Mapping[str, MethodSpec]) -> Iterator[Finding]:
    """Names that look as if they were meant for callers, and are not exported."""

    # What speaks for the plugin itself is not meant for callers, nor is a class or an import that the module uses.
    used = _used(module.tree)

    def is_hidden(name: str) -> bool:
        return not name.startswith("_") and name not in actions and name not in (*HOOKS, SETTINGS)

    for name, function in module.functions.items():
        if is_hidden(name) and module.lists_names:
            text = f"{name} is not in __all__"
            remedy = "list it there, or begin its name with _"
            yield Finding.at(function, "note", "not-exported", text, remedy, name)
        elif is_hidden(name):
            text = f"{name} was deleted, or replaced by a decorator or an assignment with what is not defined here"
            remedy = "use functools.wraps in the decorator, or list it in __all__"
            yield Finding.at(function, "warning", "not-exported", text, remedy, name)
    if module.lists_names:
        return
    for name, found in module.classes.items():
        if is_hidden(name) and name not in used:
            text = f"{name} is a class: only functions are"
            remedy = "begin its name with _, or list it in __all__ if callers should have it"
            yield Finding.at(found, "note", "not-exported", text, remedy, name)
    for name, statement in module.imported.items():
        is_own = statement.level > 0 or (statement.module or "").startswith("_")
        if is_hidden(name) and name not in used and is_own and statement.module not in (None, "__future__"):
            yield Finding.at(
                statement, "note", "not-exported", f"{name} is imported, and {_ONLY_LISTED}", _LIST_IT, name
            )
    for name, value in module.assigned.items():
        if is_hidden(name) and name not in used and isinstance(value, ast.Attribute | ast.Lambda):
            text = f"{name} is assigned what is not defined here, and {_ONLY_LISTED}"
            yield Finding.at(value, "note", "not-exported", text, _LIST_IT, name)


def _redefined(module: Module) -> Iterator[Finding]:
    seen: dict[str, int] = {}
    for statement in module.tree.body:  # within blocks, alternatives of one name are usual
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            name = statement.name
            if name in seen and not statement.decorator_list:
                text = f"{name} takes the place of the one in line {seen[name]}"
                yield Finding.at(statement, "warning", "shadowing", text, "rename one of them", name)
            if not statement.decorator_list:
                seen[name] = statement.lineno


def _used(tree: ast.Module) -> set[str]:
    """Names that are read somewhere, annotations in quotes included."""
    found = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    for node in ast.walk(tree):
        annotation = getattr(node, "annotation", None) or getattr(node, "returns", None)
        for inner in ast.walk(annotation) if isinstance(annotation, ast.AST) else ():
            if isinstance(inner, ast.Constant) and isinstance(inner.value, str):
                found.update(re.findall(r"\w+", inner.value))
    return found


def _shadowed(module: Module) -> Iterator[Finding]:
    used = _used(module.tree)
    for name, function in module.functions.items():
        if name in _BUILTINS and name in used:
            text = f"{name} hides the builtin, which this module uses: annotations and calls get the function instead"
            remedy = f"use builtins.{name} where the builtin is meant, or rename the function"
            yield Finding.at(function, "warning", "shadowing", text, remedy, name)


def _about_action(name: str, method: MethodSpec, module: Module) -> Iterator[Finding]:
    function = module.functions.get(name)
    if function is None:
        value = module.assigned.get(name)
        if not method.doc and value is not None:
            yield Finding.at(value, "warning", "undocumented", f"{name} has no docstring", _WRITE_ONE, name)
        elif not method.doc:
            yield Finding("warning", "undocumented", f"{name} has no docstring", name=name, remedy=_WRITE_ONE)
        if isinstance(value, ast.Lambda) and parameters_in(value.args):
            text = f"{name} is a lambda, whose parameters cannot be annotated: its calls are not checked"
            yield Finding.at(value, "warning", "unannotated", text, "define it with def", name)
        return
    if not method.doc:
        yield Finding.at(function, "warning", "undocumented", f"{name} has no docstring", _WRITE_ONE, name)
    properties = method.params.get("properties")
    schemas = properties if isinstance(properties, dict) else {}
    for parameter in parameters_in(function.args):
        if parameter.annotation is None:
            text = f"{name}: parameter {parameter.arg} has no annotation: anything is taken"
            remedy = f"write its type, as in {parameter.arg}: str"
            yield Finding.at(parameter, "warning", "unannotated", text, remedy, name)
        elif _is_unknown(parameter.annotation) and not _rules(schemas.get(parameter.arg, True)):
            shown = ast.unparse(parameter.annotation)
            text = f"{name}: parameter {parameter.arg} is not checked: {shown} has no JSON Schema"
            remedy = (
                "use a builtin type, a dataclass, an enum or what pydantic knows; `object` says that anything is meant"
            )
            yield Finding.at(parameter, "note", "unchecked", text, remedy, name)
    yield from _about_result(name, method, function, module)


def _about_result(name: str, method: MethodSpec, function: Function, module: Module) -> Iterator[Finding]:
    returns = function.returns
    if returns is None:
        text = f"{name}: the result has no annotation"
        yield Finding.at(function, "note", "unannotated", text, "write its type, as in -> dict[str, int]", name)
    elif method.result is None and (foreign := _not_json(returns, module)):
        text = f"{name}: the result is {ast.unparse(returns)}, and JSON has no form for {foreign}"
        remedy = "return lists, dicts, texts and numbers, or a dataclass"
        yield Finding.at(returns, "warning", "result", text, remedy, name)


def _is_unknown(annotation: ast.expr) -> bool:
    return _last_name(annotation) not in _ANYTHING


def _rules(schema: object) -> bool:
    """Whether the schema of a parameter forbids anything."""
    if not isinstance(schema, dict):
        return schema is True  # not a named parameter, so published elsewhere
    return bool(set(schema) - {"default", "description", "title"})


def _not_json(annotation: ast.expr, module: Module) -> str:
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
