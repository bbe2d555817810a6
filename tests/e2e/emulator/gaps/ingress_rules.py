"""CloudFormation: AWS::EC2::SecurityGroupIngress, unknown to MiniStack, for the example of an app."""

from __future__ import annotations

from typing import Any


def close() -> None:
    """Register the resource type."""
    from ministack.services.cloudformation import provisioners

    provisioners._RESOURCE_HANDLERS["AWS::EC2::SecurityGroupIngress"] = {"create": _create, "delete": _delete}


def _create(logical_id: str, props: dict[str, Any], stack_name: str) -> tuple[str, dict[str, str]]:
    _call("AuthorizeSecurityGroupIngress", props)
    return f"sgr-{stack_name}-{logical_id}", {}


def _delete(_physical_id: str, props: dict[str, Any]) -> None:
    _call("RevokeSecurityGroupIngress", props)


def _call(action: str, props: dict[str, Any]) -> None:
    from ministack.services import ec2

    rule = "IpPermissions.1"
    given = {
        "GroupId": props["GroupId"],
        f"{rule}.IpProtocol": props["IpProtocol"],
        f"{rule}.FromPort": str(props["FromPort"]),
        f"{rule}.ToPort": str(props["ToPort"]),
        f"{rule}.Groups.1.GroupId": props["SourceSecurityGroupId"],
    }
    status, _, body = ec2._ACTION_MAP[action]({name: [value] for name, value in given.items()})
    if status >= 300:
        raise ValueError(f"{action}: {body!r}")
