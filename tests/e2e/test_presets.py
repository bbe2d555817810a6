"""The three presets, deployed side by side with IAM enforced: created, reached, changed, deleted."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import jsonschema
import pytest
import redis

from tests.e2e.emulator.emulator import ROOT
from tests.e2e.emulator.redis_server import INSTALLED

from .emulator import client, stacks

if TYPE_CHECKING:
    from tests.e2e.emulator.emulator import Emulator

CHANGES = {
    "free-tier": ("node_type: cache.t3.micro", "node_type: cache.t3.small"),
    "highly-available": ("replicas: 1", "replicas: 2"),
    "sharded-cluster": ("allow_vpc_access: true", "allow_vpc_access: false"),
}
"""One in-place change for each preset."""

EVERYTHING = sorted(json.loads((ROOT / "schemas" / "attributes.json").read_text())["required"])


@pytest.mark.parametrize("preset", ["all three"])
def test_the_presets_are_created_answer_a_ping_change_in_place_and_leave_nothing(
    emulator: Emulator, network: stacks.Network, preset: str
) -> None:
    with ThreadPoolExecutor(len(CHANGES)) as pool:
        lives = [pool.submit(live, emulator, network, name) for name in CHANGES]
        for each in lives:
            each.result()


def live(emulator: Emulator, network: stacks.Network, preset: str) -> None:
    stack = stacks.Stack(emulator, preset)
    template = showing_everything((ROOT / "examples" / f"{preset}.yaml").read_text())

    assert stack.create(template, network.parameters()) == "CREATE_COMPLETE", stack.reasons()
    outputs, physical_id = stack.outputs(), stack.physical_id()
    artifact = json.loads(outputs[output_of("artifact")])
    check_attributes(outputs, artifact)
    check_login(emulator, artifact)

    changed = template.replace(*CHANGES[preset])
    assert changed != template
    assert stack.update(changed, network.parameters()) == "UPDATE_COMPLETE", stack.reasons()
    assert stack.physical_id() == physical_id
    check_live(emulator, preset, physical_id)
    check_login(emulator, artifact)

    assert stack.delete() == "DELETE_COMPLETE"


def showing_everything(template: str) -> str:
    """Return an example that outputs every attribute, so that CloudFormation must resolve each."""
    added = [f"  {output_of(name)}:\n    Value: !GetAtt Redis.{name}\n" for name in EVERYTHING]
    return template.rstrip() + "\n" + "".join(added)


def output_of(attribute: str) -> str:
    return "All" + "".join(part.capitalize() for part in attribute.replace("_", ".").split("."))


def check_attributes(outputs: dict[str, str], artifact: dict[str, object]) -> None:
    schema = json.loads((ROOT / "schemas" / "artifact.json").read_text())
    jsonschema.validate(artifact, schema)
    assert {output_of(name) for name in EVERYTHING} <= outputs.keys()
    assert outputs[output_of("data.authentication.hostname")] == outputs[output_of("hostname")] == "localhost"
    assert len(outputs[output_of("password")]) == 64
    assert outputs[output_of("secret_arn")].startswith("arn:aws:secretsmanager:")


def check_login(emulator: Emulator, artifact: dict[str, object]) -> None:
    if not INSTALLED:
        return
    assert client.ping(emulator, artifact)
    with pytest.raises(redis.AuthenticationError):
        client.ping(emulator, artifact, password="wrong")


def check_live(emulator: Emulator, preset: str, physical_id: str) -> None:
    cache = emulator.client("elasticache")
    group = cache.describe_replication_groups(ReplicationGroupId=physical_id)["ReplicationGroups"][0]
    assert group["Status"] == "available"
    if preset == "free-tier":
        assert group["CacheNodeType"] == "cache.t3.small"
    if preset == "highly-available":
        assert len(group["MemberClusters"]) == 3
    if preset == "sharded-cluster":
        member = cache.describe_cache_clusters(CacheClusterId=group["MemberClusters"][0])["CacheClusters"][0]
        used = [each["SecurityGroupId"] for each in member["SecurityGroups"]]
        found = emulator.client("ec2").describe_security_groups(GroupIds=used)["SecurityGroups"]
        assert found[0]["IpPermissions"] == []
