"""The JSON Schemas of `schemas/`, each loaded as one tree without references."""

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
"""In the built function next to the package, in the repository at the root."""


class SchemaError(ResourceError):
    """The provider's own document violates its schema: a defect of the provider, not of the properties."""


def directory() -> Path:
    """Return the folder of the schemas; raises FileNotFoundError if the function was built without them."""
    for place in _PLACES:
        if (place / "properties.json").is_file():
            return place
    raise FileNotFoundError("schemas/properties.json is neither next to the package nor at the root")


@cache
def source(name: str) -> Schema:
    """Return the schema in the file `name`, as it is written."""
    schema: Schema = json.loads((directory() / name).read_text("utf-8"))
    return schema


@cache
def schema(name: str) -> dict[str, object]:
    """Return the schema in the file `name`, every `$ref` replaced by its target.

    Only files of `schemas/` are read; a reference to anything else raises Unresolvable.
    """
    resolver = _registry().resolver(base_uri=name)
    root = source(name)
    parts = root.items() if isinstance(root, Mapping) else ()
    return {key: _inline(value, resolver) for key, value in parts if key != "definitions"}


def property_names(name: str) -> tuple[str, ...]:
    """Return the properties that the schema in the file `name` declares at its top."""
    declared = schema(name)["properties"]
    return tuple(map(str, declared)) if isinstance(declared, Mapping) else ()


@cache
def _validator(name: str) -> Draft7Validator:
    return Draft7Validator(schema(name))


def errors(name: str, instance: object) -> Iterator[ValidationError]:
    """Yield every error of the validator; messages contain values of `instance` and must not be shown."""
    return _validator(name).iter_errors(instance)


def check_artifact(artifact: object) -> None:
    """Raise SchemaError if the artifact violates its schema; the message has paths, never values."""
    broken = sorted({f"{error.json_path} ({error.validator})" for error in errors("artifact.json", artifact)})
    if broken:
        raise SchemaError(f"The artifact violates schemas/artifact.json at {', '.join(broken)}")


def _registry() -> Registry[Schema]:
    """Return the files of `schemas/` by name; nothing else can be retrieved."""
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
