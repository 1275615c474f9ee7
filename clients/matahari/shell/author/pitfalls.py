"""What works when it is tried once and fails later: shared defaults, blocked event loops, hooks that are none. Pure."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Final

from matahari.shell.author.source import Finding, Function, Module, Severity, parameters_in
from matahari.testing import MethodSpec
from matahari.validation import SECRET_WORDS, is_secret_name

__all__ = ["HOOKS", "SETTINGS", "pitfalls"]

#: Calls that keep the event loop of all async methods from going on -> what to do instead.
_BLOCKING: Final[Mapping[str, str]] = {
    "time.sleep": "await asyncio.sleep(…)",
    "input": "nobody can answer: take it as an argument",
    "os.system": "await asyncio.create_subprocess_exec(…)",
    "os.popen": "await asyncio.create_subprocess_exec(…)",
    "subprocess.run": "await asyncio.create_subprocess_exec(…)",
    "subprocess.call": "await asyncio.create_subprocess_exec(…)",
    "subprocess.check_call": "await asyncio.create_subprocess_exec(…)",
    "subprocess.check_output": "await asyncio.create_subprocess_exec(…)",
    "subprocess.getoutput": "await asyncio.create_subprocess_exec(…)",
    "socket.create_connection": "await asyncio.open_connection(…)",
    "socket.getaddrinfo": "await asyncio.get_running_loop().getaddrinfo(…)",
    "socket.gethostbyname": "await asyncio.get_running_loop().getaddrinfo(…)",
    "urllib.request.urlopen": "await asyncio.to_thread(urllib.request.urlopen, …)",
} | {f"requests.{verb}": f"await asyncio.to_thread(requests.{verb}, …)" for verb in ("get", "post", "put", "request")}
_MUTABLE: Final = frozenset(("list", "dict", "set", "bytearray", "deque", "defaultdict", "Counter", "OrderedDict"))
#: JSON types whose values are none that somebody hides: ``show_password: bool``, ``max_tokens: int``.
_NO_SECRETS: Final = ("boolean", "integer", "number")
#: Names by which a plugin speaks for itself.
HOOKS: Final = ("self_check", "activate")
SETTINGS: Final = "Settings"
_ENTRY: Final = re.compile(r"(\*{0,2}\w+(?:\s*,\s*\*{0,2}\w+)*)\s*(?:\([^)]*\))?\s*:")
_ARGUMENT_HEADINGS: Final = frozenset(("Args:", "Arguments:", "Parameters:", "Keyword Args:", "Keyword Arguments:"))


def pitfalls(module: Module, actions: Mapping[str, MethodSpec]) -> Iterator[Finding]:
    """Give what was found.

    Args:
        module: the plugin's.
        actions: its methods, by name.
    """
    for name, function in module.functions.items():
        if name in actions:
            yield from _mutable_defaults(name, function)
            yield from _sections(name, function)
            yield from _secrets(actions[name], function)
        if name in HOOKS:
            yield from _hook(name, function, is_action=name in actions)
    yield from _blocking(module.tree)
    if (found := module.classes.get(SETTINGS)) is not None:
        yield from _settings(found)


def _mutable_defaults(name: str, function: Function) -> Iterator[Finding]:
    arguments = function.args
    for default in (*arguments.defaults, *(each for each in arguments.kw_defaults if each is not None)):
        is_display = isinstance(default, ast.List | ast.Dict | ast.Set | ast.ListComp | ast.DictComp | ast.SetComp)
        is_made = isinstance(default, ast.Call) and _dotted(default.func).rpartition(".")[2] in _MUTABLE
        if is_display or is_made:
            text = f"{name}: the default {ast.unparse(default)} is one object for all calls of a process"
            remedy = "make it None, and the object within the function"
            yield Finding.at(default, "warning", "mutable-default", text, remedy, name)


def _secrets(method: MethodSpec, function: Function) -> Iterator[Finding]:
    """Parameters that are named like secrets and take text, and are shown and logged like all others."""
    properties = method.params.get("properties")
    schemas = properties if isinstance(properties, dict) else {}
    for parameter in parameters_in(function.args):
        name, schema = parameter.arg, schemas.get(parameter.arg)
        kind = schema.get("type") if isinstance(schema, dict) else None
        if name in method.sensitive or kind in _NO_SECRETS or not is_secret_name(name):
            continue
        if "'writeOnly': True" in str(schema):
            continue  # its type hides it, as pydantic.SecretStr does
        # A key may be that of a map as well.
        severity: Severity = "warning" if any(word in name.lower() for word in SECRET_WORDS) else "note"
        text = f"{method.name}: parameter {name} has the name of a secret, and its values are shown and logged"
        remedy = f'declare it: @method(sensitive=["{name}"])'
        yield Finding.at(parameter, severity, "secret", text, remedy, method.name)


def _hook(name: str, function: Function, *, is_action: bool) -> Iterator[Finding]:
    if is_action:
        text = (
            f"{name} is a method that callers see, and is not asked by the agent: it needs arguments, or is in __all__"
        )
        remedy = f"define it as def {name}(), and do not list it; or give it another name"
        yield Finding.at(function, "warning", "hook-signature", text, remedy, name)
    elif any(isinstance(node, ast.Yield | ast.YieldFrom) for node in _within(function)):
        text = f"{name} yields, so the agent gets a generator and no answer"
        yield Finding.at(function, "warning", "hook-signature", text, "return the answer", name)
    elif name == "activate" and not any(isinstance(node, ast.Return) and node.value for node in _within(function)):
        text = "activate returns nothing, which counts as no: the plugin is never published"
        remedy = 'return True or False, or both with a reason: return False, "no disks here"'
        yield Finding.at(function, "warning", "hook-signature", text, remedy, name)


def _settings(found: ast.ClassDef) -> Iterator[Finding]:
    names = {_dotted(each.func if isinstance(each, ast.Call) else each) for each in found.decorator_list}
    bases = {_dotted(each) for each in found.bases}
    last = {name.rpartition(".")[2] for name in names | bases}
    if not last & {"dataclass", "TypedDict", "NamedTuple", "BaseModel"} and not found.bases:
        text = "the class Settings is none of those that declare settings: [settings] is not checked"
        remedy = "make it a dataclass, TypedDict or NamedTuple, or give it another name"
        yield Finding.at(found, "note", "settings-class", text, remedy, SETTINGS)


def _blocking(tree: ast.Module) -> Iterator[Finding]:
    known = _imports(tree)
    for function in ast.walk(tree):
        if not isinstance(function, ast.AsyncFunctionDef):
            continue
        for node in _within(function):
            if not isinstance(node, ast.Call):
                continue
            written = _dotted(node.func)
            first, _, rest = written.partition(".")
            full = known.get(first, first) + (f".{rest}" if rest else "")
            if full in _BLOCKING:
                text = f"{function.name}: {written}() blocks the event loop, and with it all async methods"
                yield Finding.at(node, "warning", "blocking-call", text, f"use {_BLOCKING[full]}", function.name)


def _imports(tree: ast.Module) -> dict[str, str]:
    """Names that imports bind, anywhere in the module -> what they mean."""
    known: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                known[alias.asname or alias.name.partition(".")[0]] = (
                    alias.name if alias.asname else alias.name.partition(".")[0]
                )
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            known |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return known


def _within(function: Function) -> Iterator[ast.AST]:
    """The nodes of a function's own body: not those of functions in it, which run elsewhere or later."""
    left: list[ast.AST] = list(function.body)
    while left:
        node = left.pop(0)
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            left[:0] = ast.iter_child_nodes(node)


