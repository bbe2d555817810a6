"""The documentation is true: links lead somewhere, commands exist, examples work, figures agree."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from massdriver_redis import catalog
from massdriver_redis.calls import secretsmanager
from massdriver_redis.cloudformation import poll_event, response
from massdriver_redis.errors import (
    AccessDeniedError,
    NotUpdatableError,
    NotYetVisibleError,
    ResourceError,
    TransientError,
)
from massdriver_redis.planner.decision import Reject, Requeue
from massdriver_redis.properties import parse as properties
from massdriver_redis.properties import rules, schemas

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
OPERATIONS = ROOT / "docs" / "operations.md"
ARCHITECTURE = ROOT / "docs" / "architecture.md"
DECISIONS = ROOT / "docs" / "adr"
TESTS = ROOT / "tests" / "README.md"
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), TESTS])

RENAMED = {"envelope", "context", "constants", "events", "schedules", "wire"}
"""Temporary: modules of the harness on their way from the first two names to the next two, and new ones."""

FAILURES = {
    *(each.__name__ for each in (AccessDeniedError, NotUpdatableError, NotYetVisibleError, ResourceError)),
    *(each.__name__ for each in (Reject, Requeue, TransientError, schemas.SchemaError)),
    "_failed",
    "_nothing_made",
}
"""Calls whose first argument becomes a Reason."""

REASONING = (
    "planner/create",
    "planner/plan",
    "planner/replacement",
    "planner/target",
    "reconciler/apply",
    "reconciler/delete",
    "state/observed",
)
"""Modules that also return Reasons from functions of their own."""


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's tags, each kept as its plain value."""


def _plain(loader: _Loader, _tag: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return loader.construct_scalar(node)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    assert isinstance(node, yaml.MappingNode)
    return loader.construct_mapping(node, deep=True)


_Loader.add_multi_constructor("!", _plain)


def load(text: str) -> Any:
    return yaml.load(text, _Loader)


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text("utf-8"), re.DOTALL | re.MULTILINE)


def section(page: Path, title: str) -> str:
    return re.split(r"^#+ ", page.read_text("utf-8").split(f"# {title}\n", 1)[1], flags=re.MULTILINE)[0]


def cells(table: str, column: int) -> list[str]:
    rows = [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("| ")]
    return [row[column].strip() for row in rows[2:]]


def template() -> Any:
    return load((ROOT / "template.yaml").read_text("utf-8"))


