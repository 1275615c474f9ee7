"""The plugins of one simulated host: published and checked as real ones are, answered by functions in this process."""

from __future__ import annotations

import asyncio
import inspect
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from matahari.agent import Afterlife
from matahari.errors import PluginError
from matahari.rpcagent import Action, CallFailure, CallResult, PluginStatus, Reporter, unknown_action
from matahari.validation import did_you_mean

from .functions import PluginCode, running_on
from .plan import HostPlan
from .rules import Rule, find_rule

__all__ = ["SimulatedPlugins"]


class SimulatedPlugins:
    """Takes the place of a plugin service (:class:`matahari.rpcagent.PluginProvider`). One event loop owns it.

    Functions run on that loop: what takes time is a coroutine, or a rule's delay.
    """

    def __init__(self, host: HostPlan, codes: Iterable[PluginCode], rules: Sequence[Rule]) -> None:
        self._host = host
        self._codes = {code.status.name: code for code in codes}
        self._rules = rules
        self._calls: Counter[str] = Counter()  # keys are names of plugins, which do not grow
        self._failures: Counter[str] = Counter()
        self._active: Counter[str] = Counter()

    @property
    def misnamed(self) -> tuple[Path, ...]:
        return ()

    def statuses(self) -> list[PluginStatus]:
        return [self._status(code) for _, code in sorted(self._codes.items())]

    def status(self, name: str) -> PluginStatus | None:
        code = self._codes.get(name)
        return None if code is None else self._status(code)

    def no_plugin(self, name: str) -> str:
        return f"no plugin {name}{did_you_mean(name, self._codes)}"

    def memory(self, name: str) -> int:
        return 0  # it has no process of its own

    async def reload(self, name: str) -> PluginStatus:
        """The plugin as it is: the functions stay what they are."""
        found = self.status(name)
        if found is None:
            raise PluginError(self.no_plugin(name), plugin=name)
        return found

    async def reload_all(self) -> list[PluginStatus]:
        return self.statuses()

    def find(self, name: str, method: str) -> Action:
        code = self._codes.get(name)
        if code is None:
            text = self.no_plugin(name)
            raise CallFailure("not_loaded", "NotLoaded", text, text=text)
        action = code.actions.get(method)
        if action is None:
            raise self.refuse(name, unknown_action(name, method, code.actions))
        return action

    def _check(self, name: str, method: str, args: Sequence[str], kwargs: Mapping[str, str]) -> Action:
        action = self.find(name, method)
        try:
            action.check(args, kwargs)
        except CallFailure as failure:
            raise self.refuse(name, failure) from None
        return action

    def refuse(self, name: str, failure: CallFailure) -> CallFailure:
        self._calls[name] += 1
        self._failures[name] += 1
        return failure

    async def invoke(
        self,
        name: str,
        method: str,
        args: Sequence[str] = (),
        kwargs: Mapping[str, str] | None = None,
        *,
        timeout: float | None = None,
        caller: str = "",
        request_id: str = "",
        on_progress: Reporter | None = None,
        checked: Action | None = None,
        afterlife: Afterlife | None = None,
    ) -> CallResult:
        """Answer as the function and the rules say; ``timeout`` is kept by whoever asks, reports are not simulated."""
        action = checked or self._check(name, method, args, kwargs or {})
        self._calls[name] += 1
        self._active[name] += 1
        try:
            text = await self._answer(name, action, args, kwargs or {})
        except BaseException:
            self._failures[name] += 1
            raise
        finally:
            self._active[name] -= 1
        return CallResult(text, action.check_result(text))

    async def _answer(self, name: str, action: Action, args: Sequence[str], kwargs: Mapping[str, str]) -> str:
        rule = find_rule(self._rules, self._host.name, name, action.name)
        if rule is not None:
            if wait := rule.wait(self._host.name):
                await asyncio.sleep(wait)
            if rule.outcome == "fail":
                raise CallFailure("raised", "SimulatedFailure", rule.text)
        function = self._codes[name].functions[action.name]
        given = [json.loads(text) for text in args]
        named = {key: json.loads(text) for key, text in kwargs.items()}
        try:
            value = await self._run(function, given, named)
        except Exception as error:  # the function is a test's code, which may raise anything
            raise CallFailure("raised", type(error).__name__, str(error)) from error
        try:
            return json.dumps(value, ensure_ascii=False, allow_nan=False)
        except (TypeError, ValueError) as error:
            text = f"{name}.{action.name} returned what is not JSON: {error}"
            raise CallFailure("bad_result", type(error).__name__, text) from error

    async def _run(
        self, function: Callable[..., object], args: Sequence[object], kwargs: Mapping[str, object]
    ) -> object:
        running_on(self._host)
        value = function(*args, **kwargs)
        return await value if inspect.isawaitable(value) else value

    def _status(self, code: PluginCode) -> PluginStatus:
        name = code.status.name
        return replace(code.status, calls=self._calls[name], failures=self._failures[name], active=self._active[name])
