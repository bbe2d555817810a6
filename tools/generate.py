"""Write the tables of properties and attributes from `schemas/`; `--check` only reports whether they drifted.

Usage: python tools/generate.py [--check]
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "function"))

from massdriver_redis.properties import schemas  # noqa: E402  # the path above comes first

Tree = Mapping[str, object]

_NOTE = "<!-- Generated from schemas/ by tools/generate.py; change those, then run `make docs`. -->"
_EXTENSION = "Extension: "


def properties_page() -> str:
    """Return docs/properties.md."""
    rows = [
        (
            f"`{name}`",
            kind(rules),
            default(rules),
            allowed(rules),
            text(rules) or note(name),
            *behaviour(name),
        )
        for name, rules in top()
    ]
    nested = [
        (f"`{name}`", kind(rules), allowed(rules), text(rules))
        for parent, rules in top()
        for name, rules in beneath(parent, rules)
        if kind(rules) != "map" or text(rules)
    ]
    return "\n".join(
        [
            "# Properties",
            "",
            _NOTE,
            "",
            "Required are `node_type` and `vpc`. CloudFormation sends every value as a string; it is turned",
            "into the type given here. *Extension* marks what goes beyond the massdriver bundle's params and",
            "connections. The Reason of a refused request names a property's path as it is written here.",
            "",
            *table(("Property", "Type", "Default", "Allowed", "Description", "Update", "Rolls back"), rows),
            "",
            "## Inside them",
            "",
            *table(("Property", "Type", "Allowed", "Description"), nested),
            "",
        ]
    )


def attributes_page() -> str:
    """Return docs/attributes.md."""
    return "\n".join(
        [
            "# Attributes",
            "",
            _NOTE,
            "",
            "`Fn::GetAtt` returns these names in every mode, always as strings; a dot is part of the name.",
            "",
            *readme_attributes(),
            "",
        ]
    )


def readme_properties() -> list[str]:
    """Return the README's compact table of properties."""
    rows = [
        (f"`{name}`", default(rules), allowed(rules, families_only=True), first_sentence(name, rules))
        for name, rules in top()
        if not name.startswith(("Service", "__"))
    ]
    return table(("Property", "Default", "Allowed", "What it does"), rows)


def readme_attributes() -> list[str]:
    """Return the table of attributes."""
    declared = mapping(schemas.schema("attributes.json")["properties"])
    rows = [(f"`{name}`", str(mapping(rules)["description"])) for name, rules in declared.items()]
    return table(("Attribute", "Value"), rows)


def top() -> Iterator[tuple[str, Tree]]:
    """Yield the resource's own properties."""
    for name, rules in mapping(schemas.schema("properties.json")["properties"]).items():
        yield name, mapping(rules)


def beneath(parent: str, rules: Tree) -> Iterator[tuple[str, Tree]]:
    """Yield the properties inside a property, dotted; `[]` stands for every item of a list."""
    items = mapping(rules.get("items"))
    for name, inner in mapping(items.get("properties") or rules.get("properties")).items():
        path = f"{parent}{'[]' if items else ''}.{name}"
        yield path, mapping(inner)
        yield from beneath(path, mapping(inner))


def behaviour(name: str) -> tuple[str, str]:
    """Return what an update of a property does, and whether a rollback undoes it."""
    return annotation(name, "x-update"), annotation(name, "x-rolls-back")


def note(name: str) -> str:
    """Return our own words on a property that the bundle leaves without any."""
    return annotation(name, "x-note")


def annotation(name: str, key: str) -> str:
    """Return what `properties.json` says of a property next to its `$ref`, "" if nothing."""
    return str(mapping(mapping(mapping(schemas.source("properties.json"))["properties"])[name]).get(key, ""))


def kind(rules: Tree) -> str:
    """Return the type of a property in one word."""
    names = {"array": "list", "object": "map"}
    declared = str(rules.get("type", "any"))
    return names.get(declared, declared)


def default(rules: Tree) -> str:
    """Return the default as code, a dash if there is none."""
    value = rules.get("default")
    if value is None:
        return "-"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def allowed(rules: Tree, families_only: bool = False) -> str:
    """Return the values, the range or the form a property takes."""
    values = rules.get("enum")
    if isinstance(values, list):
        return (
            families(values, families_only) if len(values) > 20 else ", ".join(f"`{each}`" for each in values)
        )
    if "minimum" in rules:
        return f"{rules['minimum']} to {rules['maximum']}"
    if "maxProperties" in rules:
        return f"at most {rules['maxProperties']} entries"
    if "maxLength" in rules:
        return f"at most {rules['maxLength']} characters"
    examples = rules.get("examples")
    return f"as `{examples[-1]}`" if isinstance(examples, list) and examples else ""


def families(types: list[object], names_only: bool) -> str:
    """Return node types family by family, with or without their sizes."""
    sizes: dict[str, list[str]] = {}
    for node_type in types:
        family, size = str(node_type).removeprefix("cache.").split(".")
        sizes.setdefault(family, []).append(size)
    if names_only:
        return f"`cache.*` of {', '.join(sizes)}"
    return "; ".join(f"`cache.{family}.` {', '.join(names)}" for family, names in sizes.items())


def text(rules: Tree) -> str:
    """Return the description, the extension's mark set off."""
    description = str(rules.get("description", ""))
    if description.startswith(_EXTENSION):
        return f"*Extension:* {description.removeprefix(_EXTENSION)}"
    return description


def first_sentence(name: str, rules: Tree) -> str:
    """Return the start of the description, up to its first full stop."""
    return re.split(r"(?<=[a-z)])\. ", text(rules) or note(name), maxsplit=1)[0].rstrip(".")


def table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Return a Markdown table."""
    lines = [head, tuple("---" for _ in head), *rows]
    return ["| " + " | ".join(cell.replace("|", r"\|") for cell in line) + " |" for line in lines]


def mapping(value: object) -> Tree:
    """Return a value that is a map, an empty one otherwise."""
    return value if isinstance(value, Mapping) else {}


def with_section(page: str, name: str, lines: list[str]) -> str:
    """Return the page with the part between a section's two markers replaced, if it has them."""
    start, end = f"<!-- {name}:start -->", f"<!-- {name}:end -->"
    if start not in page or end not in page:
        return page
    before, rest = page.split(start, 1)
    return "\n".join([before + start, *lines, end + rest.split(end, 1)[1]])


def wanted() -> dict[Path, str]:
    """Return every generated file with the content it should have."""
    pages = {
        ROOT / "docs" / "properties.md": properties_page(),
        ROOT / "docs" / "attributes.md": attributes_page(),
    }
    readme = ROOT / "README.md"
    if readme.is_file():
        page = with_section(readme.read_text("utf-8"), "properties", readme_properties())
        pages[readme] = with_section(page, "attributes", readme_attributes())
    return pages


def drifted() -> list[Path]:
    """Return the files that differ from what the schemas say."""
    return [path for path, page in wanted().items() if not path.is_file() or path.read_text("utf-8") != page]


def main(arguments: list[str]) -> int:
    """Write what drifted, or with --check only name it; 1 if --check found any."""
    stale = drifted()
    if "--check" in arguments:
        for path in stale:
            sys.stderr.write(f"{path.relative_to(ROOT)} differs from schemas/: run `make docs`\n")
        return 1 if stale else 0
    for path in stale:
        path.write_text(wanted()[path], "utf-8")
        sys.stdout.write(f"wrote {path.relative_to(ROOT)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
