"""What went wrong inside the codec, on its way from the innermost container to the public error."""

from __future__ import annotations


class CodecFault(Exception):
    """A value that cannot be encoded or bytes that cannot be decoded.

    Each container on the way up adds its key or index, so that the path costs nothing while all is well.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self._steps: list[str] = []

    def inside(self, step: str | int) -> None:
        """Note that the fault lies under this key or index."""
        self._steps.append(f"[{step}]" if isinstance(step, int) else f".{step}")

    def place(self) -> str:
        """Return the path from the body to the fault, e.g. ``_arguments.args[3]``."""
        return "".join(reversed(self._steps)).removeprefix(".")
