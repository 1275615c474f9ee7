"""Stub files for the plugins of a fleet: a package from which a program takes ``connect``, so that calls are checked.

The package has both faces, ``connect`` of it and ``connect`` of its module ``sync``. When the program runs these are
the functions of :mod:`matahari.console`; for type checkers, ``mh.plugin("disks")`` is an object of a class ``Disks``
with the methods that the plugin ``disks`` publishes. Names that no identifier can be are reached as without stubs.
"""

from __future__ import annotations

import inspect
import json
import os
import secrets
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from matahari.console.signatures import ANYTHING, read_signature
from matahari.console.stub_types import ANY, TypeWriter, is_safe_name, new_class_name, string_literal
from matahari.console.values import RemoteObject

__all__ = ["MARK", "save_files", "stub_files"]

#: First line of every file that is written here; only such files are overwritten.
MARK: Final = "# Written by `matahari plugin stubs`, from what plugins publish; it is overwritten."
#: Longest documentation that is written, in characters; agents publish no more of a method.
MAX_DOC: Final = 16 * 1024
#: What every object of a plugin has, so that a method called so is reached by ``call`` alone.
_OWN: Final = frozenset({"call", "hosts", "objects", "using"})
_NAMED: Final = inspect.Parameter.POSITIONAL_OR_KEYWORD
_TAKEN: Final = frozenset({"Connecting", "Console", "Plugin"})
_FACES: Final = {"__init__": ("matahari.console", "Call", "NoMethod"),
                 "sync": ("matahari.console.sync", "BlockingCall", "NoBlockingMethod")}  # fmt: skip

_HEAD: Final = """{mark}
import builtins as _b
import pathlib as _pathlib
import typing as _t
from collections.abc import Generator as _Generator

import {module} as _face
import matahari.console as _console
import matahari.console.typed as _typed
"""
_CONNECT: Final = """
def connect(
    broker: str | None = None,
    *,
    insecure_anonymous: bool = False,
    timeout: float = ...,
    broker_kind: str = ...,
    virtual_host: str = ...,
    hooks: _pathlib.Path | None = None,
) -> {given}: ...
"""
_CONNECTING: Final = """
class Connecting(_console.Connecting):
    def __await__(self) -> _Generator[_t.Any, None, Console]: ...
    async def __aenter__(self) -> Console: ...
"""
_PLUGIN: Final = """    {begin}def plugin(
        self,
        name: {name},
        hosts: _console.HostChoice | None = None,
        *,
        fetch_timeout: float = ...,
        **options: _t.Unpack[_console.CallOptions],
    ) -> {given}: ...
"""


