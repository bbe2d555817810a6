"""The loop of an invocation: arming, order, deadlines, and what faults of AWS come to."""

from __future__ import annotations

import json
from dataclasses import replace
from unittest import mock

import pytest

from massdriver_redis.cloudformation.delivery import RefusedError, UnreachableError
from massdriver_redis.handler import UndeliveredError
from massdriver_redis.planner import create
from massdriver_redis.reconciler.retries import IAM_SPREADS, RETRY_WINDOW
from tests.harness.cloudformation import KilledError
from tests.harness.recorder import client_error
from tests.harness.samples import authentication, put
from tests.harness.schedules import arm_others
from tests.harness.stack import BRISK, NAME, SLOW, StackUnderTest, failing, lost_response

CREATE_STEPS = [
    "ec2:CreateSecurityGroup",
    "secretsmanager:CreateSecret",
    "elasticache:CreateCacheSubnetGroup",
    "elasticache:CreateReplicationGroup",
    "ec2:AuthorizeSecurityGroupIngress",
    "ec2:CreateTags",
]
DELETE_STEPS = [
    "ec2:CreateTags",
    "elasticache:DeleteReplicationGroup",
    "elasticache:DeleteCacheSubnetGroup",
    "secretsmanager:DeleteSecret",
    "ec2:DeleteSecurityGroup",
]
LOOKS = [
    "elasticache:DescribeReplicationGroups",
    "elasticache:DescribeCacheSubnetGroups",
    "ec2:DescribeSecurityGroups",
    "secretsmanager:DescribeSecret",
]


@pytest.fixture
def slow():
    with StackUnderTest(SLOW) as made:
        yield made


def first(stack, name):
    return next(index for index, call in enumerate(stack.recorder.calls) if call.name == name)


# Arming


def test_the_schedule_is_created_before_any_other_write_of_every_operation(real):
    properties = real.properties()

    def armed_before(operation):
        real.recorder.clear()
        operation()
        calls = [call.name for call in real.recorder.mutations()]
        return calls[0] == "scheduler:CreateSchedule" and len(calls) > 2

    assert armed_before(lambda: real.create(NAME, properties))
    assert armed_before(lambda: real.update(NAME, {**properties, "replicas": 1}))
    assert armed_before(lambda: real.delete(NAME))


def test_open_work_leaves_the_schedule_and_sends_nothing(slow):
    request = slow.prepare("Create", slow.properties())

    summary = slow.invoke(request.event)

    assert summary["status"] == "PENDING"
    (name,) = slow.armed()
    assert name.startswith(f"{summary['physical_resource_id']}-")
    assert request.puts == []


def test_a_response_deletes_the_schedule(slow):
    slow.created()

    assert slow.armed() == []


def test_a_raise_while_polling_gives_one_failed_and_leaves_no_schedule(stack):
    with mock.patch.object(create, "creation_request", side_effect=RuntimeError("boom")):
        response = stack.create(NAME, stack.properties())

    assert not response.ok
    assert response.reason == "Internal error, RuntimeError: boom"
    assert stack.armed() == []
    (request,) = stack.requests.values()
    assert len(request.puts) == 1


def test_a_no_op_answers_at_once_and_leaves_no_trace(real):
    real.created()

    response = real.changed(real.properties())

    assert response.ok
    assert (response.seconds, response.polls) == (0, 0)
    assert real.writes() == []
    assert real.armed() == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"secure": False}, "secure: can't change on a live cluster"),
        ({"cluster_mode_enabled": True}, "cluster_mode_enabled: can't change on a live cluster"),
        ({"redis_version": "5.0"}, "can't downgrade"),
        ({"node_type": "cache.t3.mikro"}, "node_type: "),
    ],
)
def test_a_refused_change_answers_at_once_and_leaves_no_trace(stack, change, words):
    stack.created()

    response = stack.changed(stack.properties(**change))

    assert not response.ok
    assert words in response.reason
    assert (response.seconds, response.polls) == (0, 0)
    assert stack.writes() == []
    assert stack.armed() == []


