"""A simulator of Amazon ElastiCache replication groups, as an extension of moto with a clock.

It answers real boto3 clients, takes the time AWS takes, and refuses what AWS refuses with AWS's
codes. `Simulator` is its face; `python -m tests.simulator` serves it over HTTP.
"""

from .http import Endpoint
from .simulator import Simulator
from .state import Change, Group, Moment
from .timing import Quotas, Timing

__all__ = ["Change", "Endpoint", "Group", "Moment", "Quotas", "Simulator", "Timing"]
