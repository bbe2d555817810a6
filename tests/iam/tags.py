"""The tags by which IAM judges a resource of the simulated ElastiCache."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.simulator import Simulator

_NODE = re.compile(r"(-\d{4})?-\d{3}$")


def of_elasticache(simulator: Simulator, arn: str) -> dict[str, str]:
    """Return the tags of a replication group, or of a node, which has those of its group (user guide,
    "Tagging your ElastiCache resources"); of anything else none.
    """
    kind, name = [*arn.split(":")[5:], "", ""][:2]
    group = _NODE.sub("", name) if kind == "cluster" else name
    known = kind in ("replicationgroup", "cluster") and group in {each.id for each in simulator.groups()}
    return dict(simulator.tags(group)) if known else {}