def test_the_swapped_update_after_a_refused_one_is_a_success_that_changes_the_record_alone(stack):
    stack.created()
    assert not stack.changed(stack.properties(secure=False)).ok

    response = stack.roll_back(NAME)

    assert response.ok
    # Accepted and answered: so a late copy of the refused update is known as such.
    assert stack.writes() == ["ec2:CreateTags", "ec2:CreateTags"]


def test_where_the_schedule_can_not_be_created_nothing_is_made(stack):
    stack.recorder.before = failing("scheduler:CreateSchedule", "AccessDeniedException", times=None)

    response = stack.create(NAME, stack.properties())

    assert not response.ok
    assert response.reason.startswith("scheduler:CreateSchedule was denied")
    assert stack.writes() == []


def test_a_region_out_of_schedules_fails_with_the_remedy_and_makes_nothing(stack):
    stack.recorder.before = failing("scheduler:CreateSchedule", "ServiceQuotaExceededException", times=None)

    response = stack.create(NAME, stack.properties())

    assert "takes no more schedules" in response.reason
    assert stack.writes() == []


def test_a_first_delivery_that_can_not_create_its_schedule_is_tried_as_long_as_it_lasts(stack):
    request = stack.prepare("Create", stack.properties())
    began = stack.clock.now()
    stack.recorder.before = failing("scheduler:CreateSchedule", "ThrottlingException", times=8)

    assert stack.run_from(request).ok
    assert 80 <= stack.clock.now() - began <= 90 + 60


@pytest.mark.parametrize("kind", ["Create", "Update", "Delete"])
def test_a_first_delivery_that_never_can_is_handed_back_to_lambda(stack, kind):
    if kind != "Create":
        stack.created()
    request = stack.prepare(kind, stack.properties(replicas=1) if kind != "Delete" else None)
    stack.recorder.before = failing("scheduler:CreateSchedule", "ThrottlingException", times=None)

    with pytest.raises(UndeliveredError):
        stack.invoke(request.event)

    assert request.puts == []
    stack.recorder.before = None
    assert stack.run_from(request).ok


def test_the_schedule_carries_the_request_and_no_token(slow):
    request = slow.prepare("Create", slow.properties())
    physical_id = slow.invoke(request.event)["physical_resource_id"]

    (carried,) = slow.polls()

    assert carried["CrHelperPoll"] is True
    assert {key: carried[key] for key in request.event} == request.event
    assert slow.token(physical_id) not in json.dumps(carried)


# Looking


def test_an_invocation_goes_on_looking_every_ten_seconds_for_forty_five(slow):
    request = slow.prepare("Create", slow.properties())
    began = slow.clock.now()

    slow.invoke(request.event)

    assert slow.clock.now() - began == 40
    looked = len(slow.calls("elasticache:DescribeReplicationGroups"))
    assert 5 <= looked <= 12


def test_an_invocation_leaves_lambda_thirty_seconds_to_answer(slow):
    request = slow.prepare("Create", slow.properties())
    began = slow.clock.now()

    assert slow.invoke(request.event, seconds=55)["status"] == "PENDING"

    assert slow.clock.now() - began == 20


def test_readiness_is_answered_seconds_after_it_happens(slow):
    response = slow.create(NAME, slow.properties())

    assert response.ok
    ready = SLOW.create + SLOW.member_lag
    assert ready <= response.seconds <= ready + 60


def test_a_success_is_answered_only_once_every_member_is_settled(slow):
    slow.created(replicas=1)

    assert {
        shown["CacheClusterStatus"] for shown in slow.elasticache.describe_cache_clusters()["CacheClusters"]
    } == {"available"}


# One of everything


def kinds_of(stack):
    groups = [group.id for group in stack.simulator.groups()]
    return len(groups), len(stack.security_groups()), len(stack.secrets()), len(stack.simulator.leftovers())


def test_the_same_create_delivered_twice_makes_one_of_everything(slow):
    request = slow.prepare("Create", slow.properties())
    slow.invoke(request.event)
    slow.invoke(request.event)

    response = slow.run(request)

    assert response.ok
    assert kinds_of(slow) == (1, 1, 1, 2)
    assert len(slow.calls("elasticache:CreateReplicationGroup")) == 1
    assert response.data["password"] == slow.simulator.auth_token(response.physical_id)


