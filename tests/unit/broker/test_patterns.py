"""Keys of access rules."""

from __future__ import annotations

import pytest

from matahari.broker.patterns import covers, fits, overlaps, words_of


@pytest.mark.parametrize(
    ("pattern", "key", "expected"),
    [
        ("agent.ind.#", "agent.ind.heartbeat.matahari_org.host", True),
        ("agent.ind.#", "agent.ind", True),
        ("agent.ind.#", "agent.indication", False),
        ("agent.ind.*", "agent.ind.heartbeat", True),
        ("agent.ind.*", "agent.ind.heartbeat.x", False),
        ("#", "", True),
        ("", "", True),
        ("*", "", False),
        ("matahariproject.org:host:*", "matahariproject.org:host:4711", True),
        ("matahariproject.org:host:*", "matahariproject.org:host:", True),
        ("matahariproject.org:host:*", "matahariproject.org:rpc:4711", False),
        ("matahariproject.org:host:*", "matahariproject.org:host:a.b", False),
        ("matahariproject.org:host:*.#", "matahariproject.org:host:a.b", True),
        ("a.#", "a.*", True),
        ("a.b", "a.*", False),
    ],
)
def test_a_key_fits_by_words_and_beginnings_of_words(pattern: str, key: str, expected: bool) -> None:
    assert fits(words_of(pattern), words_of(key)) is expected


@pytest.mark.parametrize(
    ("pattern", "binding", "expected"),
    [
        ("agent.ind.#", "agent.ind.#", True),
        ("agent.ind.#", "agent.ind.heartbeat.#", True),
        ("agent.ind.#", "agent.ind.*.x", True),
        ("agent.ind.#", "agent.ind", True),
        ("agent.ind.#", "agent.#", False),
        ("agent.ind.#", "#", False),
        ("agent.*", "agent.*", True),
        ("agent.*", "agent.x", True),
        ("agent.*", "agent.#", False),
        ("agent.*", "agent.*.*", False),
        ("agent.x", "agent.*", False),
        ("agent.x*", "agent.xyz", True),
        ("agent.x*", "agent.*", False),
        ("#", "#", True),
        ("#", "", True),
        ("*.#", "#.*", False),
    ],
)
def test_an_allowed_pattern_covers_every_key_of_the_binding(pattern: str, binding: str, expected: bool) -> None:
    assert covers(words_of(pattern), words_of(binding)) is expected


@pytest.mark.parametrize(
    ("pattern", "binding", "expected"),
    [
        ("secret.#", "#", True),
        ("secret.#", "*", True),
        ("secret.#", "public.#", False),
        ("secret.#", "#.x", True),
        ("secret.*.x", "secret.y.*", True),
        ("secret.*.x", "secret.#.y", False),
        ("secret.a*", "secret.*", True),
        ("secret.a*", "secret.abc", True),
        ("secret.a*", "secret.b", False),
        ("", "#", True),
        ("", "*", False),
        ("a", "a.b", False),
        ("#.a", "b.#", True),
    ],
)
def test_a_denied_pattern_touches_a_binding_that_could_bring_one_of_its_keys(
    pattern: str, binding: str, expected: bool
) -> None:
    assert overlaps(words_of(pattern), words_of(binding)) is expected
