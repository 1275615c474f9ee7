"""Calls and results against the schemas of one generation, as outcomes of calls; what decides is ``matahari.validation``."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from matahari.hostproto import TEXT_LIMIT, MethodSpec
from matahari.validation import MAX_CHECKED, ActionSchema, did_you_mean, preload
from matahari.validation import unknown_action as unknown_action_text

from .records import CallFailure, CallResult

__all__ = ["LARGE", "MANY", "MAX_CHECKED", "Action", "did_you_mean", "prepare", "unknown_action"]

#: Characters or bytes, of arguments or of a result, up to which a check takes milliseconds, and a thread would cost more
#: than it saves.
LARGE: Final = 4 * 1024
#: The same for how many arguments there are: each is a text of its own, and an integer has no characters.
MANY: Final = 1024

#: Refusal of the validation -> type of the failure that callers are told.
_TYPES = {
    "missing_argument": "MissingArgument",
    "invalid_argument": "InvalidArgument",
    "too_large": "TooLarge",
}


def unknown_action(plugin: str, name: str, known: Iterable[str]) -> CallFailure:
    """Make the failure for a method that the plugin has not."""
    text = unknown_action_text(plugin, name, known)
    return CallFailure("unknown_action", "UnknownAction", text, text=text)


def prepare(plugin: str, specs: Iterable[MethodSpec]) -> dict[str, Action]:
    """Make the actions of one generation, by name."""
    actions = {spec.name: Action(plugin, spec) for spec in specs}
    if not all(action.is_simple for action in actions.values()):
        preload()
    return actions


class Action:
    """One action of one generation, ready to check calls."""

    def __init__(self, plugin: str, spec: MethodSpec) -> None:
        self._plugin = plugin
        self.spec = spec
        self.name = spec.name
        self.timeout = spec.timeout
        self._schema = ActionSchema(plugin, spec.name, spec.params, spec.result, sensitive=spec.sensitive)
        yields = spec.params.get("x-yields")
        self._yields = ActionSchema(plugin, spec.name, {}, yields) if isinstance(yields, dict) else None
        self.is_simple = self._schema.is_simple and (self._yields is None or self._yields.is_simple)

    def check(self, args: Sequence[str], kwargs: Mapping[str, str]) -> None:
        """Check one call.

        Args:
            args: JSON texts, by position.
            kwargs: JSON texts, by name.

        Raises:
            CallFailure: ``missing_argument``, ``invalid_argument`` or ``too_large``, naming argument, value and rule.
        """
        refusal = self._schema.find_refusal(args, kwargs, limit_bytes=TEXT_LIMIT)
        if refusal is not None:
            raise CallFailure(refusal.kind, _TYPES[refusal.kind], refusal.text, text=refusal.text)

    def takes_long(self, allowed: Action | None, args: Sequence[str], kwargs: Mapping[str, str]) -> bool:
        """Whether :meth:`check_again` has too much to look at for an event loop; arguments as there."""
        if allowed is self or (allowed is not None and allowed._takes_the_same(self)):
            return False
        if len(args) + len(kwargs) > MANY:
            return True
        return sum(map(len, args)) + sum(len(name) + len(text) for name, text in kwargs.items()) > LARGE

    def check_again(self, allowed: Action | None, args: Sequence[str], kwargs: Mapping[str, str]) -> None:
        """Check a call that may run as the same action of another generation.

        Args:
            allowed: the action that the call fits and that somebody decided upon; None when nobody did.

        Raises:
            CallFailure: as :meth:`check`; ``refused`` when what was decided upon is no longer so: what the action may
                do, which values are not to be shown, or which parameters the positions mean.
        """
        if allowed is self:
            return
        if allowed is None or not allowed._takes_the_same(self):
            self.check(args, kwargs)
        if allowed is not None and self._decided_upon(len(args)) != allowed._decided_upon(len(args)):
            text = f"{self._plugin}.{self.name} has changed since the call was allowed; call it again"
            raise CallFailure("refused", "Refused", text, text=text)

    def _takes_the_same(self, other: Action) -> bool:
        """Whether what was found to fit here fits there as well: a large call is not looked at twice for nothing."""
        return self.spec.params == other.spec.params

    def _decided_upon(self, positions: int) -> tuple[object, ...]:
        positional = self.spec.params.get("x-positional")
        names = positional[:positions] if isinstance(positional, list) else []
        return dict(self.spec.effects), frozenset(self.spec.sensitive), names

    def result(self, text: str) -> CallResult:
        """What a call gave; the check of a large result is left to whoever can wait for it."""
        if len(text) > LARGE and self._schema.looks_at(text):
            return CallResult(text, check=functools.partial(self.check_result, text))
        return CallResult(text, self.check_result(text))

    def check_result(self, text: str) -> str:
        """Say how a result (JSON text) differs from what the action declares; empty when it does not."""
        return self._schema.find_mismatch(text)

    def check_value(self, number: int, text: str) -> str:
        """Say how a yielded value (JSON text) differs from what the action declares; a large one is not looked at."""
        if self._yields is None or len(text) > LARGE or not (found := self._yields.find_mismatch(text)):
            return ""
        return f"value {number} yielded by {found.removeprefix('the result of ')}"
