"""How long changes take, and the service quotas."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Timing:
    """Simulated seconds of every step; the defaults lie within what Terraform's acceptance tests report.

    `node_group_lag` and `member_lag` are how long node groups and member clusters keep changing after the
    replication group reports `available` (hashicorp/terraform-provider-aws#50096). For `stale` seconds
    after a call, the Describe calls show the state before it. Elastic network interfaces hold a security
    group for `eni_lag` seconds after the cluster released it. A new subnet group is unknown to
    CreateReplicationGroup for `subnet_group_lag` seconds (aws-controllers-k8s/community#1228).
    """

    create: float = 420.0
    delete: float = 240.0
    minor: float = 20.0
    failover: float = 60.0
    security_groups: float = 60.0
    node_type: float = 600.0
    engine: float = 600.0
    auth_token: float = 60.0
    encryption: float = 600.0
    cluster_mode: float = 900.0
    replica: float = 300.0
    reshard: float = 600.0
    snapshot: float = 90.0
    tag: float = 20.0
    node_group_lag: float = 10.0
    member_lag: float = 30.0
    stale: float = 0.0
    eni_lag: float = 5.0
    subnet_group_lag: float = 0.0


@dataclass(frozen=True)
class Quotas:
    """Service quotas with AWS's defaults (the user guide's pages on quotas and on backup constraints)."""

    nodes_per_group: int = 90
    nodes_per_region: int = 300
    subnet_groups: int = 300
    subnets_per_group: int = 20
    snapshots: int = 50
    snapshots_per_node_and_day: int = 20
    tags: int = 50
