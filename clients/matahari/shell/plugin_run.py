"""``matahari plugin run``: one call of one method, without a broker."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence

from matahari.errors import PluginLoadError
from matahari.shell.arguments import bind, parameters_from
from matahari.shell.lines import Word
from matahari.shell.outcome import CommandError, ExitStatus
from matahari.shell.plugin_worker import find_plugin, loaded
from matahari.shell.render import json_line, printable, value_record
from matahari.testing import CallFailure, PluginHarness

__all__ = ["failure_record", "result_text", "run"]


def run(path: os.PathLike[str], method: str, words: Sequence[str], *, as_json: bool, timeout: float) -> int:
    """Load, call, print; gives the exit status."""

    async def call(plugin: PluginHarness) -> object:
        schemas = {spec.name: spec.params for spec in plugin.status.methods}
        parameters = parameters_from(schemas[method]) if method in schemas else None
        # The words come from another shell, which has taken the quotes away.
        given = bind([Word(text, 0, len(text)) for text in words], parameters)
        return await plugin.call_with(method, given.args, given.kwargs, timeout=timeout)

    try:
        value = loaded(find_plugin(path), call, call_timeout=timeout)
    except CommandError as error:
        print(f"matahari: {printable(str(error))}", file=sys.stderr)
        return ExitStatus.USAGE
    except (CallFailure, PluginLoadError) as failure:
        if as_json:
            print(json_line(failure_record(failure)))
        else:
            print(f"matahari: {printable(_complete(failure))}", file=sys.stderr)
        return ExitStatus.SOME_FAILED
    if as_json:
        print(json_line(value_record(value)))
    elif value is not None:
        print(result_text(value))
    return ExitStatus.OK


def result_text(value: object) -> str:
    """A result for people: text as it is, anything else as JSON."""
    if isinstance(value, str):
        return printable(value)
    return printable(json.dumps(value, ensure_ascii=False, indent=2))


def failure_record(failure: CallFailure | PluginLoadError) -> Mapping[str, object]:
    """A failure as the record of ``--json``; the kind of a failed load is ``not_loaded``, as on the bus."""
    if isinstance(failure, CallFailure):
        kind, remote_type = failure.kind, failure.type
    else:
        kind, remote_type = "not_loaded", failure.error_type
    error = {"kind": kind, "type": remote_type, "text": str(failure), "traceback": failure.traceback}
    return {"ok": False, "value": None, "error": error}


def _complete(failure: CallFailure | PluginLoadError) -> str:
    """The failure with its frames, which are the author's own."""
    kind = failure.kind if isinstance(failure, CallFailure) else "not_loaded"
    frames = f"\n{failure.traceback.rstrip()}" if failure.traceback else ""
    return f"{kind}: {failure}{frames}"
