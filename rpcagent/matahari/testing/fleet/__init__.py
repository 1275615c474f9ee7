"""Many simulated hosts on a broker, for trying consoles, scripts and brokers against a large fleet.

::

    with Fleet(1000, broker="unix:bus.sock", plugins={"calls": "calls.py"}, facts={"role": ["web", "db"]}) as fleet:
        ...
        fleet.kill("host0007")

Each host is what a real one is on the bus: agents ``host`` and ``rpc``, each on a connection of its own, with the class
``Host`` and a class for each plugin. Only what is behind them is made up. ``python -m matahari.testing.fleet`` is the
same as a command.
"""

from __future__ import annotations

from .blocking import Fleet
from .fleet import AsyncFleet, FleetOptions, PluginSource
from .functions import simulated_host
from .plan import FactsOf, FleetError, HostPlan
from .rules import Outcome, Rule, parse_rule

__all__ = [
    "AsyncFleet",
    "FactsOf",
    "Fleet",
    "FleetError",
    "FleetOptions",
    "HostPlan",
    "Outcome",
    "PluginSource",
    "Rule",
    "parse_rule",
    "simulated_host",
]
