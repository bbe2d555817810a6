"""An external resource records a change before it requests it, and forgets it where AWS refuses."""

from __future__ import annotations

import pytest

from massdriver_redis.aws.session import connect
from massdriver_redis.calls import base as calls
from massdriver_redis.calls import ec2, elasticache
from massdriver_redis.errors import ResourceError, TransientError
from massdriver_redis.planner.decision import PlanContext
from massdriver_redis.reconciler.external import ExternalResource
from massdriver_redis.state.naming import names
from massdriver_redis.state.record import LAST_REQUESTED_CHANGE, OperationRecord, RequestVersion
from tests.harness.builders import MINE, desired
from tests.harness.logs import captured
from tests.harness.moto_aws import REGION, MotoAws
from tests.harness.recorder import Recorder, client_error

NAMES = names("cache", "mdr-1a2b3c4d")
VERSION = RequestVersion("request", 1.0)
CHANGE = calls.ExpectedChange((("node_type", "cache.r5.large"),))
CALL = elasticache.modify_replication_group("cache", {"CacheNodeType": "cache.r5.large"}, "scale up", CHANGE)


@pytest.fixture
def cloud():
    with MotoAws() as made:
        made.make(made.request(ReplicationGroupDescription=MINE.marker))
        yield made


@pytest.fixture
def external(cloud):
    cloud.make_security_group(cloud.vpc, NAMES.security_group, MINE.marker)
    made = ExternalResource(connect(None, REGION, "shop.Redis"), NAMES, MINE, cloud.clock)
    made.observe()
    return made


def recorded(external):
    return OperationRecord.read(external.observe().security_group.tags).requested


def refusing(*operations, code="InvalidParameterValue"):
    def refuse(call, _index):
        if call.operation in operations:
            raise client_error(code, operation=call.operation)

    return refuse


def test_a_change_is_on_record_before_it_is_requested(external, cloud):
    with Recorder() as recorder:
        assert external.apply(CALL, VERSION)

    assert [call.operation for call in recorder.calls] == ["CreateTags", "ModifyReplicationGroup"]
    requested = recorded(external)
    assert (requested.change, requested.at) == (CHANGE, cloud.clock.now())
    assert requested.by("request")


@pytest.mark.parametrize(
    ("code", "kind"), [("InvalidParameterValue", ResourceError), ("Throttling", TransientError)]
)
def test_a_change_that_aws_refuses_is_removed_from_the_record(external, code, kind):
    with Recorder(before=refusing("ModifyReplicationGroup", code=code)), pytest.raises(kind):
        external.apply(CALL, VERSION)

    assert recorded(external) is None


def test_a_change_that_stays_on_record_is_logged_and_the_refusal_stands(external):
    with (
        Recorder(before=refusing("ModifyReplicationGroup", "DeleteTags")),
        captured() as log,
        pytest.raises(ResourceError, match="ModifyReplicationGroup"),
    ):
        external.apply(CALL, VERSION)

    assert "stays on record" in log.getvalue()
    assert recorded(external) is not None


def test_a_change_that_can_not_be_recorded_is_not_requested(external):
    with (
        Recorder(before=refusing("CreateTags")) as recorder,
        pytest.raises(ResourceError, match="CreateTags"),
    ):
        external.apply(CALL, VERSION)

    # The record may have been written all the same.
    assert [call.operation for call in recorder.calls] == ["CreateTags", "DeleteTags"]


def test_a_call_that_is_no_change_is_made_without_a_record(external):
    with Recorder() as recorder:
        external.apply(ec2.allow_ingress(external.observed.security_group.id, "10.1.0.0/16"), VERSION)

    assert [call.operation for call in recorder.calls] == ["AuthorizeSecurityGroupIngress"]


def test_a_refused_call_without_a_record_has_nothing_to_remove(external):
    call = ec2.allow_ingress(external.observed.security_group.id, "10.1.0.0/16")
    with (
        Recorder(before=refusing("AuthorizeSecurityGroupIngress")) as recorder,
        pytest.raises(ResourceError, match="AuthorizeSecurityGroupIngress"),
    ):
        external.apply(call, VERSION)

    assert len(recorder.calls) == 1


def test_without_a_security_group_a_change_is_requested_without_a_record(cloud):
    bare = ExternalResource(connect(None, REGION, "shop.Redis"), NAMES, MINE, cloud.clock)
    bare.observe()

    with Recorder() as recorder:
        bare.apply(CALL, VERSION)
        bare.mark({LAST_REQUESTED_CHANGE: "x"})

    assert [call.operation for call in recorder.calls] == ["ModifyReplicationGroup"]


def test_without_a_security_group_there_is_no_record_to_remove(cloud):
    bare = ExternalResource(connect(None, REGION, "shop.Redis"), NAMES, MINE, cloud.clock)
    bare.observe()

    with Recorder(before=refusing("ModifyReplicationGroup")), pytest.raises(ResourceError):
        bare.apply(CALL, VERSION)


def test_details_are_forgotten_by_the_next_observation(external):
    context = PlanContext(now=0.0, request_version=VERSION, may_create=True)
    external.observe_details(desired(node_type="cache.r5.large"), context, 0.0)
    assert external.observed.details == {"node_types"}
    assert "cache.r5.large" in external.observed.node_types.up

    assert external.observe().details == frozenset()
