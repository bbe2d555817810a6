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
        "what was answered is answered again",
        "reconciler/apply.py",
        "        if observed.record.was_answered(self._request.request_id):",
        "        if False:",
        ("unit/reconciler/test_loop.py", "concurrency/test_races.py"),
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
    # --- what is kept when all goes ---
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
)
