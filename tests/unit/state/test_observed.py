"""Settled: on all levels, and never by the group's own status alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from massdriver_redis.state.observed import Observed, not_stabilized_reason
from tests.harness.builders import ID, ZONES, node, observed, replication_group, secret

SETTLED = replication_group(2)


def test_a_group_whose_every_part_is_available_is_settled():
    assert not_stabilized_reason(SETTLED) is None


@pytest.mark.parametrize(
    ("moving", "what"),
    [
        (replace(SETTLED, status="modifying"), "the replication group is modifying"),
        (replace(SETTLED, status="snapshotting"), "the replication group is snapshotting"),
        (
            replace(SETTLED, node_groups=(replace(SETTLED.node_groups[0], status="modifying"),)),
            "node group 0001 is modifying",
        ),
        (replace(SETTLED, member_ids=(f"{ID}-001",)), "the member list is changing"),
        (replace(SETTLED, automatic_failover="enabling"), "automatic failover is enabling"),
        (replace(SETTLED, pending=frozenset({"Resharding"})), "changes are pending: Resharding"),
        (replace(SETTLED, nodes=(node(1),)), "members are missing from the list of clusters"),
        (replace(SETTLED, nodes=(node(1), node(2, status="creating"))), f"node {ID}-002 is creating"),
        (
            replace(SETTLED, nodes=(node(1), node(2, pending=frozenset({"EngineVersion"})))),
            f"changes of node {ID}-002 are pending: EngineVersion",
        ),
    ],
)
def test_whatever_still_moves_is_named(moving, what):
    assert not_stabilized_reason(moving) == what


def test_replicas_are_counted_besides_the_primary_in_the_smallest_and_the_largest_node_group():
    first = SETTLED.node_groups[0]
    uneven = replace(SETTLED, node_groups=(first, replace(first, id="0002", node_ids=("a", "b", "c"))))

    assert (uneven.fewest_replicas, uneven.most_replicas) == (1, 2)


def test_a_group_without_node_groups_or_members_speaks_for_nothing():
    bare = replace(SETTLED, node_groups=(), nodes=())

    assert (bare.fewest_replicas, bare.most_replicas, bare.engine) == (0, 0, ("", ""))


@pytest.mark.parametrize("part", ["replication_group", "subnet_group", "security_group", "secret"])
def test_something_exists_as_long_as_any_part_is_left(part):
    assert not Observed().exists
    assert replace(Observed(), **{part: getattr(observed(), part)}).exists


def test_a_secret_in_its_recovery_window_no_longer_exists():
    assert not Observed(secret=secret(deleting=True)).exists


def test_zones_are_those_of_the_subnet_group():
    assert observed().zones == ZONES
    assert Observed().zones == {}


def test_without_a_security_group_the_record_is_empty():
    assert Observed().record.accepted is None


@pytest.mark.parametrize(
    ("parts", "partial", "unrecorded"),
    [
        ((), False, False),
        (("security_group",), False, False),
        (("replication_group", "security_group"), False, False),
        (("replication_group",), True, True),
        (("subnet_group",), True, False),
        (("secret",), True, False),
        (("subnet_group", "secret", "security_group"), False, False),
    ],
    ids=str,
)
def test_what_shows_without_its_record_may_be_a_stale_read(parts, partial, unrecorded):
    shown = Observed(**{part: getattr(observed(), part) for part in parts})

    assert (shown.partial, shown.unrecorded) == (partial, unrecorded)