@pytest.mark.parametrize("step", ["scheduler:CreateSchedule", *CREATE_STEPS])
def test_two_invocations_at_once_make_one_of_everything(stack, step):
    request = stack.prepare("Create", stack.properties())
    other = []

    def second(call, _index):
        if call.name == step and not other:
            other.append(None)
            other.append(stack.invoke_elsewhere(request.event))

    stack.recorder.before = second
    stack.invoke(request.event)
    response = stack.run(request)

    assert len(other) == 2
    assert response.ok, response.reason
    assert kinds_of(stack) == (1, 1, 1, 2)
    assert response.data["password"] == stack.simulator.auth_token(response.physical_id)
    assert stack.armed() == []


@pytest.mark.parametrize("step", CREATE_STEPS)
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_function_killed_at_a_step_of_create_is_picked_up_by_the_next_poll(stack, when, step):
    dead = []

    def kill(call, *_):
        if call.name == step and not dead:
            dead.append(call)
            raise KilledError

    setattr(stack.recorder, when, kill)

    response = stack.create(NAME, stack.properties())

    assert dead
    assert response.ok, response.reason
    assert kinds_of(stack) == (1, 1, 1, 2)
    assert stack.armed() == []


# One read that leaves something out


def left_out(name, found, when=lambda: True):
    """Return a fault: the first call of a name while `when` holds is answered as if nothing were there."""
    left = [1]

    def fault(call, _index):
        if call.name != name or not left[0] or not when():
            return None
        left[0] = 0
        if isinstance(found, str):
            raise client_error(found, operation=call.operation)
        return found

    return fault, left


def test_an_update_is_not_rejected_on_the_word_of_one_read(stack):
    properties = stack.properties()
    physical_id = stack.created(properties)
    stack.recorder.before, left = left_out(
        "elasticache:DescribeReplicationGroups", "ReplicationGroupNotFoundFault"
    )

    response = stack.changed(properties, node_type="cache.t3.small")

    assert left == [0]
    assert response.ok, response.reason
    assert stack.group(physical_id)["CacheNodeType"] == "cache.t3.small"


def test_nothing_is_changed_on_a_read_that_leaves_out_the_record(stack):
    properties = stack.properties()
    stack.created(properties)
    stack.recorder.before, left = left_out("ec2:DescribeSecurityGroups", {"SecurityGroups": []})

    response = stack.changed(properties, node_type="cache.t3.small")

    assert left == [0]
    assert response.ok, response.reason
    assert "ec2:CreateSecurityGroup" not in stack.writes()


def test_a_delete_is_not_over_on_the_word_of_one_read(stack):
    stack.created()

    def only_the_security_group_is_left():
        return not stack.simulator.leftovers() and not stack.secrets()

    stack.recorder.before, left = left_out(
        "ec2:DescribeSecurityGroups", {"SecurityGroups": []}, when=only_the_security_group_is_left
    )

    response = stack.delete(NAME)

    assert left == [0]
    assert response.ok, response.reason
    assert stack.leftovers() == []


# Broken properties

