"""Bugs given as text: for the parts that are being rewritten, to be converted to `planted` as they land."""

from __future__ import annotations

from dataclasses import dataclass

from .planting import NotPlantableError


@dataclass(frozen=True)
class TextualBug:
    """`old` must stand in `module` (a path in function/massdriver_redis) exactly once."""

    name: str
    module: str
    old: str
    new: str
    tests: tuple[str, ...]

    @property
    def file(self) -> str:
        """The path of the changed file in the repository."""
        return f"function/massdriver_redis/{self.module}"

    def plant(self, source: str) -> str:
        """Return the file's source with the bug."""
        if source.count(self.old) != 1:
            raise NotPlantableError(f"the text to replace is there {source.count(self.old)} times, not once")
        return source.replace(self.old, self.new)


TEXTUAL_BUGS = (
    # --- who answers when, and with which id ---
    TextualBug(
        "crhelper answers with an id of its own making",
        "handler.py",
        "    def _cfn_response(self, event: object)",
        "    def _no_cfn_response(self, event: object)",
        ("unit/test_handler.py",),
    ),
    TextualBug(
        "a poll's True counts as an id",
        "handler.py",
        "            if isinstance(candidate, str) and candidate:\n                return candidate\n",
        '            if candidate:\n                return "True"\n',
        ("unit/test_handler.py",),
    ),
    TextualBug(
        "a poll returns True",
        "handler.py",
        '        logger.info("Invocation done", outcome=repr(self._outcome))\n        return self._physical_id()',
        '        logger.info("Invocation done", outcome=repr(self._outcome))\n        return True',
        ("unit/test_handler.py",),
    ),
    TextualBug(
        "an answer before all is settled",
        "reconciler/loop.py",
        "        return Pending(self.physical_id, waiting)",
        '        return Response("SUCCESS", self.physical_id)',
        ("unit/reconciler/test_loop.py",),
    ),
    TextualBug(
        "a failed update carries the new cluster's id",
        "reconciler/loop.py",
        '        return Response("FAILED", self.physical_id, reason)',
        '        return Response("FAILED", getattr(getattr(self._job, "_wish", None), "computed", self.physical_id), reason)',
        ("unit/reconciler/test_apply.py",),
    ),
    TextualBug(
        "any host may be answered",
        "cloudformation/request.py",
        "    if not name.endswith(_AWS_HOSTS) or port not in (None, 443):\n        raise refusal\n",
        "",
        ("unit/cloudformation/test_request.py", "contract/test_hostile.py"),
    ),
    # --- the rule, the order, the deadline ---
    TextualBug(
        "no rule is armed",
        "reconciler/loop.py",
        "        if not isinstance(step, Note) and self._arm():\n            return None\n",
        "",
        ("unit/reconciler/test_loop.py",),
    ),
    TextualBug(
        "the rule is armed after the step",
        "reconciler/loop.py",
        "        if not isinstance(step, Note) and self._arm():\n            return None\n",
        "        if not isinstance(step, Note) and not self._armed:\n"
        "            self._job.make(step)\n            self._arm()\n            return None\n",
        ("unit/reconciler/test_loop.py",),
    ),
    TextualBug(
        "the rule stays after the answer",
        "aws/poll_rule.py",
        '        self.drop([request_id])\n        self._remove("delete_rule", {"Name": self.name})\n\n    def _remove',
        "\n    def _remove",
        ("unit/aws/test_poll_rule.py", "unit/reconciler/test_loop.py"),
    ),
    TextualBug(
        "the deadline is not looked at",
        "reconciler/loop.py",
        "        return self._clock.now() >= self._request.deadline",
        "        return False",
        ("unit/reconciler/test_loop.py",),
    ),
    TextualBug(
        "requests in any order",
        "state/record.py",
        "        return 0 < self.signed_at < other.signed_at",
        "        return False",
        ("unit/state/test_record.py", "unit/reconciler/test_loop.py", "concurrency/test_races.py"),
    ),
    TextualBug(
        "what was answered is answered again",
        "reconciler/apply.py",
        "        if observed.record.was_answered(self._request.request_id):",
        "        if False:",
        ("unit/reconciler/test_loop.py", "concurrency/test_races.py"),
    ),
    TextualBug(
        "throttling is final",
        "aws/session.py",
        '        "Throttling",\n',
        "",
        ("unit/aws/test_session.py", "unit/reconciler/test_loop.py"),
    ),
    TextualBug(
        "one look is enough to fail",
        "reconciler/loop.py",
        "        if answer == doubted:\n            return answer\n        self._doubted = answer\n        return None",
        "        return answer",
        ("concurrency/test_races.py", "faults/test_faults.py"),
    ),
    # --- whose is it ---
    TextualBug(
        "the ownership check is forgotten",
        "state/ownership.py",
        "if each and each.description == description",
        "if each",
        ("unit/state/test_ownership.py", "unit/reconciler/test_apply.py"),
    ),
    TextualBug(
        "a foreign replication group is deleted",
        "state/ownership.py",
        "        replication_group=_owned([found.replication_group], owner.marker),",
        "        replication_group=found.replication_group,",
        ("unit/planner/test_delete.py", "unit/reconciler/test_delete.py"),
    ),
    TextualBug(
        "a cluster that was handed over is adopted",
        "reconciler/target.py",
        "        if observed.record.in_service or (observed.replication_group and not observed.security_group):",
        "        if False:",
        ("unit/reconciler/test_apply.py",),
    ),
    TextualBug(
        "an id made up by CloudFormation leads to a cluster in use",
        "reconciler/delete.py",
        "            if self._recomputed and self._handed_over(observed, delivered=True):",
        "            if False:",
        ("unit/reconciler/test_delete.py",),
    ),
    TextualBug(
        "a half-made replacement passes for handed over",
        "reconciler/apply.py",
        "            known = succeeded or physical_id == self._wish.current_id",
        "            known = True",
        ("unit/reconciler/test_apply.py",),
    ),
    # --- what is changed, and how ---
    TextualBug(
        "not stabilized on all levels",
        "state/observed.py",
        "    return _not_stabilized_node(live)",
        "    return None",
        ("unit/state/test_observed.py", "unit/planner/test_plan.py"),
    ),
    TextualBug(
        "a change waits for the maintenance window",
        "calls/elasticache.py",
        '        {"ReplicationGroupId": group_id, "ApplyImmediately": True, **settings},',
        '        {"ReplicationGroupId": group_id, **settings},',
        ("unit/calls/test_base.py", "unit/reconciler/test_apply.py"),
    ),
    TextualBug(
        "failover is sent to a cluster-mode group",
        "planner/scaling.py",
        '        failover=not live.cluster_mode and desired.failover and live.automatic_failover != "enabled",',
        "        failover=desired.failover,",
        ("unit/planner/test_update.py", "unit/planner/test_plan.py"),
    ),
    TextualBug(
        "compared with the old properties and not with what is live",
        "planner/replacement.py",
        '        "secure": (live.tls, wanted.secure),',
        '        "secure": (True, True),',
        ("unit/reconciler/test_apply.py",),
    ),
    TextualBug(
        "a change that AWS reverted goes unnoticed",
        "planner/plan.py",
        "    _Rule(requested_change.in_flight, requested_change.details),\n",
        "",
        ("unit/planner/test_plan.py", "unit/reconciler/test_loop.py"),
    ),
    TextualBug(
        "a downgrade is not refused",
        "planner/engine.py",
        "    if not requested or not keeps_newer(desired, live):\n",
        "    if True:\n",
        ("unit/planner/test_plan.py", "unit/reconciler/test_apply.py"),
    ),
    TextualBug(
        "at-rest encryption is off",
        "planner/create.py",
        '        "AtRestEncryptionEnabled": True,',
        '        "AtRestEncryptionEnabled": False,',
        ("unit/planner/test_create.py", "unit/reconciler/test_apply.py"),
    ),
    TextualBug(
        "the port is open to the world",
        "calls/ec2.py",
        '            "IpRanges": [{"CidrIp": cidr, "Description": INGRESS_NOTE}],',
        '            "IpRanges": [{"CidrIp": "0.0.0.0/0", "Description": INGRESS_NOTE}],',
        ("unit/calls/test_base.py", "unit/reconciler/test_apply.py"),
    ),
    # --- what is kept when all goes ---
    TextualBug(
        "no final snapshot",
        "calls/elasticache.py",
        "    if final_snapshot:\n        request[",
        "    if False:\n        request[",
        ("unit/reconciler/test_delete.py", "unit/calls/test_base.py"),
    ),
    TextualBug(
        "the token goes without a recovery window",
        "planner/delete.py",
        "recoverable=keep",
        "recoverable=False",
        ("unit/planner/test_delete.py", "unit/reconciler/test_delete.py"),
    ),
    TextualBug(
        "the security group is left behind",
        "planner/delete.py",
        "        return Apply(ec2.delete_security_group(observed.security_group.id))",
        "        pass",
        ("unit/planner/test_delete.py", "unit/reconciler/test_delete.py"),
    ),
    # --- secrets ---
    TextualBug(
        "the event is logged as it came",
        "handler.py",
        "        log.protect(*secrets_of(self._request))\n",
        '        logger.info("Event", event=event)\n        log.protect(*secrets_of(self._request))\n',
        ("unit/test_handler.py", "unit/reconciler/test_loop.py"),
    ),
    TextualBug(
        "every try draws a new token",
        "calls/elasticache.py",
        '        token="stored" if secure else "none",',
        '        token="new" if secure else "none",',
        ("unit/calls/test_base.py", "unit/reconciler/test_apply.py"),
    ),
)
