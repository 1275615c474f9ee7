"""How requests end for those who wait."""

from __future__ import annotations

import pytest

from matahari.console.outcomes import OpenRequests, Outcome, RequestEnd, outcome_of
from matahari.errors import AbortedError, AgentGoneError, MatahariError, RequestTimeoutError
from matahari.qmf import (
    CallCompleted,
    ClassesListed,
    Data,
    QueryCompleted,
    RequestAborted,
    RequestExpired,
    RequestFailed,
    Schema,
    SchemaFetched,
    SchemaId,
)

SCHEMA = Schema(SchemaId("p", "c"))


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (CallCompleted(1, "a", {"x": 1}), {"x": 1}),
        (QueryCompleted(1, "a", [SCHEMA]), [SCHEMA]),
        (ClassesListed(1, "a", [SCHEMA.id]), [SCHEMA.id]),
        (SchemaFetched(1, "a", SCHEMA), SCHEMA),
    ],
)
def test_a_request_that_went_well_ends_with_its_answer(event: RequestEnd, expected: Outcome) -> None:
    assert outcome_of(event, "m", 5.0) == expected


@pytest.mark.parametrize(
    ("event", "expected", "said"),
    [
        (RequestFailed(1, "a", Data({"kind": "raised", "error_text": "boom"})), AbortedError, "boom"),
        (RequestExpired(1, "a"), RequestTimeoutError, "no answer within 5 s"),
        (RequestAborted(1, "a"), AgentGoneError, "the agent left before it answered"),
    ],
)
def test_a_request_that_did_not_ends_with_an_error(event: RequestEnd, expected: type[MatahariError], said: str) -> None:
    outcome = outcome_of(event, "m", 5.0)
    assert type(outcome) is expected
    assert str(outcome) == said


def test_each_waiter_is_told_once_unless_he_gave_up() -> None:
    told: list[Outcome] = []
    requests = OpenRequests()
    for number in (1, 2, 3):
        requests.add(number, told.append, "m", 5.0)
    requests.drop(2)
    requests.drop(2)
    for _ in range(2):
        requests.take(CallCompleted(1, "a", {"x": 1}))
        requests.take(CallCompleted(2, "a", {"x": 2}))
    assert list(requests) == [3]
    for number in requests:
        requests.end(number, AgentGoneError("gone"))
        requests.end(number, AgentGoneError("gone"))
    assert told[0] == {"x": 1}
    assert isinstance(told[1], AgentGoneError)
    assert len(told) == 2
