"""Language backend: plugins in shell script, run by a program that speaks the plugin host protocol.

The program is made of the folder ``shellhost``:
``python3 -m zipapp examples/hooks/shellhost -p '/usr/bin/env python3' -o /usr/local/bin/matahari-shellhost``
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence

from matahari.hooks import LanguageBackend, hookimpl

PROGRAM = "matahari-shellhost"


@hookimpl
def languages() -> Sequence[LanguageBackend]:
    program = shutil.which(PROGRAM)
    if program is None:
        return [LanguageBackend("shell", (".sh",), (), f"{PROGRAM} is not installed")]
    return [LanguageBackend("shell", (".sh",), (program,))]