class _Source:
    """Text that stands in a signature as it is."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


@dataclass(frozen=True, slots=True)
class _Method:
    """A method as most hosts publish it: JSON texts, None for what is not published."""

    name: str
    params: str | None
    result: str | None
    doc: str
    is_same: bool


def stub_files(plugins: Mapping[str, Iterable[RemoteObject]]) -> dict[str, str]:
    """The files of the package, by name. Pure.

    Args:
        plugins: the objects of each plugin, of all hosts.
    """
    taken = set(_TAKEN)
    classes = {name: new_class_name(name, taken) for name in sorted(plugins)}
    methods = {name: _methods(plugins[name]) for name in classes}
    # Where a method has the name of a class of values, that name would mean the method.
    taken.update(one.name for some in methods.values() for one in some)
    writers = {
        name: TypeWriter(class_name, taken, [one.name for one in methods[name]]) for name, class_name in classes.items()
    }
    bodies = {
        stem: "".join(
            _plugin_class(name, class_name, methods[name], writers[name], call=call, no_method=no_method)
            for name, class_name in classes.items()
        )
        for stem, (_, call, no_method) in _FACES.items()
    }
    values = {name: text for writer in writers.values() for name, text in writer.classes.items()}
    files = {"py.typed": f"{MARK}\n"}
    for stem, (module, _, _) in _FACES.items():
        is_async = stem == "__init__"
        head = _HEAD.format(mark=MARK, module=module)
        if is_async:
            dictionaries = "".join(f"\n{text}\n" for text in values.values())
        else:
            dictionaries = "".join(f"from . import {name} as {name}\n" for name in values)
        connecting = _CONNECTING if is_async else ""
        connect = _CONNECT.format(given="Connecting" if is_async else "Console")
        files[f"{stem}.pyi"] = (
            head + dictionaries + bodies[stem] + _console_class(classes, is_async) + connecting + connect
        )
        files[f"{stem}.py"] = _running(module, is_async, classes.values(), values)
    return files


def save_files(directory: Path, files: Mapping[str, str]) -> list[Path]:
    """Write files, each whole or not at all; errors as :func:`matahari.console.write_stubs`."""
    paths = {directory / name: text for name, text in files.items()}
    for path in paths:
        if path.exists() and not _is_ours(path):
            raise FileExistsError(f"{path} is there and was not written by this command; it is left as it is")
    directory.mkdir(parents=True, exist_ok=True)
    for path, text in paths.items():
        name = directory / f".stubs-{secrets.token_hex(8)}"
        # As any new file, by the umask of the process, which is not to be asked for: that would change it for all threads.
        handle = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
            os.replace(name, path)
        except BaseException:
            os.unlink(name)
            raise
    return list(paths)


def _is_ours(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(MARK)) == MARK.encode()


def _methods(objects: Iterable[RemoteObject]) -> list[_Method]:
    """Those that can be written as methods of Python, each as most hosts publish it."""
    versions: dict[str, Counter[tuple[str | None, str | None, str]]] = {}
    for item in objects:
        published = item.values.get("methods")
        described = published if isinstance(published, Mapping) else {}
        for one in item.schema.methods:
            entry = described.get(one.name)
            told = entry if isinstance(entry, Mapping) else {}
            version = (_text(told.get("params")), _text(told.get("result")), _text(told.get("doc")) or "")
            versions.setdefault(one.name, Counter())[version] += 1
    return [
        _Method(name, *counted.most_common(1)[0][0], len({version[:2] for version in counted}) == 1)
        for name, counted in sorted(versions.items())
        if is_safe_name(name) and not name.startswith("_") and name not in _OWN
    ]


def _plugin_class(
    name: str, class_name: str, methods: Sequence[_Method], writer: TypeWriter, *, call: str, no_method: str
) -> str:
    about = string_literal(f"The plugin {name}.", is_long=True)
    lines = ["", f"class {class_name}(_face.Plugin):", f"    {about}", ""]
    lines.append("    def using(self, **options: _t.Unpack[_console.CallOptions]) -> _t.Self: ...")
    for one in methods:
        parameters, result = _parameters(one, writer), _result(one, writer)
        doc = one.doc[:MAX_DOC] or "The plugin publishes no documentation of it."
        doc += (
            "" if one.is_same else "\n\nNot all hosts publish the same parameters and result; these are the commonest."
        )
        lines.append(f"    def {one.name}{parameters} -> _typed.{call}[{result}]:")
        lines.append(f"        {string_literal(doc, is_long=True)}")
    lines.append(f"    def __getattr__(self, name: {writer.text_type}) -> _typed.{no_method}: ...")
    return "\n".join(lines) + "\n"


def _parameters(method: _Method, writer: TypeWriter) -> str:
    schema = _read(method.params)
    named = schema.get("$defs")
    definitions = named if isinstance(named, dict) else {}
    signature = ANYTHING
    try:
        if schema:
            signature = read_signature(schema, lambda said: writer.type_of(said, definitions, is_given=True))
    except (ValueError, RecursionError):  # names and an order that no function of Python has
        pass
    if not all(is_safe_name(name) and not name.startswith("__") for name in signature.parameters):
        signature = ANYTHING
    owner = "self"
    while owner in signature.parameters:
        owner += "_"
    given = [_written(one) for one in signature.parameters.values()]
    first = given[0].kind if given and given[0].kind is inspect.Parameter.POSITIONAL_ONLY else _NAMED
    return str(inspect.Signature([inspect.Parameter(owner, first), *given]))


def _written(one: inspect.Parameter) -> inspect.Parameter:
    """The parameter as a stub has it: a default is there, and what it is does not matter."""
    annotation = _Source(ANY if one.annotation is inspect.Parameter.empty else str(one.annotation))
    default = inspect.Parameter.empty if one.default is inspect.Parameter.empty else _Source("...")
    return one.replace(annotation=annotation, default=default)


def _result(method: _Method, writer: TypeWriter) -> str:
    schema = _read(method.result)
    named = schema.get("$defs")
    try:
        return writer.type_of(schema, named if isinstance(named, dict) else {}, is_given=False)
    except RecursionError:
        return ANY


def _console_class(classes: Mapping[str, str], is_async: bool) -> str:
    begin = "async " if is_async else ""
    overloads = [
        _PLUGIN.format(begin=begin, name=f"_t.Literal[{string_literal(name)}]", given=class_name)
        for name, class_name in classes.items()
    ]
    if overloads:
        overloads.append(_PLUGIN.format(begin=begin, name="str", given="_face.Plugin"))
    body = "".join(f"    @_t.overload\n{text}" for text in overloads) or "    ...\n"
    return f"\nclass Console(_face.Console):\n{body}"


def _running(module: str, is_async: bool, plugins: Iterable[str], values: Iterable[str]) -> str:
    """What there is when the program runs: the names, so that they may be imported for annotations."""
    names = "Connecting, Console, Plugin, connect" if is_async else "Console, Plugin, connect"
    lines = [MARK, f"from {module} import {names}", "", *(f"{name} = Plugin" for name in plugins)]
    return "\n".join([*lines, *(f"{name} = dict" for name in values), ""])


def _read(text: str | None) -> dict[str, object]:
    try:
        found = json.loads(text) if text else None
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
