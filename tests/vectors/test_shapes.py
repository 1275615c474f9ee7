"""Every message that we send against the recorded one of the same kind: sections, fields, types and contents.

Ours is made by engines of ours that were given what the recorded programs were given, encoded as the bus does it, and
read by a reader that is not ours. ``tests.support.differences`` lists what may differ and why.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import pytest

from matahari.qmf import _parts
from tests.support.agent_replay import Sent, answers, exchanges
from tests.support.console_replay import asked
from tests.support.differences import ALLOWED, KINDS, SENDERS, kind_of, sender_of
from tests.support.indication_replay import parts, told
from tests.support.recorded import Recorded, readable
from tests.support.shapes import Allowed, Difference, differences
from tests.support.wire_reader import elements, read_message


@dataclass(frozen=True)
class Pair:
    """A recorded message and how ours is made."""

    label: str
    theirs: Recorded
    ours: Callable[[], Sent]


def _answer(number: int) -> Callable[[], Sent]:
    def make() -> Sent:
        (sent,) = answers(exchanges()[number])
        return sent

    return make


def _part(prefix: str, number: int) -> Callable[[], Sent]:
    return lambda: parts(prefix)[1][number]


def _request(item: Recorded) -> Callable[[], Sent]:
    return lambda: asked(item)


#: Of the parts of an answer those that can be compared: libqmf2 marked the second half of 16 objects as partial and then
#: sent an empty part, ours ends with the second.
PARTS = [("libqmf2-0-10", 3), ("libqmf2-1.0", 1)]
PAIRS = (
    [Pair(item.label, item, _request(item)) for item in readable() if "reply-to" in item.stated.properties]
    + [Pair(f"{one.answer.label}-{one.agent}", one.answer, _answer(at)) for at, one in enumerate(exchanges())]
    + [Pair(one.theirs.label, one.theirs, one.ours) for one in told()]
    + [
        Pair(f"part-{prefix}-{at}", parts(prefix)[0][at], _part(prefix, at))
        for prefix, count in PARTS
        for at in range(count)
    ]
)


@pytest.fixture(autouse=True)
def parts_of_eight(monkeypatch: pytest.MonkeyPatch) -> None:
    """libqmf2 sends eight objects a part (qmf2.md 3.4)."""
    monkeypatch.setattr(_parts, "OBJECTS_PER_PART", 8)


@cache
def found(label: str) -> tuple[Sent, tuple[Difference, ...]]:
    """Our message and what differs. Engines are deterministic, so it is made once."""
    pair = next(pair for pair in PAIRS if pair.label == label)
    sent = pair.ours()
    return sent, tuple(differences(pair.theirs.stated, read_message(sent.raw)))


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.label)
def test_our_message_is_the_recorded_one_but_for_what_is_allowed(pair: Pair) -> None:
    kind, sender = kind_of(pair.theirs), sender_of(pair.theirs)
    _, differing = found(pair.label)
    unlisted = [str(one) for one in differing if not any(rule.covers(kind, sender, one) for rule in ALLOWED)]
    assert unlisted == [], (kind, sender)


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.label)
def test_our_message_goes_where_the_recorded_one_went(pair: Pair) -> None:
    sent, _ = found(pair.label)
    assert sent.node == pair.theirs.exchange
    if kind_of(pair.theirs) not in ("heartbeat", "event"):  # of which the subjects are allowed to differ
        assert sent.key == pair.theirs.property("subject")


@pytest.mark.parametrize("rule", ALLOWED, ids=lambda rule: f"{rule.path} {rule.theirs} {rule.ours}")
def test_an_allowed_difference_occurs_in_each_kind_and_with_each_sender_it_names(rule: Allowed) -> None:
    kinds: set[str] = set()
    senders: set[str] = set()
    for pair in PAIRS:
        kind, sender = kind_of(pair.theirs), sender_of(pair.theirs)
        if any(rule.covers(kind, sender, one) for one in found(pair.label)[1]):
            kinds.add(kind)
            senders.add(sender)
    assert (kinds, senders) == (set(rule.kinds), set(rule.senders)), rule.why


def test_every_kind_of_message_and_every_sender_is_compared() -> None:
    assert {kind_of(pair.theirs) for pair in PAIRS} == set(KINDS)
    assert {sender_of(pair.theirs) for pair in PAIRS} == set(SENDERS)
    assert len(PAIRS) == len({pair.label for pair in PAIRS})


def test_what_is_not_compared_is_only_what_the_broker_answers_to_unrecorded_requests() -> None:
    compared = {pair.theirs.label for pair in PAIRS}
    rest = [item for item in readable() if item.label not in compared]
    assert {sender_of(item) for item in rest if "qmf.agent" in item.stated.application} <= {"broker", "libqmf2 on 1.0"}
    assert [item.name for item in rest if sender_of(item) == "libqmf2 on 1.0"] == ["libqmf2-1.0-2", "libqmf2-1.0-3"]


def test_the_second_half_of_an_answer_is_the_end_of_ours() -> None:
    theirs, ours = parts("libqmf2-1.0")
    assert [len(elements(item.stated.body)) for item in theirs if item.stated.body is not None] == [8, 8, 0]
    assert len(ours) == 2
    differing = differences(theirs[1].stated, read_message(ours[1].raw))
    kind, sender = kind_of(theirs[1]), sender_of(theirs[1])
    unlisted = [one for one in differing if not any(rule.covers(kind, sender, one) for rule in ALLOWED)]
    assert unlisted == [Difference("application/partial", "null", "absent")]
