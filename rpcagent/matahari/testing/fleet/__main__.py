"""``python -m matahari.testing.fleet``."""

import sys

from .command import main

sys.exit(main())
