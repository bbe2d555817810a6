"""Explore all, in two processes: `python -m tests.faults [operation] [--pairs N] [--seed N] [--at INDEX]`."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections import Counter

from .explorer import Explorer, Verdict
from .judge import Fault
from .operations import OPERATIONS


def main() -> int:
    """Return 0 where every run ended right."""
    options = _options()
    began = time.monotonic()
    chosen = [each for each in OPERATIONS if options.operation in ("", each.name)]
    halves = [(half, options.processes) for half in range(options.processes)]
    readers = []
    for half in halves:
        read, write = os.pipe()
        if not os.fork():
            os.close(read)
            _work(chosen, options, half, write)
            os._exit(0)
        os.close(write)
        readers.append(read)
    verdicts: list[Verdict] = []
    calls: dict[str, int] = {}
    for read in readers:
        with os.fdopen(read) as stream:
            for line in stream:
                told = json.loads(line)
                if "calls" in told:
                    calls[told["operation"]] = told["calls"]
                else:
                    verdicts.append(Verdict(**told))
    for _ in readers:
        os.wait()
    return _tell(verdicts, calls, time.monotonic() - began, lost=len(calls) < len(chosen))


def _work(chosen: list, options: argparse.Namespace, half: tuple[int, int], write: int) -> None:
    number, of = half

    def wanted(fault: Fault) -> bool:
        here = options.at is None or fault.index == options.at
        return here and fault.index % of == number and options.kind in ("", fault.kind)

    with os.fdopen(write, "w") as stream:
        for operation in chosen:
            began = time.monotonic()
            explorer = Explorer(operation, wanted, pairs=options.pairs // of, seed=options.seed * of + number)
            explored = explorer.explore()
            for verdict in explored.verdicts:
                stream.write(json.dumps(vars(verdict)) + "\n")
            stream.write(json.dumps({"operation": operation.name, "calls": len(explored.calls)}) + "\n")
            stream.flush()
            wrong = sum(bool(verdict.wrongs) for verdict in explored.verdicts)
            print(
                f"  {operation.name} ({number + 1}/{of}): {len(explored.calls)} calls, "
                f"{len(explored.verdicts)} runs, {wrong} wrong, {time.monotonic() - began:.0f} s",
                flush=True,
            )


def _tell(verdicts: list[Verdict], calls: dict[str, int], seconds: float, *, lost: bool) -> int:
    wrong = [verdict for verdict in verdicts if verdict.wrongs]
    for verdict in wrong:
        print(f"WRONG {verdict.operation}: {' + '.join(verdict.faults)}: {verdict.status}")
        for what in verdict.wrongs:
            print(f"      {what}")
    print(f"{len(calls)} operations, {sum(calls.values())} calls, {len(verdicts)} runs in {seconds:.0f} s")
    print(", ".join(f"{count} {status}" for status, count in Counter(v.status for v in verdicts).items()))
    print(f"{len(wrong)} wrong")
    return 1 if wrong or lost else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("operation", nargs="?", default="", choices=["", *(each.name for each in OPERATIONS)])
    parser.add_argument("--pairs", type=int, default=60, help="pairs of faults for each operation")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--at", type=int, help="explore this call only")
    parser.add_argument("--kind", default="", help="explore this fault only")
    parser.add_argument("--processes", type=int, default=2)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
