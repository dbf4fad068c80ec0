"""``python -m aiotoolkit``: see `aiotoolkit.cli`."""

import sys

from aiotoolkit.cli import main

if __name__ == "__main__":
    sys.exit(main())
