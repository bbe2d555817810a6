"""The schemas contain all of the massdriver bundle's document, and load from both of their folders."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator
from referencing.exceptions import Unresolvable

from massdriver_redis.properties import schemas
from tests.harness import samples as document

ROOT = Path(__file__).resolve().parents[3]
NAMES = (
    "params.json",
    "connections.json",
    "artifact.json",
    "properties.json",
    "attributes.json",
)
PARTITIONS = ("aws", "aws-cn", "aws-us-gov", "aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f", "aws-eusc")


def flattened(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every part of a schema by path, as in `tests/harness/samples.py`."""
    for name, rules in schema.get("properties", {}).items():
        inner = f"{path}.{name}".removeprefix(".")
        yield inner, rules
        yield from flattened(rules, inner)
    for pattern, rules in schema.get("patternProperties", {}).items():
        yield f"{path}./{pattern}/", rules
        yield from flattened(rules, f"{path}./{pattern}/")
    if "items" in schema:
        yield f"{path}[]", schema["items"]
        yield from flattened(schema["items"], f"{path}[]")
    seen: list[str] = []
    for branch in schema.get("oneOf", []) + schema.get("anyOf", []):
        seen.append(branch["title"])
        title = branch["title"] + (
            f" {seen.count(branch['title'])}" if seen.count(branch["title"]) > 1 else ""
        )
        yield f"{path}<{title}>", branch
        yield from flattened(branch, f"{path}<{title}>")


def form(rules: dict[str, Any]) -> str:
    return rules.get("type", "any") + (", closed" if rules.get("additionalProperties") is False else "")


def facts(name: str) -> dict[str, str]:
    return {path: form(rules) for path, rules in flattened(schemas.schema(name))}


def at(name: str, path: str) -> dict[str, Any]:
    return dict(flattened(schemas.schema(name)))[path]


@pytest.mark.parametrize("name", NAMES)
def test_every_schema_is_valid_draft_07(name: str) -> None:
    assert schemas.source(name)["$schema"] == "http://json-schema.org/draft-07/schema#"
    Draft7Validator.check_schema(schemas.source(name))
    Draft7Validator.check_schema(schemas.schema(name))


def test_the_params_have_every_name_type_limit_and_default_of_the_document() -> None:
    keys = ("type", "enum", "minimum", "maximum", "default")
    stated = {
        name: {key: rules[key] for key in keys if key in rules}
        for name, rules in schemas.schema("params.json")["properties"].items()
    }
    assert stated == document.PARAMS


def test_the_params_have_the_descriptions_of_the_document() -> None:
    properties = schemas.schema("params.json")["properties"]
    assert {name: rules["description"] for name, rules in properties.items()} == document.WORDS


def test_the_presets_are_the_examples_of_the_params_unchanged_and_valid() -> None:
    examples = schemas.source("params.json")["examples"]
    assert examples == list(document.PRESETS)
    assert not [error for preset in examples for error in schemas.errors("params.json", preset)]


def test_only_the_node_type_and_the_vpc_are_required() -> None:
    assert schemas.source("params.json")["required"] == ["node_type"]
    assert schemas.source("connections.json")["required"] == ["vpc"]
    assert schemas.source("properties.json")["required"] == ["node_type", "vpc"]


def test_the_connections_have_every_name_of_the_document_and_the_same_closed_maps() -> None:
    assert facts("connections.json") == document.CONNECTIONS


def test_the_artifact_has_every_name_and_branch_of_the_document_and_the_same_closed_maps() -> None:
    whole = {"": form(schemas.schema("artifact.json")), **facts("artifact.json")}
    assert whole == document.ARTIFACT


def test_the_artifact_has_one_infrastructure_and_any_security_of_the_clouds() -> None:
    assert [branch["title"] for branch in at("artifact.json", "data.infrastructure")["oneOf"]] == [
        "AWS Infrastructure ARN",
        "GCP Infrastructure GRN",
        "Azure Redis Cache infrastructure config",
    ]
    assert [branch["title"] for branch in at("artifact.json", "data.security")["anyOf"]] == [
        "AWS Security information",
        "Security",
        "Security",
    ]


def test_ports_are_0_to_65535_and_protocols_are_tcp_or_udp() -> None:
    network = "data.security<AWS Security information>.network./^[a-z-]+$/"
    for path in ("data.authentication.port", f"{network}.port"):
        port = at("artifact.json", path)
        assert (port["minimum"], port["maximum"], port["description"]) == (0, 65535, "Port number.")
    assert at("artifact.json", f"{network}.protocol")["enum"] == ["tcp", "udp"]


