"""What AWS doesn't show yet of things made seconds ago: EC2, IAM and ElastiCache are eventually consistent.

Sources: the EC2 API reference, "Eventual consistency"; the IAM user guide, "Changes that I make are not
always immediately visible"; hashicorp/terraform-provider-aws#6566 (IAM), spinnaker/spinnaker#5131 (security
groups).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.simulator.errors import Refusal

from .clock import SimulatedClock

_ROLE_UNKNOWN = "User: {caller} is not authorized to perform: sts:AssumeRole on resource: {role}"
_CALLER = "arn:aws:sts::123456789012:assumed-role/provider-Role/provider"


class Late:
    """Names that are not visible yet, for an AWS of the harness.

    `security_groups` is for how many seconds every security group made from now on is unknown, `elasticache`
    how many seconds later than EC2 ElastiCache knows one.
    """

    def __init__(self, clock: SimulatedClock) -> None:
        self.security_groups = self.elasticache = 0.0
        self._clock = clock
        self._until: dict[str, float] = {}

    def hide(self, name: str, seconds: float) -> None:
        """Make a subnet, a VPC, a security group (by id) or a role (by ARN) unknown for so long."""
        self._until[name] = self._clock.now() + seconds

    def hides(self, name: str) -> bool:
        return self._clock.now() < self._until.get(name, 0.0)

    def hides_from_elasticache(self, name: str) -> bool:
        return self._clock.now() < self._until.get(name, 0.0) + self.elasticache

    def check(self, service: str, operation: str, params: Mapping[str, Any]) -> None:
        """Raise Refusal for a call of EC2 or STS that names what is not visible yet."""
        if service == "sts" and self.hides(params.get("RoleArn", "")):
            raise Refusal("AccessDenied", _ROLE_UNKNOWN.format(caller=_CALLER, role=params["RoleArn"]))
        if service != "ec2":
            return
        if operation == "CreateSecurityGroup" and self.hides(params["VpcId"]):
            raise Refusal("InvalidVpcID.NotFound", f"The vpc ID '{params['VpcId']}' does not exist")
        for name in (params.get("GroupId", ""), *params.get("Resources", ())):
            if self.hides(name):
                raise Refusal("InvalidGroup.NotFound", f"The security group '{name}' does not exist")

    def seen(self, operation: str, answer: Any) -> Any:
        """Return an answer of EC2 without what is not visible yet; note what the call has made."""
        if operation == "CreateSecurityGroup":
            self.hide(answer["GroupId"], self.security_groups)
        if operation == "DescribeSecurityGroups":
            shown = [each for each in answer["SecurityGroups"] if not self.hides(each["GroupId"])]
            return {**answer, "SecurityGroups": shown}
        return answer
