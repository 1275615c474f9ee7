"""Expressions for tests of filters."""

from __future__ import annotations

from matahari.filters import Expression, ObjectView, PluginView, Subject, parse

__all__ = ["WEB1", "parsed"]


def parsed(text: str) -> Expression:
    """The expression of a filter."""
    return parse(text).expression


WEB1 = Subject(
    "web1.example.org",
    facts={"role": "web", "os.version": "11", "os": {"id": "debian"}, "net.ipv4": ["10.0.0.1", "10.0.0.2"], "odd": {}},
    labels={"rack": "b12", "role": "label"},
    inventory={"role::web"},
    classes={"org.matahariproject:Host", "org.example:Door"},
    plugins={"asterisk": PluginView("1.10", "ready"), "calc": PluginView("", "failed")},
    agents={"matahariproject.org:rpc:box", "apache.org:qpidd:x"},
    objects={
        ("org.matahariproject", "Host"): [ObjectView({"free_mem": 2**20, "load": {"1": 2.5}}, {"free_mem": "kb"})],
        ("org.example", "Door"): [ObjectView({"n": at}) for at in range(5)],
        ("org.example", "Cat"): [],
        ("org.example", "Dog"): None,
    },
)
"""A host of which most is known."""
