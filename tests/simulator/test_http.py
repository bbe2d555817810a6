"""The simulator over HTTP, as another process or an emulator uses it: on 127.0.0.1 only."""

from __future__ import annotations

import re
import subprocess
import sys
import urllib.parse
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.harness.clock import FastClock, SimulatedClock

from . import Endpoint, Simulator, Subnet

HEADERS = {"Content-Type": "application/x-www-form-urlencoded"}


def network(_region: str, subnet: str) -> Subnet | None:
    return Subnet("vpc-1", f"us-east-1{subnet[-1]}") if subnet.startswith("subnet-") else None


def simulator(clock: Any) -> Simulator:
    return Simulator(clock, network=network, security_group=lambda _region, _group: "vpc-1")


def client_of(url: str) -> Any:
    return boto3.client(
        "elasticache",
        "eu-west-1",
        endpoint_url=url,
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
        config=Config(proxies={}, retries={"max_attempts": 1}, connect_timeout=5, read_timeout=5),
    )


def make(client: Any) -> None:
    client.create_cache_subnet_group(
        CacheSubnetGroupName="subnets", CacheSubnetGroupDescription="d", SubnetIds=["subnet-a", "subnet-b"]
    )
    client.create_replication_group(
        ReplicationGroupId="cache",
        ReplicationGroupDescription="d",
        CacheNodeType="cache.t3.micro",
        CacheSubnetGroupName="subnets",
        SecurityGroupIds=["sg-1"],
    )


def test_a_replication_group_is_created_and_deleted_over_http() -> None:
    clock = SimulatedClock()
    with Endpoint(simulator(clock)) as endpoint:
        assert endpoint.url.startswith("http://127.0.0.1:")
        client = client_of(endpoint.url)
        make(client)
        (creating,) = client.describe_replication_groups()["ReplicationGroups"]
        assert (creating["Status"], creating["ARN"].split(":")[3]) == ("creating", "eu-west-1")
        clock.advance(3600)
        client.delete_replication_group(ReplicationGroupId="cache")
        clock.advance(3600)
        with pytest.raises(ClientError) as refused:
            client.describe_replication_groups(ReplicationGroupId="cache")
        assert refused.value.response["Error"]["Code"] == "ReplicationGroupNotFoundFault"
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404


def test_raw_requests_are_answered_without_a_server() -> None:
    body = urllib.parse.urlencode({"Action": "DescribeReplicationGroups", "Version": "2015-02-02"}).encode()
    status, headers, answer = simulator(SimulatedClock()).handle("POST", HEADERS, body)
    assert (status, headers["Content-Type"]) == (200, "text/xml")
    assert b"<DescribeReplicationGroupsResult>" in answer


def test_a_header_can_name_the_account() -> None:
    simulated = simulator(SimulatedClock())
    body = urllib.parse.urlencode(
        {
            "Action": "CreateCacheSubnetGroup",
            "Version": "2015-02-02",
            "CacheSubnetGroupName": "subnets",
            "CacheSubnetGroupDescription": "d",
            "SubnetIds.SubnetIdentifier.1": "subnet-a",
        }
    ).encode()
    status, _, answer = simulated.handle("POST", {**HEADERS, "x-moto-account-id": "000000000000"}, body)
    assert status == 200
    assert b"arn:aws:elasticache:us-east-1:000000000000:subnetgroup:subnets" in answer


def test_an_operation_that_is_not_simulated_has_its_own_error() -> None:
    body = urllib.parse.urlencode({"Action": "TestFailover", "Version": "2015-02-02"}).encode()
    status, _, answer = simulator(SimulatedClock()).handle("POST", HEADERS, body)
    assert (status, b"NotSimulated" in answer) == (501, True)


def test_an_endpoint_can_be_replaced_by_the_address_of_a_redis() -> None:
    clock = SimulatedClock()
    simulated = Simulator(
        clock,
        network=network,
        security_group=lambda _region, _group: "vpc-1",
        endpoint=lambda group, address, port: (f"{group}.localhost", port + 1),
    )
    with Endpoint(simulated) as endpoint:
        client = client_of(endpoint.url)
        make(client)
        clock.advance(3600)
        (group,) = client.describe_replication_groups()["ReplicationGroups"]
    assert group["NodeGroups"][0]["PrimaryEndpoint"] == {"Address": "cache.localhost", "Port": 6380}


def test_the_command_serves_until_it_is_stopped() -> None:
    command = [sys.executable, "-m", "tests.simulator", "--port", "0", "--speed", "100000"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = re.search(r"http://127\.0\.0\.1:\d+", process.stdout.readline())
            assert url is not None
            client = client_of(url.group())
            make(client)
            (group,) = client.describe_replication_groups()["ReplicationGroups"]
            assert group["Status"] in ("creating", "available")
        finally:
            process.terminate()


def test_a_fast_clock_runs_faster_than_the_machine() -> None:
    clock = FastClock(speed=1000.0)
    before = clock.now()
    clock.sleep(10.0)
    assert clock.now() - before >= 10.0


def test_a_simulated_clock_moves_only_on_request_and_never_back() -> None:
    clock = SimulatedClock(100.0)
    clock.sleep(5)
    assert clock.now() == 105.0
    with pytest.raises(ValueError, match="backwards"):
        clock.advance(-1)
