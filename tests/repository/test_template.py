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

from tools.preview.reading import TemplateLoader

ROOT = Path(__file__).resolve().parents[2]

FOLDERS = {"ProviderFunction": ROOT / "function", "FallbackFunction": ROOT / "fallback"}
SHARED = ROOT / "function" / "massdriver_redis" / "cloudformation" / "genuine.py"
"""The provider's module that the fallback's package holds too."""
ROLES = {"ProviderFunction": "ProviderRole", "FallbackFunction": "FallbackRole"}
CERTIFICATES = {"REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"}
SERVICES = ("elasticache", "ec2", "secretsmanager", "scheduler", "sts", "cloudformation")

IMPLIED = {
    # IAM asks for these in addition to the action of a call that carries tags or a role, makes a final
    # snapshot, is an account's first cluster, fails for good, or prints a line.
    "ec2:CreateTags",
    "elasticache:AddTagsToResource",
    "elasticache:CreateSnapshot",
    "iam:CreateServiceLinkedRole",
    "iam:PassRole",
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
}


@cache
def template() -> dict[str, Any]:
    found = yaml.load((ROOT / "template.yaml").read_text(), Loader=TemplateLoader)
    assert isinstance(found, dict)
    return found


def resources(kind: str) -> dict[str, dict[str, Any]]:
    """Return the properties of every resource of a type by its logical id."""
    found = template()["Resources"].items()
    return {name: each["Properties"] for name, each in found if each["Type"] == kind}


def statements(role: str) -> list[dict[str, Any]]:
    policies = template()["Resources"][role]["Properties"].get("Policies", [])
    given = [policy["Fn::If"][1] if "Fn::If" in policy else policy for policy in policies]
    given += [each for each in resources("AWS::IAM::Policy").values() if {"Ref": role} in each["Roles"]]
    return [each for policy in given for each in policy["PolicyDocument"]["Statement"]]


def statement(role: str, action: str) -> dict[str, Any]:
    [found] = [each for each in statements(role) if action in listed(each["Action"])]
    return found


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def sources(function: str) -> str:
    """Return the text of all modules in a function's package."""
    return "".join(path.read_text() for path in {SHARED, *FOLDERS[function].rglob("*.py")})


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
    assert statement("ProviderRole", "sts:AssumeRole")["Resource"] == {"Ref": "AllowedRoleArns"}


ROLE = "arn:aws:iam::123456789012:role"


@pytest.mark.parametrize(
    "allowed",
    [
        "",
        f"{ROLE}/redis-admin",
        f"{ROLE}/redis-*",
        f"{ROLE}/*",
        f"{ROLE}/team/redis-*",
        "arn:aws-cn:iam::123456789012:role/redis-*",
        "arn:aws-us-gov:iam::123456789012:role/redis-*",
        "arn:aws-iso-b:iam::123456789012:role/redis-*",
        "arn:aws-eusc:iam::123456789012:role/redis-*",
        "arn:aws:iam::*:role/redis-admin",
        "arn:aws:iam::*:role/redis-*",
        "arn:aws:iam::*:role/r*",
    ],
)
def test_a_role_of_an_account_or_of_a_name_may_be_allowed(allowed: str) -> None:
    assert re.fullmatch(template()["Parameters"]["AllowedRoleArns"]["AllowedPattern"], allowed)


@pytest.mark.parametrize(
    "refused",
    [
        "*",
        "**",
        "?",
        " ",
        "arn:*",
        "arn:aws:iam::*",
        "arn:aws:iam::*:*",
        "arn:aws:iam::*:role*",
        "arn:aws:iam::*:role/*",
        "arn:aws:iam::*:role/**",
        "arn:aws:iam::*:role/?*",
        "arn:aws:iam::*:role//*",
        "arn:aws:iam::*:role/${*}",
        "arn:aws:iam::**:role/redis-*",
        "arn:aws:iam::?23456789012:role/redis-*",
        "arn:aws:iam::12345678901*:role/redis-*",
        "arn:aws:iam::12345678901:role/redis-*",
        "arn:aws:iam:::role/redis-*",
        "arn:aws:iam::123456789012:*",
        "arn:aws:iam::123456789012:role",
        "arn:aws:iam::123456789012:role/",
        "arn:aws:iam::123456789012:user/redis-admin",
        "arn:aws:iam::123456789012:root",
        "arn:aws:sts::123456789012:assumed-role/redis-admin/x",
        "arn:*:iam::123456789012:role/redis-*",
        "arn:?ws:iam::123456789012:role/redis-*",
        "arn:aws*:iam::123456789012:role/redis-*",
        "*:iam::123456789012:role/redis-*",
        f"{ROLE}/redis-admin *",
        f"{ROLE}/redis-admin\n*",
        "redis-admin",
    ],
)
def test_every_role_of_every_account_can_not_be_allowed(refused: str) -> None:
    assert not re.fullmatch(template()["Parameters"]["AllowedRoleArns"]["AllowedPattern"], refused)


