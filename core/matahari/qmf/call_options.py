"""What a console may ask for beside a call: reports while it runs, and a time limit of its own.

It stands in the request's map under a key that other agents pass over; without it nothing of this is ever sent.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from matahari.errors import RemoteProtocolError
from matahari.qmf.values import Value

#: Key in the map of a method request, and in the answer to a call with reports.
OPTIONS_KEY: Final = "_matahari"
#: Longest time limit, in seconds: a week. Whoever needs more does not wait for an answer.
MAX_CALL_TIMEOUT: Final = 604_800.0
#: Longest pause between two messages of reports, in seconds.
MAX_REPORT_INTERVAL: Final = 60.0


@dataclass(frozen=True, slots=True)
class CallOptions:
    """What is asked for.

    Attributes:
        stream: reports are wanted.
        timeout: seconds after which the agent is to end the call; above 0, up to ``MAX_CALL_TIMEOUT``; None for none.
        interval: least seconds between two messages of reports, 0 to ``MAX_REPORT_INTERVAL``; agents have a minimum
            of their own. A console that asks many agents spares itself with a larger one.

    Raises:
        ValueError: a number is out of range.
    """

    stream: bool = False
    timeout: float | None = None
    interval: float = 0.0

    def __post_init__(self) -> None:
        if self.timeout is not None and not 0 < self.timeout <= MAX_CALL_TIMEOUT:
            raise ValueError(f"the time limit of a call is above 0 and up to {MAX_CALL_TIMEOUT:g} s")
        if not 0 <= self.interval <= MAX_REPORT_INTERVAL:
            raise ValueError(f"the interval of reports is 0 to {MAX_REPORT_INTERVAL:g} s")

    def to_map(self) -> dict[str, Value]:
        """Return the map on the wire; what says nothing is left out."""
        result: dict[str, Value] = {"stream": self.stream}
        if self.timeout is not None:
            result["timeout"] = float(self.timeout)
        if self.interval:
            result["interval"] = float(self.interval)
        return result

    @classmethod
    def from_map(cls, value: Value, path: str = OPTIONS_KEY) -> CallOptions:
        """Read what a console sent; members that are not known are passed over.

        Raises:
            RemoteProtocolError: not a map, or a member of another type or out of range.
        """
        if not isinstance(value, dict):
            raise RemoteProtocolError("not a map", path=path)
        stream = value.get("stream", False)
        if not isinstance(stream, bool):
            raise RemoteProtocolError("not a boolean", path=f"{path}.stream")
        timeout = _seconds(value.get("timeout"), f"{path}.timeout")
        interval = _seconds(value.get("interval"), f"{path}.interval") or 0.0
        try:
            return cls(stream, timeout, interval)
        except ValueError as error:
            raise RemoteProtocolError(str(error), path=path) from error


def _seconds(value: Value, path: str) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise RemoteProtocolError("not a finite number", path=path)
    return float(value)
