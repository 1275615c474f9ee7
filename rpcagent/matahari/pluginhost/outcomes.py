"""How a call or a load ended, as messages: results, failures, load errors.

Nothing here raises for what a plugin returned or raised, however odd.
"""

from __future__ import annotations

import errno
import json
import math
import os
import resource
import traceback
from collections import deque
from collections.abc import Collection, Iterable
from typing import Final

from matahari.errors import ConfigError
from matahari.hostproto import Failure, LoadFailed, Result

__all__ = ["call_failure", "call_outcome", "load_failure"]

#: Longest text of an exception, in characters: a screenful many times over.
_MAX_VALUE: Final = 16 * 1024
_MIB: Final = 1024 * 1024
#: Longest traceback, in characters.
_MAX_TRACEBACK: Final = 64 * 1024
#: Values among which the one that is not JSON is searched for; a circle has no end.
_MAX_SEARCH: Final = 10_000


def call_outcome(call: int, action: str, value: object, limit: int) -> Result | Failure:
    """Turn what an action returned into a message.

    Args:
        call: number of the call.
        action: ``plugin.method``, for texts.
        value: what it returned.
        limit: most bytes of the JSON text.
    """
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, default=_as_text)
        size = len(text) if text.isascii() else len(text.encode())
    except UnicodeEncodeError:
        return Failure(
            call, "bad_result", "ValueError", f"{action} returned text that is not Unicode (a lone surrogate)"
        )
    except Exception as error:  # noqa: BLE001  # a value may be of a class whose methods raise anything
        kind = type(error).__name__
        return Failure(call, "bad_result", kind, f"{action} returned what is not JSON: {_reason(value, error)}")
    if size > limit:
        text = f"{action} returned {size} bytes of JSON, at most {limit} are allowed"
        return Failure(call, "too_large", "TooLarge", text)
    return Result(call, text)


def _as_text(value: object) -> str:
    """Text of bytes that are UTF-8: what ``subprocess.check_output`` returns, and plugins of 2012 with it."""
    if isinstance(value, bytes):
        return value.decode()
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def call_failure(call: int, error: BaseException, files: Collection[str]) -> Failure:
    """Turn what an action raised into a message; ``files`` are the paths of the plugin's own files."""
    return Failure(call, "raised", _type_name(error), _text(error), _frames(error, files))


def load_failure(error: BaseException, files: Collection[str], user: str = "") -> LoadFailed:
    """Turn what loading raised into a message, with the place in the plugin where it happened.

    Args:
        error: what was raised.
        files: paths of the plugin's own files.
        user: whom the worker has become at the plugin's wish, empty when it is the agent's user.
    """
    file, line, text = "", 0, _text(error)
    if isinstance(error, ConfigError) and error.file:
        file = error.file
    elif isinstance(error, SyntaxError) and error.filename:
        file, line = str(error.filename), error.lineno or 0
    else:
        for frame in traceback.extract_tb(error.__traceback__):
            if frame.filename in files:
                file, line = frame.filename, frame.lineno or 0
    if isinstance(error, SystemExit):
        text = f"the plugin ended itself while it was loaded (exit {text or 0})"
    elif user and isinstance(error, ImportError | PermissionError):
        text = (
            f"{text}; it is loaded as user {user} (limits.user), who may be unable to read what is installed: "
            f"install Python and its packages where {user} can read them, or name another user"
        )
    return LoadFailed(_type_name(error), text, _printable(file), max(line, 0), _frames(error, files))


def _type_name(error: BaseException) -> str:
    return _printable(type(error).__name__)[:255]


def _text(error: BaseException) -> str:
    try:
        text = str(error)
    except Exception:  # noqa: BLE001  # __str__ is the plugin's code
        text = f"<unprintable {type(error).__name__}>"
    return "; ".join(filter(None, (_cut(_printable(text), _MAX_VALUE), _bound(error))))


def _bound(error: BaseException) -> str:
    """Which limit of the process has caused an error, empty when it was none."""
    if isinstance(error, MemoryError):
        limit, _ = resource.getrlimit(resource.RLIMIT_AS)
        bound = f"{limit // _MIB} MiB of address space (limits.memory)"
    elif isinstance(error, OSError) and error.errno == errno.EMFILE:
        limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        bound = f"{limit} open files and sockets (limits.open_files)"
    else:
        return ""
    return "" if limit == resource.RLIM_INFINITY else f"its process may have {bound}"


def _frames(error: BaseException, files: Collection[str]) -> str:
    """Format the frames from the first one in the plugin on; the host's own are of no use to its author."""
    frames = traceback.extract_tb(error.__traceback__)
    first = next((index for index, frame in enumerate(frames) if frame.filename in files), None)
    if first is None:
        return ""
    return _cut(_printable("".join(traceback.format_list(frames[first:]))), _MAX_TRACEBACK)


def _printable(text: str) -> str:
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def _cut(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    half = limit // 2
    return f"{text[:half]}\n… {len(text) - 2 * half} characters left out …\n{text[-half:]}"


def _reason(value: object, error: Exception) -> str:
    try:
        place = _find_foreign(value)
    except Exception:  # noqa: BLE001  # the same odd methods, met again
        place = None
    if place is None:
        return _text(error)
    path, what, remedy = place
    return _cut(_printable(f"{what}{f' at {path}' if path else ''}; {remedy}"), _MAX_VALUE)


def _find_foreign(root: object) -> tuple[str, str, str] | None:
    """Find a value that JSON has no form for: its path, what it is, what to do. None when the search was not worth it.

    The path is written as Python would take it: ``["disks"][0]``.
    """
    left: deque[tuple[object, str]] = deque([(root, "")])
    for _ in range(_MAX_SEARCH):
        if not left:
            return None
        value, path = left.popleft()
        if value is None or isinstance(value, str | int):
            continue
        if isinstance(value, float):
            if not math.isfinite(value):
                return path, repr(value), "return None for what is no number"
        elif isinstance(value, bytes):
            try:
                value.decode()
            except UnicodeDecodeError:
                return path, "bytes that are not UTF-8", "return a text of them, as base64.b64encode(…).decode() gives"
        elif isinstance(value, dict):
            for key, item in value.items():
                if not (key is None or isinstance(key, str | int | float)):
                    return path, f"a key of class {type(key).__name__}", "keys are texts"
                left.append((item, f"{path}[{json.dumps(key, ensure_ascii=False)}]"))
        elif isinstance(value, list | tuple):
            left.extend((item, f"{path}[{index}]") for index, item in enumerate(value))
        else:
            return path, f"a value of class {type(value).__name__}", _remedy(value)
    return None


def _remedy(value: object) -> str:
    if hasattr(value, "isoformat"):
        plain = "isoformat()"
    elif isinstance(value, Iterable) and not isinstance(value, os.PathLike):
        plain = "list(…)"
    else:
        plain = "str(…)"
    return f"annotate the result with its type, so that it is converted, or return {plain} of it"
