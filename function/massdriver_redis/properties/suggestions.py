"""What a mistaken name or value was probably meant to be. Every suggestion is a name or value of ours."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

from massdriver_redis import catalog
from massdriver_redis.properties.other_names import REMEDIES, plain

_LONGEST = 64
_SIMILAR = 0.5
_ALIKE = 0.65
"""How similar a name must be; a wrong guess of a name misleads more than one of a value."""
_BOOLEANS = {
    **dict.fromkeys(("yes", "y", "on", "1", "t", "enable", "enabled", "required"), "true"),
    **dict.fromkeys(("no", "n", "off", "0", "f", "disable", "disabled", "none"), "false"),
}
_NODE_TYPE = re.compile(r"(?:^|[^a-z0-9])([a-z]{1,2}[0-9][a-z]{0,3})\.([a-z0-9]{1,12})$")
_SIZE = re.compile("nano|micro|small|medium|large|[0-9]{0,2}xlarge")
_VERSION = re.compile(r"[0-9]{1,3}(\.[0-9]{1,3}){0,3}")


def known_name(name: str, ours: Iterable[str]) -> str | None:
    """Return what to do about a name that another description uses, or ours in another spelling."""
    wanted = plain(name)
    own = next((each for each in ours if plain(each) == wanted), None)
    return f"use {own}" if own else REMEDIES.get(wanted)


def similar_name(name: str, ours: Iterable[str]) -> str | None:
    """Return what to do about a name that is nearly one of ours or of another description."""
    if len(name) > _LONGEST:
        return None
    known = {**REMEDIES, **{plain(each): f"did you mean {each}?" for each in ours}}
    found = difflib.get_close_matches(plain(name), known, n=1, cutoff=_ALIKE)
    return known[found[0]] if found else None


def nearest(word: object, allowed: Iterable[str]) -> str | None:
    """Return the allowed word closest to a mistyped one, None if none is similar."""
    if not isinstance(word, str) or len(word) > _LONGEST:
        return None
    found = difflib.get_close_matches(word.lower(), list(allowed), n=1, cutoff=_SIMILAR)
    return found[0] if found else None


def boolean(word: object) -> str | None:
    """Return "true" or "false" for another word for it, None for any other word."""
    return _BOOLEANS.get(str(word).strip().lower())


def node_type(word: object) -> str:
    """Return what to do about a node type that isn't in the catalog."""
    written = word.strip().lower() if isinstance(word, str) and len(word) <= _LONGEST else ""
    found = _NODE_TYPE.search(written)
    sizes = catalog.sizes(found[1]) if found else ()
    if found and sizes:
        wrong = _SIZE.fullmatch(found[2]) and found[2] not in sizes
        size = None if wrong else nearest(found[2], sizes)
        if size:
            return f"did you mean cache.{found[1]}.{size}?"
        return f"{found[1]} has {', '.join(sizes)}; choose one of them"
    allowed = catalog.node_types()
    guess = nearest(written, allowed)
    hint = f"; did you mean {guess}?" if guess else f" in docs/properties.md, such as {allowed[0]}"
    return f"not one of the {len(allowed)} node types on offer{hint}"


def version(engine: str, other: str, written: str) -> tuple[str, str] | None:
    """Return engine and version that a text such as "v7.1", "6.2.6", "redis7" or "8" means.

    `other` is the engine to look in where `engine` has no such version. Of several it is the newest; an
    unknown minor version means the newest of its major version.
    """
    numbers = _VERSION.search(written[:_LONGEST].replace("_", "."))
    if not numbers:
        return None
    major = numbers[0].split(".")[0]
    known = [(name, each) for name in (engine, other) for each in catalog.versions(name)[::-1]]
    exact = [found for found in known if catalog.matches(found[1], numbers[0])]
    return next((found for found in [*exact, *known] if catalog.matches(major, found[1])), None)
