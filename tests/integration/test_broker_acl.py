"""Access rules of a broker process: who may connect, rules that change, rules that are wrong."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pwd
import signal
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from matahari.broker import BINDINGS, DIRECT, TAP, TOPIC
from matahari.console.sync import connect
from tests.support.broker_client import BrokerClient
from tests.support.broker_process import LOGIN, Running, nothing, plain_socket, running
from tests.support.node import TIME, box

pytestmark = [pytest.mark.integration, pytest.mark.embedded, pytest.mark.together]

GUIDE = Path(__file__).parents[2] / "core" / "docs" / "guide"
NAMED, UNNAMED = 65534, 65533

OWN = f'[[rules]]\nwho = "{LOGIN}"\nallow = "all"\n'


def login_of(uid: int) -> str:
    """As the broker calls that user."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid-{uid}"


OTHERS = f"""
{OWN}
[[rules]]
who = "{login_of(NAMED)}"
allow = "publish"
node = "qmf.default.direct"
key = "{{login}}.#"
"""


@contextlib.contextmanager
def as_user(uid: int) -> Iterator[None]:
    """Be that user for the kernel: a connection made meanwhile is that user's."""
    os.seteuid(uid)
    try:
        yield
    finally:
        os.seteuid(0)


@contextlib.contextmanager
def reachable(acl: str) -> Iterator[Running]:
    """A broker whose socket other users can reach, in a directory that it made itself."""
    with running(acl=acl, place="bus/bus.sock") as found:
        found.box.home.chmod(0o711)
        yield found


@pytest.mark.root  # who alone can appear as another user
def test_a_login_that_the_rules_name_may_connect_and_do_what_they_say() -> None:
    async def story(client: BrokerClient) -> None:
        mine = await client.own(f"{login_of(NAMED)}.k")
        async with contextlib.AsyncExitStack() as stack:
            with as_user(NAMED):
                other = await stack.enter_async_context(BrokerClient.connect(broker.address))
            sender = await other.sender(DIRECT)
            await sender.send(b"x", subject=f"{login_of(NAMED)}.k")
            message = await mine.get()
            assert (message.body, message.user_id) == (b"x", login_of(NAMED).encode())
            await sender.send(b"x", subject="other.k")
            assert (await sender.wait_closed()).condition == "amqp:unauthorized-access"
            assert (await (await other.own("k")).wait_closed()).condition == "amqp:unauthorized-access"

    with reachable(OTHERS) as broker:
        broker.play(story)


@pytest.mark.root  # who alone can appear as another user
def test_a_login_that_no_rule_names_is_refused_before_a_word_is_read() -> None:
    with reachable(OTHERS) as broker:
        with as_user(UNNAMED), plain_socket(broker) as peer:
            assert peer.recv(100) == b""
        broker.program.wait_line(f"refused a connection of user {UNNAMED} on the local socket")
        broker.play(nothing)


@pytest.mark.root  # who alone can appear as another user
def test_without_rules_other_users_are_refused_by_the_socket_and_by_the_broker() -> None:
    with reachable("") as broker:
        path = broker.box.socket
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        with pytest.raises(PermissionError), as_user(NAMED), plain_socket(broker):
            pass
        path.parent.chmod(0o711)
        path.chmod(0o666)
        with as_user(NAMED), plain_socket(broker) as peer:
            assert peer.recv(100) == b""
        broker.program.wait_line(f"refused a connection of user {NAMED} on the local socket")


def test_with_rules_the_socket_can_be_reached_and_nothing_beside_it_changed() -> None:
    with reachable(OTHERS) as broker:
        path = broker.box.socket
        assert stat.S_IMODE(path.stat().st_mode) == 0o666
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o711
        assert broker.program.stop() == 0
        assert not path.exists()


def test_a_private_directory_stays_so_and_is_named() -> None:
    with running(acl=OTHERS) as broker:
        folder = broker.box.home
        broker.program.wait_line(f"WARNING.*{folder} keeps other users out, whatever the access rules say; chmod")
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_directory_in_which_others_may_change_files_is_refused() -> None:
    with box() as made:
        shared = made.home / "shared"
        shared.mkdir()
        shared.chmod(0o777)
        file = made.home / "acl.toml"
        file.write_text(OWN)
        file.chmod(0o600)
        done = made.run("broker", "--socket", shared / "bus.sock", "--acl", file)
        assert done.returncode == 1
        assert f"{shared}: has mode 0777" in done.stderr
        assert "chmod go-w" in done.stderr


