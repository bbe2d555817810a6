"""What a Create or an Update asks for: its event read, its properties valid, its ids derived."""

from __future__ import annotations

from datetime import UTC, datetime

from massdriver_redis.cloudformation import poll_event
from massdriver_redis.cloudformation.request import Request
from massdriver_redis.errors import InvalidRequestError
from massdriver_redis.planner.target import Intent
from massdriver_redis.properties import parse
from massdriver_redis.state import naming
from massdriver_redis.state.desired import derived_id


def read_intent(request: Request, now: float, prefix: str) -> Intent:
    """Return what a Create or an Update asks for; raises InvalidRequestError for broken properties.

    The poll of a Create keeps the id of its schedule: a provider deployed meanwhile may derive another one.
    """
    if request.service_timeout_error:
        raise InvalidRequestError(request.service_timeout_error)
    owner, updates = request.owner, request.kind == "Update"
    properties = parse.read(request.properties, today=datetime.fromtimestamp(now, UTC).date())
    derived = derived_id(properties, owner)
    if request.is_poll and not updates:
        derived = poll_event.id_in(request.schedule_name)
    current_id = str(request.physical_id) if updates else derived
    naming.require_legal(current_id)
    return Intent(
        owner=owner,
        version=request.version,
        updates=updates,
        reverts=updates and request.properties != request.old_properties,
        properties=properties,
        previous=parse.read_previous(request.old_properties),
        current_id=current_id,
        derived_id=derived,
        prefix=prefix,
        is_dated=request.is_dated,
    )
