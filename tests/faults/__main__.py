"""`python -m tests.faults` explores all; see `search`."""

import sys

from .search import main

if __name__ == "__main__":
    sys.exit(main())