def test_the_cache_of_the_artifact_has_the_defaults_and_examples_of_the_document() -> None:
    cache = at("artifact.json", "specs.cache")
    assert cache["examples"] == [{"engine": "redis", "version": "6.2"}]
    assert cache["description"] == "The root schema comprises the entire JSON document."
    assert (cache["properties"]["engine"]["default"], cache["properties"]["engine"]["examples"]) == (
        "",
        ["redis"],
    )
    assert (cache["properties"]["version"]["default"], cache["properties"]["version"]["examples"]) == (
        "",
        ["6.2"],
    )


@pytest.mark.parametrize("name", ["connections.json", "artifact.json"])
def test_every_arn_and_cidr_has_the_examples_of_the_document(name: str) -> None:
    found = 0
    for path, rules in flattened(schemas.schema(name)):
        last = path.rsplit(".", 1)[-1]
        if last in ("arn", "policy_arn", "role_arn"):
            assert tuple(rules["examples"]) == document.ARNS
            found += 1
        if last == "cidr":
            assert tuple(rules["examples"]) == document.CIDRS
    assert found == (5 if name == "connections.json" else 4)


def test_all_examples_in_the_schemas_are_valid() -> None:
    seen = 0
    for name in NAMES:
        for path, rules in flattened(schemas.schema(name)):
            for example in rules.get("examples", []):
                assert not list(Draft7Validator(rules).iter_errors(example)), (name, path)
                seen += 1
    assert seen > 50


@pytest.mark.parametrize("partition", PARTITIONS)
def test_an_arn_of_every_partition_is_valid(partition: str) -> None:
    connections = {"vpc": document.vpc(partition=partition)}
    assert not list(schemas.errors("connections.json", connections))


@pytest.mark.parametrize("arn", ["vpc-1", "arn:azure:ec2:x:y:z", "arn:aws:ec2", "arn:aws:ec2:::", ""])
def test_a_text_that_is_not_an_arn_is_rejected(arn: str) -> None:
    connections = document.put({"vpc": document.vpc()}, "vpc.data.infrastructure.arn", arn)
    assert [error.validator for error in schemas.errors("connections.json", connections)] == ["pattern"]


def test_every_extension_is_described_as_one_and_only_properties_are_extended() -> None:
    declared = schemas.source("properties.json")["properties"]
    by_reference = {name for name, rules in declared.items() if "$ref" in rules}
    document_names = {*document.PARAMS, "vpc", "aws_authentication"}
    service = {"ServiceToken", "ServiceTimeout"}
    assert by_reference == document_names - {"node_type", "redis_version"}
    for name in set(declared) - by_reference - service:
        assert declared[name]["description"].startswith("Extension: "), name


def test_the_extensions_keep_every_default_and_value_of_the_document() -> None:
    ours = schemas.schema("properties.json")["properties"]
    for name, rules in document.PARAMS.items():
        assert ours[name].get("default") == rules.get("default")
        assert set(rules.get("enum", [])) <= set(ours[name].get("enum", []))
        assert (ours[name].get("minimum"), ours[name].get("maximum")) == (
            rules.get("minimum"),
            rules.get("maximum"),
        )


def test_every_property_says_what_an_update_does_and_whether_it_rolls_back() -> None:
    for name, rules in schemas.source("properties.json")["properties"].items():
        assert rules["x-update"], name
        assert rules["x-rolls-back"], name


def artifact(secure: bool, cluster_mode: bool, region: str) -> dict[str, Any]:
    partition = "aws-cn" if region.startswith("cn-") else "aws-us-gov" if "gov" in region else "aws"
    prefix = "clustercfg" if cluster_mode else "master"
    return {
        "data": {
            "authentication": {
                "hostname": f"{prefix}.shop-abc.1a2b3c.{region}.cache.amazonaws.com",
                "password": "x" * 64 if secure else "",
                "port": 6379,
                "username": "",
            },
            "infrastructure": {
                "arn": f"arn:{partition}:elasticache:{region}:123456789012:replicationgroup:shop-abc"
            },
            "security": {
                "network": {
                    "redis": {
                        "arn": f"arn:{partition}:ec2:{region}:123456789012:security-group/sg-0a1b",
                        "port": 6379,
                        "protocol": "tcp",
                    }
                }
            },
        },
        "specs": {"cache": {"engine": "redis", "version": "6.2.6"}},
    }


@pytest.mark.parametrize("secure", [True, False])
@pytest.mark.parametrize("cluster_mode", [True, False])
@pytest.mark.parametrize("region", ["us-west-2", "eu-central-1", "cn-north-1", "us-gov-east-1"])
def test_an_artifact_is_valid_in_every_mode_and_region(secure: bool, cluster_mode: bool, region: str) -> None:
    schemas.check_artifact(artifact(secure, cluster_mode, region))


