"""The examples: presets pasted unchanged, valid by the schema, attributes real, no password; who deploys."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from massdriver_redis.properties import parse as properties
from tools.preview.reading import TemplateLoader

ROOT = Path(__file__).resolve().parents[2]
DEPLOY_ROLE = ROOT / "examples" / "deploy-role.yaml"
EXAMPLES = sorted(path for path in (ROOT / "examples").glob("*.yaml") if path != DEPLOY_ROLE)
"""Those with a cluster."""
PRESETS = {
    "free-tier": "Free Tier",
    "highly-available": "Highly Available",
    "sharded-cluster": "Sharded Cluster",
}
ATTRIBUTES = json.loads((ROOT / "schemas" / "attributes.json").read_text())["properties"]
SECRET = {"password", "data.authentication.password", "artifact"}

VALUES = {
    "AWS::Partition": "aws",
    "AWS::Region": "us-east-1",
    "AWS::AccountId": "123456789012",
    "VpcId": "vpc-0a1b2c3d",
    "SubnetA": "subnet-0a1b2c3d",
    "SubnetB": "subnet-1b2c3d4e",
    "ZoneA": "us-east-1a",
    "ZoneB": "us-east-1b",
    "VpcCidr": "10.0.0.0/16",
}


def load(path: Path) -> dict[str, Any]:
    found = yaml.load(path.read_text(), Loader=TemplateLoader)
    assert isinstance(found, dict)
    return found


def resolved(value: Any) -> Any:
    """Return a value as CloudFormation sends it: references filled in, every scalar a string."""
    if isinstance(value, dict):
        if "Ref" in value:
            return VALUES[value["Ref"]]
        if "Fn::Sub" in value:
            return re.sub(r"\$\{([^}]+)\}", lambda found: VALUES[found.group(1)], value["Fn::Sub"])
        return {key: resolved(each) for key, each in value.items() if key != "ServiceToken"}
    if isinstance(value, list):
        return [resolved(each) for each in value]
    return str(value).lower() if isinstance(value, bool) else str(value)


def sent(path: Path) -> dict[str, Any]:
    found = resolved(load(path)["Resources"]["Redis"]["Properties"])
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_its_properties_are_valid(path: Path) -> None:
    read = properties.read(sent(path), today=date(2026, 7, 1))
    assert read.node_type.startswith("cache.")


@pytest.mark.parametrize(("name", "preset"), PRESETS.items())
def test_it_holds_its_preset_unchanged(name: str, preset: str) -> None:
    examples = json.loads((ROOT / "schemas" / "params.json").read_text())["examples"]
    [pasted] = [example for example in examples if example["__name"] == preset]
    own = {key: value for key, value in sent(ROOT / "examples" / f"{name}.yaml").items() if key != "vpc"}
    assert own == resolved(pasted)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_attribute_it_reads_exists(path: Path) -> None:
    text = path.read_text()
    read = re.findall(r"!GetAtt Redis\.([\w.]+)", text) + re.findall(r"\$\{Redis\.([\w.]+)\}", text)
    assert read
    assert set(read) <= set(ATTRIBUTES)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_no_output_shows_the_password(path: Path) -> None:
    outputs = json.dumps(load(path)["Outputs"])
    assert not {name for name in SECRET if f'"Redis.{name}"' in outputs}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_provider_is_found_by_its_export(path: Path) -> None:
    token = load(path)["Resources"]["Redis"]["Properties"]["ServiceToken"]
    assert token == {"Fn::ImportValue": {"Fn::Sub": "${ProviderStack}-ServiceToken"}}


def test_cloudformation_alone_can_assume_the_role_to_deploy_with() -> None:
    [trust] = load(DEPLOY_ROLE)["Resources"]["StackRole"]["Properties"]["AssumeRolePolicyDocument"][
        "Statement"
    ]
    assert (trust["Action"], trust["Principal"]) == (
        "sts:AssumeRole",
        {"Service": "cloudformation.amazonaws.com"},
    )


def test_the_role_to_deploy_with_may_invoke_the_one_function_and_nothing_else() -> None:
    [policy] = load(DEPLOY_ROLE)["Resources"]["StackRole"]["Properties"]["Policies"]
    [allowed] = policy["PolicyDocument"]["Statement"]
    assert (allowed["Effect"], allowed["Action"]) == ("Allow", "lambda:InvokeFunction")
    assert allowed["Resource"] == {"Fn::ImportValue": {"Fn::Sub": "${ProviderStack}-ServiceToken"}}


def test_who_deploys_may_pass_that_role_to_cloudformation_and_invoke_nothing() -> None:
    policy = load(DEPLOY_ROLE)["Resources"]["DeployerPolicy"]["Properties"]["PolicyDocument"]
    assert policy["Statement"] == [
        {
            "Sid": "PassStackRole",
            "Effect": "Allow",
            "Action": "iam:PassRole",
            "Resource": {"Fn::GetAtt": "StackRole.Arn"},
            "Condition": {"StringEquals": {"iam:PassedToService": "cloudformation.amazonaws.com"}},
        }
    ]
