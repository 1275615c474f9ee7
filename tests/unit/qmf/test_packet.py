"""What is made of an answer that cannot be sent."""

from __future__ import annotations

from matahari.qmf.packet import Packet, as_exception


def test_an_answer_becomes_the_exception_to_send_instead() -> None:
    answer = Packet("_query_response", [], "_data", "a:b:c", "7", partial=True, method="response", form_a=True)
    assert as_exception(answer, "too large") == Packet(
        "_exception",
        {"_values": {"error_code": 7, "error_text": "too large"}},
        "_data",
        "a:b:c",
        "7",
        method="response",
        form_a=True,
    )
