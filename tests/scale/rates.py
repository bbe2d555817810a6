"""How many requests a second AWS takes of one account in one Region, and what it says to the others."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from tests.simulator.errors import Refusal

_READS = ("Describe", "Get", "List")


@dataclass(frozen=True)
class Rate:
    """A token bucket: what flows in each second, and what it holds at most."""

    per_second: float
    burst: float


READS_OF_ELASTICACHE = Rate(20, 20)
"""All of them together; AWS publishes no number. Twenty a second is what this test is about."""

WRITES_OF_ELASTICACHE = Rate(5, 20)
"""AWS publishes no number; the refill of EC2's writes is assumed."""

READS_OF_EC2, WRITES_OF_EC2 = Rate(20, 100), Rate(5, 50)
"""Each operation has its own bucket (Amazon EC2 Developer Guide, "Request throttling for the Amazon EC2 API":
non-mutating actions 100 and 20 a second, mutating actions 50 and 5 a second)."""

DESCRIBE_STACKS = Rate(5, 5)
"""AWS publishes no number; what users were told is 5 a second, not to be raised (aws/aws-sam-cli#2671)."""

SCHEDULER = Rate(50, 50)
"""Each operation (EventBridge Scheduler User Guide, "Quotas", has a rate for each; the least is assumed)."""

SECRET_READS, SECRET_WRITES = Rate(10_000, 10_000), Rate(50, 50)
"""Secrets Manager User Guide, "AWS Secrets Manager quotas": DescribeSecret and GetSecretValue 10,000 a second
together, each write 50 a second."""

_REFUSALS = {
    "ec2": ("RequestLimitExceeded", "Request limit exceeded."),
    "elasticache": ("Throttling", "Rate exceeded"),
    "cloudformation": ("Throttling", "Rate exceeded"),
    "scheduler": ("ThrottlingException", "Rate exceeded"),
    "secretsmanager": ("ThrottlingException", "Rate exceeded"),
}
"""Each service's own code and words; of the query protocol as in aws/aws-cli#8604."""


class Rates:
    """The buckets of one account in one Region, of which this test has a `share`.

    `taken` and `refused` count requests by service and kind.
    """

    def __init__(self, share: float = 1.0) -> None:
        self._share = share
        self.taken: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self._left: dict[str, tuple[float, float]] = {}

    def take(self, service: str, operation: str, now: float) -> None:
        """Count a request; raise Refusal where it is one too many, which costs no token."""
        name, rate = _bucket(service, operation)
        most = max(1.0, rate.burst * self._share)
        held, at = self._left.get(name, (most, now))
        held = min(most, held + (now - at) * rate.per_second * self._share)
        granted = held >= 1
        self._left[name] = (held - granted, now)
        kind = f"{service} {'reads' if operation.startswith(_READS) else 'writes'}"
        (self.taken if granted else self.refused)[kind] += 1
        if not granted:
            raise Refusal(*_REFUSALS[service])


def _bucket(service: str, operation: str) -> tuple[str, Rate]:
    """Return the bucket that a request draws on."""
    reads = operation.startswith(_READS)
    match service:
        case "elasticache":
            return f"{service} {reads}", READS_OF_ELASTICACHE if reads else WRITES_OF_ELASTICACHE
        case "ec2":
            return f"{service} {operation}", READS_OF_EC2 if reads else WRITES_OF_EC2
        case "secretsmanager":
            return (f"{service} reads", SECRET_READS) if reads else (operation, SECRET_WRITES)
        case "cloudformation":
            return operation, DESCRIBE_STACKS
        case "scheduler":
            return f"{service} {operation}", SCHEDULER
    raise NotImplementedError(f"no rate of {service} is known")
