"""What the planner asks of AWS besides a look, as far as it can be told without asking."""

from __future__ import annotations

from dataclasses import replace

from massdriver_redis import catalog
from massdriver_redis.state.fields import engine_and_version
from massdriver_redis.state.observed import Group, NodeTypes, Observed

_OFF_SALE = ("3.2.6", "3.2.10")
_SIZES = ("large", "xlarge", "2xlarge", "4xlarge", "8xlarge", "12xlarge", "16xlarge", "24xlarge")
_FACTORS = dict(zip(_SIZES, (1, 2, 4, 8, 16, 24, 32, 48), strict=True))
_GIB = {"m": 6.4, "r": 13.1}
_SMALL = {"micro": 0.5, "small": 1.4, "medium": 3.1}


def details(world: Observed, engine: str, *, off_sale: bool) -> Observed:
    """Return `world` with every detail the planner may ask for; AWS has the last word on node types.

    The versions on offer are the catalog's, those `off_sale` included where an old cluster is made up.
    """
    wire = [catalog.creatable(engine, each, False, None) for each in catalog.versions(engine)]
    return replace(
        world,
        versions=(*(each for each in wire if each), *(_OFF_SALE if off_sale else ())),
        node_types=_node_types(world.group) if world.group else None,
        tags=world.tags or {},
        events=(),
    )


def _node_types(group: Group) -> NodeTypes:
    engine, version = engine_and_version(group)
    here = memory(group.node_type)
    fitting = [
        each
        for each in catalog.node_types()
        if engine == "valkey" or catalog.compare("redis", version, "redis", catalog.minimum_engine(each)) >= 0
    ]
    return NodeTypes(
        up=frozenset(each for each in fitting if memory(each) >= here and each != group.node_type),
        down=frozenset(each for each in fitting if memory(each) < here),
    )


def memory(node_type: str) -> float:
    """Return about how many GiB a node of this type holds (user guide, supported node types)."""
    _, family, size = node_type.split(".")
    return _SMALL[size] if family[0] == "t" else _GIB[family[0]] * _FACTORS[size]
