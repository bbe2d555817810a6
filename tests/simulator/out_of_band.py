"""What somebody else does to a replication group: in the console, by another tool, or AWS to its nodes."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from . import checks
from .state import Effect, NodeGroup, ReplicationGroup

if TYPE_CHECKING:
    from collections.abc import Callable

    from .region import Region


class OutOfBand:
    """Changes of one replication group that no caller of the simulator asked for.

    Each begins now, shows as pending for as long as it takes, and ends by itself. What AWS demands first is
    taken as done: an engine that knows the feature, a replica for cluster mode, the order of steps.
    """

    def __init__(self, region: Region, group: ReplicationGroup) -> None:
        self._region = region
        self._group = group

    def encrypt(self, mode: str) -> None:
        """Set encryption in transit to required, preferred or, with "", none.

        AWS takes any mode but required without access control only (aws-controllers-k8s/community#2536), so
        tokens and user groups go too. Sources: API_ModifyReplicationGroup, TransitEncryptionMode;
        hashicorp/terraform-provider-aws#30403 (in place from 7.0.5 on).
        """
        pending: dict[str, Any] = {"TransitEncryptionEnabled": mode != ""}
        if mode:
            pending["TransitEncryptionMode"] = mode

        def apply() -> None:
            self._group.tls_mode = mode
            if mode != "required":
                self._group.tokens, self._group.user_groups = [], ()

        self._change("transit_encryption", self._region.timing.encryption, apply, pending, "token")

    def set_cluster_mode(self, mode: str) -> None:
        """Set cluster mode to compatible, enabled or disabled.

        Sources: the user guide, modify-cluster-mode; hashicorp/terraform-provider-aws#35636 and #38002.
        """
        name = self._group.parameter_group.removesuffix(checks.CLUSTER_ON)

        def apply() -> None:
            self._group.cluster_mode = mode
            self._group.parameter_group = name if mode == "disabled" else f"{name}{checks.CLUSTER_ON}"

        self._change("cluster_mode", self._region.timing.cluster_mode, apply, {"ClusterMode": mode})

    def set_token(self, token: str) -> None:
        """Make `token` the only one, as AuthTokenUpdateStrategy SET does (the user guide, AUTH)."""
        self._access([token], (), {"AuthTokenStatus": "SETTING"})

    def set_user_groups(self, *ids: str) -> None:
        """Control access by user groups instead of tokens; without ids, by nothing.

        Sources: the user guide, RBAC; aws-cloudformation/cloudformation-coverage-roadmap#2356.
        """
        before = self._group.user_groups
        pending = {
            "UserGroupIdsToAdd": [each for each in ids if each not in before],
            "UserGroupIdsToRemove": [each for each in before if each not in ids],
        }
        self._access([], ids, {"UserGroups": pending})

    def _access(self, tokens: list[str], user_groups: tuple[str, ...], pending: dict[str, Any]) -> None:
        def apply() -> None:
            if tokens != self._group.tokens:
                self._group.token_changed = self._region.now
            self._group.tokens, self._group.user_groups = tokens, user_groups

        self._change("access", self._region.timing.auth_token, apply, pending, "token")

    def fail_over(self, node_group: str = "0001") -> None:
        """Make a replica of a shard its primary, as TestFailover and the loss of the primary do.

        The endpoints keep their names (the user guide, AutoFailover and its page on testing it).
        """
        (shard,) = (each for each in self._group.node_groups if each.id == node_group)
        self._region.event(self._group.id, f"Test Failover API called for node group {shard.id}")
        self._change("failover", self._region.timing.failover, partial(self._promote, shard))

    def _promote(self, shard: NodeGroup) -> None:
        lost, promoted, *others = shard.members
        shard.members = [promoted, *others, lost]
        self._region.event(
            self._group.id, f"Failover from primary node {lost.id} to replica node {promoted.id} completed"
        )

    def strand(self, member: str, status: str = "incompatible-network") -> None:
        """Leave a member in a status that it doesn't leave by itself (the user guide, Nodes.viewing)."""
        (found,) = (each for each in self._group.every_member() if each.id == member)
        found.status = status

    def join_global_datastore(self, name: str) -> None:
        """Make it the primary of a global datastore (the user guide, Redis-Global-Datastore)."""
        self._group.global_datastore = name

    def _change(
        self,
        kind: str,
        seconds: float,
        apply: Callable[[], None],
        pending: dict[str, Any] | None = None,
        notice: str = "",
    ) -> None:
        begin = partial(self._group.pending.update, pending or {})
        members = list(self._group.in_service)
        self._region.change(self._group, [Effect(kind, seconds, apply, begin=begin)], lambda: members, notice)
        self._region.note()
