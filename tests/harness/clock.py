"""Clocks of the tests: time that passes only when somebody sleeps, and time that runs faster."""

from __future__ import annotations

import time

MIDSUMMER_2026 = 1_782_864_000.0
"""2026-07-01T00:00:00Z, the day the simulated time begins."""


class SimulatedClock:
    """A clock that stands still until it is slept on or advanced."""

    def __init__(self, start: float = MIDSUMMER_2026) -> None:
        self._now = start

    def now(self) -> float:
        return self._now

    def sleep(self, seconds: float) -> None:
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        if seconds < 0:
            raise ValueError(f"time does not run backwards: {seconds}")
        self._now += seconds


class SkewedClock(SimulatedClock):
    """Another clock that goes with `clock`, `skew` seconds ahead of it."""

    def __init__(self, clock: SimulatedClock, skew: float) -> None:
        self._clock = clock
        self._skew = skew

    def now(self) -> float:
        return self._clock.now() + self._skew

    def advance(self, seconds: float) -> None:
        self._clock.advance(seconds)


class FastClock:
    """The machine's clock, `speed` times as fast from when it is made."""

    def __init__(self, speed: float = 1.0) -> None:
        self._speed = speed
        self._started = time.time()
        self._monotonic = time.monotonic()

    def now(self) -> float:
        return self._started + (time.monotonic() - self._monotonic) * self._speed

    def sleep(self, seconds: float) -> None:
        time.sleep(max(0.0, seconds) / self._speed)
