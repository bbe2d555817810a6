"""One look: what is read of AWS, in how many calls, and what absence and refusals mean."""

from __future__ import annotations

import pytest

from massdriver_redis.aws import observe
from massdriver_redis.aws.session import connect
from massdriver_redis.calls import secretsmanager
from massdriver_redis.calls.ec2 import INGRESS_NOTE
from massdriver_redis.errors import AccessDeniedError, TransientError
from massdriver_redis.state.naming import names
from massdriver_redis.state.observed import Endpoint, NodeGroup, Observed
from massdriver_redis.state.settings import SETTINGS
from tests.harness.builders import MINE, THEIRS
from tests.harness.moto_aws import REGION, MotoAws, client
from tests.harness.recorder import Recorder, client_error
from tests.simulator import Quotas

PREFIX = "mdr-1a2b3c4d"
NAMES = names("cache", PREFIX)
OURS = {"ReplicationGroupDescription": MINE.marker}
DESCRIPTION = secretsmanager.description(MINE.marker)
ENOUGH = Quotas(nodes_per_region=1000)


@pytest.fixture
def cloud():
    with MotoAws(quotas=ENOUGH) as made:
        yield made


def look(owner=MINE):
    return observe.observe(connect(None, REGION, "shop.Redis"), NAMES, owner)


def test_nothing_is_an_empty_observation_and_no_error(cloud):
    assert look() == Observed()
    assert not look().exists


def test_a_look_is_four_reads_where_there_is_no_group_and_five_where_there_is_one(cloud):
    with Recorder() as recorder:
        look()
        assert len(recorder.calls) == 4
        assert recorder.mutations() == []
    cloud.make(cloud.request(**OURS))
    with Recorder() as recorder:
        look()
        assert [call.operation for call in recorder.calls].count("DescribeCacheClusters") == 1
        assert len(recorder.calls) == 5


def test_a_group_is_read_with_what_only_its_members_show(cloud):
    cloud.make(cloud.replicated_request(SnapshotRetentionLimit=3, **OURS))

    group = look().replication_group

    assert group is not None
    assert (group.id, group.status, group.description) == ("cache", "available", MINE.marker)
    assert (group.cluster_mode, group.node_type, group.tls) == (False, "cache.t3.small", False)
    assert group.node_groups == (NodeGroup("0001", "available", ("cache-001", "cache-002")),)
    assert group.member_ids == ("cache-001", "cache-002")
    assert group.automatic_failover == "enabled"
    assert group.primary == Endpoint(group.primary.address, 6379)
    assert group.reader is not None
    assert group.configuration is None
    node = group.nodes[0]
    assert (node.engine, node.engine_version, node.parameter_group) == ("redis", "6.2.6", "default.redis6.x")
    assert node.security_groups == {cloud.security_group}
    assert group.settings == {
        "snapshot_retention_limit": (3,),
        "snapshot_window": ("07:00-08:00",),
        "maintenance_window": ("sun:09:00-sun:10:00",) * 2,
        "auto_minor_version_upgrade": (True, True),
    }


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_a_setting_that_is_not_shown_has_the_empty_value_of_its_kind(cloud, setting):
    cloud.make(cloud.request(**OURS))

    def without(call, _index):
        if call.operation == "DescribeReplicationGroups":
            return {"ReplicationGroups": [{"MemberClusters": ["a"], "Description": MINE.marker}]}
        if call.operation == "DescribeCacheClusters":
            return {"CacheClusters": [{"CacheClusterId": "a", "ReplicationGroupId": "cache"}]}
        return None

    with Recorder(before=without):
        (value,) = look().replication_group.settings[setting.name]

    assert value == setting.kind()
    assert type(value) is setting.kind


def test_a_group_in_cluster_mode_has_a_configuration_endpoint(cloud):
    cloud.make(cloud.cluster_request(**OURS))

    group = look().replication_group

    assert group.cluster_mode
    assert group.configuration.port == 6379
    assert group.primary is None
    assert [shard.id for shard in group.node_groups] == ["0001", "0002"]


def test_what_is_still_pending_is_seen_on_the_group_and_its_nodes(cloud):
    cloud.make(cloud.request(**OURS))
    cloud.modify(CacheNodeType="cache.r5.large")

    group = look().replication_group

    assert group.status == "modifying"
    assert group.nodes[0].pending == {"CacheNodeType"}


def test_a_group_being_created_has_no_endpoint_yet(cloud):
    cloud.make_subnet_group()
    cloud.elasticache.create_replication_group(**cloud.request(**OURS))

    group = look().replication_group

    assert (group.status, group.primary, group.node_groups) == ("creating", None, ())


