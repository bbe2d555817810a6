"""What a mistaken name or value was probably meant to be. Every suggestion is a name or value of ours."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

from massdriver_redis import catalog
from massdriver_redis.properties.other_names import REMEDIES, plain

_LONGEST = 64
_SIMILAR = 0.5
_BOOLEANS = {
    **dict.fromkeys(("yes", "y", "on", "1", "t", "enable", "enabled", "required"), "true"),
    **dict.fromkeys(("no", "n", "off", "0", "f", "disable", "disabled", "none"), "false"),
}
_SIZE = "nano|micro|small|medium|large|[0-9]{0,2}xlarge"
_NODE_TYPE = re.compile(rf"(?:^|[^a-z0-9])([a-z]{{1,2}}[0-9][a-z]{{0,3}})\.({_SIZE})$")
_VERSION = re.compile(r"[0-9]{1,3}(\.[0-9]{1,3}){0,3}")


def known_name(name: str, ours: Iterable[str]) -> str | None:
    """Return what to do about a name that another description uses, or ours in another spelling."""
    wanted = plain(name)
    own = next((each for each in ours if plain(each) == wanted), None)
    return f"use {own}" if own else REMEDIES.get(wanted)


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
    found = _NODE_TYPE.search(word.lower()) if isinstance(word, str) and len(word) <= _LONGEST else None
    sizes = catalog.sizes(found[1]) if found else ()
    if found and found[2] in sizes:
        return f"did you mean cache.{found[1]}.{found[2]}?"
    if found and sizes:
        return f"{found[1]} has {', '.join(sizes)}; choose one of them"
    allowed = catalog.node_types()
    guess = nearest(word, allowed)
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
