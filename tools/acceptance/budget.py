"""How long a run takes and what it costs, before it begins."""

from __future__ import annotations

from collections.abc import Iterator

from tools.acceptance.script import NODE_TYPE, STEPS

NODE_HOUR = 0.017
"""USD for an hour of cache.t3.micro on demand in us-east-1 (https://aws.amazon.com/elasticache/pricing/)."""

SMALL_THINGS = 0.05
"""USD for two secrets and two snapshots that live for hours, and for the functions, on the long side."""

PROVIDER_MINUTES = 8
"""To deploy the provider and to delete it."""

WORST = 3
"""How many times longer everything may take before somebody should look."""


def minutes() -> int:
    """Return how long a run takes, on the long side."""
    return sum(step.minutes for step in STEPS) + PROVIDER_MINUTES


def node_hours() -> float:
    """Return the hours of nodes that a run pays for, on the long side."""
    return sum(step.minutes * step.nodes for step in STEPS) / 60


def summary() -> str:
    """Return time and money in a few words."""
    return f"about {minutes()} minutes and {node_hours() * NODE_HOUR:.2f} USD"


def lines() -> Iterator[str]:
    """Yield the estimate, step by step."""
    yield f"{'step':<10} {'minutes':>7} {'nodes':>5}  what"
    for step in STEPS:
        yield f"{step.name:<10} {step.minutes:>7} {step.nodes:>5}  {step.what}"
    hours, dollars = node_hours(), node_hours() * NODE_HOUR
    yield (
        f"time: about {minutes()} minutes. Cost: {hours:.1f} hours of {NODE_TYPE} at {NODE_HOUR} USD "
        f"(us-east-1): {dollars:.2f} USD; secrets, snapshots and functions: under {SMALL_THINGS} USD."
    )
    yield (
        f"budget: {WORST * dollars + SMALL_THINGS:.2f} USD, if all takes {WORST} times as long. "
        f"A node that could not be removed costs {24 * NODE_HOUR:.2f} USD a day."
    )
