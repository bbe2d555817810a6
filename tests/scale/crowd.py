"""One Region with many clusters: each stack has its own part of AWS, and all share the account's rates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

from tests.harness.inmemory_aws import REGION, InMemoryAws
from tests.harness.schedules import Schedule
from tests.simulator.errors import Refusal
from tests.simulator.pages import page

from .rates import Rates
from .timeline import Timeline

SECONDS_OF_A_CALL = (0.05, 0.10)
_ATTEMPTS = 3
"""What `aws.session` sets; botocore's mode "standard" pauses before another for up to 1, then 2 seconds."""

_LISTS = {
    "DescribeCacheClusters": ("CacheClusters", "CacheClusterId"),
    "DescribeReplicationGroups": ("ReplicationGroups", "ReplicationGroupId"),
}
Params = dict[str, Any]


class CrowdedAws(InMemoryAws):
    """AWS with `others` other clusters in the Region, of one node each; every call takes time.

    `part` says of which stack the running invocation is. `armed` is called with each new schedule. What the
    stacks' parts have in common are the rates and EventBridge Scheduler; a stack sees its own clusters and
    the others, but no cluster of another stack, which would make a list of the Region no shorter.
    """

    def __init__(
        self,
        timeline: Timeline,
        others: int,
        *,
        part: Callable[[], InMemoryAws],
        armed: Callable[[Schedule], None],
        random: Random,
        rates: Rates,
    ) -> None:
        super().__init__(clock=timeline)
        self.rates = rates
        self.calls: Counter[str] = Counter()
        self._part = part
        self._armed = armed
        self._random = random
        self._others = [f"other-{number:05d}" for number in range(others)]

    def answer(self, service: str, operation: str, params: Params, region: str = REGION) -> Any:
        """Answer as botocore does that tries a throttled request again."""
        for attempt in range(_ATTEMPTS):
            self.clock.sleep(self._random.uniform(*SECONDS_OF_A_CALL))
            self.calls[f"{service}:{operation}"] += 1
            try:
                self.rates.take(service, operation, self.clock.now())
                break
            except Refusal:
                if attempt + 1 == _ATTEMPTS:
                    raise
                self.clock.sleep(self._random.random() * 2**attempt)
        return self._granted(service, operation, params, region)

    def _granted(self, service: str, operation: str, params: Params, region: str) -> Any:
        if service == "scheduler":
            answer = super().answer(service, operation, params, region)
            if operation == "CreateSchedule":
                self._armed(self.schedules.find(params["Name"], params["GroupName"]))
            return answer
        if operation in _LISTS and _LISTS[operation][1] not in params:
            return self._listed(operation, params)
        return self._part().answer(service, operation, params, region)

    def _listed(self, operation: str, params: Params) -> Params:
        key, name = _LISTS[operation]
        own = self._part().answer("elasticache", operation, {})[key]
        found = [*({name: other} for other in self._others), *own]
        return page(key, sorted(found, key=lambda shown: str(shown[name])), params)
