"""A simulator of Amazon ElastiCache replication groups, as an extension of moto with a clock.

It answers boto3 clients, takes as long as AWS takes, and refuses what AWS refuses with AWS's codes.
`Simulator` is its interface; `python -m tests.simulator` serves it over HTTP.

README.md says what is simulated, where it is stricter than AWS is known to be, and what is missing.
"""

from .http import Endpoint
from .simulator import Simulator
from .state import Change, GroupState, ReplicationGroup
from .surroundings import Subnet
from .timing import Quotas, Timing

__all__ = ["Change", "Endpoint", "GroupState", "Quotas", "ReplicationGroup", "Simulator", "Subnet", "Timing"]
