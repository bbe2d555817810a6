"""`python -m tools.preview OLD NEW`: print the steps of an update from one file's properties to another's."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

from massdriver_redis.errors import InvalidRequestError
from tools.preview.foresight import foresee
from tools.preview.reading import UnreadableError, read
from tools.preview.report import lines


def main(arguments: list[str]) -> int:
    """Print the steps; return 0, 1 for an update that is refused, 2 for files that can't be used."""
    if len(arguments) != 2:
        sys.stderr.write("usage: make plan OLD=file NEW=file (properties or templates, JSON or YAML)\n")
        return 2
    try:
        old, new = (read(Path(name)) for name in arguments)
        foreseen = foresee(old, new, datetime.now(UTC).date())
    except (UnreadableError, InvalidRequestError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    for line in lines(foreseen):
        sys.stdout.write(f"{line}\n")
    return 1 if foreseen.refusal else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
