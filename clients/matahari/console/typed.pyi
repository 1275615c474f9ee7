"""Types of what the stubs of a fleet's plugins say; there is nothing of them when a program runs.

Where it runs, a ``Call`` is a :class:`matahari.console.Call`, a ``BlockingCall`` one of :mod:`matahari.console.sync`,
and so on: what is different is the type of the values.
"""

from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Any, Generic, Never, TypeVar, overload

from matahari.console import Call as _Call
from matahari.console import Report
from matahari.console import Result as _Result
from matahari.console import Results as _Results
from matahari.console.sync import Call as _BlockingCall

__all__ = ["BlockingCall", "Call", "NoBlockingMethod", "NoMethod", "Result", "Results"]

_T = TypeVar("_T")

class Result(_Result, Generic[_T]):
    """Its ``value`` is None where the call failed."""

    value: _T | None

class Results(_Results, Sequence[_Result], Generic[_T]):
    @overload
    def __getitem__(self, index: int) -> Result[_T]: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Result[_T]]: ...
    def __iter__(self) -> Iterator[Result[_T]]: ...
    def values(self) -> list[_T]: ...  # type: ignore[override]  # a new list: nobody else puts other values into it

class Call(_Call, Generic[_T]):
    async def __anext__(self) -> Result[_T]: ...
    def __await__(self) -> Generator[Any, None, Results[_T]]: ...
    @property
    def results(self) -> Results[_T]: ...
    async def wait(self, on_report: Callable[[Report], None] | None = None) -> Results[_T]: ...

class BlockingCall(_BlockingCall, Generic[_T]):
    def __next__(self) -> Result[_T]: ...
    @property
    def results(self) -> Results[_T]: ...
    def values(self) -> list[_T]: ...  # type: ignore[override]  # as above
    def wait(self, on_report: Callable[[Report], None] | None = None) -> Results[_T]: ...

class NoMethod:
    """What an attribute is that is no method of a plugin: nothing can be given to it."""

    def __call__(self, there_is_no_such_method: Never, /) -> _Call: ...

class NoBlockingMethod:
    """The same for :mod:`matahari.console.sync`."""

    def __call__(self, there_is_no_such_method: Never, /) -> _BlockingCall: ...