def anchors(page: Path) -> set[str]:
    """The fragments of a page's headings, as GitHub makes them."""
    prose = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    titles = re.findall(r"^#+ (.+)$", prose, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


# --- links and commands ----------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_to_a_file_and_a_heading_that_exist(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8")):
        if link.startswith("https://"):
            continue
        path, _, fragment = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not fragment or fragment in anchors(target), link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_make_target_that_is_named_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    text = page.read_text("utf-8")
    named = {*re.findall(r"`make ([a-z-]+)", text), *re.findall(r"^make ([a-z-]+)", text, re.MULTILINE)}
    assert named <= targets


def test_the_readme_says_of_both_commands_that_aws_is_emulated() -> None:
    lines = README.read_text("utf-8").splitlines()
    for command in ("make demo", "make test"):
        found = [line for line in lines if line.startswith(command)]
        assert found
        assert all("AWS is emulated" in line for line in found)


# --- what the README promises ----------------------------------------------------------------------


def test_the_smallest_template_has_ten_lines_and_passes_cfn_lint(tmp_path: Path) -> None:
    text = blocks(README, "yaml")[0]
    assert len(text.splitlines()) == 10
    file = tmp_path / "smallest.yaml"
    file.write_text(text, "utf-8")
    done = subprocess.run(
        [str(Path(sys.executable).with_name("cfn-lint")), str(file)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stdout


def test_the_smallest_template_has_valid_properties() -> None:
    redis = load(blocks(README, "yaml")[0])["Resources"]["Redis"]
    assert redis["Type"] == "Custom::MassdriverRedis"
    read = properties.read(redis["Properties"], today=date(2026, 1, 1))
    assert (read.node_type, read.secure, len(read.vpc.subnets)) == ("cache.t3.micro", True, 1)


def test_the_smallest_template_imports_what_the_provider_exports() -> None:
    token = load(blocks(README, "yaml")[0])["Resources"]["Redis"]["Properties"]["ServiceToken"]
    stack = re.search(r'stack_name = "(.+)"', (ROOT / "samconfig.toml").read_text("utf-8"))
    assert stack
    exported = template()["Outputs"]["ServiceToken"]["Export"]["Name"]
    assert token == exported.replace("${AWS::StackName}", stack[1])


def test_the_connections_shown_are_valid() -> None:
    shown = {key: value for text in blocks(README, "yaml")[1:3] for key, value in load(text).items()}
    assert set(shown) == {"vpc", "aws_authentication"}
    read = properties.read({"node_type": "cache.t3.micro", **shown}, today=date(2026, 1, 1))
    assert read.authentication
    assert read.authentication.external_id
    assert read.vpc.subnets[0].zone


def test_the_attributes_that_the_pages_read_exist() -> None:
    known = schemas.schema("attributes.json")["properties"]
    assert isinstance(known, dict)
    for page in PAGES:
        text = page.read_text("utf-8")
        read = re.findall(r"!GetAtt Redis\.([\w.]+\w)|\$\{Redis\.([\w.]+)\}", text)
        assert {first or second for first, second in read} <= set(known), page.name


def test_the_providers_parameters_are_listed_with_their_defaults() -> None:
    declared = template()["Parameters"]
    table = section(README, "Deploy it")
    names, shown = cells(table, 0), cells(table, 1)
    assert [name.strip("`") for name in names] == list(declared)
    for name, default in zip(names, shown, strict=True):
        assert default.strip("`") == str(declared[name.strip("`")]["Default"] or "none")


def test_the_limits_are_those_of_the_code() -> None:
    limits = section(README, "Limits")
    for figure in (
        f"**{catalog.NODE_QUOTA} nodes**",
        f"**{rules.MAX_SUBNETS} subnets**",
        f"**{rules.MAX_TAGS} tags**",
        f"**{poll_event.LARGEST_INPUT // 1024} KB**",
        f"{response.LARGEST_BODY:,} bytes",
    ):
        assert figure in " ".join(limits.split())
    assert f"{secretsmanager.RECOVERY_DAYS} days of recovery" in " ".join(README.read_text("utf-8").split())


def test_the_table_of_versions_names_every_version_of_the_catalog() -> None:
    table = "\n".join(cells(section(README, "Versions"), 0))
    for version in catalog.versions("redis"):
        assert f"`{version}`" in table
    valkey = catalog.versions("valkey")
    assert f"`engine: valkey` `{valkey[0]}` to `{valkey[-1]}`" in table


# --- the other pages -------------------------------------------------------------------------------


def tree(text: str) -> Iterator[str]:
    """The paths of a tree of folders, folders with a slash at the end, out of its indentation."""
    folders: list[str] = []
    for line in text.splitlines():
        indent, name = len(line) - len(line.lstrip()), line.split()[0]
        folders = folders[: indent // 2]
        yield "".join([*folders, name])
        if name.endswith("/"):
            folders.append(name)


def test_the_architecture_names_every_module_and_nothing_else() -> None:
    named = set(tree(blocks(ARCHITECTURE, "text")[0]))
    files = [*(ROOT / "function").rglob("*.*"), *(ROOT / "fallback").glob("*.*")]
    sources = {file for file in files if file.suffix in (".py", ".json") and file.name != "__init__.py"}

    assert {path for path in named if not path.endswith("/")} == {
        str(file.relative_to(ROOT)) for file in sources
    }
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_the_layers_are_those_that_import_linter_holds() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    held = next(each for each in settings["tool"]["importlinter"]["contracts"] if each["type"] == "layers")
    shown = [re.split(r" {2,}", line)[0] for line in blocks(ARCHITECTURE, "text")[1].splitlines()]
    assert shown == held["layers"]


def test_the_index_of_decisions_names_every_record_by_its_title() -> None:
    index = re.findall(
        r"^\| \[(\d{4})\]\((\1-.+\.md)\)", (DECISIONS / "README.md").read_text("utf-8"), re.MULTILINE
    )
    records = sorted(DECISIONS.glob("0*.md"))
    assert [name for _, name in index] == [record.name for record in records]
    for record in records:
        headings = re.findall(r"^#+ (.+)$", record.read_text("utf-8"), re.MULTILINE)
        assert headings[0].startswith(f"{record.name[:4]} ")
        assert [each for each in headings if each in ("Context", "Decision", "Consequences")] == [
            "Context",
            "Decision",
            "Consequences",
        ], record.name


def test_the_architecture_names_every_variable_of_the_functions() -> None:
    text = ARCHITECTURE.read_text("utf-8")
    functions = [each for each in template()["Resources"].values() if "Function" in each["Type"]]
    names = {name for each in functions for name in each["Properties"]["Environment"]["Variables"]}
    assert {"RESOURCE_PREFIX", "RESPONSE_HOST"} <= names
    assert all(f"`{name}`" in text for name in names)


def test_the_index_of_the_tests_names_every_folder_and_every_module_of_the_harness() -> None:
    text = TESTS.read_text("utf-8")
    folders = {path.parent.name for path in (ROOT / "tests").glob("*/__init__.py")}
    modules = {path.stem for path in (ROOT / "tests" / "harness").glob("[!_]*.py")}
    kept = {name for name in modules if not name.startswith("test_")}
    named = set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE))

    assert [folder for folder in folders if f"`{folder}/" not in text] == []
    assert kept - RENAMED == named - RENAMED - {"deployed", "full"}


# --- the Reasons -----------------------------------------------------------------------------------


def reasons() -> list[str]:
    """Every Reason in operations.md, with … for what varies."""
    rows = [line for line in OPERATIONS.read_text("utf-8").splitlines() if line.startswith("| `")]
    return [reason for row in rows for reason in re.findall(r"`([^`]+)`", row.split(" | ")[0])]


def texts(node: ast.AST) -> Iterator[str]:
    """The texts an expression may give, with … for what varies."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)


def pieces(reason: str, least: int) -> list[str]:
    """The parts of a Reason that never vary, if long enough to identify it."""
    found = [piece.strip(" .:;,") for piece in " ".join(reason.split()).split("…")]
    return [piece for piece in found if len(piece) >= least]


def sources() -> list[tuple[str, ast.Module]]:
    package = ROOT / "function" / "massdriver_redis"
    files = [*package.rglob("*.py"), *(ROOT / "fallback").glob("*.py")]
    names = {file: "/".join(file.with_suffix("").parts[-2:]) for file in files}
    return [(names[file], ast.parse(file.read_text("utf-8"))) for file in files]


def failures() -> Iterator[str]:
    """The texts that the code gives as Reasons, where they are raised or returned."""
    for module, tree in sources():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and node.args:
                name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                if name in FAILURES:
                    yield from texts(node.args[0])
            elif isinstance(node, ast.Return) and node.value and module in REASONING:
                yield from (text for text in texts(node.value) if " " in text)
            elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "reason":
                yield from texts(node.value)


def test_every_reason_in_the_runbook_is_one_that_the_code_gives() -> None:
    given = "\n".join(text for _, tree in sources() for node in ast.walk(tree) for text in texts(node))
    assert len(reasons()) > 35
    for reason in reasons():
        assert pieces(reason, 8), f"too vague to be found: {reason}"
        for piece in pieces(reason, 8):
            assert piece in given, reason


def test_every_reason_that_the_code_gives_is_in_the_runbook() -> None:
    told = "\n".join(reasons())
    unknown = [text for text in failures() for piece in pieces(text, 15) if piece not in told]
    assert unknown == [], "add these to docs/operations.md"
