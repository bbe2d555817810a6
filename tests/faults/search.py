"""Explore all, in several processes.

`python -m tests.faults [operation] [--share 0.1] [--pairs N] [--seed N] [--at INDEX] [--kind FAULT]`
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor

from .explorer import Verdict, chosen_by, explore, pairs, record
from .judge import Fault
from .operations import OPERATIONS, Operation

Part = tuple[list[Verdict], dict[str, int]]


def main() -> int:
    """Return 0 where every run ended right."""
    options = _options()
    began = time.monotonic()
    with ProcessPoolExecutor(options.processes) as pool:
        parts = list(pool.map(_part, [(options, number) for number in range(options.processes)]))
    verdicts = [verdict for part, _ in parts for verdict in part]
    wrong = [verdict for verdict in verdicts if verdict.wrongs]
    for verdict in wrong:
        print(f"WRONG {verdict.operation}: {' + '.join(verdict.faults)}: {verdict.status}")
        for what in verdict.wrongs:
            print(f"      {what}")
    calls = parts[0][1]
    print(f"{len(calls)} operations, {sum(calls.values())} calls, {len(verdicts)} runs", end=" ")
    print(f"in {time.monotonic() - began:.0f} s, seed {options.seed}")
    print(", ".join(f"{count} {status}" for status, count in Counter(v.status for v in verdicts).items()))
    print(f"{len(wrong)} wrong")
    return 1 if wrong else 0


def _part(job: tuple[argparse.Namespace, int]) -> Part:
    """Explore one process's part: every nth call of every operation."""
    options, number = job
    in_share = chosen_by(options.seed, options.share)

    def wanted(fault: Fault) -> bool:
        mine = fault.index % options.processes == number and options.at in (None, fault.index)
        return mine and options.kind in ("", fault.kind) and in_share(fault)

    verdicts: list[Verdict] = []
    calls: dict[str, int] = {}
    for operation in OPERATIONS:
        if options.operation in ("", operation.name):
            began = time.monotonic()
            plain = record(operation)
            calls[operation.name] = len(plain.calls)
            mine = [*explore(operation, plain, wanted), *_pairs(operation, plain, options, number)]
            wrong = sum(bool(verdict.wrongs) for verdict in mine)
            print(
                f"  {operation.name} ({number + 1}/{options.processes}): {len(plain.calls)} calls, "
                f"{len(mine)} runs, {wrong} wrong, {time.monotonic() - began:.0f} s",
                flush=True,
            )
            verdicts += mine
    return verdicts, calls


def _pairs(operation: Operation, plain: object, options: argparse.Namespace, number: int) -> list[Verdict]:
    of = options.processes
    return [*pairs(operation, plain, options.pairs // of, options.seed * of + number)]  # type: ignore[arg-type]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("operation", nargs="?", default="", choices=["", *(each.name for each in OPERATIONS)])
    parser.add_argument("--share", type=float, default=1.0, help="the share of faults to explore")
    parser.add_argument("--pairs", type=int, default=60, help="pairs of faults for each operation")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--at", type=int, help="explore this call only")
    parser.add_argument("--kind", default="", help="explore this fault only")
    parser.add_argument("--processes", type=int, default=2)
    return parser.parse_args()
