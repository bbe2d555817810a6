"""`python -m tools.acceptance [--check]`: what `make acceptance` runs.

It ends with 0 if all is as it should be, 1 if not, 2 if it did not begin; --check only reads the settings.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence

from tools.acceptance import budget, cleanup, divergence, life, settings, simulated
from tools.acceptance.run import Run, begin
from tools.acceptance.script import STEPS
from tools.acceptance.transcript import Entry


def main(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Lead the life, clean up whatever happened, and report; return the exit status."""
    try:
        given = settings.read(environ)
    except settings.RefusedError as refused:
        sys.stderr.write(f"{refused}\n")
        return 2
    if "--check" in arguments:
        return 0
    for line in budget.lines():
        sys.stdout.write(f"{line}\n")
    run = begin(given)
    run.say(f"run {run.name}: everything it makes bears this name; transcript {run.transcript.path}")
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    problem = _led(run)
    left = _cleaned(run)
    try:
        _report(run)
    finally:
        for each in left:
            run.say(f"NOT REMOVED: {each}")
        run.say(f"FAILED: {problem or 'the clean-up'}" if problem or left else "all as it should be")
    return 1 if problem or left else 0


def _led(run: Run) -> str:
    """Lead the life; return what went wrong, "" if nothing did."""
    try:
        life.lead(run)
    except KeyboardInterrupt:
        return "interrupted"
    except Exception as error:  # whatever it is: what was made must be removed first
        return f"{type(error).__name__}: {error}"
    return ""


def _cleaned(run: Run) -> list[str]:
    """Clean up, undisturbed; return what could not be removed."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(
            number, lambda *_: run.say("cleaning up: wait, or kill it and remove by the run's name")
        )
    return cleanup.clean_up(run)


def _report(run: Run) -> None:
    """Print, and keep next to the transcript, how the simulator's life differs."""
    entries, seconds = simulated.life()
    text = "\n".join(report_lines(run.transcript.entries, entries, run.seconds, seconds))
    path = run.transcript.path.with_suffix(".divergence.txt")
    path.write_text(f"{text}\n", "utf-8")
    sys.stdout.write(f"\n{text}\n\n")
    run.say(f"transcript {run.transcript.path}, {len(run.transcript.entries)} entries; report {path}")


def report_lines(
    real: Sequence[Entry],
    expected: Sequence[Entry],
    seconds: Mapping[str, float],
    simulated_seconds: Mapping[str, float],
) -> Iterator[str]:
    """Yield the divergence report: how long each step took, then one line for each divergence."""
    yield "Where the simulator would have answered otherwise"
    for step in STEPS:
        if step.name in seconds:
            took, simulated_took = seconds[step.name], simulated_seconds[step.name]
            yield f"  {step.name}: {took:.0f} s here, {simulated_took:.0f} s on the simulator"
    found = divergence.report(real, expected)
    yield f"{len(found)} divergence(s)"
    yield from (f"  - {each}" for each in found)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
