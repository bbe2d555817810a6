"""What a plan needs besides an observation: asked for only where it decides something, tags last of all."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest

from massdriver_redis.calls.base import ExpectedChange
from massdriver_redis.planner.decision import Apply, PlanContext, Reject, Requeue, UpToDate
from massdriver_redis.planner.plan import plan, required_details
from massdriver_redis.planner.requested_change import MAX_ATTEMPTS, VISIBILITY_TIMEOUT
from massdriver_redis.state.observed import Detail, NodeTypes, Observed
from massdriver_redis.state.record import PREFIX, RequestedChange, RequestVersion
from tests.harness.builders import ID, SETTINGS, desired, node, observed, replication_group, security_group

NOW = 10_000.0
CONTEXT = PlanContext(now=NOW, request_version=RequestVersion("mine"))
DETAILS = frozenset(get_args(Detail))
EVERY = {
    "details": DETAILS,
    "versions": ("6.2", "7.1"),
    "node_types": NodeTypes(up=frozenset({"cache.r5.large"})),
    "tags": desired().tags,
    "subnet_group_tags": desired().tags,
    "events": ("Failed.",),
}


def live(**changes):
    return observed(replication_group=replace(replication_group(), **changes))


def tagged(**tags):
    group = security_group(**tags)
    return observed(security_group=replace(group, tags={**group.tags, **desired().tags}))


def requested(request_id="mine", age=VISIBILITY_TIMEOUT, attempt=1):
    change = ExpectedChange((("replicas", 3),), 0, attempt)
    text = RequestedChange.of(change, request_id, NOW - age).text()
    return observed(security_group=security_group(**{"last-requested-change": text}))


OLD_ENGINE = live(nodes=(node(engine_version="5.0.6", parameter_group="default.redis5.0"),))
NEW_ENGINE = live(nodes=(node(engine_version="7.1.0", parameter_group="default.redis7"),))
CASES = {
    "no replication group": (desired(), Observed(), {"versions"}),
    "something foreign": (desired(), Observed(foreign=("secret",)), set()),
    "being created": (desired(), live(status="creating"), set()),
    "being modified": (desired(node_type="cache.r5.large"), live(status="modifying"), set()),
    "being deleted": (desired(), live(status="deleting"), set()),
    "creation failed": (desired(), live(status="create-failed"), {"events"}),
    "a node beyond repair": (desired(), live(nodes=(node(status="restore-failed"),)), {"events"}),
    "a change not visible yet": (desired(), requested(age=1), set()),
    "an overdue change": (desired(), requested(), {"events"}),
    "an overdue change tried for the last time": (desired(), requested(attempt=MAX_ATTEMPTS), {"events"}),
    "an overdue change of another request": (desired(), requested("another"), {"tags"}),
    "an upgrade": (desired(), OLD_ENGINE, {"versions"}),
    "a newer engine that is kept": (desired(tags={}), NEW_ENGINE, {"tags"}),
    "another node type": (desired(node_type="cache.r5.large"), observed(), {"node_types"}),
    "a missing secret": (desired(), observed(secret=None), set()),
    "a missing security group": (desired(), observed(security_group=None), set()),
    "another CIDR": (desired(ingress=frozenset()), observed(), set()),
    "a setting": (desired(settings={**SETTINGS, "snapshot_retention_limit": 1}), observed(), set()),
    "a replica more": (desired(replicas=1), observed(), set()),
    "nothing but tags": (desired(), observed(), {"tags"}),
}


@pytest.mark.parametrize("case", CASES)
def test_details_are_needed_only_where_they_decide(case):
    wanted, seen, needed = CASES[case]

    assert required_details(wanted, seen, CONTEXT) == needed


def test_a_downgrade_is_rejected_without_any_detail():
    asked = replace(CONTEXT, version_requested=True)

    assert required_details(desired(node_type="cache.r5.large"), NEW_ENGINE, asked) == frozenset()
    assert isinstance(plan(desired(), NEW_ENGINE, asked), Reject)
    assert not isinstance(plan(desired(), NEW_ENGINE, replace(asked, rolling_back=True)), Reject)


@pytest.mark.parametrize("case", CASES)
def test_with_every_detail_read_nothing_more_is_needed_and_there_is_a_decision(case):
    wanted, seen, _ = CASES[case]
    whole = replace(seen, **EVERY)

    decision = plan(wanted, whole, CONTEXT)

    assert required_details(wanted, whole, CONTEXT) == frozenset()
    assert isinstance(decision, Apply | Requeue | Reject | UpToDate)
    assert plan(wanted, whole, CONTEXT) == decision


@pytest.mark.parametrize("case", CASES)
def test_reading_what_is_needed_comes_to_an_end_and_decides_as_all_details_would(case):
    wanted, seen, _ = CASES[case]
    rounds = 0
    while missing := required_details(wanted, seen, CONTEXT):
        seen = replace(seen, **{name: EVERY[name] for name in missing}, details=seen.details | missing)
        seen = replace(seen, subnet_group_tags=desired().tags)
        rounds += 1

    assert rounds <= len(DETAILS)
    assert plan(wanted, seen, CONTEXT) == plan(wanted, replace(CASES[case][1], **EVERY), CONTEXT)


def test_details_that_could_not_be_read_are_not_asked_for_again():
    assert required_details(desired(), Observed(details=frozenset({"versions"})), CONTEXT) == frozenset()


# --- what one step holds ------------------------------------------------------------------------------


def test_the_new_cidr_is_allowed_before_the_old_one_is_revoked_in_one_step():
    step = plan(desired(ingress=frozenset({"10.9.0.0/16"})), observed(), CONTEXT)

    assert [call.name for call in step.calls] == [
        "ec2:AuthorizeSecurityGroupIngress",
        "ec2:RevokeSecurityGroupIngress",
    ]


def test_tags_of_every_resource_are_set_in_one_step_the_replication_group_s_last():
    bare = replace(observed(), details=DETAILS)

    step = plan(desired(), bare, CONTEXT)

    assert [call.name for call in step.calls] == [
        "ec2:CreateTags",
        "secretsmanager:TagResource",
        "elasticache:AddTagsToResource",
        "elasticache:AddTagsToResource",
    ]
    assert step.calls[-1].request["ResourceName"].endswith(ID)


def test_a_resource_whose_tags_change_gets_one_call_per_step_and_ours_are_never_removed():
    tags = {"old": "1", f"{PREFIX}owner": "x"}
    whole = replace(tagged(), secret=None, details=DETAILS, tags=tags, subnet_group_tags=desired().tags)
    context = replace(CONTEXT, dropped_tags=frozenset({"old", f"{PREFIX}accepted"}))

    (call,) = plan(desired(secure=False), whole, context).calls
    assert call.name == "elasticache:AddTagsToResource"

    done = replace(whole, tags={**tags, **desired().tags})
    (call,) = plan(desired(secure=False), done, context).calls
    assert (call.name, call.request["TagKeys"]) == ("elasticache:RemoveTagsFromResource", ["old"])
