"""Calls of the local Asterisk telephone exchange, for every host at once.

The plugin of Matahari's introduction (2012): a plain Python file that imports nothing of the platform.
"""

import subprocess


def num_calls() -> str:
    """Count the active channels and calls."""
    return subprocess.check_output(["asterisk", "-rx", "core show channels count"], text=True)
