"""Explore all, in several processes; report what went wrong, and how much was tried."""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import chain

from .explorer import Verdict, chosen_by, explore, pairs, record
from .judge import Fault, Plain
from .operations import OPERATIONS, Operation

PAIRS = 60
"""Pairs of faults for each operation, unless told otherwise."""

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
    yield f"{'operation':36}{'calls':>6}{'faults':>8}{'pairs':>7}{'violations':>12}{'seconds':>9}"
    for name in (*calls, "all"):
        mine = [verdict for verdict in verdicts if name in ("all", verdict.operation)]
        of_two = sum(len(verdict.faults) > 1 for verdict in mine)
        wrong = sum(bool(verdict.wrongs) for verdict in mine)
        number = calls.get(name, sum(calls.values()))
        seconds = sum(verdict.seconds for verdict in mine)
        yield f"{name:36}{number:6}{len(mine) - of_two:8}{of_two:7}{wrong:12}{seconds:9.0f}"


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
            plain = record(operation)
            calls[operation.name] = len(plain.calls)
            mine = [*explore(operation, plain, wanted), *_pairs(operation, plain, options, number)]
            told = f"{len(mine)} runs, {sum(bool(verdict.wrongs) for verdict in mine)} violations"
            print(f"  {operation.name} ({number + 1} of {options.processes}): {told}", flush=True)
            verdicts += mine
    return verdicts, calls


def _pairs(operation: Operation, plain: Plain, options: argparse.Namespace, number: int) -> Iterator[Verdict]:
    of = options.processes
    return pairs(operation, plain, options.pairs // of, options.seed * of + number)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.faults",
        description=__doc__,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    names = [each.name for each in OPERATIONS]
    parser.add_argument("operation", nargs="?", default="", choices=["", *names], metavar="operation")
    parser.add_argument("--share", type=float, default=1.0, help="the share of faults to explore")
    parser.add_argument("--pairs", type=int, default=PAIRS, help="pairs of faults for each operation")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--at", type=int, help="explore this call only")
    parser.add_argument("--kind", default="", help="explore this fault only")
    parser.add_argument("--processes", type=int, default=2)
    return parser.parse_args()
