"""From CloudFormation's strings to the types of the schema, after a check of the input's size.

CloudFormation sends every scalar as a string, nested ones too. A value that can't be converted stays as
it is, and the validator reports it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from massdriver_redis.properties.violations import Path, Violation, reject

SERVICE_KEYS = frozenset({"ServiceToken", "ServiceTimeout"})
"""CloudFormation's own keys among the properties; `cloudformation.request` reads them."""

MAX_DEPTH = 16
MAX_TEXT = 16_384
MAX_VALUES = 10_000
MAX_IN_ALL = 1_000_000
_MAX_KEY = 256
_MAX_NUMBER = 10**15

_SURROGATE = re.compile("[\ud800-\udfff]")
_INTEGER = re.compile(r"-?[0-9]{1,15}")
_BOOLEANS = {"true": True, "false": False}


def bounded(raw: object) -> None:
    """Raise InvalidRequestError unless `raw` is JSON of a reasonable size and depth.

    Called before the validator, whose messages print whole values: hostile input would exhaust the stack or
    the time. Visits at most MAX_VALUES values and never recurses.
    """
    waiting: list[tuple[Path, object]] = [((), raw)]
    values, letters = 0, 0
    while waiting:
        path, value = waiting.pop()
        values += 1
        if len(path) > MAX_DEPTH:
            reject(Violation(path, f"nested deeper than {MAX_DEPTH} levels; remove it"))
        if isinstance(value, Mapping | list):
            if len(value) > MAX_VALUES - values - len(waiting):
                reject(Violation(path, f"too large, more than {MAX_VALUES} values in all; remove some"))
            waiting.extend(_entries(path, value))
        else:
            _scalar(path, value)
        letters += len(value) if isinstance(value, str) else sum(map(len, _keys(value)))
        if letters > MAX_IN_ALL:
            reject(Violation(path, f"more than {MAX_IN_ALL} characters in all; remove some"))


def coerce(value: object, schema: Mapping[str, object]) -> object:
    """Return `value` with its strings converted where `schema` asks for another type.

    "true" becomes True, "3" and 3.0 become 3; a version such as "5.0" is declared as a string and stays one.
    A null and a property's empty string count as absent; values of a free map (tags) may be empty. Keys that
    the schema doesn't know stay.
    """
    convert = _CONVERSIONS.get(str(schema.get("type")))
    return convert(value, schema) if convert else value


def defaults(value: Mapping[str, object], schema: Mapping[str, object]) -> dict[str, object]:
    """Return `value` with the schema's defaults for absent properties; only the top level has defaults."""
    declared = {
        name: rules["default"]
        for name, rules in _mapping(schema.get("properties")).items()
        if isinstance(rules, Mapping) and "default" in rules and name not in SERVICE_KEYS
    }
    return {**declared, **value}


def _to_object(value: object, schema: Mapping[str, object]) -> object:
    if not isinstance(value, Mapping):
        return value
    known = _mapping(schema.get("properties"))
    return {
        key: coerce(item, _mapping(known.get(key)))
        for key, item in value.items()
        if item is not None and not (item == "" and key in known)
    }


def _to_array(value: object, schema: Mapping[str, object]) -> object:
    items = _mapping(schema.get("items"))
    return [coerce(item, items) for item in value] if isinstance(value, list) else value


def _to_boolean(value: object, _: Mapping[str, object]) -> object:
    return _BOOLEANS.get(value.lower(), value) if isinstance(value, str) and len(value) <= 5 else value


def _to_integer(value: object, _: Mapping[str, object]) -> object:
    if isinstance(value, str):
        return int(value) if _INTEGER.fullmatch(value) else value
    return int(value) if isinstance(value, float) and value.is_integer() else value


_CONVERSIONS: dict[str, Callable[[object, Mapping[str, object]], object]] = {
    "object": _to_object,
    "array": _to_array,
    "boolean": _to_boolean,
    "integer": _to_integer,
}


def _entries(path: Path, value: Mapping[object, object] | list[object]) -> list[tuple[Path, object]]:
    if isinstance(value, list):
        return [((*path, index), item) for index, item in enumerate(value)]
    for key in value:
        if not isinstance(key, str):
            reject(Violation(path, "a key is not a string; rename it"))
        if len(key) > _MAX_KEY:
            reject(Violation((*path, key), f"key longer than {_MAX_KEY} characters; remove it"))
        if _SURROGATE.search(key):
            reject(Violation((*path, key), "invalid Unicode; rename the key"))
    return [((*path, key), item) for key, item in value.items() if isinstance(key, str)]


def _keys(value: object) -> list[str]:
    return [key for key in value if isinstance(key, str)] if isinstance(value, Mapping) else []


def _scalar(path: Path, value: object) -> None:
    if isinstance(value, str):
        if len(value) > MAX_TEXT:
            reject(Violation(path, f"longer than {MAX_TEXT} characters; shorten it"))
        if _SURROGATE.search(value):
            reject(Violation(path, "invalid Unicode; write the value again"))
    elif isinstance(value, int | float):
        if not -_MAX_NUMBER <= value <= _MAX_NUMBER:
            reject(Violation(path, "number out of range; use a smaller one"))
    elif value is not None:
        reject(Violation(path, "not a JSON value"))


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}
