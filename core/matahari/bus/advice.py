"""What an operator has to do on each kind of broker before it carries QMF: texts for errors and for `matahari doctor`.

Source: brokers.md section 6
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple, assert_never

from matahari.bus.scheme import Kind

__all__ = ["cause_of_cut", "remedy", "snippet"]

_MISSING = ("amqp:not-found", "http:404")
_FORBIDDEN = ("amqp:unauthorized-access", "amqp:not-allowed", "http:401", "http:403")
_FILE = "rabbitmq-definitions.json"


class _Advice(NamedTuple):
    """``missing``: when a node is not there; ``forbidden``: when we may not use it; ``snippet``: the configuration."""

    missing: str
    forbidden: str
    snippet: str


_RABBITMQ_MISSING = (
    "the exchanges are not in this virtual host: import the definitions that `matahari doctor` prints on the broker's "
    "machine with `rabbitmqctl import_definitions FILE`, and name their virtual host with --virtual-host vhost:qmf"
)
_RABBITMQ3_RIGHTS = r"""rabbitmqctl set_permissions -p qmf LOGIN '^amq\.gen-.*$' \
    '^(qmf\.default\.(topic|direct)|amq\.gen-.*)$' '^(qmf\.default\.(topic|direct)|amq\.gen-.*)$'"""
_RABBITMQ4_RIGHTS = r"""rabbitmqctl set_permissions -p qmf LOGIN '^qmf\.LOGIN\..*$' \
    '^(qmf\.default\.(topic|direct)|qmf\.LOGIN\..*)$' '^(qmf\.default\.(topic|direct)|qmf\.LOGIN\..*)$'"""

_QPIDD = """# /etc/qpid/qpidd.conf
mgmt-enable=yes
mgmt-qmf2=yes
load-module=amqp.so

# its acl-file
acl allow LOGIN access exchange name=qmf.default.topic
acl allow LOGIN access exchange name=qmf.default.direct
acl allow LOGIN publish exchange name=qmf.default.topic
acl allow LOGIN publish exchange name=qmf.default.direct
acl allow LOGIN bind exchange name=qmf.default.topic
acl allow LOGIN bind exchange name=qmf.default.direct
acl allow LOGIN create queue durable=false
acl allow LOGIN access queue
acl allow LOGIN consume queue"""

_ARTEMIS = """<!-- broker.xml -->
<address-setting match="qmf.default.#">
  <default-address-routing-type>MULTICAST</default-address-routing-type>
  <default-queue-routing-type>MULTICAST</default-queue-routing-type>
  <auto-create-addresses>true</auto-create-addresses>
  <auto-delete-addresses>true</auto-delete-addresses>
  <auto-delete-addresses-skip-usage-check>true</auto-delete-addresses-skip-usage-check>
  <address-full-policy>DROP</address-full-policy>
  <max-size-bytes>16777216</max-size-bytes>
</address-setting>
<security-setting match="qmf.default.#">
  <permission type="send" roles="ROLE"/>
  <permission type="consume" roles="ROLE"/>
  <permission type="createAddress" roles="ROLE"/>
  <permission type="createNonDurableQueue" roles="ROLE"/>
  <permission type="deleteNonDurableQueue" roles="ROLE"/>
</security-setting>"""

_ROUTER = """# skrouterd.conf or qdrouterd.conf
address {
    prefix: qmf.default.topic
    distribution: multicast
}
address {
    prefix: qmf.default.direct
    distribution: closest
}
# with a vhost policy, for the login's group:
#   "allowAnonymousSender": true, "allowUserIdProxy": false,
#   "sources": "qmf.default.*", "targets": "qmf.default.*\""""


def remedy(kind: Kind, condition: str) -> str:
    """What to do when a broker refuses a link with ``condition``; empty when that is not known."""
    if condition in _MISSING:
        return _advice(kind).missing
    return _advice(kind).forbidden if condition in _FORBIDDEN else ""


def cause_of_cut(kind: Kind) -> str:
    """What is likely to be wrong when a broker cuts a connection, without a word, on which links are attached."""
    if kind != "rabbitmq3":
        return ""
    # Seen on 3.10.8: a refused receiver, unlike a refused sender, makes its plugin crash.
    return (
        "RabbitMQ 3 cuts it without a reason when the login lacks the right to read one of our addresses: see its log, "
        "set_permissions and set_topic_permissions"
    )


def snippet(kind: Kind) -> str:
    """Configuration or commands for the operator of such a broker, ready to print; empty when nothing is needed."""
    return _advice(kind).snippet


@cache
def _advice(kind: Kind) -> _Advice:
    match kind:
        case "matahari":
            return _Advice("", "", "")
        case "qpid":
            return _Advice(
                "qpidd makes qmf.default.topic and qmf.default.direct itself while its management is on: "
                "start it with mgmt-enable=yes and mgmt-qmf2=yes",
                "its acl-file must allow the login to access, publish to and bind on both exchanges, and to create, "
                "access and consume queues; `matahari doctor` prints the lines",
                _QPIDD,
            )
        case "rabbitmq3":
            return _rabbitmq("rabbitmq-plugins enable rabbitmq_amqp1_0\n", _RABBITMQ3_RIGHTS)
        case "rabbitmq4":
            return _rabbitmq("", _RABBITMQ4_RIGHTS)
        case "artemis":
            return _Advice(
                "addresses below qmf.default must be made on demand; `matahari doctor` prints the lines for its broker.xml",
                "the login's role needs rights on addresses below qmf.default; `matahari doctor` prints the lines for its broker.xml",
                _ARTEMIS,
            )
        case "router":
            return _Advice(
                "the router knows no such address; `matahari doctor` prints the lines for its configuration",
                "the vhost policy must list qmf.default.* among the login's sources and targets, and allow anonymous "
                "senders; `matahari doctor` prints the lines",
                _ROUTER,
            )
        case _:
            assert_never(kind)


def _rabbitmq(first: str, rights: str) -> _Advice:
    from importlib.resources import files  # slow to import, and seldom needed

    definitions = files("matahari.bus").joinpath(_FILE).read_text("utf-8").rstrip()
    return _Advice(
        _RABBITMQ_MISSING,
        "the login needs rights in this virtual host; `matahari doctor` prints the commands",
        f"{first}cat > qmf.json <<'END'\n{definitions}\nEND\nrabbitmqctl import_definitions qmf.json\n"
        f"# LOGIN: guest, unless its configuration names another for those without a login\n{rights}",
    )
