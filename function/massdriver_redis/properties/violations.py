"""Violations of the properties as text: the path, then the remedy, never a value."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from massdriver_redis.errors import REASON_LIMIT, InvalidRequestError, shorten
from massdriver_redis.properties import suggestions

if TYPE_CHECKING:
    from jsonschema import ValidationError

Path = tuple[str | int, ...]

_REQUIRED = "required; add it"
_UNKNOWN = "unknown property; "
_MAX_KEY = 40
_MAX_PATH = 90
_MAX_SHOWN = 40
_MAX_GUESSES = 20
_PLAIN_KEY = re.compile(r"[A-Za-z0-9_.:/=+@-]+")
_EXPECTED = {
    "object": "must be a map of properties",
    "array": "must be a list",
    "string": "must be a string, in quotes",
    "integer": "must be a whole number",
    "boolean": "must be true or false",
}
_ARN_GOES_INTO = {
    "vpc": "; the VPC's ARN goes into vpc.data.infrastructure.arn",
    "aws_authentication": "; the role's ARN goes into aws_authentication.data.arn",
}
_FORMATS = {
    "arn": "must be an ARN, arn:<partition>:<service>:<region>:<account>:<resource>",
    "snapshot_window": "must be hh:mm-hh:mm in UTC, such as 07:00-08:00",
    "maintenance_window": "must be ddd:hh:mm-ddd:hh:mm in UTC, such as sun:09:00-sun:10:00",
}
_KEYS = {
    "pattern": "the key's prefix is reserved; rename it",
    "maxLength": "key longer than 128 characters; shorten it",
    "minLength": "empty key; name it",
}


@dataclass(frozen=True)
class Violation:
    """One violation: the path of the property, and what to do."""

    path: Path
    remedy: str

    def __str__(self) -> str:
        return f"{shown(self.path)}: {self.remedy}"


def reject(*violations: Violation) -> NoReturn:
    """Raise InvalidRequestError with all violations in at most 240 characters."""
    raise InvalidRequestError(summary(violations))


def independent(violations: Iterable[Violation]) -> list[Violation]:
    """Return the violations without those of a property that is there under another name."""
    found = list(violations)
    remedies = {each.remedy for each in found}
    return [each for each in found if each.remedy != _REQUIRED or not remedies & _misnamed(each.path)]


def _misnamed(path: Path) -> set[str]:
    return {f"{_UNKNOWN}use {path[-1]}", f"{_UNKNOWN}did you mean {path[-1]}?"}


def summary(violations: Iterable[Violation]) -> str:
    """Return the violations sorted by path, as many as fit in 240 characters, and the number of others."""
    texts = list(dict.fromkeys(str(each) for each in sorted(violations, key=_order)))
    for count in range(min(len(texts), _MAX_SHOWN), 0, -1):
        rest = f" (+{len(texts) - count} more)" if count < len(texts) else ""
        text = "; ".join(texts[:count]) + rest
        if len(text) <= REASON_LIMIT:
            return text
    rest = f" (+{len(texts) - 1} more)" if len(texts) > 1 else ""
    return shorten(texts[0], REASON_LIMIT - len(rest)) + rest


def shown(path: Path) -> str:
    """Return a path as text; its keys, which are input too, become printable and short."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{_printable(part)}"
    text = text.removeprefix(".") or "Properties"
    return text if len(text) <= _MAX_PATH else text[: _MAX_PATH - 1] + "…"


def violations_of(error: ValidationError) -> list[Violation]:
    """Return the violations that one error of the validator stands for."""
    path: Path = tuple(error.absolute_path)
    if "propertyNames" in list(error.schema_path)[-2:]:
        return [Violation((*path, str(error.instance)), _KEYS[str(error.validator)])]
    explain = _EXPLAIN.get(str(error.validator))
    return explain(path, error) if explain else [Violation(path, "not allowed here; see docs/properties.md")]


