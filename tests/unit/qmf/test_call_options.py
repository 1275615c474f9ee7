"""What a console asks for beside a call, on the wire and back."""

from __future__ import annotations

import math

import pytest

from matahari.errors import RemoteProtocolError
from matahari.qmf import MAX_CALL_TIMEOUT, MAX_REPORT_INTERVAL, CallOptions, Value


@pytest.mark.parametrize(
    ("options", "sent"),
    [
        (CallOptions(), {"stream": False}),
        (CallOptions(True), {"stream": True}),
        (CallOptions(True, 2), {"stream": True, "timeout": 2.0}),
        (CallOptions(False, 1.5, 0.25), {"stream": False, "timeout": 1.5, "interval": 0.25}),
        (CallOptions(True, MAX_CALL_TIMEOUT, MAX_REPORT_INTERVAL), {"stream": True, "timeout": MAX_CALL_TIMEOUT, "interval": MAX_REPORT_INTERVAL}),
    ],
)  # fmt: skip
def test_what_is_asked_for_comes_back_as_it_was(options: CallOptions, sent: Value) -> None:
    assert options.to_map() == sent
    assert CallOptions.from_map(sent) == options


def test_what_is_not_said_is_not_asked_for_and_unknown_words_are_passed_over() -> None:
    assert CallOptions.from_map({"later": [1]}) == CallOptions()
    assert CallOptions.from_map({"timeout": None, "interval": None}) == CallOptions()
    assert CallOptions.from_map({"timeout": 7}) == CallOptions(timeout=7.0)


@pytest.mark.parametrize(
    ("sent", "path"),
    [
        (None, "_matahari"),
        ([True], "_matahari"),
        ({"stream": 1}, "_matahari.stream"),
        ({"stream": None}, "_matahari.stream"),
        ({"timeout": "5"}, "_matahari.timeout"),
        ({"timeout": True}, "_matahari.timeout"),
        ({"timeout": math.nan}, "_matahari.timeout"),
        ({"timeout": math.inf}, "_matahari.timeout"),
        ({"timeout": 0}, "_matahari"),
        ({"timeout": -1.0}, "_matahari"),
        ({"timeout": MAX_CALL_TIMEOUT + 1}, "_matahari"),
        ({"interval": -0.1}, "_matahari"),
        ({"interval": MAX_REPORT_INTERVAL + 1}, "_matahari"),
        ({"interval": []}, "_matahari.interval"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_place(sent: Value, path: str) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        CallOptions.from_map(sent)
    assert caught.value.path == path


def test_our_own_mistakes_are_told_before_anything_is_sent() -> None:
    with pytest.raises(ValueError, match="time limit"):
        CallOptions(timeout=0)
    with pytest.raises(ValueError, match="interval"):
        CallOptions(interval=math.nan)
