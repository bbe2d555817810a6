"""The JSON Schemas of `schemas/`: found, loaded, and each made one tree without references."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from jsonschema import Draft7Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT7, Schema

from massdriver_redis.errors import ResourceError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jsonschema import ValidationError
    from referencing._core import Resolver

_HERE = Path(__file__).resolve()
_PLACES = (_HERE.parents[2] / "schemas", _HERE.parents[3] / "schemas")
"""Beside the package in the built function, at the root in the repository."""


class SchemaError(ResourceError):
    """A document of ours breaks its schema: a defect of this provider, not of the user's properties."""


def directory() -> Path:
    """Return the folder of the schemas; raises FileNotFoundError if the function was built without it."""
    for place in _PLACES:
        if (place / "properties.json").is_file():
            return place
    raise FileNotFoundError("schemas/properties.json is neither beside the package nor at the root")


@cache
def source(name: str) -> Schema:
    """Return one schema as written, `name` being its file's name."""
    schema: Schema = json.loads((directory() / name).read_text("utf-8"))
    return schema


@cache
def schema(name: str) -> dict[str, object]:
    """Return one schema with every `$ref` replaced by what it points to.

    Only files of `schemas/` are ever read; a reference to anything else raises Unresolvable.
    """
    resolver = _registry().resolver(base_uri=name)
    root = source(name)
    parts = root.items() if isinstance(root, Mapping) else ()
    return {key: _inline(value, resolver) for key, value in parts if key != "definitions"}


@cache
def _validator(name: str) -> Draft7Validator:
    return Draft7Validator(schema(name))


def errors(name: str, instance: object) -> Iterator[ValidationError]:
    """Yield every violation; their messages hold values of `instance`, so never show them."""
    return _validator(name).iter_errors(instance)


def check_artifact(artifact: object) -> None:
    """Raise SchemaError if the artifact breaks its schema; the message names paths, never values."""
    broken = sorted({f"{error.json_path} ({error.validator})" for error in errors("artifact.json", artifact)})
    if broken:
        raise SchemaError(f"The artifact breaks schemas/artifact.json at {', '.join(broken)}")


def _registry() -> Registry[Schema]:
    """Every file of ours by its name, and nothing that would fetch another."""
    files = sorted(directory().glob("*.json"))
    return Registry().with_resources(
        (file.name, Resource.from_contents(source(file.name), default_specification=DRAFT7)) for file in files
    )


def _inline(node: object, resolver: Resolver[Schema]) -> object:
    if isinstance(node, Mapping):
        reference = node.get("$ref")
        if isinstance(reference, str):
            found = resolver.lookup(reference)
            return _inline(found.contents, found.resolver)
        return {key: _inline(value, resolver) for key, value in node.items()}
    if isinstance(node, list):
        return [_inline(item, resolver) for item in node]
    return node