INFRASTRUCTURE = "vpc.data.infrastructure"
BROKEN = [
    ("node_type", ..., "node_type: required"),
    ("node_type", "cache.t3.mikro", "did you mean cache.t3.micro"),
    ("node_type", ["cache.t3.micro"], "node_type: "),
    ("redis_version", "6.y", "redis_version: "),
    ("redis_version", "8.0", "redis_version: "),
    ("engine", "memcached", "engine: "),
    ("replicas", "6", "replicas: "),
    ("replicas", "two", "replicas: "),
    ("replicas", "-1", "replicas: "),
    ("node_groups", "1", "node_groups: must be 2 or more"),
    ("node_groups", "251", "node_groups: must be 250 or less"),
    ("secure", "perhaps", "secure: must be true or false"),
    ("cluster_mode_enabled", "1.5", "cluster_mode_enabled: must be true or false"),
    ("subnet_type", "public", "subnet_type: must be one of internal, private"),
    ("subnet_type", "private", "private_subnets"),
    ("vpc", ..., "vpc: required"),
    ("vpc", "vpc-1", "vpc: must be a map"),
    (f"{INFRASTRUCTURE}.arn", "vpc-1", f"{INFRASTRUCTURE}.arn: "),
    (f"{INFRASTRUCTURE}.arn", "arn:aws:ec2:eu-west-1:123456789012:vpc/vpc-1", "another Region"),
    (f"{INFRASTRUCTURE}.cidr", "10.0.0.0/99", f"{INFRASTRUCTURE}.cidr: "),
    (f"{INFRASTRUCTURE}.internal_subnets", [], "internal_subnets"),
    (f"{INFRASTRUCTURE}.internal_subnets.0.arn", "subnet-1", "internal_subnets[0].arn: "),
    ("vpc.specs.aws.region", "the moon", "vpc.specs.aws.region: not the name of a Region"),
    ("aws_authentication", {"data": {"arn": "x"}, "specs": {}}, "aws_authentication.data.arn: "),
    ("snapshot_window", "7-8", "snapshot_window: must be hh:mm-hh:mm"),
    ("snapshot_window", "07:00-07:30", "shorter than 60 minutes"),
    ("maintenance_window", "sun:07:00-sun:08:00", "overlaps snapshot_window (default 07:00-08:00)"),
    ("snapshot_retention_limit", "36", "snapshot_retention_limit: "),
    ("tags", {"aws:x": "y"}, "tags.aws:x: "),
    ("tags", {"x": "n\n"}, "tags.x: "),
    ("replica", "1", "replica: unknown property; did you mean replicas?"),
    ("ServiceTimeout", "3601", "ServiceTimeout: must be a whole number of seconds from 1 to 3600"),
]


@pytest.mark.parametrize(("path", "value", "words"), BROKEN)
def test_a_broken_property_is_named_with_its_remedy_and_makes_no_call(stack, path, value, words):
    request = stack.prepare("Create", put(stack.properties(), path, value))
    stack.recorder.clear()

    stack.invoke(request.event)

    assert request.response.status == "FAILED"
    assert words in request.response.reason
    assert request.response.physical_id.startswith("none:")
    assert stack.recorder.calls == []


# Order of requests


def test_an_event_older_than_the_last_answered_does_nothing_and_sends_nothing(stack):
    stack.created()
    late = stack.prepare("Update", stack.properties(replicas=1))
    assert stack.changed(stack.properties(tags={"a": "b"})).ok
    stack.recorder.clear()

    summary = stack.invoke(late.event)

    assert summary["status"] == "IGNORED"
    assert stack.writes() == []
    assert late.puts == []


def test_an_event_older_than_the_one_at_work_does_nothing_and_sends_nothing(slow):
    slow.created()
    late = slow.prepare("Update", slow.properties(replicas=2))
    newer = slow.prepare("Update", slow.properties(replicas=1))
    slow.invoke(newer.event)
    slow.recorder.clear()

    assert slow.invoke(late.event)["status"] == "IGNORED"

    assert slow.writes() == []
    assert late.puts == []
    assert [carried["RequestId"] for carried in slow.polls()] == [newer.id]


@pytest.mark.parametrize("kind", ["Create", "Update"])
def test_an_event_delivered_again_after_its_answer_does_nothing(stack, kind):
    stack.created()
    if kind == "Update":
        assert stack.changed(stack.properties(replicas=1)).ok
    answered = list(stack.requests.values())[-1]
    stack.recorder.clear()

    summary = stack.invoke(answered.event)

    assert summary["status"] == "IGNORED"
    assert stack.writes() == []
    assert len(answered.puts) == 1


def test_a_poll_that_comes_after_the_answer_does_nothing(slow):
    request = slow.prepare("Create", slow.properties())
    slow.invoke(request.event)
    (carried,) = slow.polls()
    slow.run(request)
    slow.recorder.clear()

    assert slow.invoke(carried)["status"] == "IGNORED"

    assert slow.writes() == []
    assert len(request.puts) == 1