@pytest.mark.parametrize(
    ("accounts", "fits"), [("", True), ("123456789012", True), ("12345678901", False), ("*", False)]
)
def test_a_further_account_has_twelve_digits(accounts: str, fits: bool) -> None:
    pattern = template()["Parameters"]["StackAccountIds"]["AllowedPattern"]
    assert bool(re.fullmatch(pattern, accounts)) == fits


def test_both_functions_get_the_further_accounts_and_the_extra_host() -> None:
    for function in FOLDERS:
        assert variables(function)["STACK_ACCOUNT_IDS"] == {"Fn::Join": [",", {"Ref": "StackAccountIds"}]}
        assert variables(function)["RESPONSE_HOST"] == {"Ref": "ResponseHost"}


def test_arns_fit_every_partition_account_and_region() -> None:
    text = (ROOT / "template.yaml").read_text()
    assert not re.findall(r"arn:aws:|\b\d{12}\b|\b(?:us|eu|ap)-[a-z]+-\d\b", text)


def test_every_name_of_ours_begins_with_the_prefix_that_the_function_gets() -> None:
    prefix = variables("ProviderFunction")["RESOURCE_PREFIX"]
    assert resources("AWS::Scheduler::ScheduleGroup")["ScheduleGroup"]["Name"] == prefix
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
    read = set(re.findall(r"environ(?:\.get\(|\[)\"([A-Z_]+)\"", sources(function)))
    from_lambda = {name for name in read if name.startswith("AWS_") or name in CERTIFICATES}
    assert read - from_lambda <= set(variables(function))


@pytest.mark.parametrize("function", FOLDERS)
def test_every_variable_that_is_set_is_read(function: str) -> None:
    text = sources(function)
    powertools = {name for name in variables(function) if name.startswith("POWERTOOLS_")}  # the library's
    assert [name for name in set(variables(function)) - powertools if f'"{name}"' not in text] == []


def test_a_failed_invocation_is_tried_twice_more_and_then_sent_to_the_fallback() -> None:
    settings = template()["Resources"]["ProviderFunction"]["Properties"]["EventInvokeConfig"]
    assert settings["MaximumRetryAttempts"] == 2
    assert settings["MaximumEventAgeInSeconds"] == 1800
    destination = settings["DestinationConfig"]["OnFailure"]
    assert destination == {"Type": "Lambda", "Destination": {"Fn::GetAtt": "FallbackFunction.Arn"}}


def test_only_scheduler_can_assume_the_execution_role_and_only_for_schedules_of_this_provider() -> None:
    [trust] = resources("AWS::IAM::Role")["SchedulerRole"]["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "scheduler.amazonaws.com"}
    assert trust["Condition"] == {
        "StringEquals": {
            "aws:SourceAccount": {"Ref": "AWS::AccountId"},
            "aws:SourceArn": {"Fn::GetAtt": "ScheduleGroup.Arn"},
        }
    }


def test_the_execution_role_may_invoke_the_function_and_nothing_else() -> None:
    [only] = statements("SchedulerRole")
    assert (only["Action"], only["Resource"]) == (
        "lambda:InvokeFunction",
        {"Fn::GetAtt": "ProviderFunction.Arn"},
    )


@pytest.mark.parametrize("role", ROLES.values())
def test_only_the_execution_role_can_be_passed_and_only_to_scheduler(role: str) -> None:
    passed = statement(role, "iam:PassRole")
    assert passed["Resource"] == {"Fn::GetAtt": "SchedulerRole.Arn"}
    assert passed["Condition"] == {"StringEquals": {"iam:PassedToService": "scheduler.amazonaws.com"}}


@pytest.mark.parametrize("role", ROLES.values())
def test_a_role_lists_all_schedules_and_reads_and_changes_only_those_of_its_schedule_group(role: str) -> None:
    scoped = {
        action: listed(each["Resource"])[0]["Fn::Sub"]
        for each in statements(role)
        for action in listed(each["Action"])
        if action.startswith("scheduler:")
    }
    assert scoped.pop("scheduler:ListSchedules").endswith(":schedule/*/*")
    assert len(scoped) == 3
    assert all(resource[0].endswith(":schedule/mdr-${Id}/*") for resource in scoped.values())


def test_nobody_may_invoke_the_function_by_a_policy_of_its_own() -> None:
    assert resources("AWS::Lambda::Permission") == {}


def test_every_role_has_the_permissions_boundary() -> None:
    roles = resources("AWS::IAM::Role")
    assert len(roles) == 3
    assert all("PermissionsBoundary" in role for role in roles.values())


def test_the_emulator_leaves_no_hook_in_the_template() -> None:
    text = (ROOT / "template.yaml").read_text().lower()
    assert not [word for word in ("localhost", "127.0.0.1", "endpoint_url", "ministack") if word in text]
    assert template()["Parameters"]["ResponseHost"]["Default"] == ""


@pytest.mark.parametrize("document", ["docs/iam.md"])
def test_every_action_is_explained(document: str) -> None:
    text = (ROOT / document).read_text()
    everything = {action for role in resources("AWS::IAM::Role") for action in granted(role)}
    assert sorted(action for action in everything if f"`{action}`" not in text) == []
    assert sorted(set(re.findall(r"`((?!aws:)[a-z0-9]+:[A-Z][A-Za-z]+)`", text)) - everything) == []
