"""A plugin on many hosts, as an object whose attributes are the plugin's methods."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final, Unpack

from matahari.console.call_options import CallOptions, CallSettings
from matahari.console.calls import Call
from matahari.console.checking import OUT_OF_SERVICE
from matahari.console.latehosts import LateHosts
from matahari.console.lookup import Latecomers
from matahari.console.objects import Objects
from matahari.console.rollout import NotAsked
from matahari.console.selection import Selection
from matahari.console.signatures import PublishedMethod, method_function, published_methods
from matahari.console.values import Host
from matahari.errors import NoAgentsError
from matahari.validation import did_you_mean

__all__ = ["Plugin"]

_RPC_PRODUCT: Final = "rpc"  # of the agents that have plugins


class Plugin:
    """Its methods are attributes: ``plugin.restart(force=True)`` makes a :class:`Call`, which is awaited or iterated.

    All arguments are the method's own; options of calls are set by :meth:`using`. A method that has the name of an
    attribute here, or no name that Python takes, is reached by :meth:`call`.
    """

    def __init__(
        self, objects: Objects, chosen: Iterable[Host | str] | None, settings: CallSettings, late: Latecomers
    ) -> None:
        self._objects = objects
        self._given = chosen
        self._chosen = () if chosen is None else tuple(dict.fromkeys(str(host) for host in chosen))
        self._settings = settings
        self._late = late
        self._published = published_methods(objects)

    @property
    def objects(self) -> Objects:
        """The plugin's object on each host."""
        return self._objects

    @property
    def hosts(self) -> list[str]:
        """Names of the hosts that have it."""
        return list(dict.fromkeys(item.host for item in self._objects))

    def using(self, **options: Unpack[CallOptions]) -> Plugin:
        """The same plugin with other options for its calls; see :class:`CallOptions`.

        Raises:
            TypeError: there is no such option.
            ValueError: a number is out of range, or an option has no effect without another one.
        """
        return Plugin(self._objects, self._given, self._settings.changed(options), self._late)

    def call(self, method: str, /, *args: object, **kwargs: object) -> Call:
        """Call any method by name; all further arguments are the method's own."""
        return self._call(method, args, kwargs)

    def __getattr__(self, name: str) -> Callable[..., Call]:
        if name.startswith("_"):
            raise AttributeError(name)  # no method of a plugin; copying asks for some before there is anything to ask
        return method_function(self._find(name), self._objects.class_name, self._call)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self._published})

    def __repr__(self) -> str:
        return f"<Plugin: {self._name} on {len(self.hosts)} host{'' if len(self.hosts) == 1 else 's'}>"

    @property
    def _name(self) -> str:
        return self._objects.class_name.name

    def _find(self, name: str) -> PublishedMethod:
        """The method of that name.

        Raises:
            AttributeError: no host publishes it; the message names close matches, and hosts where the plugin is not in
                service.
        """
        if name in self._published:
            return self._published[name]
        text = f"{self._name} has no method {name!r}{did_you_mean(name, self._published)}"
        states = [(one.values.get("state"), one.host) for one in self._objects]
        down = [f"{state!s} on {host}" for state, host in states if state in OUT_OF_SERVICE]
        if down:
            text += f"; it is {', '.join(down[:3])}: call({name!r}) tells why"
        if not self._objects:
            text = f"no host that was chosen has the plugin {self._name!r}, so that its methods are not known"
        raise AttributeError(text, name=name)

    def _call(self, method: str, args: Sequence[object], kwargs: dict[str, object]) -> Call:
        if not self._objects:
            raise NoAgentsError(f"no host that was chosen has the plugin {self._name!r}")
        silent = [one for one in self._objects.unanswered if one.product == _RPC_PRODUCT]
        have = {*self.hosts, *(one.host for one in silent), *self._objects.missing}
        left_out = [NotAsked(host, "no_plugin") for host in self._chosen if host not in have]
        if isinstance(self._given, Selection):
            undecided = [host for host in self._given.undecided if host.name not in have]
            reasons = [(host.name, self._late.reason_at(host)) for host in undecided]
            left_out += [NotAsked(name, reason) for name, reason in reasons if reason is not None]
        late = LateHosts(silent, self._late, self._objects.class_name, frozenset(self._chosen))
        return Call(self._objects, method, args, kwargs, self._settings, late=late, not_asked=left_out)