@pytest.mark.parametrize(
    ("acl", "message"),
    [
        (OWN + '[[rules]]\nwho = "@staff"\nallow = "all"\n', "rule 2: who: there is no group '@staff'; define it in"),
        ("[[rules]\n", "is not valid TOML"),
    ],
)
def test_a_broker_does_not_start_with_rules_that_are_wrong(acl: str, message: str) -> None:
    with box() as made:
        file = made.home / "acl.toml"
        file.write_text(acl)
        file.chmod(0o600)
        done = made.run("broker", "--socket", made.socket, "--acl", file)
        assert done.returncode == 1
        assert done.stderr.count("\n") == 1
        assert f"{file}: " in done.stderr
        assert message in done.stderr
        assert not made.socket.exists()


def test_sighup_reads_the_rules_again_and_a_broken_file_keeps_the_old_ones() -> None:
    def write(text: str) -> None:
        (broker.box.home / "acl.toml").write_text(text)
        broker.program.process.send_signal(signal.SIGHUP)

    async def said(pattern: str) -> None:
        await asyncio.to_thread(broker.program.wait_line, pattern, timeout=20 * TIME)

    async def story(client: BrokerClient) -> None:
        everything = await client.subscribe("#")
        async with BrokerClient.connect(broker.tcp) as other:
            refused = await other.sender(TOPIC)
            assert (await refused.wait_closed()).condition == "amqp:unauthorized-access"
            write(OWN + '[[rules]]\nwho = "anonymous"\nallow = "publish"\n')
            await said("access rules of .* were read again: 2 in all")
            topic = await other.sender(TOPIC)
            await topic.send(b"1", subject="k")
            write("broken")
            await said("ERROR.*the access rules stay as they were: .*acl.toml: is not valid TOML")
            await topic.send(b"2", subject="k")
            assert await everything.bodies(2) == [b"1", b"2"]
            write(OWN)
            await said("access rules of .* were read again: 1 in all")
            await topic.send(b"3", subject="k")
            assert (await topic.wait_closed()).condition == "amqp:unauthorized-access"
        assert client.closed is None

    with running(acl=OWN) as broker:
        broker.play(story)


def test_nobody_but_the_owner_taps_whatever_the_rules_say() -> None:
    async def story(client: BrokerClient) -> None:
        assert (await client.receiver(TAP)).opened is not None
        async with BrokerClient.connect(broker.tcp) as other:
            closed = await (await other.receiver(TAP)).wait_closed()
            assert closed.condition == "amqp:unauthorized-access"
            assert "own user and root" in closed.description

    with running(acl='[[rules]]\nwho = "*"\nallow = "all"\n') as broker:
        broker.play(story)


def test_the_rules_of_the_guide_let_agents_and_consoles_do_their_work_and_no_more() -> None:
    """The guide's agents are here our own user's, its consoles come over the open port."""
    page = (GUIDE / "access.md").read_text()
    rules = page.split("```toml\n")[1].split("```")[0].replace('"root"', f'"{LOGIN}"').replace('"alice"', '"anonymous"')

    async def story(client: BrokerClient) -> None:
        for end in (
            await client.subscribe("#"),
            await client.subscribe("agent.#"),
            await client.own("direct-console.1"),
            await client.receiver(BINDINGS),
            await client.sender(None),
        ):
            assert (await end.wait_closed()).condition == "amqp:unauthorized-access"
        sender = await client.sender(DIRECT)
        await sender.send(b"x", subject="matahariproject.org:host:1")
        assert (await sender.wait_closed()).condition == "amqp:unauthorized-access"

    with running(acl=rules) as broker:
        words = ("agent", "-b", broker.address, "--only", "host", "--state", "state")
        with broker.box.start(*words), connect(broker.tcp, insecure_anonymous=True) as console:
            assert console.select("Host")
            assert "refused" not in broker.program.text
            broker.play(story)


def test_a_node_of_its_own_works_under_rules_that_name_it() -> None:
    with box() as made:
        file = made.home / "acl.toml"
        file.write_text(OWN)
        file.chmod(0o600)
        with made.up("--acl", file), made.connect() as console:
            assert console.select("Host")