def _type(path: Path, error: ValidationError) -> list[Violation]:
    expected = _EXPECTED[str(error.validator_value)]
    if error.validator_value == "boolean":
        return [Violation(path, expected + _hint(suggestions.boolean(error.instance)))]
    if isinstance(_mapping(error.schema).get("additionalProperties"), Mapping):
        return [Violation(path, 'must be a map such as {"team": "shop"}, not a list of Key and Value')]
    return [Violation(path, expected + _goes_into(path))]


def _goes_into(path: Path) -> str:
    """Return where the ARN or id goes that stands in place of a connection or a subnet."""
    if len(path) > 1 and isinstance(path[-1], int):
        return "; a subnet's ARN goes into its arn"
    return _ARN_GOES_INTO.get(str(path[-1]), "") if path else ""


def _hint(guess: str | None) -> str:
    return f" (did you mean {guess}?)" if guess else ""


def _enum(path: Path, error: ValidationError) -> list[Violation]:
    if path == ("node_type",):
        return [Violation(path, suggestions.node_type(error.instance))]
    allowed = [str(value) for value in _listed(error.validator_value)]
    return [
        Violation(
            path, f"must be one of {', '.join(allowed)}{_hint(suggestions.nearest(error.instance, allowed))}"
        )
    ]


def _required(path: Path, error: ValidationError) -> list[Violation]:
    declared = _mapping(_mapping(error.schema).get("properties"))
    parts = {name: _listed(_mapping(declared.get(name)).get("required")) for name in _missing(error)}
    return [
        Violation((*path, name), _REQUIRED + (f", with {each[0]} in it" if path and each else ""))
        for name, each in parts.items()
    ]


def _missing(error: ValidationError) -> list[str]:
    return [str(name) for name in _listed(error.validator_value) if name not in _mapping(error.instance)]


def _unknown(path: Path, error: ValidationError) -> list[Violation]:
    known = _mapping(_mapping(error.schema).get("properties"))
    names = [name for name in known if not name.startswith("__")]
    found = []
    for number, key in enumerate(sorted(set(_mapping(error.instance)) - set(known))):
        remedy = suggestions.known_name(key, names)
        if not remedy and number < _MAX_GUESSES:
            remedy = suggestions.similar_name(key, names)
        found.append(Violation((*path, key), _UNKNOWN + (remedy or "remove it")))
    return found


def _minimum(path: Path, error: ValidationError) -> list[Violation]:
    one = "; for one, set cluster_mode_enabled to false and leave it out" if path == ("node_groups",) else ""
    return [Violation(path, f"must be {error.validator_value} or more{_range(error)}{one}")]


def _maximum(path: Path, error: ValidationError) -> list[Violation]:
    return [Violation(path, f"must be {error.validator_value} or less{_range(error)}")]


def _range(error: ValidationError) -> str:
    rules = _mapping(error.schema)
    return f" ({rules['minimum']} to {rules['maximum']})" if {"minimum", "maximum"} <= set(rules) else ""


def _max_length(path: Path, error: ValidationError) -> list[Violation]:
    return [Violation(path, f"longer than {error.validator_value} characters; shorten it")]


def _max_properties(path: Path, error: ValidationError) -> list[Violation]:
    return [Violation(path, f"at most {error.validator_value} entries; remove some")]


def _pattern(path: Path, _: ValidationError) -> list[Violation]:
    return [Violation(path, _FORMATS[str(path[-1])])]


_EXPLAIN: dict[str, Callable[[Path, ValidationError], list[Violation]]] = {
    "type": _type,
    "enum": _enum,
    "required": _required,
    "additionalProperties": _unknown,
    "minimum": _minimum,
    "maximum": _maximum,
    "maxLength": _max_length,
    "maxProperties": _max_properties,
    "pattern": _pattern,
}


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _printable(key: str) -> str:
    short = key if len(key) <= _MAX_KEY else key[: _MAX_KEY - 1] + "…"
    if _PLAIN_KEY.fullmatch(short.removesuffix("…")):
        return short
    return (
        '"' + "".join(letter if letter.isascii() and letter.isprintable() else "?" for letter in short) + '"'
    )


def _order(violation: Violation) -> tuple[tuple[int, int, str], ...]:
    return tuple((0, part, "") if isinstance(part, int) else (1, 0, part) for part in violation.path)
