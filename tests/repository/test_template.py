"""template.yaml: what the functions use is granted, what is granted is used, and nothing names a stack."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from typing import Any

import botocore.session
import pytest
import yaml
from botocore import xform_name

ROOT = Path(__file__).resolve().parents[2]

FOLDERS = {"ProviderFunction": ROOT / "function", "FallbackFunction": ROOT / "fallback"}
ROLES = {"ProviderFunction": "ProviderRole", "FallbackFunction": "FallbackRole"}
CERTIFICATES = {"REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"}
SERVICES = ("elasticache", "ec2", "secretsmanager", "events", "sts", "cloudformation")

IMPLIED = {
    # IAM asks for these besides the action of a call that carries tags, makes a final snapshot, is an
    # account's first cluster, fails for good, or prints a line.
    "ec2:CreateTags",
    "elasticache:AddTagsToResource",
    "elasticache:CreateSnapshot",
    "iam:CreateServiceLinkedRole",
    "lambda:InvokeFunction",
    "logs:CreateLogStream",
    "logs:PutLogEvents",
    "secretsmanager:TagResource",
}

UNSCOPED = {
    # Actions without resource-level permissions (service authorization reference).
    "ec2:DescribeSecurityGroups",
    "elasticache:DescribeCacheEngineVersions",
    "elasticache:DescribeEvents",
    "events:ListRules",
}


class _Loader(yaml.SafeLoader):
    """Reads CloudFormation's short forms as their long ones."""


def _intrinsic(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    name = suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}"
    if isinstance(node, yaml.ScalarNode):
        return {name: loader.construct_scalar(node)}
    if isinstance(node, yaml.SequenceNode):
        return {name: loader.construct_sequence(node, deep=True)}
    return {name: loader.construct_mapping(node, deep=True)}


_Loader.add_multi_constructor("!", _intrinsic)


@cache
def template() -> dict[str, Any]:
    found = yaml.load((ROOT / "template.yaml").read_text(), Loader=_Loader)
    assert isinstance(found, dict)
    return found


def statements(role: str) -> list[dict[str, Any]]:
    policies = template()["Resources"][role]["Properties"]["Policies"]
    given = [policy["Fn::If"][1] if "Fn::If" in policy else policy for policy in policies]
    return [each for policy in given for each in policy["PolicyDocument"]["Statement"]]


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def variables(function: str) -> dict[str, Any]:
    found = template()["Resources"][function]["Properties"]["Environment"]["Variables"]
    assert isinstance(found, dict)
    return found


def granted(role: str) -> set[str]:
    return {action for statement in statements(role) for action in listed(statement["Action"])}


@cache
def operations() -> dict[str, set[str]]:
    """Return the IAM actions that a method of a boto3 client may need, by the method's name."""
    session = botocore.session.get_session()
    found: dict[str, set[str]] = {}
    for service in SERVICES:
        for name in session.get_service_model(service).operation_names:
            found.setdefault(xform_name(name), set()).add(f"{service}:{name}")
    return found


def used(folder: Path) -> list[set[str]]:
    """Return, for each operation of AWS that the code names, the actions it can stand for."""
    names: set[str] = set()
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute):
                names.add(node.attr)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                names.add(node.value)
                names.add(xform_name(node.value) if re.fullmatch(r"[A-Z][A-Za-z]+", node.value) else "")
    return [operations()[name] for name in sorted(names) if name in operations()]


@pytest.mark.parametrize("function", FOLDERS)
def test_every_aws_call_in_the_code_is_granted(function: str) -> None:
    found = used(FOLDERS[function])
    assert found, "the search found no AWS call at all"
    assert [sorted(actions) for actions in found if not actions & granted(ROLES[function])] == []


@pytest.mark.parametrize("function", FOLDERS)
def test_nothing_is_granted_that_the_code_does_not_use(function: str) -> None:
    needed = IMPLIED.union(*used(FOLDERS[function]))
    assert granted(ROLES[function]) - needed == set()


@pytest.mark.parametrize("role", ROLES.values())
def test_only_actions_that_cannot_be_scoped_are_granted_on_every_resource(role: str) -> None:
    unscoped = [each for each in statements(role) if "*" in listed(each["Resource"])]
    assert {action for each in unscoped for action in listed(each["Action"])} <= UNSCOPED


@pytest.mark.parametrize("role", ROLES.values())
def test_no_action_is_a_wildcard_and_every_statement_is_named(role: str) -> None:
    assert not [action for action in granted(role) if "*" in action]
    sids = [each["Sid"] for each in statements(role)]
    assert len(sids) == len(set(sids))


