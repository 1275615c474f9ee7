"""Checks of values by name, as extensions offer them, ready to be used where a schema names one as its ``format``."""

from __future__ import annotations

from dataclasses import dataclass

from matahari.errors import HookError

from .calls import call_all_within, run_guarded
from .extensions import Extensions
from .records import JsonValue, Validator
from .specifications import VALIDATORS
from .threads import Threads

__all__ = ["NamedCheck", "find_validators"]


@dataclass(frozen=True, slots=True)
class NamedCheck:
    """A validator and who offers it. Calling it runs foreign code, which may block."""

    provider: str
    validator: Validator

    def __call__(self, value: JsonValue) -> str:
        """What is wrong with ``value``, empty when nothing is; a validator that fails is named, and nothing fits it."""
        try:
            found: object = run_guarded(VALIDATORS.name, self.provider, lambda: self.validator.check(value))
        except HookError as error:
            return f"cannot be checked: {error}"
        if not isinstance(found, str):
            return f"cannot be checked: hook {VALIDATORS.name} of {self.provider}: returned {type(found).__name__}, no text"
        return found


async def find_validators(
    extensions: Extensions, threads: Threads
) -> tuple[dict[str, NamedCheck], tuple[HookError, ...]]:
    """The validators by name, and what is wrong with some; of two with the same name the first one counts."""
    outcome = await call_all_within(extensions, VALIDATORS, threads)
    found: dict[str, NamedCheck] = {}
    faults = list(outcome.failures)
    for result in outcome.results:
        for validator in result.value:
            if validator.name in found:
                text = f"validator {validator.name} is left out: {found[validator.name].provider} has one of that name"
                faults.append(HookError(text, provider=result.provider, hook=VALIDATORS.name))
            else:
                found[validator.name] = NamedCheck(result.provider, validator)
    return found, tuple(faults)
