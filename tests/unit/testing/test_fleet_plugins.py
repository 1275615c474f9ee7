"""Simulated plugins: published and checked as real ones, answered by functions and rules, in virtual time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from matahari.errors import PluginError, PluginLoadError
from matahari.rpcagent import CallFailure
from matahari.testing.fleet import HostPlan, Rule, simulated_host
from matahari.testing.fleet.functions import code_of, load_code
from matahari.testing.fleet.plugins import SimulatedPlugins
from tests.support import virtual_loop

HOST = HostPlan("host0007", 7)


def number() -> int:
    """Which host this is."""
    return simulated_host().number


async def later(seconds: float) -> str:
    await asyncio.sleep(seconds)
    return simulated_host().name


def broken() -> None:
    raise RuntimeError("no")


def odd() -> object:
    return object()


FUNCTIONS: dict[str, Callable[..., object]] = {"number": number, "later": later, "broken": broken, "odd": odd}


def plugins(*rules: Rule) -> SimulatedPlugins:
    return SimulatedPlugins(HOST, [code_of("calls", FUNCTIONS, version="1.2")], rules)


def call(where: SimulatedPlugins, method: str, *args: object) -> object:
    result = virtual_loop.run(where.invoke("calls", method, [json.dumps(one) for one in args]))
    return json.loads(result.text)


def failure(where: SimulatedPlugins, method: str, *args: object) -> CallFailure:
    with pytest.raises(CallFailure) as caught:
        call(where, method, *args)
    return caught.value


def test_functions_answer_and_know_their_host() -> None:
    assert call(plugins(), "number") == 7
    assert call(plugins(), "later", 5) == "host0007"


def test_nobody_asks_for_the_host_outside_of_a_fleet() -> None:
    with pytest.raises(LookupError):
        simulated_host()


def test_what_is_published_is_read_from_the_functions() -> None:
    [status] = plugins().statuses()
    assert (status.name, status.version, status.state) == ("calls", "1.2", "ready")
    specs = {spec.name: spec for spec in status.methods}
    assert list(specs) == ["broken", "later", "number", "odd"]
    assert specs["number"].doc == "Which host this is."
    assert specs["later"].params["required"] == ["seconds"]


@pytest.mark.parametrize(
    ("method", "args", "kind"),
    [
        ("broken", (), "raised"),
        ("odd", (), "bad_result"),
        ("later", ("soon",), "invalid_argument"),
        ("later", (), "missing_argument"),
        ("numbr", (), "unknown_action"),
    ],
)
def test_calls_fail_as_they_do_on_a_real_host(method: str, args: tuple[object, ...], kind: str) -> None:
    where = plugins()
    assert failure(where, method, *args).kind == kind
    status = where.status("calls")
    assert status is not None
    assert (status.calls, status.failures, status.active) == (1, 1, 0)


def test_a_rule_makes_a_call_wait() -> None:
    async def story() -> float:
        start = asyncio.get_running_loop().time()
        await plugins(Rule(method="number", delay=3.0)).invoke("calls", "number")
        return asyncio.get_running_loop().time() - start

    assert virtual_loop.run(story()) == pytest.approx(3.0)


def test_a_rule_makes_a_call_fail_on_the_hosts_that_it_means() -> None:
    found = failure(plugins(Rule(hosts="host0007", outcome="fail", text="no disk")), "number")
    assert (found.kind, found.value) == ("raised", "no disk")
    assert call(plugins(Rule(hosts="host0008", outcome="fail")), "number") == 7


def test_reloading_gives_the_plugin_as_it_is() -> None:
    where = plugins()
    assert virtual_loop.run(where.reload("calls")).generation == 1
    with pytest.raises(PluginError, match=r"no plugin cals; did you mean .calls"):
        virtual_loop.run(where.reload("cals"))


def test_a_file_offers_its_public_functions(tmp_path: Path) -> None:
    file = tmp_path / "disks.py"
    file.write_text('__version__ = "3"\nfrom os import getcwd\n\ndef used() -> int:\n    return 1\n\ndef _no(): ...\n')
    code = load_code("disks", file)
    assert code.status.version == "3"
    assert list(code.functions) == ["used"]


@pytest.mark.parametrize(
    ("source", "complaint"),
    [("import nosuchthing", "cannot be run: ModuleNotFoundError"), ("__all__ = ['x']", "__all__ names 'x'")],
)
def test_a_file_that_is_no_plugin_is_refused_with_its_path(tmp_path: Path, source: str, complaint: str) -> None:
    file = tmp_path / "bad.py"
    file.write_text(source)
    with pytest.raises(PluginLoadError, match="plugin bad: ") as caught:
        load_code("bad", file)
    assert complaint in str(caught.value)
    assert caught.value.file == str(file)


def test_a_file_that_is_missing_and_a_name_that_is_none_are_refused() -> None:
    with pytest.raises(PluginLoadError, match="No such file"):
        load_code("gone", Path("/nonexistent/gone.py"))
    with pytest.raises(PluginLoadError, match="is no name for a plugin"):
        code_of("two words", {})
