"""Processes that overlap in simulated time: one runs at a time, always the one whose time comes first.

Each process is a thread of its own, so that it may be real code that sleeps anywhere; between two sleeps it
takes no time. The order is that of the times, so that one seed gives one run.
"""

from __future__ import annotations

import heapq
import itertools
import math
import threading
from collections.abc import Callable

from massdriver_redis import log
from tests.harness.clock import SimulatedClock
from tests.harness.cloudformation import KilledError


class _Process:
    """One thread, which runs only between `resume` and its next sleep or its end."""

    def __init__(self, what: Callable[[], None], ends: float) -> None:
        self.ends = ends
        self.over = False
        self.error: BaseException | None = None
        self._what = what
        self._go, self._gone = threading.Semaphore(0), threading.Semaphore(0)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._secrets: set[str] = set()

    def resume(self) -> None:
        """Let it run until it sleeps or ends; what it raises is raised here."""
        if self._thread.ident is None:
            self._thread.start()
        # The secrets of another invocation live in another process.
        hidden, log._secrets = log._secrets, self._secrets
        self._go.release()
        self._gone.acquire()
        log._secrets = hidden
        if self.over:
            self._thread.join()
        if self.error:
            raise self.error

    def sleep(self) -> None:
        """Give way until it is resumed."""
        self._gone.release()
        self._go.acquire()

    def _run(self) -> None:
        self._go.acquire()
        try:
            self._what()
        except BaseException as error:
            self.error = error
        self.over = True
        self._gone.release()


class Timeline(SimulatedClock):
    """A clock on which processes sleep side by side."""

    def __init__(self) -> None:
        super().__init__()
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._running: _Process | None = None

    def at(self, when: float, what: Callable[[], None]) -> None:
        """Have `what` done at a time; it must not sleep."""
        heapq.heappush(self._agenda, (when, next(self._order), what))

    def start(self, what: Callable[[], None], seconds: float = math.inf) -> None:
        """Begin a process now; it gets KilledError once it has lasted so many seconds."""
        process = _Process(what, self.now() + seconds)
        self.at(self.now(), lambda: self._resume(process))

    def advance(self, seconds: float) -> None:
        """Let a process sleep, while others run."""
        process = self._running
        assert process, "only a process sleeps"
        wakes = min(self.now() + seconds, process.ends)
        if self._agenda and self._agenda[0][0] <= wakes:
            self.at(wakes, lambda: self._resume(process))
            process.sleep()
        else:
            self._now = wakes
        if self.now() >= process.ends:
            raise KilledError("Lambda ends an invocation that takes too long")

    def run(self, until: float, enough: Callable[[], bool]) -> None:
        """Let time pass until `until`, until nothing is left to happen, or until it is enough."""
        while self._agenda and self._agenda[0][0] <= until and not enough():
            self._now, _, what = heapq.heappop(self._agenda)
            what()

    def _resume(self, process: _Process) -> None:
        self._running = process
        process.resume()
        self._running = None
