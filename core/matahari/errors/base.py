"""The root of the hierarchy."""

from __future__ import annotations

from typing import ClassVar

__all__ = ["MatahariError"]


class MatahariError(Exception):
    """Base of all errors that this product raises on purpose."""

    code: ClassVar[str] = "error"
