"""The bounds of a plugin: what the configuration gives to all, and what ``NAME.toml`` changes for one."""

from __future__ import annotations

import errno
import os
import pwd
import resource
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from matahari.hostproto import Json

__all__ = ["MIB", "Limits", "Options", "ProcessBounds", "process_bounds"]

_KIB: Final = 1024
MIB: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one plugin. All times in seconds.

    The defaults are those of a node without a configuration, so that a plugin meets the same bounds in a test.

    Attributes:
        concurrency: calls that run at once in the worker.
        queue: calls that wait beside those; one more is answered *busy*.
        queue_age: longest time that a call waits for its turn; then it is answered *busy*.
        call_timeout: longest time a call may take, waiting included, when its method declares none; a caller may ask for
            less. Set for one plugin, it counts whatever the method declares.
        load_timeout: longest time from the start of a worker until it is ready.
        result_limit: longest JSON text of a result, in bytes; the rest of a bus message is for the envelope.
        cancel_grace: time a call has to let go after its time limit, before its worker is replaced.
        drain_timeout: time the calls in an old generation have; not less than ``call_timeout``, or they are cut off.
            Methods that declare more time get that, unless it is set for the plugin.
        hung_drain: the same for the healthy calls in a worker with a hung one.
        stop_timeout: time running calls have when the service stops.
        term_grace: time between SIGTERM and SIGKILL, and from there until the warm parent counts as stuck.
        hung_grace: time between SIGTERM and SIGKILL for a worker with nothing but hung calls: further calls wait for its end.
        superseded_grace: time a load may still take when the file has been saved again.
        restart_delay: wait before the second restart in a row; it doubles, the first is at once.
        restart_delay_limit: longest such wait.
        restart_limit: failures in a row that lead to quarantine; a call that gives a result ends the row, so that bad
            arguments of one caller do not take the plugin away from the others.
        stable_after: a worker that lived this long ends the row too.
        draining: old generations of one plugin that may drain at once; a further load waits.
        activate_interval: time between two times that a plugin is asked whether it is for this host.
        memory: address space of the worker and of each process below it, in bytes; 0 for no bound.
        open_files: descriptors of each of these processes; 0 for no bound.
        processes: processes and threads of the worker's *user*, for so the kernel counts; 0 for no bound.
        nice: added to the nice value of the agent.
        user: name of the user to run as, empty for the agent's own.
        environment: variables added to the agent's, as pairs in the order of their names.
    """

    concurrency: int = 8
    queue: int = 256
    queue_age: float = 30.0
    call_timeout: float = 60.0
    load_timeout: float = 10.0
    result_limit: int = 900 * _KIB
    cancel_grace: float = 0.5
    drain_timeout: float = 60.0
    hung_drain: float = 5.0
    stop_timeout: float = 3.0
    term_grace: float = 1.0
    hung_grace: float = 0.2
    superseded_grace: float = 1.0
    restart_delay: float = 0.25
    restart_delay_limit: float = 10.0
    restart_limit: int = 5
    stable_after: float = 10.0
    draining: int = 8
    activate_interval: float = 60.0
    memory: int = 4096 * MIB
    open_files: int = 1024
    processes: int = 0
    nice: int = 0
    user: str = ""
    environment: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Options:
    """What the ``NAME.toml`` of a plugin says.

    Attributes:
        digest: of the file, empty when there is none.
        overrides: fields of ``Limits`` -> value, checked.
        settings: what the plugin gets to see, as JSON.
        file: its path, empty when there is none.
    """

    digest: str = ""
    overrides: Mapping[str, int | float | str | tuple[tuple[str, str], ...]] = field(default_factory=dict)
    settings: Mapping[str, Json] = field(default_factory=dict)
    file: str = ""

    def limits(self, defaults: Limits) -> Limits:
        """The bounds of this plugin: ``defaults`` with the overrides in place.

        Calls in an old generation get as long as a call may take, unless the file says otherwise.
        """
        if not self.overrides:
            return defaults
        own = replace(defaults, **self.overrides)  # type: ignore[arg-type]  # the reader of the file has checked the types
        if "call_timeout" in self.overrides and "drain_timeout" not in self.overrides:
            own = replace(own, drain_timeout=max(own.drain_timeout, own.call_timeout))
        return own


@dataclass(frozen=True, slots=True)
class ProcessBounds:
    """What the kernel is to enforce, the environment, and a guess what is needed, as a spawn message has them."""

    limits: Mapping[str, int]
    environment: Mapping[str, str] = field(default_factory=dict)
    typed: bool = False


def process_bounds(limits: Limits, *, typed: bool = False) -> ProcessBounds:
    """Give what a worker is to be started with.

    No limit is above what the agent itself may have: only root could raise it, and the worker would not start.

    Raises:
        OSError: there is no such user (any more).
    """
    wanted = {
        "address_space": (limits.memory, resource.RLIMIT_AS),
        "open_files": (limits.open_files, resource.RLIMIT_NOFILE),
        "processes": (limits.processes, resource.RLIMIT_NPROC),
    }
    found = {"core": 0}
    for name, (value, number) in wanted.items():
        if value:
            _, hard = resource.getrlimit(number)
            found[name] = value if hard == resource.RLIM_INFINITY else min(value, hard)
    if limits.nice:
        found["nice"] = limits.nice
    environment = dict(limits.environment)
    if limits.user:
        try:
            user = pwd.getpwnam(limits.user)
        except KeyError:
            raise OSError(errno.ENOENT, f"there is no user {limits.user}") from None
        if user.pw_uid != os.geteuid():
            found["uid"] = user.pw_uid
        environment = {"HOME": user.pw_dir, "USER": limits.user, "LOGNAME": limits.user} | environment
    return ProcessBounds(found, environment, typed)
