"""Time, injected so that tests can run an hour in a moment."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """What the shell asks of time: seconds since the epoch, and a pause."""

    def now(self) -> float:
        """Return the seconds since the epoch."""

    def sleep(self, seconds: float) -> None:
        """Return after `seconds`."""


class SystemClock:
    """The machine's own clock."""

    def now(self) -> float:
        """Return the seconds since the epoch."""
        return time.time()

    def sleep(self, seconds: float) -> None:
        """Pause this invocation for `seconds`."""
        time.sleep(seconds)
