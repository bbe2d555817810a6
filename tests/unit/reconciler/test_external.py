"""A site records a change before it asks for it, and strikes it out where AWS refuses."""

from __future__ import annotations

import pytest

from massdriver_redis.aws.session import connect
from massdriver_redis.calls import base as calls
from massdriver_redis.calls import elasticache as group_calls
from massdriver_redis.errors import BusyError, ResourceError
from massdriver_redis.planner.decision import Look
from massdriver_redis.reconciler.external import Site
from massdriver_redis.state.naming import names
from massdriver_redis.state.record import REQUESTED, Ledger, Stamp
from tests.harness.logs import captured
from tests.harness.moto_aws import REGION, Cloud
from tests.harness.recorder import Wire, client_error

NAMES = names("cache", "mdr-1a2b3c4d")
STAMP = Stamp("request", 1.0)
CHANGE = calls.Change((("node_type", "cache.r5.large"),), was="cache.t3.small")
CALL = group_calls.modify_group("cache", {"CacheNodeType": "cache.r5.large"}, "scale up", CHANGE)


@pytest.fixture
def cloud():
    with Cloud() as made:
        made.make()
        yield made


@pytest.fixture
def site(cloud):
    cloud.make_security_group(cloud.vpc, NAMES.security_group)
    made = Site(connect(None, REGION), NAMES, cloud.clock)
    made.look()
    return made


def recorded(site):
    return Ledger.read(site.look().security_group.tags).requested


def refusing(*operations, code="InvalidParameterValue"):
    def refuse(call, _index):
        if call.operation in operations:
            raise client_error(code, operation=call.operation)

    return refuse


def test_a_change_is_on_record_before_it_is_asked_for(site, cloud):
    with Wire() as wire:
        assert site.make(CALL, STAMP) == "made"

    assert [call.operation for call in wire.calls] == ["CreateTags", "ModifyReplicationGroup"]
    requested = recorded(site)
    assert (requested.change, requested.at) == (CHANGE, cloud.clock.now())
    assert requested.by("request")


@pytest.mark.parametrize(
    ("code", "kind"), [("InvalidParameterValue", ResourceError), ("Throttling", BusyError)]
)
def test_a_change_that_aws_refuses_is_struck_out(site, code, kind):
    with Wire(before=refusing("ModifyReplicationGroup", code=code)), pytest.raises(kind):
        site.make(CALL, STAMP)

    assert recorded(site) is None


def test_a_change_that_can_not_be_struck_out_is_told_to_the_log_and_the_refusal_stands(site):
    with (
        Wire(before=refusing("ModifyReplicationGroup", "DeleteTags")),
        captured() as log,
        pytest.raises(ResourceError, match="ModifyReplicationGroup"),
    ):
        site.make(CALL, STAMP)

    assert "stays on record" in log.getvalue()
    assert recorded(site) is not None


def test_a_change_that_can_not_be_recorded_is_not_asked_for(site):
    with Wire(before=refusing("CreateTags")) as wire, pytest.raises(ResourceError, match="CreateTags"):
        site.make(CALL, STAMP)

    # The note may have been taken all the same.
    assert [call.operation for call in wire.calls] == ["CreateTags", "DeleteTags"]


def test_a_call_that_is_no_change_is_made_without_a_note(site):
    with Wire() as wire:
        site.make(calls.allow_ingress(site.world.security_group.id, "10.1.0.0/16"), STAMP)

    assert [call.operation for call in wire.calls] == ["AuthorizeSecurityGroupIngress"]


def test_a_refused_call_without_a_note_has_nothing_to_strike_out(site):
    call = calls.allow_ingress(site.world.security_group.id, "10.1.0.0/16")
    with (
        Wire(before=refusing("AuthorizeSecurityGroupIngress")) as wire,
        pytest.raises(ResourceError, match="AuthorizeSecurityGroupIngress"),
    ):
        site.make(call, STAMP)

    assert len(wire.calls) == 1


def test_without_a_security_group_a_change_is_asked_for_without_a_record(cloud):
    bare = Site(connect(None, REGION), NAMES, cloud.clock)
    bare.look()

    with Wire() as wire:
        bare.make(CALL, STAMP)
        bare.mark({REQUESTED: "x"})

    assert [call.operation for call in wire.calls] == ["ModifyReplicationGroup"]


def test_without_a_security_group_there_is_nothing_to_strike_out(cloud):
    bare = Site(connect(None, REGION), NAMES, cloud.clock)
    bare.look()

    with Wire(before=refusing("ModifyReplicationGroup")), pytest.raises(ResourceError):
        bare.make(CALL, STAMP)


def test_details_are_forgotten_by_the_next_look(site):
    site.look_closer(Look("versions"), "redis", 0.0)
    assert site.world.versions

    assert site.look().versions is None
