"""Violations of the properties as text: the path, then the remedy, never a value."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from massdriver_redis.errors import REASON_LIMIT, InvalidRequestError, shorten

if TYPE_CHECKING:
    from jsonschema import ValidationError

Path = tuple[str | int, ...]

_MAX_KEY = 40
_MAX_PATH = 90
_MAX_LIST = 110
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


def nearest(word: object, allowed: Iterable[str]) -> str | None:
    """Return the allowed word closest to a mistyped one, None if none is similar."""
    if not isinstance(word, str) or len(word) > 64:
        return None
    found = difflib.get_close_matches(word.lower(), list(allowed), n=1, cutoff=0.5)
    return found[0] if found else None


def _type(path: Path, error: ValidationError) -> list[Violation]:
    return [Violation(path, _EXPECTED[str(error.validator_value)])]


def _enum(path: Path, error: ValidationError) -> list[Violation]:
    allowed = [str(value) for value in _listed(error.validator_value)]
    guess = nearest(error.instance, allowed)
    listed = ", ".join(allowed)
    if len(listed) <= _MAX_LIST:
        hint = f" (did you mean {guess}?)" if guess else ""
        return [Violation(path, f"must be one of {listed}{hint}")]
    if guess:
        return [Violation(path, f"not one of the {len(allowed)} allowed values; did you mean {guess}?")]
    return [
        Violation(
            path, f"not one of the {len(allowed)} allowed values in docs/properties.md, such as {allowed[0]}"
        )
    ]


def _required(path: Path, error: ValidationError) -> list[Violation]:
    return [Violation((*path, name), "required; add it") for name in _missing(error)]


def _missing(error: ValidationError) -> list[str]:
    return [str(name) for name in _listed(error.validator_value) if name not in _mapping(error.instance)]


def _unknown(path: Path, error: ValidationError) -> list[Violation]:
    known = _mapping(_mapping(error.schema).get("properties"))
    names = [name for name in known if not name.startswith("__")]
    found = []
    for number, key in enumerate(sorted(set(_mapping(error.instance)) - set(known))):
        guess = nearest(key, names) if number < _MAX_GUESSES else None
        remedy = f"did you mean {guess}?" if guess else "remove it"
        found.append(Violation((*path, key), f"unknown property; {remedy}"))
    return found


def _minimum(path: Path, error: ValidationError) -> list[Violation]:
    return [Violation(path, f"must be {error.validator_value} or more{_range(error)}")]


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
