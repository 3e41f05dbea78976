"""``python -m hookgate`` is the ``hookgate`` command."""

import sys

from hookgate.cli import main

sys.exit(main())