@pytest.mark.parametrize(
    "path",
    [
        "data",
        "specs",
        "data.authentication.hostname",
        "data.authentication.password",
        "data.authentication.port",
        "data.authentication.username",
        "data.infrastructure.arn",
        "data.security",
        "specs.cache.engine",
        "specs.cache.version",
    ],
)
def test_an_artifact_without_a_required_part_is_rejected(path: str) -> None:
    with pytest.raises(schemas.SchemaError, match=r"schemas/artifact\.json"):
        schemas.check_artifact(document.put(artifact(True, False, "us-west-2"), path, ...))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("data.authentication.port", 65536),
        ("data.authentication.port", "6379"),
        ("data.security.network.redis.protocol", "icmp"),
        ("data.security.network.Redis", {}),
        ("data.infrastructure.grn", "projects/p"),
        ("more", {}),
    ],
)
def test_an_artifact_outside_the_limits_of_the_document_is_rejected(path: str, value: object) -> None:
    with pytest.raises(schemas.SchemaError):
        schemas.check_artifact(document.put(artifact(True, False, "us-west-2"), path, value))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (
            "data.infrastructure",
            {"grn": "projects/my-project/locations/us-west2/instances/my-redis-instance"},
        ),
        ("data.infrastructure", {"ari": "/subscriptions/12345678"}),
        ("data.security", {"iam": {"read/write": {"policy_arn": document.ARNS[1]}}}),
        ("data.security", {"identity": {"role_arn": document.ARNS[0]}}),
        ("data.security", {"iam": {"read": {"condition": "c", "role": "roles/owner"}}}),
        ("data.security", {"iam": {"data_reader": {"role": "Storage Blob Data Reader", "scope": "s"}}}),
        ("data.security", {}),
    ],
)
def test_the_other_branches_of_the_document_are_valid_too(path: str, value: object) -> None:
    schemas.check_artifact(document.put(artifact(True, False, "us-west-2"), path, value))


def test_the_error_of_an_invalid_artifact_contains_no_value() -> None:
    broken = document.put(artifact(True, False, "us-west-2"), "data.authentication.password", ["t0ken"])
    with pytest.raises(schemas.SchemaError) as caught:
        schemas.check_artifact(broken)
    assert "t0ken" not in str(caught.value)
    assert "$.data.authentication.password" in str(caught.value)


def test_a_reference_outside_the_schemas_is_never_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "properties.json").write_text(
        json.dumps({"properties": {"vpc": {"$ref": "https://example.com/x.json"}}}), "utf-8"
    )
    monkeypatch.setattr(schemas, "directory", lambda: tmp_path)
    schemas.source.cache_clear()
    schemas.schema.cache_clear()
    try:
        with pytest.raises(Unresolvable):
            schemas.schema("properties.json")
    finally:
        schemas.source.cache_clear()
        schemas.schema.cache_clear()


def test_the_schemas_of_the_validator_have_no_reference() -> None:
    assert not any("$ref" in json.dumps(schemas.schema(name)) for name in NAMES)


@pytest.mark.parametrize("layout", ["next to the package", "at the root"])
def test_the_schemas_load_from_both_folders(tmp_path: Path, layout: str) -> None:
    packages = tmp_path if layout == "next to the package" else tmp_path / "function"
    shutil.copytree(ROOT / "function" / "massdriver_redis", packages / "massdriver_redis")
    shutil.copytree(ROOT / "schemas", tmp_path / "schemas")
    code = (
        "from massdriver_redis.properties import schemas; "
        "schemas.schema('properties.json'); print(schemas.directory())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=packages,
        env={"PYTHONPATH": str(packages)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.strip() == str((tmp_path / "schemas").resolve())


def test_a_function_built_without_the_schemas_reports_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schemas, "_PLACES", (tmp_path,))
    with pytest.raises(FileNotFoundError, match=r"schemas/properties\.json"):
        schemas.directory()


def test_the_tables_in_the_docs_say_what_the_schemas_say() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "generate.py"), "--check"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr


def test_the_check_of_the_docs_finds_a_difference_and_the_generator_repairs_it(tmp_path: Path) -> None:
    for folder in ("docs", "tools", "schemas", "function/massdriver_redis"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    readme = tmp_path / "README.md"
    readme.write_text("a\n<!-- properties:start -->\nold\n<!-- properties:end -->\nz\n", "utf-8")
    table = tmp_path / "docs" / "attributes.md"
    table.write_text(table.read_text("utf-8").replace("secret_arn", "secret"), "utf-8")
    generate = [sys.executable, str(tmp_path / "tools" / "generate.py")]

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*generate, *arguments], capture_output=True, text=True, check=False, timeout=60
        )

    found = run("--check")
    assert (found.returncode, found.stderr.count("differs")) == (1, 2)
    assert run().returncode == 0
    assert run("--check").returncode == 0
    page = readme.read_text("utf-8")
    assert page.startswith("a\n<!-- properties:start -->\n| Property |")
    assert page.endswith("|\n<!-- properties:end -->\nz\n")
    assert table.read_text("utf-8") == (ROOT / "docs" / "attributes.md").read_text("utf-8")
