"""The policies of template.yaml as CloudFormation renders them, for the account and stack of the tests."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.harness.context import FUNCTION
from tests.harness.schedules import ACCOUNT, GROUP, REGION, ROLE_ARN
from tools.preview.reading import TemplateLoader

TEMPLATE = Path(__file__).parents[2] / "template.yaml"
FALLBACK = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:provider-FallbackFunction"
ALLOWED_ROLES = f"arn:aws:iam::{ACCOUNT}:role/redis-*"

VALUES: Mapping[str, Any] = {
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::AccountId": ACCOUNT,
    "AWS::StackId": f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/provider/{GROUP[4:]}-0000-4000-8000-1",
    "AllowedRoleArns": [ALLOWED_ROLES],
    "SchedulerRole": "provider-SchedulerRole",
    "SchedulerRole.Arn": ROLE_ARN,
    "ProviderFunction.Arn": FUNCTION,
    "FallbackFunction.Arn": FALLBACK,
    "ScheduleGroup.Arn": f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule-group/{GROUP}",
    "ProviderLogGroup.Arn": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:provider:*",
    "FallbackLogGroup.Arn": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:fallback:*",
    "MayAssumeRoles": True,
}
"""What a reference in a policy stands for; a role of `aws_authentication` is allowed."""


@cache
def resources() -> dict[str, Any]:
    """Return the template's resources."""
    found: dict[str, Any] = yaml.load(TEMPLATE.read_text("utf-8"), Loader=TemplateLoader)["Resources"]
    return found


def policies(role: str) -> dict[str, list[dict[str, Any]]]:
    """Return the statements of a role's policies by the policy's name."""
    given = list(resources()[role]["Properties"].get("Policies", []))
    given += [each["Properties"] for each in resources().values() if _is_policy_of(each, role)]
    rendered = [render(each) for each in given]
    return {each["PolicyName"]: each["PolicyDocument"]["Statement"] for each in rendered}


def statements(role: str) -> list[dict[str, Any]]:
    """Return the statements of all of a role's policies."""
    return [each for statements in policies(role).values() for each in statements]


def trust(role: str) -> dict[str, Any]:
    """Return a role's trust policy."""
    found: dict[str, Any] = render(resources()[role]["Properties"]["AssumeRolePolicyDocument"])
    return found


def _is_policy_of(resource: Mapping[str, Any], role: str) -> bool:
    return resource["Type"] == "AWS::IAM::Policy" and {"Ref": role} in resource["Properties"]["Roles"]


def render(value: Any) -> Any:
    """Return a value with CloudFormation's functions evaluated; raises KeyError for an unknown one."""
    if isinstance(value, list):
        return [render(each) for each in value]
    if not isinstance(value, dict):
        return value
    match value:
        case {"Ref": name} | {"Fn::GetAtt": name}:
            return VALUES[name]
        case {"Fn::Sub": str(text)}:
            return _substituted(text, VALUES)
        case {"Fn::Sub": [text, own]}:
            return _substituted(text, {**VALUES, **render(own)})
        case {"Fn::Select": [index, items]}:
            return render(items)[index]
        case {"Fn::Split": [by, text]}:
            return render(text).split(by)
        case {"Fn::If": [condition, then, otherwise]}:
            return render(then if VALUES[condition] else otherwise)
    return dict(_rendered(value))


def _rendered(value: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, each in value.items():
        if key.startswith("Fn::"):
            raise KeyError(key)
        yield key, render(each)


def _substituted(text: str, values: Mapping[str, Any]) -> str:
    return re.sub(r"\$\{([\w:.]+)\}", lambda found: str(values[found[1]]), text)
