"""The order of an action, and what each step's failure leads to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

import pytest

from matahari.hooks import (
    ActionRequest,
    ActionResult,
    ActionSteps,
    Caller,
    Completed,
    Decision,
    Ending,
    Failed,
    JsonValue,
    Problem,
    Refused,
    run_action,
)

T = TypeVar("T")

REQUEST = ActionRequest("7", "web", "login", Caller("alice", True), {"user": "a", "key": "s3cret"}, frozenset({"key"}))
PROBLEM = Problem("user", "type", "user is 'a'")
ALLOW, DENY = Decision(True, "go", "yes"), Decision(False, "stop", "no")


@dataclass
class Story:
    """Steps that say what they did; a step given as an exception raises it."""

    validate: Sequence[Problem] | BaseException = ()
    authorise: Decision | BaseException = ALLOW
    audit: bool | BaseException = True
    run: str | BaseException = "done"
    reply: Sequence[Problem] | BaseException = ()
    audit_required: bool = False
    ending: Ending = "cancelled"
    digest: JsonValue | BaseException = None
    happened: list[str] = field(default_factory=list)
    records: list[dict[str, object]] = field(default_factory=list)

    def play(self, request: ActionRequest = REQUEST) -> ActionResult[str]:
        times = iter([10.0, 10.5])

        async def validate(request: ActionRequest) -> Sequence[Problem]:
            self.happened.append("validate")
            return raised(self.validate)

        async def authorise(request: ActionRequest) -> Decision:
            self.happened.append("authorise")
            return raised(self.authorise)

        async def audit(record: Mapping[str, JsonValue]) -> bool:
            self.happened.append(f"audit {record['event']}")
            self.records.append(dict(record))
            return raised(self.audit)

        async def run(request: ActionRequest) -> str:
            self.happened.append("run")
            return raised(self.run)

        async def validate_reply(request: ActionRequest, value: str) -> Sequence[Problem]:
            self.happened.append(f"validate reply {value}")
            return raised(self.reply)

        async def digest(find: Callable[[], JsonValue]) -> JsonValue:
            self.happened.append("digest")
            return raised(self.digest) or find()

        steps = ActionSteps(
            validate,
            authorise,
            audit,
            run,
            validate_reply,
            self.audit_required,
            clock=lambda: next(times),
            ending=lambda: self.ending,
            digest=digest,
        )
        return asyncio.run(run_action(request, steps))


def raised(value: T | BaseException) -> T:
    if isinstance(value, BaseException):
        raise value
    return value


def test_the_steps_come_in_order() -> None:
    story = Story()
    assert story.play() == Completed("done")
    assert story.happened == [
        "validate",
        "authorise",
        "audit intent",
        "run",
        "validate reply done",
        "audit outcome",
    ]
    assert story.records[0]["arguments"] == {"user": "a", "key": "<hidden>"}
    assert story.records[1] | {"status": "ok", "duration_ms": 500.0} == story.records[1]


def test_arguments_that_do_not_fit_are_refused_before_anybody_is_asked() -> None:
    story = Story(validate=[PROBLEM])
    assert story.play() == Refused("validate", "user is 'a'", "type", (PROBLEM,))
    assert story.happened == ["validate", "audit refusal"]
    assert "arguments" not in story.records[0]
    assert story.records[0]["problems"] == [{"place": "user", "rule": "type"}]


def test_arguments_that_cannot_be_checked_are_refused() -> None:
    error = ValueError("odd schema")
    story = Story(validate=error)
    result = story.play()
    assert isinstance(result, Refused)
    assert (result.stage, result.error) == ("validate", error)
    assert story.happened == ["validate", "audit refusal"]


def test_who_is_not_allowed_is_refused_and_that_is_written() -> None:
    story = Story(authorise=DENY)
    assert story.play() == Refused("authorise", "stop", "no")
    assert story.happened == ["validate", "authorise", "audit refusal"]
    assert story.records[0] | {"stage": "authorise", "rule": "no", "who": "alice"} == story.records[0]


@pytest.mark.parametrize("broken", [KeyError("policy"), Decision("yes", "", "")])  # type: ignore[arg-type]  # the point
def test_without_a_clear_decision_it_is_refused(broken: Exception | Decision) -> None:
    story = Story(authorise=broken)
    result = story.play()
    assert isinstance(result, Refused)
    assert result.stage == "authorise"
    assert "run" not in story.happened


@pytest.mark.parametrize("audit", [False, OSError("disk")])
def test_a_failing_audit_does_not_stop_calls_unless_it_is_required(audit: bool | Exception) -> None:
    story = Story(audit=audit)
    assert story.play() == Completed("done")
    strict = Story(audit=audit, audit_required=True)
    result = strict.play()
    assert isinstance(result, Refused)
    assert result.stage == "audit"
    assert strict.happened == ["validate", "authorise", "audit intent", "audit refusal"]


def test_what_is_known_to_be_read_only_runs_without_a_required_audit() -> None:
    request = ActionRequest("7", "web", "status", Caller("alice", True), read_only=True)
    assert Story(audit=False, audit_required=True).play(request) == Completed("done")


def test_what_it_raises_is_the_result_and_its_class_alone_is_written() -> None:
    error = ValueError("wrong key s3cret")
    story = Story(run=error)
    assert story.play() == Failed(error)
    assert story.happened[-2:] == ["run", "audit outcome"]
    assert story.records[-1] | {"status": "failed", "error_type": "ValueError"} == story.records[-1]
    assert "s3cret" not in str(story.records)


def test_a_cancelled_call_is_written_and_stays_cancelled() -> None:
    story = Story(run=asyncio.CancelledError())
    with pytest.raises(asyncio.CancelledError):
        story.play()
    assert story.records[-1]["status"] == "cancelled"


def test_a_call_cancelled_while_its_reply_is_validated_is_written_once() -> None:
    story = Story(reply=asyncio.CancelledError())
    with pytest.raises(asyncio.CancelledError):
        story.play()
    assert [record["event"] for record in story.records] == ["intent", "outcome"]


def test_a_result_that_is_not_as_promised_is_given_and_flagged() -> None:
    story = Story(reply=[PROBLEM])
    assert story.play() == Completed("done", (PROBLEM,))
    assert story.records[-1]["reply_problems"] == 1


def test_a_result_that_cannot_be_checked_is_given_and_flagged() -> None:
    result = Story(reply=KeyError("schema")).play()
    assert isinstance(result, Completed)
    assert [problem.rule for problem in result.problems] == ["failed"]


CANCELLED = asyncio.CancelledError()
LARGE = ActionRequest(
    "7", "web", "login", Caller("alice", True), {"text": "x" * 5000, "key": "s3cret"}, frozenset({"key"})
)


@pytest.mark.parametrize("ending", ["cancelled", "timeout", "stopping"])
@pytest.mark.parametrize(
    ("story", "stage"),
    [
        (Story(validate=CANCELLED), "validate"),
        (Story(authorise=CANCELLED), "authorise"),
        (Story(digest=CANCELLED), "audit"),
    ],
    ids=["validate", "authorise", "digest"],
)
def test_what_ends_before_it_is_allowed_leaves_one_refusal(story: Story, stage: str, ending: Ending) -> None:
    story = replace(story, ending=ending, happened=[], records=[])
    with pytest.raises(asyncio.CancelledError):
        story.play(LARGE)
    [record] = story.records
    assert (record["event"], record["stage"], record["rule"]) == ("refusal", stage, ending)
    assert "run" not in story.happened
    assert "s3cret" not in str(record)
    assert ("arguments" in record) == (stage != "validate")


def test_a_refusal_whose_digest_nobody_waits_for_says_why_it_was_refused() -> None:
    story = Story(authorise=DENY, digest=CANCELLED)
    with pytest.raises(asyncio.CancelledError):
        story.play(LARGE)
    [record] = story.records
    assert (record["stage"], record["rule"]) == ("authorise", "no")


def test_a_call_cancelled_while_its_intent_is_written_leaves_an_intent_and_an_outcome() -> None:
    story = Story(audit=CANCELLED, ending="timeout")
    with pytest.raises(asyncio.CancelledError):
        story.play()
    assert [record["event"] for record in story.records] == ["intent", "outcome"]
    assert story.records[-1]["status"] == "timeout"


@pytest.mark.parametrize("ending", ["cancelled", "timeout", "stopping"])
def test_an_outcome_says_who_ended_the_call(ending: Ending) -> None:
    for story in (Story(run=CANCELLED, ending=ending), Story(reply=CANCELLED, ending=ending)):
        with pytest.raises(asyncio.CancelledError):
            story.play()
        assert [record["event"] for record in story.records] == ["intent", "outcome"]
        assert story.records[-1]["status"] == ending


def test_a_time_limit_of_ours_is_a_timeout_and_one_of_foreign_code_a_failure() -> None:
    late = RuntimeError("late")
    late.kind = "timeout"  # type: ignore[attr-defined]  # as faults have
    ours, foreign = Story(run=late), Story(run=TimeoutError("late"))
    ours.play()
    foreign.play()
    assert (ours.records[-1]["status"], foreign.records[-1]["status"]) == ("timeout", "failed")
    assert len(ours.records) == len(foreign.records) == 2


def test_an_error_that_cannot_even_be_asked_what_it_is_leaves_an_outcome() -> None:
    """As where ``__getattr__`` needs what a failed ``__init__`` has not set."""

    class OddError(Exception):
        def __getattr__(self, name: str) -> object:
            raise (RecursionError if name in ("kind", "error_type") else AttributeError)(name)

    error = OddError()
    story = Story(run=error)
    assert story.play() == Failed(error)
    outcome = story.records[-1]
    assert (outcome["event"], outcome["status"], outcome["error_type"]) == ("outcome", "failed", "OddError")
    assert "kind" not in outcome


def test_large_arguments_are_digested_once_and_only_when_they_are_written() -> None:
    story = Story()
    story.play(LARGE)
    assert story.happened[:4] == ["validate", "authorise", "digest", "audit intent"]
    assert story.happened.count("digest") == 1
    assert "sha256" in str(story.records[0]["arguments"])
    for plain, request in ((Story(validate=[PROBLEM]), LARGE), (Story(), REQUEST)):
        plain.play(request)
        assert "digest" not in plain.happened


@pytest.mark.parametrize("error", [TimeoutError("all 2 threads are busy"), KeyError("bug")])
def test_without_a_digest_there_is_a_record_all_the_same(error: Exception) -> None:
    story = Story(digest=error)
    assert story.play(LARGE) == Completed("done")
    arguments = story.records[0]["arguments"]
    assert isinstance(arguments, dict)
    assert set(arguments) == {"left_out", "preview"}
