"""The details that the planner needs, to the extent that they are known without asking AWS."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

from massdriver_redis import catalog
from massdriver_redis.state.observed import Detail, NodeTypes, Observed, ReplicationGroup

_OFF_SALE = ("3.2.6", "3.2.10")
_SIZES = ("large", "xlarge", "2xlarge", "4xlarge", "8xlarge", "12xlarge", "16xlarge", "24xlarge")
_FACTORS = dict(zip(_SIZES, (1, 2, 4, 8, 16, 24, 32, 48), strict=True))
_GIB = {"c": 3.1, "m": 6.4, "r": 13.1}
_SMALL = {"micro": 0.5, "small": 1.4, "medium": 3.1}


def details(observed: Observed, engine: str, *, off_sale: bool) -> Observed:
    """Return the observation with every detail; AWS has the last word on node types.

    The versions on offer are the catalog's, those `off_sale` included where an old cluster is made up.
    """
    wire = [catalog.creatable(engine, each, False, None) for each in catalog.versions(engine)]
    return replace(
        observed,
        details=frozenset(get_args(Detail)),
        versions=(*(each for each in wire if each), *(_OFF_SALE if off_sale else ())),
        node_types=_node_types(observed.replication_group) if observed.replication_group else NodeTypes(),
    )


def _node_types(live: ReplicationGroup) -> NodeTypes:
    here = memory(live.node_type)
    fitting = [each for each in catalog.node_types() if catalog.runs_on(each, *live.engine)]
    return NodeTypes(
        up=frozenset(each for each in fitting if memory(each) >= here and each != live.node_type),
        down=frozenset(each for each in fitting if memory(each) < here),
    )


def memory(node_type: str) -> float:
    """Return about how many GiB a node of this type holds (user guide, supported node types)."""
    _, family, size = node_type.split(".")
    return _SMALL[size] if family[0] == "t" else _GIB[family[0]] * _FACTORS[size]
