"""``matahari doctor``: what is installed, what is missing, which broker answers and of which kind it is."""

from __future__ import annotations

import asyncio
import importlib.metadata
import os
import platform
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from matahari.config import Settings, describe, private_directory
from matahari.errors import MatahariError
from matahari.shell.display.render import printable
from matahari.shell.display.rows import counted
from matahari.shell.service.broker_advice import ADVICE, TROUBLES, BrokerAdvice
from matahari.tap import Finding, probe

__all__ = ["Report", "examine", "report_broker"]

_PACKAGES = ("python-qpid-proton", "pluggy", "jsonschema", "watchdog", "psutil", "prompt-toolkit")
BROKER_TIMEOUT = 5.0  # seconds for the broker to answer; RabbitMQ needs two of them when it is busy


class Report:
    """Prints findings and remembers whether something is wrong."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self.failed = False

    def good(self, text: str) -> None:
        self._say(f"  ok    {text}")

    def note(self, text: str) -> None:
        self._say(f"  note  {text}")

    def bad(self, text: str, remedy: str) -> None:
        self.failed = True
        self._say(f"  FAIL  {text}")
        self._say(f"        -> {remedy}")

    def title(self, text: str) -> None:
        self._say(text)

    def verbatim(self, text: str) -> None:
        """Lines to paste, a little apart from the others."""
        for line in text.split("\n"):
            self._say(f"    {line}".rstrip())


def examine(settings: Settings, say: Callable[[str], None]) -> int:
    """Print the findings; 0 when nothing is wrong, 1 otherwise."""
    report = Report(say)
    report.title(f"matahari {importlib.metadata.version('matahari')}")
    _installation(report)
    _settings(report, settings)
    _broker(report, settings)
    return 1 if report.failed else 0


def _installation(report: Report) -> None:
    report.title("Installation")
    report.good(f"Python {platform.python_version()} ({sys.executable})")
    for name in _PACKAGES:
        try:
            report.good(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            report.bad(f"{name} is not installed", f"{sys.executable} -m pip install {name}, or `make setup`")
    from matahari.net import tls_available

    if tls_available():
        report.good("python-qpid-proton was built with TLS")
    else:
        report.bad(
            "python-qpid-proton was built without TLS",
            "install OpenSSL's headers and pkg-config (apt-get install libssl-dev pkg-config), then `make setup`",
        )
    limit = Path("/proc/sys/fs/inotify/max_user_watches")
    try:
        report.good(f"inotify watches for each user: {limit.read_text().strip()}")
    except OSError:
        report.note("inotify is not there: plugin directories will be polled")


def _settings(report: Report, settings: Settings) -> None:
    report.title("Settings in effect")
    for line in describe(settings).splitlines():
        report.note(line)
    _state(report, settings.state)
    for directory in settings.plugins:
        if directory.is_dir():
            _plugin_directory(report, directory)
        elif os.access(directory.parent, os.W_OK):
            report.note(f"plugin directory {directory} does not exist yet; the agent waits for it")
        else:
            report.bad(f"plugin directory {directory} does not exist", f"mkdir -p {directory}")


def _state(report: Report, directory: Path) -> None:
    if not directory.exists():
        report.note(f"state directory {directory} does not exist yet; it is made at the first start")
        return
    try:
        private_directory(directory)
    except MatahariError as error:
        report.bad(str(error), "give another one with --state")
        return
    if os.access(directory, os.W_OK):
        report.good(f"state directory {directory} is private and writable")
    else:
        report.bad(f"state directory {directory} cannot be written", "give another one with --state")


def _plugin_directory(report: Report, directory: Path) -> None:
    from matahari.rpcagent import plugin_faults  # with all that it needs, only where there are plugins

    faults = plugin_faults(directory)
    for text in faults:
        report.bad(text, "until then the agent does not load it")
    if not faults:
        report.good(f"plugin directory {directory}: {len(list(_plugins(directory)))} files and folders to load")


def _plugins(directory: Path) -> Iterator[Path]:
    for path in directory.iterdir():
        if not path.name.startswith((".", "_")) and (path.suffix == ".py" or (path / "__init__.py").is_file()):
            yield path


def _broker(report: Report, settings: Settings) -> None:
    report.title("Broker")
    finding = asyncio.run(
        probe(
            settings.broker,
            insecure_anonymous=settings.insecure_anonymous,
            kind=settings.broker_kind,
            virtual_host=settings.virtual_host or "",
            timeout=BROKER_TIMEOUT,
        )
    )
    report_broker(report, str(settings.broker), finding)
    if not finding.trouble:
        _agents(report, settings)


def report_broker(report: Report, address: str, finding: Finding) -> None:
    """Print what was found at ``address``, what it means, and what the broker's operator has to do."""
    product = _printable(f"{finding.product} {finding.version}".strip())
    advice = None if finding.kind is None else ADVICE[finding.kind]
    if not finding.trouble:
        report.good(f"{address} answers: {product or 'a broker without a name'}")
    elif product:
        report.note(f"{address} is a broker of product {product}")
    if advice is not None:
        report.note(f"kind {finding.kind}: {advice.title}")
        report.note(f"capabilities: {_printable(', '.join(finding.capabilities)) or 'none'}")
    if finding.kind is not None and finding.own_kind not in (None, finding.kind):
        report.bad(
            f"it was taken for {finding.kind} as the setting broker_kind says, but by its product it is"
            f" {finding.own_kind}",
            "leave broker_kind (--broker-kind, MATAHARI_BROKER_KIND) at auto",
        )
        if finding.trouble:
            report.note(_printable(finding.message))
        return  # all else would be advice for another broker
    if finding.trouble:
        remedy = finding.remedy.partition("\n")[0].rstrip(":") or TROUBLES[finding.trouble]
        report.bad(_printable(finding.message), remedy)
    elif advice is not None:
        _report_features(report, finding, advice)
    if advice is not None and advice.operator:
        _report_operator(report, finding, advice)