def expiring(event, at):
    url = event["ResponseURL"].split("?", maxsplit=1)[0]
    return {**event, "ResponseURL": f"{url}?Signature=abcdefghijk&Expires={at}"}


@pytest.mark.parametrize(
    ("first_in", "second_in", "status"),
    [(7290, 7260, "IGNORED"), (7260, 7290, "PENDING"), (10**9, 7260, "PENDING")],
    ids=["older", "newer", "after one that ends too late to be true"],
)
def test_without_x_amz_date_events_are_ordered_by_expires(slow, first_in, second_in, status):
    slow.created()
    one = slow.prepare("Update", slow.properties(replicas=1))
    other = slow.prepare("Update", slow.properties(replicas=2))
    now = int(slow.clock.now())
    slow.invoke(expiring(one.event, now + first_in))
    slow.recorder.clear()

    assert slow.invoke(expiring(other.event, now + second_in))["status"] == status


def test_where_no_event_carries_a_time_the_last_one_wins(slow):
    slow.created()
    requests = [slow.prepare("Update", slow.properties(replicas=count)) for count in (1, 2)]
    for request in requests:
        bare = {**request.event, "ResponseURL": request.event["ResponseURL"].split("?", maxsplit=1)[0]}
        slow.invoke(bare)

    assert [carried["RequestId"] for carried in slow.polls()] == [requests[1].id]


def test_a_newer_operation_deletes_the_older_one_s_schedule_and_its_poll_does_nothing(slow):
    slow.created()
    older = slow.prepare("Update", slow.properties(replicas=2))
    slow.invoke(older.event)
    (poll_of_the_older,) = slow.polls()
    newer = slow.prepare("Update", slow.properties(replicas=1))
    slow.invoke(newer.event)
    slow.recorder.clear()

    assert slow.invoke(poll_of_the_older)["status"] == "IGNORED"

    assert slow.writes() == []
    assert len(slow.armed()) == 1
    assert slow.run(newer).ok
    assert older.puts == []
    assert slow.simulator.group(slow.resources[NAME].physical_id).replicas == 1


def test_a_delete_takes_over_from_the_create_it_follows(slow):
    create = slow.prepare("Create", slow.properties())
    physical_id = slow.invoke(create.event)["physical_resource_id"]
    slow.resources[NAME].physical_id = physical_id

    response = slow.delete(NAME)

    assert response.ok
    assert create.puts == []
    assert slow.leftovers() == []
    assert slow.snapshots() == []


@pytest.mark.parametrize("status", ["ROLLBACK_IN_PROGRESS", "DELETE_IN_PROGRESS"])
def test_a_copy_of_a_create_that_arrives_once_the_stack_goes_back_makes_nothing(stack, status):
    stack.created()
    (create,) = stack.requests.values()
    assert stack.delete(NAME).ok
    stack.stack_status(status)
    stack.recorder.clear()

    assert stack.invoke(create.event)["status"] == "IGNORED"

    assert stack.writes() == []


def test_a_copy_of_a_create_that_arrives_in_a_later_update_of_the_stack_makes_nothing(stack):
    stack.created()
    (create,) = stack.requests.values()
    assert stack.delete(NAME).ok
    stack.clock.advance(90)
    stack.stack_status("UPDATE_IN_PROGRESS")
    stack.recorder.clear()

    assert stack.invoke(create.event)["status"] == "IGNORED"

    assert stack.writes() == []


# Many requests at once


@pytest.fixture
def crowd(slow):
    arm_others(slow.schedules, 6)
    return slow


def test_where_many_requests_are_open_waiting_is_left_to_the_polls(crowd):
    request = crowd.prepare("Create", crowd.properties())
    began = crowd.clock.now()

    assert crowd.invoke(request.event)["status"] == "PENDING"
    assert "elasticache:CreateReplicationGroup" in crowd.writes()
    assert crowd.poll()[0]["status"] == "PENDING"

    assert crowd.clock.now() == began + 60
    response = crowd.run(request)
    assert response.ok
    assert response.polls >= 2


