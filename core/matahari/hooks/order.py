"""The order of an action: validate, authorise, audit, run, validate the reply, audit the outcome.

The order is the point: nothing runs that was not validated, allowed and written down, and whatever happened is
written down. The steps themselves are given, so this holds for every agent alike.

=================  =============================================  ==========================
step               fails by                                       then
=================  =============================================  ==========================
validate           problems; raising                              refused, audited
                   being cancelled                                audited as a refusal, cancelled
authorise          a decision that does not allow; raising        refused, audited
                   being cancelled                                audited as a refusal, cancelled
audit intent       False or raising                               refused if required, audited
                   being cancelled                                audited with an outcome, cancelled
run                raising                                        failed, audited
                   being cancelled                                audited, cancelled
validate reply     problems; raising                              completed with problems
                   being cancelled                                audited, cancelled
audit outcome      False or raising                               counted by the log, no change
=================  =============================================  ==========================

So a request leaves a refusal alone, or an intent and one outcome, or, where an intent cannot be written and has to be, an
intent's loss and a refusal.

Source: style.md 1, security.md 3.5
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Literal, TypeAlias, TypeVar

from .arguments import are_large, digested_arguments, written_arguments
from .records import ActionRequest, Decision, JsonValue, Problem
from .trail import Ending, Status, intent_record, outcome_record, refusal_record, told

__all__ = ["ActionResult", "ActionSteps", "Completed", "Failed", "Refused", "Stage", "run_action"]

_log = logging.getLogger(__name__)

T = TypeVar("T")

Stage: TypeAlias = Literal["validate", "authorise", "audit"]


@dataclass(frozen=True, slots=True)
class ActionSteps(Generic[T]):
    """What is done in each step.

    Attributes:
        validate: problems of the arguments, none if they fit.
        authorise: whether it may run.
        audit: writes a record; True when it is written (or need not be waited for).
        run: does it.
        validate_reply: problems of the result.
        audit_required: what cannot be written down beforehand is not run, unless it is known to be read-only.
        clock: monotonic seconds, for the duration.
        ending: why the task is cancelled, asked when it is.
        goes_on: whether what was run has not ended although there is an outcome, asked when that is written.
        digest: finds length and digest of large arguments beside the event loop, given what does; without it, and when
            it raises, a preview of them is written alone.
    """

    validate: Callable[[ActionRequest], Awaitable[Sequence[Problem]]]
    authorise: Callable[[ActionRequest], Awaitable[Decision]]
    audit: Callable[[Mapping[str, JsonValue]], Awaitable[bool]]
    run: Callable[[ActionRequest], Awaitable[T]]
    validate_reply: Callable[[ActionRequest, T], Awaitable[Sequence[Problem]]]
    audit_required: bool = False
    clock: Callable[[], float] = time.monotonic
    ending: Callable[[], Ending] = lambda: "cancelled"
    goes_on: Callable[[], bool] = lambda: False
    digest: Callable[[Callable[[], JsonValue]], Awaitable[JsonValue]] | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """It was not run. ``error`` is what a step raised, if that is why."""

    stage: Stage
    reason: str
    rule: str = ""
    problems: tuple[Problem, ...] = ()
    error: Exception | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """It was run and raised ``error``."""

    error: Exception


@dataclass(frozen=True, slots=True)
class Completed(Generic[T]):
    """It was run. ``problems`` say in what the result is not as promised; it is given all the same."""

    value: T
    problems: tuple[Problem, ...] = ()


ActionResult: TypeAlias = Refused | Failed | Completed[T]


async def run_action(request: ActionRequest, steps: ActionSteps[T]) -> ActionResult[T]:
    """Take ``request`` through all steps in order. Never raises for what a step raises, but passes cancellation on."""
    stage: Stage = "validate"
    refused: Refused | None = None
    decision: Decision | None = None
    try:
        # 1. validate
        refused = await _validated(request, steps)
        # 2. authorise
        if refused is None:
            stage = "authorise"
            refused, decision = await _authorised(request, steps)
        if refused is None:
            stage = "audit"
        arguments = await _arguments(request, steps, refused)
    except asyncio.CancelledError:
        # It ended before it was allowed, or before that was written: nothing has run, and nothing will.
        refused = refused or Refused(stage, "it ended before", steps.ending())
        await _audited(request, steps, _refusal(request, refused, written_arguments(request)))
        raise
    # 3. audit: the refusal, or the intent
    if refused is not None or decision is None:
        assert refused is not None
        await _audited(request, steps, _refusal(request, refused, arguments))
        return refused
    try:
        is_written = await _audited(request, steps, intent_record(request, decision, arguments=arguments))
    except asyncio.CancelledError as error:
        await _ended(request, steps, steps.ending(), steps.clock(), error)
        raise
    if not is_written and steps.audit_required and request.read_only is not True:
        refused = Refused("audit", "it cannot be written to the audit log, so it is not run", "audit-required")
        await _audited(request, steps, _refusal(request, refused, arguments))
        return refused
    return await _run(request, steps)


async def _validated(request: ActionRequest, steps: ActionSteps[T]) -> Refused | None:
    try:
        problems = tuple(await steps.validate(request))
    # steps reach foreign code; arguments that nobody could look at do not run
    except Exception as error:  # noqa: BLE001 - see above
        _log.exception("request %s: the arguments could not be validated", request.id)
        return Refused("validate", f"the arguments could not be checked: {error}", "failed", error=error)
    if problems:
        return Refused("validate", "; ".join(problem.text for problem in problems), problems[0].rule, problems)
    return None


async def _authorised(request: ActionRequest, steps: ActionSteps[T]) -> tuple[Refused | None, Decision | None]:
    try:
        decision = await steps.authorise(request)
    # see above: without a decision it is refused
    except Exception as error:  # noqa: BLE001 - see above
        _log.exception("request %s: the authorisation failed", request.id)
        return Refused("authorise", f"it could not be decided: {error}", "failed", error=error), None
    if decision.allowed is not True:
        return Refused("authorise", decision.reason, decision.rule), None
    return None, decision


async def _run(request: ActionRequest, steps: ActionSteps[T]) -> ActionResult[T]:
    started = steps.clock()
    # 4. run
    try:
        value = await steps.run(request)
    except asyncio.CancelledError as error:
        await _ended(request, steps, steps.ending(), started, error)
        raise
    # foreign code: the caller gets what it raised
    except Exception as error:  # noqa: BLE001 - see above
        is_late = told(error, "kind") == "timeout"  # of our own kinds, not a TimeoutError of foreign code
        await _ended(request, steps, "timeout" if is_late else "failed", started, error)
        return Failed(error)
    # 5. validate the reply
    try:
        problems = tuple(await steps.validate_reply(request, value))
    except asyncio.CancelledError as error:
        await _ended(request, steps, steps.ending(), started, error)
        raise
    # the answer is there; that nobody could look at it is told beside it
    except Exception as error:  # noqa: BLE001 - see above
        _log.exception("request %s: the result could not be validated", request.id)
        problems = (Problem("", "failed", f"the result could not be checked: {error}"),)
    # 6. audit the outcome
    await _ended(request, steps, "ok", started, None, len(problems))
    return Completed(value, problems)


async def _ended(
    request: ActionRequest,
    steps: ActionSteps[T],
    status: Status,
    started: float,
    error: BaseException | None,
    reply_problems: int = 0,
) -> None:
    duration = max(0.0, steps.clock() - started)
    record = outcome_record(
        request, status, duration, error=error, reply_problems=reply_problems, goes_on=steps.goes_on()
    )
    await _audited(request, steps, record)


def _refusal(request: ActionRequest, refused: Refused, arguments: JsonValue) -> Mapping[str, JsonValue]:
    problems = [(one.place, one.rule) for one in refused.problems]
    return refusal_record(request, refused.stage, refused.rule, problems, arguments=arguments)


async def _arguments(request: ActionRequest, steps: ActionSteps[T], refused: Refused | None) -> JsonValue:
    """The arguments as they are to be written; none when they do not fit."""
    if refused is not None and refused.stage == "validate":
        return {}
    if steps.digest is None or not are_large(request):
        return written_arguments(request)
    try:
        return await steps.digest(lambda: digested_arguments(request))
    except TimeoutError:
        return written_arguments(request)  # less, and the record shows that
    # what was given may fail as it likes: a record is worth more than its digest
    except Exception:  # noqa: BLE001 - see above
        _log.exception("request %s: no digest of its arguments could be made", request.id)
        return written_arguments(request)


async def _audited(request: ActionRequest, steps: ActionSteps[T], record: Mapping[str, JsonValue]) -> bool:
    try:
        return await steps.audit(record)
    # foreign code; a record that was not written is a fact to be told, not a reason to lose an answer
    except Exception:  # noqa: BLE001 - see above
        _log.exception("request %s: the audit log failed", request.id)
        return False
