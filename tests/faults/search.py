"""Explore all, in several processes; report what went wrong, and how much was tried."""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import chain
from typing import TypeVar

from .cancelled import SETTINGS, Setting, calls_of, cancel, every_cancellation
from .copies import Trial, drawn, every_spell, play
from .explorer import Verdict, explore, in_share, pairs, record
from .judge import Fault, Plain
from .operations import OPERATIONS, Operation

PAIRS = 60
"""Pairs of faults for each operation, unless told otherwise."""

COPIES = 60
"""Copies of each operation's first event, unless told otherwise; those after the answer are extra."""

Other = TypeVar("Other")
PARTS = ("faults", "pairs", "copies", "spells", "cancelled")
Part = tuple[list[Verdict], dict[str, int]]


def main() -> int:
    """Return 0 where every run ended right."""
    options = _options()
    began = time.monotonic()
    with ProcessPoolExecutor(options.processes) as pool:
        parts = list(pool.map(_part, [(options, number) for number in range(options.processes)]))
    verdicts = [verdict for part, _ in parts for verdict in part]
    wrong = [verdict for verdict in verdicts if verdict.wrongs]
    for line in (*chain(*map(_explained, wrong)), *_table(parts[0][1], verdicts)):
        print(line)
    statuses = ", ".join(f"{count} {status}" for status, count in Counter(v.status for v in verdicts).items())
    print(f"{len(verdicts)} runs ({statuses}) in {time.monotonic() - began:.0f} s, seed {options.seed}")
    print(f"{len(wrong)} violations")
    return 1 if wrong else 0


def _explained(verdict: Verdict) -> Iterator[str]:
    yield f"WRONG {verdict.operation}: {' + '.join(verdict.faults)}: {verdict.status}"
    yield from (f"      {what}" for what in verdict.wrongs)


def _table(calls: dict[str, int], verdicts: list[Verdict]) -> Iterator[str]:
    """Yield a line for each operation and one for all."""
    columns = "".join(f"{part:>10}" for part in PARTS)
    yield f"{'operation':42}{'calls':>6}{columns}{'violations':>12}{'seconds':>9}"
    for name in (*calls, "all"):
        mine = [verdict for verdict in verdicts if name in ("all", verdict.operation)]
        runs = Counter(verdict.part for verdict in mine)
        wrong = sum(bool(verdict.wrongs) for verdict in mine)
        number = calls.get(name, sum(calls.values()))
        seconds = sum(verdict.seconds for verdict in mine)
        columns = "".join(f"{runs[part]:10}" for part in PARTS)
        yield f"{name:42}{number:6}{columns}{wrong:12}{seconds:9.0f}"


def _part(job: tuple[argparse.Namespace, int]) -> Part:
    """Explore one process's part: every nth call of every operation, and every nth of all else."""
    options, number = job
    verdicts: list[Verdict] = []
    calls: dict[str, int] = {}
    for operation in (*OPERATIONS, *SETTINGS):
        if options.operation in ("", operation.name):
            if isinstance(operation, Operation):
                plain = record(operation)
                calls[operation.name] = len(plain.calls)
                mine = [*_of_an_operation(operation, plain, options, number)]
            else:
                calls[operation.name] = len(calls_of(operation))
                mine = [*_cancelled(operation, options, number)]
            told = f"{len(mine)} runs, {sum(bool(verdict.wrongs) for verdict in mine)} violations"
            print(f"  {operation.name} ({number + 1} of {options.processes}): {told}", flush=True)
            verdicts += mine
    return verdicts, calls


def _of_an_operation(
    operation: Operation, plain: Plain, options: argparse.Namespace, number: int
) -> Iterator[Verdict]:
    def wanted(fault: Fault) -> bool:
        mine = fault.index % options.processes == number and options.at in (None, fault.index)
        return mine and options.kind in ("", fault.kind) and _wanted(fault, options)

    yield from explore(operation, plain, wanted)
    yield from _pairs(operation, plain, options, number)
    trials: tuple[Trial, ...] = (*drawn(operation, options.copies, options.seed), *every_spell())
    for trial in _others(trials, options, number):
        yield play(operation, plain, trial)


def _cancelled(setting: Setting, options: argparse.Namespace, number: int) -> Iterator[Verdict]:
    for cancellation in _others(tuple(every_cancellation(setting)), options, number):
        yield cancel(setting, cancellation)


def _others(found: Sequence[Other], options: argparse.Namespace, number: int) -> list[Other]:
    """Return this process's part of what is no fault at one call; nothing where such a fault is asked for."""
    if options.at is not None or options.kind:
        return []
    return [each for each in found[number :: options.processes] if _wanted(each, options)]


def _wanted(what: object, options: argparse.Namespace) -> bool:
    return options.named in str(what) and in_share(what, options.seed, options.share)


def _pairs(operation: Operation, plain: Plain, options: argparse.Namespace, number: int) -> Iterator[Verdict]:
    of = options.processes
    if options.named:
        return iter(())
    return pairs(operation, plain, options.pairs // of, options.seed * of + number)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.faults",
        description=__doc__,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    names = [each.name for each in (*OPERATIONS, *SETTINGS)]
    parser.add_argument("operation", nargs="?", default="", choices=["", *names], metavar="operation")
    parser.add_argument("--share", type=float, default=1.0, help="the share of faults to explore")
    parser.add_argument("--pairs", type=int, default=PAIRS, help="pairs of faults for each operation")
    parser.add_argument("--copies", type=int, default=COPIES, help="copies in trouble for each operation")
    parser.add_argument("--named", default="", help="explore only what is named so in the report; no pairs")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--at", type=int, help="explore this call only")
    parser.add_argument("--kind", default="", help="explore this fault only")
    parser.add_argument("--processes", type=int, default=2)
    return parser.parse_args()
