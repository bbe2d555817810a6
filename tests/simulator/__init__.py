"""A simulator of Amazon ElastiCache replication groups, as an extension of moto with a clock.

It answers boto3 clients, takes as long as AWS takes, and refuses what AWS refuses with AWS's codes.
`Simulator` is its interface; `python -m tests.simulator` serves it over HTTP.

Where AWS publishes no rule, or no text, the simulator is the stricter one: a call that changes the token
changes nothing else, Multi-AZ keeps the last replica in cluster mode as well, Multi-AZ needs subnets in
two zones, node groups that are not available refuse changes like the replication group itself, and the
maintenance window that AWS picks for a replication group overlaps a morning snapshot window.
"""

from .http import Endpoint
from .simulator import Simulator
from .state import Change, GroupState, ReplicationGroup
from .surroundings import Subnet
from .timing import Quotas, Timing

__all__ = ["Change", "Endpoint", "GroupState", "Quotas", "ReplicationGroup", "Simulator", "Subnet", "Timing"]
