"""A simulator of Amazon ElastiCache replication groups, as an extension of moto with a clock.

It answers real boto3 clients, takes the time AWS takes, and refuses what AWS refuses with AWS's
codes. `Simulator` is its face; `python -m tests.simulator` serves it over HTTP.

Where AWS publishes no rule, or no text, it takes the stricter reading: a token shares its call with
nothing else, Multi-AZ keeps the last replica in cluster mode as well, all subnets in one zone rule
out Multi-AZ, node groups still moving refuse changes like the group itself, and the maintenance
window AWS picks for a group that names only its snapshot window meets a morning backup.
"""

from .http import Endpoint
from .simulator import Simulator
from .state import Change, Group, Moment
from .timing import Quotas, Timing

__all__ = ["Change", "Endpoint", "Group", "Moment", "Quotas", "Simulator", "Timing"]
