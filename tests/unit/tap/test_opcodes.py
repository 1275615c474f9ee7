"""Words for kinds of messages."""

from __future__ import annotations

import pytest

from matahari import qmf
from matahari.tap.opcodes import ANSWERS, ERRORS, REQUESTS, WORDS, word_of, word_of_frame
from tests.support.vectors import load


def test_every_captured_message_has_a_word_of_its_own() -> None:
    packets = [vector.packet for vector in load() if vector.packet is not None and vector.packet.opcode]
    assert "other" not in {word_of(packet.opcode, packet.content) for packet in packets}


@pytest.mark.parametrize(
    ("opcode", "content", "word"),
    [
        (qmf.QUERY_RESPONSE, "_data", "objects"),
        (qmf.QUERY_RESPONSE, "_schema", "schemas"),
        (qmf.QUERY_RESPONSE, "_schema_id", "classes"),
        (qmf.DATA_INDICATION, "_event", "event"),
        (qmf.DATA_INDICATION, None, "data"),
        ("_nonsense", None, "other"),
    ],
)
def test_the_content_tells_what_an_answer_holds(opcode: str, content: str | None, word: str) -> None:
    assert word_of(opcode, content) == word


def test_frames_have_words_and_capital_letters_ask() -> None:
    assert {word_of_frame(letter) for letter in "SBPQ"} <= REQUESTS
    assert {word_of_frame(letter) for letter in "sbpqz"} <= ANSWERS
    assert word_of_frame("h") == "v1-other"


def test_the_words_are_all_different_and_cover_all_sets() -> None:
    assert len(set(WORDS)) == len(WORDS)
    assert REQUESTS | ANSWERS | ERRORS <= set(WORDS)
    assert not REQUESTS & ANSWERS
