"""Properties out of a file: JSON or YAML, plain or a CloudFormation template."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

_TYPE = "Custom::MassdriverRedis"
_PSEUDO = {
    "AWS::Partition": "aws",
    "AWS::Region": "us-east-1",
    "AWS::AccountId": "123456789012",
    "AWS::StackName": "preview",
}


class UnreadableError(ValueError):
    """The file holds no properties that can be told without CloudFormation."""


class TemplateLoader(yaml.SafeLoader):  # type: ignore[misc]
    """YAML with CloudFormation's short forms: !Ref x is {"Ref": x}, !Sub x is {"Fn::Sub": x}."""


def _short_form(loader: TemplateLoader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    name = suffix if suffix == "Ref" else f"Fn::{suffix}"
    if isinstance(node, yaml.ScalarNode):
        return {name: loader.construct_scalar(node)}
    if isinstance(node, yaml.SequenceNode):
        return {name: loader.construct_sequence(node, deep=True)}
    return {name: loader.construct_mapping(node, deep=True)}


TemplateLoader.add_multi_constructor("!", _short_form)


def read(path: Path) -> dict[str, Any]:
    """Return the properties in `path`: the file's own, or those of a template's first of our resources.

    A template's parameters have their defaults, or values made up from their names, the same in every
    file. Raises UnreadableError.
    """
    try:
        found = yaml.load(path.read_text("utf-8"), TemplateLoader)  # noqa: S506 (a SafeLoader with short forms)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UnreadableError(f"{path}: {type(error).__name__}; give a JSON or YAML file") from None
    if not isinstance(found, dict):
        raise UnreadableError(f"{path}: holds no map of properties")
    if "Resources" not in found:
        return found
    ours = [each for each in found["Resources"].values() if each.get("Type") == _TYPE]
    if not ours:
        raise UnreadableError(f"{path}: the template has no {_TYPE}")
    values = _parameters(found.get("Parameters", {}))
    resolved = _resolved(ours[0].get("Properties", {}), values)
    return {key: value for key, value in resolved.items() if key != "ServiceToken"}


def _parameters(declared: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    zones = [name for name, each in declared.items() if "AvailabilityZone" in str(each.get("Type"))]
    values: dict[str, Any] = dict(_PSEUDO)
    for name, parameter in declared.items():
        number = hashlib.sha256(name.encode()).hexdigest()[:8]
        made_up = {"AWS::EC2::VPC::Id": f"vpc-{number}", "AWS::EC2::Subnet::Id": f"subnet-{number}"}
        values[name] = parameter.get("Default", made_up.get(str(parameter.get("Type")), name))
        if name in zones and "Default" not in parameter:
            values[name] = f"us-east-1{'abcdef'[zones.index(name) % 6]}"
    return values


def _resolved(value: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(value, list):
        return [_resolved(item, values) for item in value]
    if not isinstance(value, dict):
        return value
    match value:
        case {"Ref": name} if name in values:
            return values[name]
        case {"Fn::Sub": str(text)}:
            return re.sub(r"\$\{([\w:]+)\}", lambda found: str(values.get(found[1], found[0])), text)
        case {"Fn::ImportValue": _}:
            return "imported"
    unknown = [key for key in value if key == "Ref" or str(key).startswith("Fn::")]
    if unknown:
        raise UnreadableError(f"{unknown[0]} can't be resolved here; give a file of plain properties")
    return {key: _resolved(item, values) for key, item in value.items()}
