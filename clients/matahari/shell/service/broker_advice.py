"""What ``matahari doctor`` says of each kind of broker: what works there, what does not, and what its operator sets.

Only texts. What a broker needs to carry QMF at all comes with the finding (:class:`matahari.tap.Finding`); here is what
it should have besides before a fleet relies on it, and what none of our connections can see from outside.

Source: brokers.md sections 2 and 6
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["ADVICE", "TROUBLES", "BrokerAdvice"]


@dataclass(frozen=True, slots=True)
class BrokerAdvice:
    """One kind of broker.

    Attributes:
        title: its name in a sentence.
        works: what can be relied on.
        lacks: what there is not, and what follows from that.
        operator: configuration for its operator, ready to paste; empty when nothing is to be done.
    """

    title: str
    works: tuple[str, ...]
    lacks: tuple[str, ...] = ()
    operator: str = ""


_NO_PRESENCE = "it does not tell who is connected: an agent that died is found missing by its heartbeats, later"
_NO_TAP = "`matahari tap` sees what is published, and of direct messages only those to keys that it has learned"
_UNPROVED = "it does not tell whether user-ids are proved: agents must not base rights on them"
_UNCHECKED = (
    "it neither checks nor stamps user-ids: agents must not base rights on them; let only consoles send to agents"
)

_QPIDD = """\
# /etc/qpid/qpidd.conf
auth=yes
realm=QPID
max-connections=0              # the default is 500 for the whole broker
connection-backlog=1000        # the default is 10
session-max-unacked=100        # the default of 5000 costs 1 MiB for each agent
default-queue-limit=8388608    # the default is 100 MiB for each subscription
queue-purge-interval=60
acl-file=/etc/qpid/qmf.acl
mgmt-qmf2=yes

# /etc/qpid/qmf.acl: one login for each host; ANONYMOUS stays allowed until the SASL mech_list leaves it out
group agents web1@QPID web2@QPID
group consoles ops@QPID
acl allow agents access exchange name=qmf.default.topic
acl allow agents access exchange name=qmf.default.direct
acl allow agents access exchange name=ANONYMOUS-RELAY
acl allow agents publish exchange name=qmf.default.topic routingkey=agent.ind.#
acl allow agents publish exchange name=qmf.default.direct
acl allow agents bind exchange name=qmf.default.direct routingkey=matahariproject.org:*
acl allow agents bind exchange name=qmf.default.topic routingkey=console.*
acl allow agents bind exchange name=qmf.default.topic routingkey=direct-agent.*
acl allow agents create queue durable=false
acl allow agents access queue
acl allow agents consume queue
acl allow consoles all all
acl deny all all"""

_RABBITMQ3 = r"""# /etc/rabbitmq/rabbitmq.conf
listeners.ssl.default = 5671
heartbeat = 60
amqp1_0.default_user = none         # otherwise whoever has no login is guest; this version has no other login yet
load_definitions = /etc/rabbitmq/qmf.json

# rights of one agent's login, once there are logins (today: guest); consoles have the mirror image.
# Agents' keys end in a UUID and name no login, so every agent's login may own every agent's key.
U=web1; P='^(qmf\.default\.(topic|direct)|qmf\.'$U'\..*|amq\.gen-.*)$'
rabbitmqctl set_permissions -p qmf $U '^(qmf\.'$U'\..*|amq\.gen-.*)$' "$P" "$P"
rabbitmqctl set_topic_permissions -p qmf $U qmf.default.topic  '^agent\.ind\..*$' '^(console|direct-agent)\..*$'
rabbitmqctl set_topic_permissions -p qmf $U qmf.default.direct '^direct-console\..*$' '^matahariproject\.org:.*$'"""

_RABBITMQ4 = r"""# /etc/rabbitmq/rabbitmq.conf
listeners.ssl.default = 5671
anonymous_login_user = none         # otherwise whoever has no login is guest; this version has no other login yet
load_definitions = /etc/rabbitmq/qmf.json

# rights of one agent's login, once there are logins (today: guest); consoles have the mirror image.
# Agents' keys end in a UUID and name no login, so every agent's login may own every agent's key.
U=web1; P='^(qmf\.default\.(topic|direct)|qmf\.'$U'\..*)$'
rabbitmqctl set_permissions -p qmf $U '^qmf\.'$U'\..*$' "$P" "$P"
rabbitmqctl set_topic_permissions -p qmf $U qmf.default.topic  '^agent\.ind\..*$' '^(console|direct-agent)\..*$'
rabbitmqctl set_topic_permissions -p qmf $U qmf.default.direct '^direct-console\..*$' '^matahariproject\.org:.*$'"""

_ARTEMIS = """\
<!-- broker.xml -->
<acceptor name="qmf">tcp://0.0.0.0:5671?protocols=AMQP;sslEnabled=true;keyStorePath=broker.p12;\
keyStorePassword=ENC(...);saslMechanisms=PLAIN,EXTERNAL;amqpIdleTimeout=120000;amqpCredits=200;amqpLowCredits=60</acceptor>
<address-queue-scan-period>30000</address-queue-scan-period>

<!-- agents and consoles apart, in place of one role for both -->
<security-setting match="qmf.default.topic.agent.#">
  <permission type="send" roles="agents"/>
  <permission type="createAddress" roles="agents,consoles"/>
  <permission type="createNonDurableQueue" roles="consoles"/>
  <permission type="deleteNonDurableQueue" roles="consoles"/>
  <permission type="consume" roles="consoles"/>
