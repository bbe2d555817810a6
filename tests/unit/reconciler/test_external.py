"""A site records a change before it asks for it, and strikes it out where AWS refuses."""

from __future__ import annotations

import pytest

from massdriver_redis.aws.session import connect
from massdriver_redis.calls import base as calls
from massdriver_redis.calls import elasticache as group_calls
from massdriver_redis.errors import ResourceError, TransientError
from massdriver_redis.planner.decision import Look
from massdriver_redis.reconciler.external import ExternalResource
from massdriver_redis.state.naming import names
from massdriver_redis.state.record import LAST_REQUESTED_CHANGE, OperationRecord, RequestVersion
from tests.harness.logs import captured
from tests.harness.moto_aws import REGION, MotoAws
from tests.harness.recorder import Recorder, client_error

NAMES = names("cache", "mdr-1a2b3c4d")
STAMP = RequestVersion("request", 1.0)
CHANGE = calls.ExpectedChange((("node_type", "cache.r5.large"),), was="cache.t3.small")
CALL = group_calls.modify_group("cache", {"CacheNodeType": "cache.r5.large"}, "scale up", CHANGE)


@pytest.fixture
def cloud():
    with MotoAws() as made:
        made.make()
        yield made


@pytest.fixture
def site(cloud):
    cloud.make_security_group(cloud.vpc, NAMES.security_group)
    made = ExternalResource(connect(None, REGION), NAMES, cloud.clock)
    made.look()
    return made


def recorded(site):
    return OperationRecord.read(site.look().security_group.tags).requested


def refusing(*operations, code="InvalidParameterValue"):
    def refuse(call, _index):
        if call.operation in operations:
            raise client_error(code, operation=call.operation)

    return refuse


def test_a_change_is_on_record_before_it_is_asked_for(site, cloud):
    with Recorder() as recorder:
        assert site.make(CALL, STAMP) == "made"

    assert [call.operation for call in recorder.calls] == ["CreateTags", "ModifyReplicationGroup"]
    requested = recorded(site)
    assert (requested.change, requested.at) == (CHANGE, cloud.clock.now())
    assert requested.by("request")


@pytest.mark.parametrize(
    ("code", "kind"), [("InvalidParameterValue", ResourceError), ("Throttling", TransientError)]
)
def test_a_change_that_aws_refuses_is_struck_out(site, code, kind):
    with Recorder(before=refusing("ModifyReplicationGroup", code=code)), pytest.raises(kind):
        site.make(CALL, STAMP)

    assert recorded(site) is None


def test_a_change_that_can_not_be_struck_out_is_told_to_the_log_and_the_refusal_stands(site):
    with (
        Recorder(before=refusing("ModifyReplicationGroup", "DeleteTags")),
        captured() as log,
        pytest.raises(ResourceError, match="ModifyReplicationGroup"),
    ):
        site.make(CALL, STAMP)

    assert "stays on record" in log.getvalue()
    assert recorded(site) is not None


def test_a_change_that_can_not_be_recorded_is_not_asked_for(site):
    with (
        Recorder(before=refusing("CreateTags")) as recorder,
        pytest.raises(ResourceError, match="CreateTags"),
    ):
        site.make(CALL, STAMP)

    # The note may have been taken all the same.
    assert [call.operation for call in recorder.calls] == ["CreateTags", "DeleteTags"]


def test_a_call_that_is_no_change_is_made_without_a_note(site):
    with Recorder() as recorder:
        site.make(calls.allow_ingress(site.observed.security_group.id, "10.1.0.0/16"), STAMP)

    assert [call.operation for call in recorder.calls] == ["AuthorizeSecurityGroupIngress"]


def test_a_refused_call_without_a_note_has_nothing_to_strike_out(site):
    call = calls.allow_ingress(site.observed.security_group.id, "10.1.0.0/16")
    with (
        Recorder(before=refusing("AuthorizeSecurityGroupIngress")) as recorder,
        pytest.raises(ResourceError, match="AuthorizeSecurityGroupIngress"),
    ):
        site.make(call, STAMP)

    assert len(recorder.calls) == 1


def test_without_a_security_group_a_change_is_asked_for_without_a_record(cloud):
    bare = ExternalResource(connect(None, REGION), NAMES, cloud.clock)
    bare.look()

    with Recorder() as recorder:
        bare.make(CALL, STAMP)
        bare.mark({LAST_REQUESTED_CHANGE: "x"})

    assert [call.operation for call in recorder.calls] == ["ModifyReplicationGroup"]


def test_without_a_security_group_there_is_nothing_to_strike_out(cloud):
    bare = ExternalResource(connect(None, REGION), NAMES, cloud.clock)
    bare.look()

    with Recorder(before=refusing("ModifyReplicationGroup")), pytest.raises(ResourceError):
        bare.make(CALL, STAMP)


def test_details_are_forgotten_by_the_next_look(site):
    site.observe_detail(Look("versions"), "redis", 0.0)
    assert site.observed.versions

    assert site.look().versions is None