def test_a_few_open_requests_may_wait(slow):
    arm_others(slow.schedules, 4)
    request = slow.prepare("Create", slow.properties())
    began = slow.clock.now()

    assert slow.invoke(request.event)["status"] == "PENDING"

    assert slow.clock.now() >= began + 40


def test_a_failure_is_believed_as_soon_as_without_the_others(crowd):
    code = "InsufficientCacheClusterCapacity"
    crowd.recorder.before = failing("elasticache:CreateReplicationGroup", code, times=None)

    response = crowd.create(NAME, crowd.properties())

    assert not response.ok
    assert code in response.reason
    assert response.seconds <= RETRY_WINDOW + 120


def test_the_last_poll_waits_for_what_may_still_pass(crowd):
    request = crowd.prepare("Create", crowd.properties(ServiceTimeout=300))
    crowd.invoke(request.event)
    crowd.clock.advance(130)
    crowd.recorder.before = failing("elasticache:DescribeReplicationGroups", "Throttling", times=2)

    (event,) = crowd.polls()
    crowd.invoke(event)

    (put,) = request.puts
    assert put["Status"] == "SUCCESS"


# Deadline


@pytest.mark.parametrize(
    ("timeout", "way"),
    [("1199", "Set ServiceTimeout to 1200 or more"), ("1200", "Use fewer nodes"), (None, "Use fewer nodes")],
)
def test_a_create_out_of_time_says_what_was_running_what_comes_next_and_what_to_do(timeout, way):
    with StackUnderTest(replace(SLOW, create=4000)) as stack:
        response = stack.create(NAME, stack.properties(ServiceTimeout=timeout))

        assert response.reason == (
            "Timed out while the replication group is creating. CloudFormation now deletes it. "
            f"{way} or, to look into it, deploy with --disable-rollback"
        )
        assert not response.ok
        assert stack.armed() == []
        assert response.seconds <= int(timeout or 3600)


def test_an_update_out_of_time_says_that_the_rollback_waits_for_it():
    with StackUnderTest(replace(BRISK, node_type=1300)) as stack:
        stack.created()

        response = stack.changed(stack.properties(node_type="cache.r5.large", ServiceTimeout=1200))

        assert response.reason == (
            "Timed out while the replication group is modifying. CloudFormation now rolls back, waiting "
            "for it first. Change less at once or, to look into it, deploy with --disable-rollback"
        )
        rolled_back = stack.roll_back(NAME)
        assert rolled_back.ok, rolled_back.reason
        assert stack.group(rolled_back.physical_id)["CacheNodeType"] == "cache.t3.micro"


def test_a_delete_out_of_time_says_that_another_goes_on():
    with StackUnderTest(replace(BRISK, delete=300)) as stack:
        stack.created()
        stack.resources[NAME].properties["ServiceTimeout"] = "200"

        response = stack.delete(NAME)

        assert response.reason == (
            "Timed out while the replication group is being deleted. Delete the stack again to go on; "
            "what is gone stays gone"
        )
        stack.resources[NAME].properties["ServiceTimeout"] = "3600"
        assert stack.delete(NAME).ok
        assert stack.leftovers() == []


@pytest.mark.parametrize("others", [0, 6])
@pytest.mark.parametrize("timeout", [20, 40, 60, 90, 100, 119, 120, 121, 150, 160, 180, 200, 239, 240, 241])
def test_a_short_service_timeout_is_answered_within_it_however_late_the_polls(timeout, others):
    with StackUnderTest(replace(SLOW, create=1000)) as stack:
        arm_others(stack.schedules, others)
        stack._lateness = lambda: 59.0

        response = stack.create(NAME, stack.properties(ServiceTimeout=timeout))

    assert not response.ok
    assert "Timed out" in response.reason
    assert response.seconds < timeout


def test_a_service_timeout_of_a_second_is_answered_and_makes_no_group(stack):
    request = stack.prepare("Create", stack.properties(ServiceTimeout=1))
    stack.clock.advance(2)

    summary = stack.invoke(request.event)

    assert summary["status"] == "FAILED"
    assert "Timed out" in str(summary["reason"])
    assert "elasticache:CreateReplicationGroup" not in stack.writes()