</security-setting>
<security-setting match="qmf.default.topic.console.#">
  <permission type="send" roles="consoles"/>
  <permission type="createAddress" roles="agents,consoles"/>
  <permission type="createNonDurableQueue" roles="agents"/>
  <permission type="deleteNonDurableQueue" roles="agents"/>
  <permission type="consume" roles="agents"/>
</security-setting>
<!-- likewise qmf.default.direct.#: send for those who ask and answer, create and consume for those who own the key -->"""

_ROUTER = """\
# skrouterd.conf or qdrouterd.conf: without a policy any user-id passes
policy {
    enableVhostPolicy: true
    defaultVhost: $default
}
vhost {
    hostname: $default
    allowUnknownUser: true
    groups: {
        "$default": {
            "users": "*",
            "remoteHosts": "*",
            "allowAnonymousSender": true,
            "allowDynamicSource": false,
            "allowUserIdProxy": false,
            "sources": "qmf.default.topic.*, qmf.default.direct.matahariproject.org:*",
            "targets": "qmf.default.topic.agent.ind.*, qmf.default.direct.direct-console.*"
        }
    }
}"""

#: By ``Finding.kind``.
ADVICE: Final[dict[str, BrokerAdvice]] = {
    "matahari": BrokerAdvice(
        "Matahari's own broker",
        (
            "agents, calls, events and subscriptions",
            "consoles of QMFv1 schemas (amq.direct), dynamic nodes, the anonymous relay",
            "a stuck subscriber loses its own oldest messages and holds up nobody",
        ),
    ),
    "qpid": BrokerAdvice(
        "Apache Qpid C++ (qpidd)",
        (
            "agents, calls, events and subscriptions",
            "programs on AMQP 0-10 and QMFv1 schemas (amq.direct), dynamic nodes",
        ),
        (
            _NO_PRESENCE,
            f"{_UNPROVED} unless auth=yes",
            _NO_TAP,
            "a stuck subscriber holds up publishers that wait for acceptance (ours do not wait)",
        ),
        _QPIDD,
    ),
    "rabbitmq3": BrokerAdvice(
        "RabbitMQ 3 with its AMQP 1.0 plugin",
        ("agents, calls, events and subscriptions", "user-ids are compared with the login"),
        (
            _NO_PRESENCE,
            "`matahari tap` sees everything where qmf.default.direct is a topic exchange, as in the definitions below",
            "there are no dynamic nodes, no anonymous relay and no amq.direct for consoles of QMFv1",
            "queues of programs that have ended stay until the policy `qmf-generated` removes them; it cannot be seen from here",
        ),
        _RABBITMQ3,
    ),
    "rabbitmq4": BrokerAdvice(
        "RabbitMQ 4",
        ("agents, calls, events and subscriptions", "user-ids are compared with the login", "the anonymous relay"),
        (_NO_PRESENCE, _NO_TAP, "there are no dynamic nodes that others could answer to, and no amq.direct"),
        _RABBITMQ4,
    ),
    "artemis": BrokerAdvice(
        "Apache ActiveMQ Artemis",
        ("agents, calls, events and subscriptions", "dynamic nodes, the anonymous relay"),
        (
            _NO_PRESENCE,
            _UNCHECKED,
            _NO_TAP,
            "programs that use exchanges (qpid-tool, the consoles of 2012) do not meet our agents here",
        ),
        _ARTEMIS,
    ),
    "router": BrokerAdvice(
        "skupper-router or Qpid Dispatch",
        ("agents, calls, events and subscriptions", "dynamic nodes, the anonymous relay"),
        (
            _NO_PRESENCE,
            f"{_UNPROVED} unless its policy has allowUserIdProxy false",
            "`matahari tap` sees what is published, and no direct messages",
            "nothing is stored: a receiver that lags loses events",
            "programs that use exchanges (qpid-tool, the consoles of 2012) do not meet our agents here",
        ),
        _ROUTER,
    ),
}

#: By ``Finding.trouble``: what to do about it.
TROUBLES: Final[dict[str, str]] = {
    "unreachable": "start that broker, or name another with -b; `matahari up` starts one on a Unix socket",
    "not-allowed": "use the Unix socket of a broker on this machine, or for tests on this machine --insecure-anonymous",
    "authentication": (
        "let ANONYMOUS in on that listener, on loopback and for tests only: qpidd by the mech_list of its SASL "
        "configuration, RabbitMQ 3 by amqp1_0.default_user = guest, RabbitMQ 4 by anonymous_login_user = guest; "
        "this version has no other login"
    ),
    "amqp-0-9-1": (
        "it speaks AMQP 0-9-1 alone, as RabbitMQ 3 does without its plugin; on its machine: "
        "rabbitmq-plugins enable rabbitmq_amqp1_0"
    ),
    "amqp-0-10": "it speaks AMQP 0-10 alone, as qpidd does without its module: add load-module=amqp.so to its qpidd.conf",
    "tls": "that port is for TLS, which is not available in this version; name one without it, on loopback",
    "other-protocol": "what listens there is no AMQP broker; name another with -b",
    "silent": "what listens there takes connections and says nothing, or closes them: look into its log",
    "slow": "the broker is there and does not answer in time: look at its load and its log, and try again",
    "unknown-product": "name the kind that it behaves like with --broker-kind",
    "refused": "look into the broker's log",
}
