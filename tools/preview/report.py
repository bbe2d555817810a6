"""An update foreseen, in words: what each step interrupts, how long it takes, whether it rolls back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from massdriver_redis import catalog
from massdriver_redis.calls.base import Call
from massdriver_redis.properties import schemas
from massdriver_redis.state.observed import Observed, ReplicationGroup
from massdriver_redis.state.settings import SETTINGS
from tools.preview.foresight import Foreseen
from tools.preview.prediction import SUBNET_GROUP_ARN


@dataclass(frozen=True)
class Nature:
    """Of one step: its kind, how long it takes, and what a rollback makes of it."""

    kind: str
    takes: str
    rolls_back: str


IN_PLACE, SECONDS, REPLACEMENT = "in place", "interruption of seconds", "replacement"
_YES = "rolls back"
_SECONDS = Nature(IN_PLACE, "seconds", _YES)
_SETTING = Nature(IN_PLACE, "a minute or two", _YES)
_NATURES = {
    "increase_replica_count": Nature(IN_PLACE, "5 to 10 minutes", _YES),
    "decrease_replica_count": Nature(IN_PLACE, "5 to 10 minutes", _YES),
    "modify_replication_group_shard_configuration": Nature(
        IN_PLACE, "about a minute for each GB that moves", "rolls back by moving the data again"
    ),
    "modify_replication_group": _SETTING,
    "add_tags_to_resource": _SETTING,
    "remove_tags_from_resource": _SETTING,
}


def nature(call: Call, observed: Observed) -> Nature:
    """Return what kind of step `call` is on `observed`; durations are from Terraform's acceptance tests."""
    if observed.replication_group is None:
        return _new(call)
    if "EngineVersion" in call.request:
        live = observed.replication_group.engine
        after = (str(call.request.get("Engine", live.name)), str(call.request["EngineVersion"]))
        if catalog.is_way_back(*live, *after) or catalog.is_way_back(*after, *live):
            return Nature(SECONDS, "10 minutes and more", _YES)
        stays = "the upgrade stays, the node type rolls back" if "CacheNodeType" in call.request else "stays"
        return Nature(SECONDS, "10 minutes and more", stays)
    if "CacheNodeType" in call.request:
        kind = SECONDS if _scales_offline(observed.replication_group) else IN_PLACE
        return Nature(kind, "10 minutes and more, with the data", _YES)
    if call.request.get("ResourceName") == SUBNET_GROUP_ARN:
        return _SECONDS
    return _of_settings(call) or _NATURES.get(call.operation, _SECONDS)


def _of_settings(call: Call) -> Nature | None:
    """Return the nature of a change of settings: in place, and a rollback does what the schema says."""
    changed = [each.name for each in SETTINGS if each.parameter in call.request]
    reservations = {_declared(name, "x-rolls-back").removeprefix("yes") for name in changed}
    return replace(_SETTING, rolls_back=_YES + "".join(sorted(reservations))) if changed else None


def _declared(name: str, key: str) -> str:
    properties = schemas.schema("properties.json")["properties"]
    return str(properties[name][key]) if isinstance(properties, dict) and name in properties else ""


def _scales_offline(live: ReplicationGroup) -> bool:
    """Without cluster mode a node type changes with a short interruption below 5.0.5 (user guide)."""
    return not live.cluster_mode and catalog.compare(*live.engine, "redis", "5.0.5") < 0


def _new(call: Call) -> Nature:
    takes = "5 to 15 minutes" if call.operation == "create_replication_group" else "seconds"
    return Nature(REPLACEMENT, takes, "rolls back to the original cluster")


def lines(foreseen: Foreseen) -> Iterator[str]:
    """Yield the update line by line."""
    if foreseen.refusal:
        yield f"refused: {foreseen.refusal}"
        return
    if foreseen.replaced:
        yield f"replacement, for {', '.join(foreseen.replaced)}: a new, empty cluster in place of the old"
    for number, (call, observed) in enumerate(foreseen.steps, 1):
        known = nature(call, observed)
        yield f"{number}. {call.summary}: {known.kind}; {known.takes}; {known.rolls_back}"
    if foreseen.replaced:
        yield f"{len(foreseen.steps) + 1}. CloudFormation deletes the old cluster, after a final snapshot"
    if not foreseen.steps:
        yield "nothing to do"
    for warning in foreseen.warnings:
        yield f"warning: {warning}"
