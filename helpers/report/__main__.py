"""``python -m helpers.report``: the advisor as a command, see :mod:`helpers.report.command`."""

import sys

from helpers.report.command import main

if __name__ == "__main__":
    sys.exit(main())