def _dotted(node: ast.AST) -> str:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (before := _dotted(node.value)):
        return f"{before}.{node.attr}"
    return ""


def _sections(name: str, function: Function) -> Iterator[Finding]:
    """What a docstring of several lines leaves out, or says of parameters that there are not."""
    doc = ast.get_docstring(function) or ""
    place = function.body[0]
    if "\n" not in doc:
        return  # one line: its author did not mean to explain
    headings = {line.strip() for line in doc.splitlines()}
    parameters = [each.arg for each in parameters_in(function.args)]
    described = _described(doc)
    if parameters and not headings & _ARGUMENT_HEADINGS:
        text = f"{name}: the docstring has no section on {_listed(parameters)}"
        remedy = f"add a section Args: with a line for each, as in {parameters[0]}: what it is"
        yield Finding.at(place, "note", "docstring", text, remedy, name)
    elif parameters:
        if missing := [each for each in parameters if each not in described]:
            text = f"{name}: the section Args: leaves out {_listed(missing)}"
            yield Finding.at(place, "note", "docstring", text, f"add a line {missing[0]}: what it is", name)
        if unknown := [each for each in described if each not in parameters]:
            text = f"{name}: the section Args: tells of {_listed(unknown)}, which it has not"
            yield Finding.at(place, "warning", "docstring", text, "correct the name, or remove the line", name)
    raised = [node for node in _within(function) if isinstance(node, ast.Raise) and node.exc is not None]
    if raised and "Raises:" not in headings:
        kinds = dict.fromkeys(filter(None, (_raised(node) for node in raised)))
        if kinds:
            text = f"{name}: the docstring does not say that it raises {_listed(kinds)}"
            remedy = f"add a section Raises: with a line {next(iter(kinds))}: when"
            yield Finding.at(place, "note", "docstring", text, remedy, name)


def _raised(node: ast.Raise) -> str:
    cause = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
    name = _dotted(cause) if cause is not None else ""
    return name if name[:1].isupper() or "." in name else ""


def _described(doc: str) -> list[str]:
    """Names in the sections on parameters, in order."""
    names: list[str] = []
    lines = doc.splitlines()
    for at, line in enumerate(lines):
        if line.strip() not in _ARGUMENT_HEADINGS:
            continue
        margin: int | None = None
        for below in lines[at + 1 :]:
            indent = len(below) - len(below.lstrip())
            if below.strip() and indent <= len(line) - len(line.lstrip()):
                break
            margin = indent if margin is None and below.strip() else margin
            if below.strip() and indent == margin and (entry := _ENTRY.match(below.strip())):
                names += [each.strip().lstrip("*") for each in entry[1].split(",")]
    return names


def _listed(names: Collection[str]) -> str:
    return ", ".join(names)
