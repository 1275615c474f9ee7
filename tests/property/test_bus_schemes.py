"""Addresses on every kind of broker: nothing that fits a pattern is missed, and no key becomes another."""

from __future__ import annotations

from urllib.parse import unquote

from hypothesis import given
from hypothesis import strategies as st

from matahari.bus import ExchangeScheme, FamiliesScheme, RabbitMQ3Scheme, RabbitMQ4Scheme, Scheme, matcher, matches
from matahari.errors import LocalProtocolError

WORDS = st.sampled_from(
    ["agent", "ind", "heartbeat", "event", "data", "console", "request", "x", "", "*", "#", "a#", "**"]
)
PATTERNS = st.lists(WORDS, max_size=5).map(".".join)
KEYS = st.lists(WORDS.filter(lambda word: word not in ("*", "#")), max_size=5).map(".".join)
SCHEMES: list[Scheme] = [
    ExchangeScheme(),
    RabbitMQ3Scheme(),
    RabbitMQ4Scheme(),
    FamiliesScheme(kind="artemis"),
    FamiliesScheme(kind="router"),
]
TEXTS = st.text(st.sampled_from("ab./:%2F*# é-_\0\n~"), max_size=12) | st.text(max_size=300)


@given(PATTERNS, KEYS)
def test_a_ready_made_pattern_says_what_the_walk_says(pattern: str, key: str) -> None:
    assert matcher(pattern)(key) is matches(pattern, key)


@given(PATTERNS, KEYS)
def test_each_fitting_key_is_published_where_exactly_one_receiver_of_the_pattern_is(pattern: str, key: str) -> None:
    for scheme in SCHEMES[3:]:
        where = [one.address for one in scheme.subscribe(pattern)]
        assert len(set(where)) == len(where)
        if matches(pattern, key):
            assert where.count(scheme.publish(key).to) == 1


@given(TEXTS)
def test_a_reply_address_is_answered_or_refused_and_never_more(text: str) -> None:
    for scheme in SCHEMES:
        for address in (text, f"qmf.default.direct/{text}", f"qmf.default.topic/{text}", f"amq.direct/{text}"):
            try:
                out = scheme.reply(address)
            except LocalProtocolError:
                continue
            assert len(out.subject.encode()) <= 255
            assert out.link in (*scheme.targets, None, "amq.direct")


@given(TEXTS, TEXTS)
def test_two_keys_never_share_an_address(one: str, two: str) -> None:
    for scheme in SCHEMES:
        try:
            first, second = scheme.own(one), scheme.own(two)
        except LocalProtocolError:
            continue
        assert (first.address, first.filters, first.binding) != (second.address, second.filters, second.binding) or (
            one == two
        )
        assert scheme.reply(scheme.reply_to(one)) == scheme.direct(one)


@given(TEXTS)
def test_a_key_is_read_from_its_path_as_it_was(key: str) -> None:
    out = RabbitMQ4Scheme().direct(key)
    prefix = "/exchanges/qmf.default.direct/"
    assert out.to is not None
    assert out.to.startswith(prefix)
    assert "/" not in out.to[len(prefix) :]
    assert unquote(out.to[len(prefix) :]) == key