def _report_features(report: Report, finding: Finding, advice: BrokerAdvice) -> None:
    for line in advice.works:
        report.good(f"works: {line}")
    if finding.lists_agents:
        report.good("presence list: an agent whose process ends is known at once")
    if finding.user_id_trusted:
        report.good("user-id: the sender of each message is proved")
    elif finding.kind == "matahari":
        report.note("user-id: not proved on this connection")
    if finding.may_tap:
        report.good("`matahari tap` sees everything")
    elif finding.offers_tap:
        report.note("`matahari tap` sees only what is published: the tap is for the broker's own user and root")
    for line in advice.lacks:
        report.note(f"not here: {line}")


def _report_operator(report: Report, finding: Finding, advice: BrokerAdvice) -> None:
    report.title("For the broker's operator" + ("" if finding.trouble else ", to compare: it cannot be seen from here"))
    report.note("what it needs to carry QMF at all:")
    report.verbatim(finding.snippet)
    report.note("what it should have besides, before a fleet relies on it:")
    report.verbatim(advice.operator)


def _agents(report: Report, settings: Settings) -> None:
    from matahari.console import connect

    async def look() -> None:
        async with await connect(
            str(settings.broker),
            insecure_anonymous=settings.insecure_anonymous,
            timeout=BROKER_TIMEOUT,
            broker_kind=settings.broker_kind,
            virtual_host=settings.virtual_host or "",
        ) as console:
            agents = await console.agents()
            hosts = await console.hosts()
            report.good(f"{counted(len(hosts), 'host')}, {counted(len(agents), 'agent')}")
            for agent in agents:
                report.note(_printable(f"{agent.host or '-'}  {agent.name}"))

    try:
        asyncio.run(look())
    except MatahariError as error:
        report.bad(_printable(str(error)), "look into the broker's log")


def _printable(text: str) -> str:
    """A peer's text on one line, without anything harmful to a terminal."""
    return printable(" ".join(text.split()))