def test_the_time_runs_from_the_request_and_no_poll_starts_it_again(stack):
    stack.recorder.before = failing("elasticache:CreateReplicationGroup", "Throttling", times=None)

    response = stack.create(NAME, stack.properties(ServiceTimeout=400))

    assert response.reason.startswith(
        "Timed out while retrying elasticache:CreateReplicationGroup: Throttling; too many calls in the "
        "account: deploy less at once, or ask AWS for a higher rate of calls: "
    )
    # Given up by the last poll that could try again, a minute before the deadline at the most.
    assert 400 - 180 <= response.seconds <= 400


# Faults of AWS (every call and fault is the fault explorer's; here is one of each kind)


@pytest.mark.parametrize("name", [*LOOKS, *CREATE_STEPS])
def test_a_denial_that_passes_is_waited_out(stack, name):
    stack.recorder.before = failing(name, "AccessDenied", times=2, status=403)

    assert stack.create(NAME, stack.properties()).ok


@pytest.mark.parametrize("seconds", [25, 60, 90, 115])
@pytest.mark.parametrize("name", ["sts:AssumeRole", LOOKS[0], CREATE_STEPS[0], CREATE_STEPS[3]])
def test_iam_has_two_minutes_to_spread_a_role_made_in_the_same_template(stack, name, seconds):
    spread = stack.clock.now() + seconds

    def denied(call, _index):
        if call.name == name and stack.clock.now() < spread:
            raise client_error("AccessDenied", operation=call.operation, status=403)

    stack.recorder.before = denied

    assert stack.create(NAME, stack.properties(aws_authentication=authentication("us-east-1"))).ok


@pytest.mark.parametrize("name", [*LOOKS, *CREATE_STEPS])
def test_a_permission_that_stays_missing_fails_soon_and_names_the_call(stack, name):
    stack.recorder.before = failing(name, "AccessDenied", times=None, status=403)

    response = stack.create(NAME, stack.properties())

    assert not response.ok
    assert response.reason.startswith(f"{name} was denied (AccessDenied); grant it to the role in use")
    assert IAM_SPREADS < response.seconds <= IAM_SPREADS + 30
    stack.recorder.before = None
    assert stack.roll_back(NAME).ok
    assert stack.leftovers() == []


@pytest.mark.parametrize("code", ["Throttling", "InternalFailure"])
def test_a_passing_trouble_at_every_call_once_delays_and_fails_nothing(stack, code):
    properties, met = stack.properties(), set()

    def once(call, _index):
        if call.name not in met and call.service not in ("scheduler", "events"):
            met.add(call.name)
            raise client_error(code)

    stack.recorder.before = once

    response = stack.create(NAME, properties)

    stack.recorder.before = None
    assert response.ok, response.reason
    assert met >= {*LOOKS, *CREATE_STEPS}
    assert kinds_of(stack) == (1, 1, 1, 2)


def test_a_lost_response_to_every_step_of_create_makes_no_second_of_anything(stack):
    lost = [lost_response(name) for name in CREATE_STEPS]

    def lose(call, index, result):
        for fault in lost:
            fault(call, index, result)

    stack.recorder.after = lose

    response = stack.create(NAME, stack.properties())

    assert response.ok, response.reason
    assert kinds_of(stack) == (1, 1, 1, 2)
    assert response.data["password"] == stack.simulator.auth_token(response.physical_id)


def test_a_lost_response_to_every_step_of_delete_changes_nothing(stack):
    stack.created()
    lost = [lost_response(name) for name in DELETE_STEPS]

    def lose(call, index, result):
        for fault in lost:
            fault(call, index, result)

    stack.recorder.after = lose

    assert stack.delete(NAME).ok
    assert stack.leftovers() == []
    assert len(stack.snapshots()) == 1


def test_a_lack_of_capacity_is_waited_for_some_minutes(stack):
    stack.simulator.capacity_shortage(calls=3)

    assert stack.create(NAME, stack.properties()).ok