def test_a_role_may_be_assumed_only_if_the_parameter_names_one() -> None:
    assert template()["Parameters"]["AllowedRoleArns"]["Default"] == ""
    [statement] = [each for each in statements("ProviderRole") if "sts:AssumeRole" in listed(each["Action"])]
    assert statement["Resource"] == {"Ref": "AllowedRoleArns"}


def test_arns_fit_every_partition_account_and_region() -> None:
    text = (ROOT / "template.yaml").read_text()
    assert not re.findall(r"arn:aws:|\b\d{12}\b|\b(?:us|eu|ap)-[a-z]+-\d\b", text)


def test_every_name_of_ours_begins_with_the_prefix_that_the_functions_get() -> None:
    resources = template()["Resources"]
    prefix = resources["ProviderFunction"]["Properties"]["Environment"]["Variables"]["RESOURCE_PREFIX"]
    assert (
        resources["FallbackFunction"]["Properties"]["Environment"]["Variables"]["RESOURCE_PREFIX"] == prefix
    )
    text, values = prefix["Fn::Sub"]
    joined = [value for value in _substitutions(template()) if "mdr-" in value[0]]
    assert len(joined) > 5
    assert all(text in value[0] and value[1] == values for value in joined)


def _substitutions(value: Any) -> list[Any]:
    """Return every list form of Fn::Sub."""
    if isinstance(value, dict):
        here = [value["Fn::Sub"]] if isinstance(value.get("Fn::Sub"), list) else []
        return here + [found for each in value.values() for found in _substitutions(each)]
    if isinstance(value, list):
        return [found for each in value for found in _substitutions(each)]
    return []


@pytest.mark.parametrize("function", FOLDERS)
def test_the_handler_exists_and_every_variable_the_code_reads_is_set(function: str) -> None:
    properties = template()["Resources"][function]["Properties"]
    module, name = properties["Handler"].split(".")
    path = FOLDERS[function] / f"{module}.py"
    assert path.parent == ROOT / properties["CodeUri"]
    assert f"def {name}(" in path.read_text()
    read = set()
    for source in FOLDERS[function].rglob("*.py"):
        read |= set(re.findall(r"environ(?:\.get\(|\[)\"([A-Z_]+)\"", source.read_text()))
    from_lambda = {name for name in read if name.startswith("AWS_") or name in CERTIFICATES}
    assert read - from_lambda <= set(variables(function))


@pytest.mark.parametrize("function", FOLDERS)
def test_every_variable_that_is_set_is_read(function: str) -> None:
    text = "".join(path.read_text() for path in FOLDERS[function].rglob("*.py"))
    powertools = {name for name in variables(function) if name.startswith("POWERTOOLS_")}  # the library's
    assert [name for name in set(variables(function)) - powertools if f'"{name}"' not in text] == []


def test_a_failed_invocation_is_tried_once_more_and_then_handed_to_the_fallback() -> None:
    settings = template()["Resources"]["ProviderFunction"]["Properties"]["EventInvokeConfig"]
    assert settings["MaximumRetryAttempts"] == 1
    assert settings["MaximumEventAgeInSeconds"] == 300
    destination = settings["DestinationConfig"]["OnFailure"]
    assert destination == {"Type": "Lambda", "Destination": {"Fn::GetAtt": "FallbackFunction.Arn"}}


def test_eventbridge_may_invoke_the_function_for_rules_of_this_provider_only() -> None:
    permissions = [
        each["Properties"]
        for each in template()["Resources"].values()
        if each["Type"] == "AWS::Lambda::Permission"
    ]
    [permission] = permissions
    assert permission["Principal"] == "events.amazonaws.com"
    assert permission["SourceArn"]["Fn::Sub"][0].endswith(":rule/mdr-${Id}-*")


def test_the_emulator_leaves_no_hook_in_the_template() -> None:
    text = (ROOT / "template.yaml").read_text().lower()
    assert not [word for word in ("localhost", "127.0.0.1", "endpoint_url", "ministack") if word in text]
    assert template()["Parameters"]["ResponseHost"]["Default"] == ""


@pytest.mark.parametrize("document", ["docs/iam.md"])
def test_every_action_is_explained(document: str) -> None:
    text = (ROOT / document).read_text()
    everything = granted("ProviderRole") | granted("FallbackRole")
    assert sorted(action for action in everything if f"`{action}`" not in text) == []
    assert sorted(set(re.findall(r"`([a-z0-9]+:[A-Z][A-Za-z]+)`", text)) - everything) == []
