"""The life of a replication group: creation, lag of its members, deletion, stale Describe calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from tests.harness.moto_aws import TOKEN, MotoAws

from . import Timing

if TYPE_CHECKING:
    pass


def test_a_new_replication_group_is_creating_and_has_no_endpoint_until_it_is_available(
    cloud: MotoAws,
) -> None:
    cloud.make_subnet_group()
    cloud.elasticache.create_replication_group(**cloud.request())
    creating = cloud.group()
    cloud.clock.advance(cloud.simulator.timing.create)
    available = cloud.group()
    assert (creating["Status"], creating.get("NodeGroups")) == ("creating", None)
    assert available["Status"] == "available"
    assert available["NodeGroups"][0]["PrimaryEndpoint"]["Port"] == 6379


def test_a_deleted_replication_group_is_deleting_and_then_not_found(cloud: MotoAws) -> None:
    cloud.make()
    cloud.elasticache.delete_replication_group(ReplicationGroupId="cache")
    assert cloud.group()["Status"] == "deleting"
    cloud.settle()
    with pytest.raises(ClientError) as refused:
        cloud.group()
    assert refused.value.response["Error"]["Code"] == "ReplicationGroupNotFoundFault"
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404


def test_members_keep_changing_after_the_replication_group_reports_available(cloud: MotoAws) -> None:
    """hashicorp/terraform-provider-aws#50096."""
    cloud.make_subnet_group()
    cloud.elasticache.create_replication_group(**cloud.request())
    cloud.clock.advance(cloud.simulator.timing.create)
    assert cloud.group()["Status"] == "available"
    assert cloud.members()[0]["CacheClusterStatus"] == "creating"
    cloud.clock.advance(cloud.simulator.timing.member_lag)
    assert cloud.members()[0]["CacheClusterStatus"] == "available"


def test_the_token_is_never_returned_but_a_test_can_read_it(cloud: MotoAws) -> None:
    cloud.make(cloud.request(TransitEncryptionEnabled=True, AuthToken=TOKEN))
    assert TOKEN not in str(cloud.group()) + str(cloud.members())
    assert cloud.simulator.auth_token("cache") == TOKEN


def test_describes_stay_stale_for_a_while_after_a_call() -> None:
    with MotoAws(Timing(stale=30)) as cloud:
        cloud.make()
        cloud.modify(ReplicationGroupDescription="new")
        assert cloud.group()["Description"] == "a cache"
        cloud.clock.advance(30)
        assert cloud.group()["Description"] == "new"
