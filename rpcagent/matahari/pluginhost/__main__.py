"""``python -P -m matahari.pluginhost``: the warm parent. The agent starts it."""

from __future__ import annotations

import sys

from .parent import main

sys.exit(main(sys.argv[1:]))