@pytest.mark.parametrize(("name", "pages"), [("aaa", 2), ("zzz", 1)])
def test_members_are_found_among_the_clusters_of_a_whole_region_page_by_page(cloud, name, pages):
    cloud.make_subnet_group()
    for number in range(120):
        cloud.elasticache.create_replication_group(**cloud.request(ReplicationGroupId=f"{name}-{number}"))
    cloud.elasticache.create_replication_group(**cloud.replicated_request(replicas=5, **OURS))
    cloud.settle()

    with Recorder() as recorder:
        group = look().replication_group

    assert [node.id for node in group.nodes] == [f"cache-00{number}" for number in range(1, 7)]
    read = [call for call in recorder.calls if call.operation == "DescribeCacheClusters"]
    assert len(read) == pages
    assert len(recorder.calls) == 4 + pages


def test_a_member_that_describes_do_not_list_yet_is_left_out(cloud):
    cloud.make(cloud.replicated_request(**OURS))

    def stale(call, _index):
        return {"CacheClusters": []} if call.operation == "DescribeCacheClusters" else None

    with Recorder(before=stale):
        group = look().replication_group

    assert group.nodes == ()
    assert len(group.member_ids) == 2


def test_the_subnet_group_is_read_with_the_zone_of_each_subnet(cloud):
    cloud.make_subnet_group(NAMES.subnet_group, description=MINE.marker)

    found = look().subnet_group

    assert (found.name, found.vpc_id, found.description) == (
        NAMES.subnet_group,
        cloud.vpc,
        MINE.marker,
    )
    assert list(found.subnets.values()) == ["us-east-1a", "us-east-1b", "us-east-1a"]


def ingress(cidr, note):
    return [
        {
            "IpProtocol": "tcp",
            "FromPort": 6379,
            "ToPort": 6379,
            "IpRanges": [{"CidrIp": cidr, "Description": note}],
        }
    ]


def test_the_security_group_is_read_with_its_tags_and_our_own_rule_only(cloud):
    group_id = cloud.make_security_group(cloud.vpc, NAMES.security_group, MINE.marker)
    cloud.ec2.create_tags(Resources=[group_id], Tags=[{"Key": "a", "Value": "b"}])
    for cidr, note in (("10.1.0.0/16", INGRESS_NOTE), ("10.7.0.0/16", "somebody's own")):
        cloud.ec2.authorize_security_group_ingress(GroupId=group_id, IpPermissions=ingress(cidr, note))

    found = look().security_group

    assert (found.id, found.vpc_id, found.description) == (group_id, cloud.vpc, MINE.marker)
    assert found.arn == f"arn:aws:ec2:us-east-1:123456789012:security-group/{group_id}"
    assert found.tags == {"a": "b"}
    assert found.cidrs == {"10.1.0.0/16"}


@pytest.mark.parametrize("ours_first", [True, False])
def test_of_namesakes_in_several_vpcs_ours_is_read(cloud, ours_first):
    vpcs = [cloud.vpc, cloud.ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]]
    owners = [MINE, THEIRS] if ours_first else [THEIRS, MINE]
    made = [
        cloud.make_security_group(vpc, NAMES.security_group, owner.marker)
        for vpc, owner in zip(vpcs, owners, strict=True)
    ]

    assert look().security_group.id == made[owners.index(MINE)]
    assert look().foreign == ()


def test_what_another_owner_made_under_our_names_is_foreign(cloud):
    cloud.make(cloud.request(ReplicationGroupDescription=THEIRS.marker))
    cloud.make_subnet_group(NAMES.subnet_group, description=THEIRS.marker)
    cloud.make_security_group(cloud.vpc, NAMES.security_group, THEIRS.marker)
    client("secretsmanager").create_secret(
        Name=NAMES.secret, Description=secretsmanager.description(THEIRS.marker), SecretString="hush"
    )

    assert look() == Observed(foreign=("replication group", "subnet group", "security group", "secret"))
    assert look(THEIRS).foreign == ()


def test_the_secret_is_read_without_its_value(cloud):
    client("secretsmanager").create_secret(
        Name=NAMES.secret, Description=DESCRIPTION, SecretString="hush", Tags=[{"Key": "a", "Value": "b"}]
    )

    with Recorder() as recorder:
        found = look().secret

    assert (found.description, found.deleting, found.tags) == (DESCRIPTION, False, {"a": "b"})
    assert "GetSecretValue" not in {call.operation for call in recorder.calls}
    client("secretsmanager").delete_secret(SecretId=NAMES.secret)
    assert look().secret.deleting


# Details


@pytest.mark.parametrize(
    ("code", "kind"), [("AccessDenied", AccessDeniedError), ("Throttling", TransientError)]
)
def test_a_read_that_is_refused_is_no_absence(cloud, code, kind):
    def refuse(call, _index):
        raise client_error(code)

    with Recorder(before=refuse), pytest.raises(kind, match="elasticache:DescribeReplicationGroups"):
        look()
