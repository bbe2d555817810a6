"""The planted bugs: a piece of the function's text, what replaces it, and the tests that must notice."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Bug:
    """`old` must stand in `file` (under function/massdriver_redis) exactly once."""

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


_END_TO_END = ("operation", "converge", "removal")

BUGS = (
    # --- who answers when, and with which id ---
    Bug(
        "crhelper answers with an id of its own making",
        "helper.py",
        "    def _cfn_response(self, event: object)",
        "    def _no_cfn_response(self, event: object)",
        ("helper",),
    ),
    Bug(
        "a poll's True counts as an id",
        "helper.py",
        "            if isinstance(candidate, str) and candidate:\n                return candidate\n",
        '            if candidate:\n                return "True"\n',
        ("helper",),
    ),
    Bug(
        "a poll returns True",
        "helper.py",
        '        logger.info("Invocation done", outcome=repr(self._outcome))\n        return self._physical_id()',
        '        logger.info("Invocation done", outcome=repr(self._outcome))\n        return True',
        ("helper",),
    ),
    Bug(
        "an answer before all is settled",
        "operation.py",
        "        return Pending(self.physical_id, waiting)",
        '        return Answer("SUCCESS", self.physical_id)',
        ("operation",),
    ),
    Bug(
        "the physical id is drawn at random",
        "naming.py",
        "    digest = hashlib.sha256(text.encode()).digest()\n",
        '    digest = hashlib.sha256(text.encode() + __import__("os").urandom(8)).digest()\n',
        ("naming", "converge"),
    ),
    Bug(
        "a failed update carries the new cluster's id",
        "operation.py",
        '        return Answer("FAILED", self.physical_id, reason)',
        '        return Answer("FAILED", getattr(getattr(self._job, "_wish", None), "computed", self.physical_id), reason)',
        ("converge",),
    ),
    Bug(
        "NoEcho is not set",
        "response.py",
        '        "NoEcho": True,\n',
        '        "NoEcho": False,\n',
        ("response",),
    ),
    Bug(
        "a refused response counts as delivered",
        "responder.py",
        "        if 200 <= status < 300:\n",
        "        if status:\n",
        ("responder",),
    ),
    Bug(
        "any host may be answered",
        "request.py",
        "    if not name.endswith(_AWS_HOSTS) or port not in (None, 443):\n        raise refusal\n",
        "",
        ("request", "hostile"),
    ),
    # --- the rule, the order, the deadline ---
    Bug(
        "no rule is armed",
        "operation.py",
        "        if step.needs_poll and self._arm():\n            return None\n",
        "",
        ("operation",),
    ),
    Bug(
        "the rule is armed after the step",
        "operation.py",
        "        if step.needs_poll and self._arm():\n            return None\n",
        "        if step.needs_poll and not self._armed:\n"
        "            self._job.make(step)\n            self._arm()\n            return None\n",
        ("operation",),
    ),
    Bug(
        "the rule stays after the answer",
        "poll_rule.py",
        '        self.drop([request_id])\n        self._remove("delete_rule", {"Name": self.name})\n\n    def _remove',
        "\n    def _remove",
        ("poll_rule", "operation"),
    ),
    Bug(
        "the deadline is not looked at",
        "operation.py",
        "        return self._clock.now() >= self._request.deadline",
        "        return False",
        ("operation",),
    ),
    Bug(
        "requests in any order",
        "ledger.py",
        "        return any(stamp.later_than(signed_at)",
        "        return False and any(stamp.later_than(signed_at)",
        ("ledger", "operation", "races"),
    ),
    Bug(
        "what was answered is answered again",
        "converge.py",
        "        if world.ledger.was_answered(self._request.request_id):",
        "        if False:",
        ("operation", "races"),
    ),
    Bug(
        "throttling is final",
        "aws.py",
        '        "Throttling",\n',
        "",
        ("aws", "operation"),
    ),
    Bug(
        "one look is enough to fail",
        "operation.py",
        "        if answer == doubted:\n            return answer\n        self._doubted = answer\n        return None",
        "        return answer",
        ("races", "faults"),
    ),
    # --- whose is it ---
    Bug(
        "the ownership check is forgotten",
        "plan.py",
        "        if ours is False:",
        "        if False:",
        ("plan", "converge"),
    ),
    Bug(
        "a foreign group is deleted",
        "teardown.py",
        "    if group and group.description == marker:\n        return _group(",
        "    if group:\n        return _group(",
        ("teardown", "removal"),
    ),
    Bug(
        "a cluster that was handed over is adopted",
        "choice.py",
        "        if world.ledger.handed_over or (world.group and not world.security_group):",
        "        if False:",
        ("converge",),
    ),
    Bug(
        "an id made up by CloudFormation leads to a cluster in use",
        "removal.py",
        "            if self._recomputed and self._handed_over(world, delivered=True):",
        "            if False:",
        ("removal",),
    ),
    Bug(
        "a half-made replacement passes for handed over",
        "converge.py",
        "            known = succeeded or physical_id == self._wish.home_id",
        "            known = True",
        ("converge",),
    ),
    # --- what is changed, and how ---
    Bug(
        "not settled on all levels",
        "world.py",
        "    return _unsettled_nodes(group)",
        "    return None",
        ("world", "plan"),
    ),
    Bug(
        "a change waits for the maintenance window",
        "group_calls.py",
        '        {"ReplicationGroupId": group_id, "ApplyImmediately": True, **settings},',
        '        {"ReplicationGroupId": group_id, **settings},',
        ("calls", "converge"),
    ),
    Bug(
        "failover is sent to a cluster-mode group",
        "changes.py",
        '        failover=not group.cluster_mode and desired.failover and group.automatic_failover != "enabled",',
        "        failover=desired.failover,",
        ("changes", "plan"),
    ),
    Bug(
        "compared with the old properties and not with what is live",
        "replacement.py",
        "    if group and group.tls != wanted.secure:",
        "    if False:",
        ("converge",),
    ),
    Bug(
        "a change taken back by AWS goes unnoticed",
        "plan.py",
        "    if in_flight:\n        return in_flight\n",
        "",
        ("plan", "operation"),
    ),
    Bug(
        "a downgrade is not refused",
        "upgrades.py",
        "        if not moment.rolling_back:\n            return Failed(_downgrade(desired, group), refused=True)\n",
        "        pass\n",
        ("plan", "converge"),
    ),
    Bug(
        "at-rest encryption is off",
        "creation.py",
        '        "AtRestEncryptionEnabled": True,',
        '        "AtRestEncryptionEnabled": False,',
        ("creation", "converge"),
    ),
    Bug(
        "the port is open to the world",
        "calls.py",
        '            "IpRanges": [{"CidrIp": cidr, "Description": INGRESS_NOTE}],',
        '            "IpRanges": [{"CidrIp": "0.0.0.0/0", "Description": INGRESS_NOTE}],',
        ("calls", "converge"),
    ),
    # --- what is kept when all goes ---
    Bug(
        "no final snapshot",
        "group_calls.py",
        "    if final_snapshot:\n        request[",
        "    if False:\n        request[",
        ("removal", "calls"),
    ),
    Bug(
        "the token goes without a recovery window",
        "teardown.py",
        "recoverable=HANDED_OVER in secret.tags",
        "recoverable=False",
        ("teardown", "removal"),
    ),
    Bug(
        "the security group is left behind",
        "teardown.py",
        "        return Step(calls.delete_security_group(world.security_group.id))",
        "        pass",
        ("teardown", "removal"),
    ),
    # --- secrets ---
    Bug(
        "the event is logged as it came",
        "helper.py",
        "        log.protect(*secrets_of(self._request))\n",
        '        logger.info("Event", event=event)\n        log.protect(*secrets_of(self._request))\n',
        ("helper", "operation"),
    ),
    Bug(
        "nothing is hidden in logs and Reasons",
        "log.py",
        "            text = text.replace(secret, MASK)",
        "            pass",
        ("log", "operation"),
    ),
    Bug(
        "every try draws a new token",
        "group_calls.py",
        '        token="stored" if secure else "none",',
        '        token="new" if secure else "none",',
        ("calls", "converge"),
    ),
)
