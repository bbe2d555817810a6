"""Every known defect of the second test bed is still there: one that was mended must be seen."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from .defects import DEFECTS, SAMPLE, Defect, Sample

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.emulator import stacks
    from tests.e2e.emulator.emulator import Emulator

pytestmark = pytest.mark.full


@pytest.fixture
def sample(emulator: Emulator, network: stacks.Network) -> Iterator[Sample]:
    """Yield a fresh cluster, made without the provider, and remove it."""
    cache, ec2 = emulator.client("elasticache"), emulator.client("ec2")
    group = ec2.create_security_group(GroupName=SAMPLE, Description=SAMPLE, VpcId=network.vpc)["GroupId"]
    made = cache.create_replication_group(
        ReplicationGroupId=SAMPLE,
        ReplicationGroupDescription=SAMPLE,
        Engine="redis",
        EngineVersion="6.2",
        CacheNodeType="cache.t3.micro",
        NumCacheClusters=1,
        TransitEncryptionEnabled=True,
        AutoMinorVersionUpgrade=True,
        SecurityGroupIds=[group],
    )
    yield Sample(cache, ec2, group, made["ReplicationGroup"])
    with contextlib.suppress(ClientError):
        cache.delete_replication_group(ReplicationGroupId=SAMPLE)
    with contextlib.suppress(ClientError):
        ec2.delete_security_group(GroupId=group)


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda each: each.name)
def test_a_known_defect_is_still_there(sample: Sample, defect: Defect) -> None:
    assert defect.shows(sample), f"{defect.name} is mended: on AWS, {defect.on_aws}; here, {defect.here}"
