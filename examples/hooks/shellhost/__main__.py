"""Runs plugins in POSIX shell for matahari: a host program that speaks the plugin host protocol.

It uses nothing of matahari, so that it can be read as a pattern for a host in another language.

A plugin is a file NAME.sh. Each function that begins at the start of a line is a method, unless its name begins with
``_``. The comment above it is its help; in it, ``# args: NAME [OTHER]`` names the arguments (those in brackets may be
left out), and ``# effects: read_only`` says what it does. A function gets its arguments as texts, and its result is what
it prints; what it prints to standard error goes to the agent's log. A status other than 0 is a failure.
``self_check`` and ``activate`` are asked as in other languages. MATAHARI_SETTINGS has the settings, as JSON.
"""

from __future__ import annotations

import socket
import sys

from parent import Parent


def main(arguments: list[str]) -> None:
    if len(arguments) != 2:
        sys.exit("usage: matahari-shellhost CONTROL-FD NONCE (started by the agent)")
    sock = socket.socket(fileno=int(arguments[0]))
    sock.set_inheritable(False)
    Parent(sock).run(arguments[1])


if __name__ == "__main__":
    main(sys.argv[1:])
