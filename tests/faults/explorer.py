"""The search: run an operation once and, at every call, fork a child for every fault the call can have.

A child goes on from that very moment with the fault in place, plays the run to its end, judges it and
reports; the parent goes on without. So nothing is replayed, and a run costs only what follows its fault.
"""

from __future__ import annotations

import gc
import json
import os
import random
import signal
import time
import traceback
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any

from tests.support.driver import HungError
from tests.support.wire import Call

from .faults import KINDS, possible, strike
from .judge import End, Fault, Plain, wrongs
from .operations import Operation
from .wire import Send, straight
from .world import World

LIMIT = 120
"""Seconds of real time after which a child counts as caught in a loop."""

Wanted = Callable[[Fault], bool]


@dataclass(frozen=True)
class Verdict:
    """One run: its fault or its pair of faults, its end, and what was wrong with it."""

    operation: str
    faults: tuple[str, ...]
    status: str
    wrongs: tuple[str, ...]
    seconds: float


@dataclass(frozen=True)
class Explored:
    """An operation's plain run and the verdicts on those with faults."""

    operation: str
    calls: tuple[str, ...]
    verdicts: list[Verdict]


class _Injection:
    """Puts faults in the way of the calls they are meant for."""

    def __init__(self, *faults: Fault) -> None:
        self._faults = faults

    def __call__(self, index: int, call: Call, send: Send) -> Any:
        for fault in self._faults:
            if index == fault.index or (fault.for_good and index > fault.index and call.name == fault.name):
                return (
                    strike(fault.kind, call, send)
                    if possible(call.name, fault.kind, for_good=fault.for_good)
                    else send()
                )
        return send()


class Explorer:
    """Explores one operation; `wanted` picks among its faults, `pairs` is how many pairs to draw."""

    def __init__(self, operation: Operation, wanted: Wanted, *, pairs: int = 0, seed: int = 0) -> None:
        self._operation = operation
        self._wanted = wanted
        self._pairs = pairs
        self._random = random.Random(f"{seed} {operation.name}")
        self._verdicts: list[Verdict] = []
        self._report: int | None = None
        self._faults: tuple[Fault, ...] = ()
        self._began = 0.0

    def explore(self) -> Explored:
        """Return the verdicts on all wanted faults."""
        with World() as world:
            self._operation.prepare(world)
            world.idle(120)
            world.wire.clear()
            before = world.state()
            gc.collect()
            gc.freeze()
            self._plain = _plain(self._fork(lambda: self._run_plain(world, before)))
            drawn = self._draw(self._plain.calls)
            world.wire.hook = lambda index, call, send: self._branch(world, drawn, index, call, send)
            end = _end(self._operation, world)
            if self._report is not None:
                self._finish(world, end)
            gc.unfreeze()
        return Explored(self._operation.name, self._plain.calls, self._verdicts)

    # --- branches ----------------------------------------------------------------------------------

    def _draw(self, calls: tuple[str, ...]) -> dict[int, list[tuple[Fault, ...]]]:
        drawn: dict[int, list[tuple[Fault, ...]]] = {}
        for index, name in enumerate(calls):
            for fault in every(index, name):
                if self._wanted(fault):
                    drawn.setdefault(index, []).append((fault,))
        for _ in range(self._pairs):
            first, second = sorted(self._random.sample(range(len(calls) + 6), 2))
            if first < len(calls):
                kinds = [kind for kind in KINDS if possible(calls[first], kind, for_good=False)]
                one = Fault(first, calls[first], self._random.choice(kinds), for_good=False)
                # What is called at the later place depends on the first fault: any call takes the fault.
                other = Fault(second, "", self._random.choice(KINDS), for_good=False)
                drawn.setdefault(first, []).append((one, other))
        return drawn

    def _branch(
        self, world: World, drawn: dict[int, list[tuple[Fault, ...]]], index: int, call: Call, send: Send
    ) -> Any:
        for faults in drawn.get(index, ()):
            began = time.monotonic()
            read, write = os.pipe()
            child = os.fork()
            if not child:
                os.close(read)
                gc.disable()
                signal.alarm(LIMIT)
                self._report, self._faults, self._began = write, faults, began
                world.wire.hook = _Injection(*faults)
                return world.wire.hook(index, call, send)
            os.close(write)
            self._verdicts.append(self._verdict(faults, _read(read, child), began))
        return send()

    def _finish(self, world: World, end: End) -> None:
        """End a child: judge and report, never to return."""
        assert self._report is not None
        try:
            world.wire.hook = straight
            world.idle(300)
            fault = self._faults[0]
            found = list(wrongs(self._operation, self._plain, fault, end, world))
        except BaseException as error:
            found = [f"{type(error).__name__}: {error}", traceback.format_exc()[-1500:]]
        os.write(self._report, json.dumps({"status": end.status, "wrongs": found}).encode())
        os._exit(0)

    def _verdict(self, faults: tuple[Fault, ...], told: Any, began: float) -> Verdict:
        told = told or {"status": "LOST", "wrongs": ["the run never ended"]}
        return Verdict(
            self._operation.name,
            tuple(map(str, faults)),
            told["status"],
            tuple(told["wrongs"]),
            time.monotonic() - began,
        )

    # --- the plain run -----------------------------------------------------------------------------

    def _run_plain(self, world: World, before: dict[str, Any]) -> dict[str, Any]:
        end = _end(self._operation, world)
        names = tuple(call.name for call in world.wire.calls)
        world.idle(300)
        plain = Plain(end, before, world.state(), names)
        found = list(wrongs(self._operation, plain, None, end, world))
        assert not found, f"{self._operation.name} without a fault: {found}"
        return asdict(plain)

    def _fork(self, work: Callable[[], Any]) -> Any:
        read, write = os.pipe()
        child = os.fork()
        if not child:
            signal.alarm(LIMIT)
            try:
                told = work()
            except BaseException:
                told = {"crash": traceback.format_exc()}
            with os.fdopen(write, "wb") as pipe:
                pipe.write(json.dumps(told).encode())
            os._exit(0)
        os.close(write)
        told = _read(read, child)
        if told is None or "crash" in told:
            raise AssertionError(f"{self._operation.name} without a fault: {told and told['crash']}")
        return told


def every(index: int, name: str) -> Iterable[Fault]:
    """Yield every fault a call can have."""
    for kind in KINDS:
        for for_good in (False, True):
            if possible(name, kind, for_good=for_good):
                yield Fault(index, name, kind, for_good)


def _end(operation: Operation, world: World) -> End:
    try:
        response = operation.act(world)
    except HungError as error:
        return End("HUNG", "", str(error), tuple(world.violations))
    except AssertionError as error:
        return End("WRONG", "", "", (str(error),))
    return End(response.status, response.physical_id, response.reason, tuple(world.violations))


def _plain(told: dict[str, Any]) -> Plain:
    end = told["end"]
    return Plain(
        End(**{**end, "violations": tuple(end["violations"])}),
        told["before"],
        told["after"],
        tuple(told["calls"]),
    )


def _read(pipe: int, child: int) -> Any:
    with os.fdopen(pipe, "rb") as stream:
        text = stream.read()
    os.waitpid(child, 0)
    return json.loads(text) if text else None