def test_a_lack_of_capacity_that_stays_fails_with_the_way_out(stack):
    stack.simulator.capacity_shortage(calls=10**6)

    response = stack.create(NAME, stack.properties())

    assert not response.ok
    assert "AWS lacks capacity: wait, or choose another node_type or fewer nodes" in response.reason
    assert 300 <= response.seconds <= 600


def test_a_new_subnet_group_that_aws_does_not_know_yet_is_waited_for():
    with StackUnderTest(replace(BRISK, subnet_group_lag=100)) as stack:
        assert stack.create(NAME, stack.properties()).ok


# The answer


def test_an_unreachable_response_host_is_tried_again_by_the_next_poll(slow):
    request = slow.prepare("Create", slow.properties())
    slow.put_faults += [UnreachableError("down")] * 2
    slow.invoke(request.event)

    assert slow.run(request).ok
    assert slow.put_faults == []
    assert slow.armed() == []


def test_an_answer_that_cloudformation_no_longer_takes_is_not_noted_as_given(stack):
    request = stack.prepare("Create", stack.properties())
    stack.put_faults.append(RefusedError("403"))

    physical_id = stack.invoke(request.event)["physical_resource_id"]

    assert stack.armed() == []
    assert "massdriver-redis:last-answered-request" not in stack.tags(physical_id)


def test_the_answer_is_on_record_with_the_cluster(stack):
    physical_id = stack.created()
    (request,) = stack.requests.values()

    tags = stack.tags(physical_id)

    for key in ("last-accepted-request", "last-answered-request", "in-service"):
        assert tags[f"massdriver-redis:{key}"].endswith(request.id)


def test_an_answer_that_can_not_be_recorded_is_given_all_the_same(stack):
    def refuse(call, _index):
        if call.operation == "CreateTags" and "last-answered-request" in json.dumps(call.params):
            raise client_error("UnauthorizedOperation", status=403)

    stack.recorder.before = refuse

    assert stack.create(NAME, stack.properties()).ok
    assert stack.armed() == []


# Secrets


def test_no_secret_leaves_by_a_log_a_reason_or_a_tag(real):
    auth = authentication("us-east-1")
    secrets = {auth["data"]["external_id"]}
    properties = real.properties(aws_authentication=auth)
    for response in (
        real.create(NAME, properties),
        real.update(NAME, {**properties, "replicas": 1}),
        real.update(NAME, {**properties, "secure": False}),
    ):
        secrets.add(response.data.get("password", ""))
    real.recorder.before = failing("elasticache:DescribeReplicationGroups", "Throttling", times=3)
    assert real.delete(NAME).ok
    for request in real.requests.values():
        secrets.add(request.event["ResponseURL"].split("X-Amz-Signature=")[1])
    secrets.discard("")

    assert len(secrets) == 1 + 1 + 4
    for text in real.told():
        for secret in secrets:
            assert secret not in text


def test_the_token_is_in_the_secret_and_the_response_and_in_no_schedule(slow):
    response = slow.create(NAME, slow.properties())

    token = slow.token(response.physical_id)
    assert response.data["password"] == token == slow.simulator.auth_token(response.physical_id)
    assert len(token) == 64
    assert slow.schedule_inputs
    assert all(token not in carried for carried in slow.schedule_inputs)


def test_a_failure_is_not_answered_while_an_older_request_is_polled(slow):
    slow.created()
    older = slow.prepare("Update", slow.properties(replicas=2))
    slow.invoke(older.event)
    newer = slow.prepare("Update", slow.properties(replicas=1))

    def refuse(call, _index):
        if call.name in ("scheduler:DeleteSchedule", "elasticache:DescribeReplicationGroups"):
            raise client_error("AccessDeniedException", operation=call.operation, status=403)

    slow.recorder.before = refuse
    assert slow.invoke(newer.event)["status"] == "PENDING"
    assert newer.puts == []

    slow.recorder.before = failing("elasticache:DescribeReplicationGroups", "AccessDenied", times=None)
    response = slow.run(newer)

    assert response.reason.startswith("elasticache:DescribeReplicationGroups was denied")
    assert older.puts == []
    assert slow.armed() == []
