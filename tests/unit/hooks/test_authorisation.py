"""Who may run what."""

from __future__ import annotations

import asyncio

import pytest

from matahari.hooks import (
    ActionRequest,
    BrokerRule,
    Caller,
    Decision,
    Extensions,
    OwnerRule,
    Threads,
    authorise,
    hookimpl,
)

ALLOW = Decision(True, "go", "yes")
DENY = Decision(False, "stop", "no")


def request(user: str | None = "alice", *, is_local: bool = True) -> ActionRequest:
    return ActionRequest("1", "web", "restart", Caller(user, is_local))


class Says:
    def __init__(self, answer: object) -> None:
        self.answer = answer

    @hookimpl
    def authorise(self, request: ActionRequest) -> object:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def decided(*answers: object, otherwise: Decision = DENY) -> Decision:
    extensions = Extensions()
    for number, answer in enumerate(answers):
        extensions.register(Says(answer), name=f"p{number}", origin="test")

    async def scenario() -> Decision:
        return await authorise(extensions, request(), threads=Threads(), rule=lambda _: otherwise)

    return asyncio.run(scenario())


@pytest.mark.parametrize("user", ["alice", "root", "alice@QPID"])
def test_owner_and_root_of_this_machine_may_do_everything(user: str) -> None:
    assert OwnerRule("alice")(request(user)).allowed


@pytest.mark.parametrize("user", ["bob", "", "Alice", "alice ", "roots", None])
def test_nobody_else_may_do_anything(user: str | None) -> None:
    decision = OwnerRule("alice")(request(user))
    assert not decision.allowed
    assert "may not call restart of web" in decision.reason


def test_a_name_on_a_broker_elsewhere_is_no_user_of_this_machine() -> None:
    assert not OwnerRule("alice")(request("root", is_local=False)).allowed
    assert not OwnerRule("alice")(request("alice", is_local=False)).allowed


def test_a_broker_can_be_trusted_but_only_with_a_name() -> None:
    rule = OwnerRule("alice", trusts_broker=True)
    assert rule(request("carol", is_local=False)).rule == "broker"
    assert not rule(request(None, is_local=False)).allowed
    assert not rule(request("carol")).allowed


@pytest.mark.parametrize(
    ("user", "is_local", "rule"),
    [
        ("alice", True, "owner"),
        ("root", True, "root"),
        ("carol", True, "broker"),
        ("root", False, "broker"),
        (None, False, "broker"),
    ],
)
def test_whoever_the_broker_lets_through_may_do_everything_by_the_brokers_rule(
    user: str | None, is_local: bool, rule: str
) -> None:
    decision = BrokerRule("alice")(request(user, is_local=is_local))
    assert (decision.allowed, decision.rule) == (True, rule)


def test_without_an_opinion_the_rule_of_the_house_decides() -> None:
    assert decided(otherwise=ALLOW) == ALLOW
    assert decided(None, None, otherwise=ALLOW) == ALLOW
    assert decided(None, otherwise=DENY) == DENY


def test_one_permission_is_enough_and_names_who_gave_it() -> None:
    assert decided(None, ALLOW) == Decision(True, "go", "p1: yes")


@pytest.mark.parametrize("answers", [(ALLOW, DENY), (DENY, ALLOW), (ALLOW, DENY, ALLOW)])
def test_one_refusal_refuses_whoever_allows(answers: tuple[Decision, ...]) -> None:
    assert not decided(*answers, otherwise=ALLOW).allowed


@pytest.mark.parametrize("broken", [ValueError("odd"), True, "yes"])
def test_one_that_fails_refuses(broken: object) -> None:
    decision = decided(ALLOW, broken, otherwise=ALLOW)
    assert not decision.allowed
    assert decision.rule == "p1: failed"
    assert "hook authorise of p1" in decision.reason


def test_only_true_is_a_permission() -> None:
    assert not decided(Decision("no", "?", "?"), otherwise=ALLOW).allowed  # type: ignore[arg-type]  # that is the point
