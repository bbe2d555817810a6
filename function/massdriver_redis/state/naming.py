"""Names and the ownership marker, derived from the request and never random."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from massdriver_redis.errors import NotUpdatableError

MAX_ID = 40
"""A replication group id: 1 to 40 characters, a letter first, no '--' (CreateReplicationGroup)."""

_HASH_LENGTH = 10
_PROOF_LENGTH = 20
_OUR_ID = re.compile(r"(?=.{12,40}$)[a-z][a-z0-9]*(-[a-z0-9]+)*-[a-z2-7]{10}", re.ASCII)
_LEGAL_ID = re.compile(r"(?=.{1,40}$)[a-z][a-z0-9]*(-[a-z0-9]+)*", re.ASCII)
_NOTHING = "none:"
_UNKNOWN = "unknown:"


@dataclass(frozen=True)
class Owner:
    """The stack and the logical id a resource belongs to."""

    stack_id: str
    logical_id: str

    @property
    def stack_name(self) -> str:
        """The stack's name, out of its ARN."""
        return self.stack_id.split("/")[1] if self.stack_id.count("/") >= 2 else self.stack_id

    @property
    def session_name(self) -> str:
        """The name of a role's session, by which CloudTrail shows who asked: stack and logical id.

        STS takes 2 to 64 characters of a few kinds.
        """
        return re.sub(r"[^A-Za-z0-9+=,.@-]", "-", f"{self.stack_name[:31]}.{self.logical_id[:32]}")

    @property
    def marker(self) -> str:
        """The ownership marker written in descriptions: the stack's GUID, the logical id, and a hash of both.

        The hash is of the whole StackId: a made-up stack name under a known GUID is another owner. A
        description has 255 characters, so of a long logical id only the beginning is spelled out.
        """
        guid = self.stack_id.rsplit("/", 1)[-1]
        proof = hash_of(f"{self.stack_id}\n{self.logical_id}", _PROOF_LENGTH)
        return f"Custom::MassdriverRedis {guid}/{self.logical_id[:150]} {proof}"


@dataclass(frozen=True)
class Names:
    """The names of everything made for one replication group."""

    replication_group: str
    subnet_group: str
    security_group: str
    secret: str


def names(physical_id: str, prefix: str) -> Names:
    """Return the names that belong to `physical_id` under the provider's own `prefix`."""
    name = f"{prefix}-{physical_id}"
    return Names(replication_group=physical_id, subnet_group=name, security_group=name, secret=name)


def physical_id(owner: Owner, name_prefix: str | None, create_only: Mapping[str, object]) -> str:
    """Return the replication group's id: `<prefix>-<hash of owner and create-only properties>`.

    `create_only` maps property names to plain values; a value of None counts as absent, so that a
    property added later leaves every earlier id as it is.
    """
    known = {key: value for key, value in create_only.items() if value is not None}
    text = json.dumps([owner.stack_id, owner.logical_id, known], sort_keys=True, separators=(",", ":"))
    return f"{id_prefix(owner, name_prefix)}-{hash_of(text)}"


def id_prefix(owner: Owner, name_prefix: str | None) -> str:
    """Return the valid lower-case prefix of an id, from the user's prefix or the stack and logical id."""
    wanted = name_prefix or f"{owner.stack_name}-{owner.logical_id}"
    legal = re.sub(r"[^a-z0-9]+", "-", wanted.lower()).strip("-")
    if not legal or not legal[0].isalpha():
        legal = f"redis-{legal}".rstrip("-")
    return legal[: MAX_ID - _HASH_LENGTH - 1].rstrip("-")


def prefix_of(resource_id: str) -> str:
    """Return the prefix of one of our ids, without its hash."""
    return resource_id.rsplit("-", 1)[0]


def is_ours(resource_id: str) -> bool:
    """Return whether `resource_id` has the form of our physical ids (form only; the marker proves more)."""
    return bool(_OUR_ID.fullmatch(resource_id))


def is_legal(resource_id: str) -> bool:
    """Return whether `resource_id` can be a replication group's id."""
    return bool(_LEGAL_ID.fullmatch(resource_id))


def require_legal(resource_id: str) -> None:
    """Raise NotUpdatableError where no replication group can have this id: nothing was ever made."""
    if not is_legal(resource_id):
        raise NotUpdatableError(
            "PhysicalResourceId names no replication group: nothing was ever made. Remove the "
            "resource from the template, deploy, and add it again"
        )


def nothing_made(owner: Owner) -> str:
    """Return the physical id of a create that made nothing: a Delete of it has nothing to do."""
    return _NOTHING + hash_of(json.dumps([owner.stack_id, owner.logical_id]))


def unknown_outcome(owner: Owner) -> str:
    """Return the physical id of a create whose outcome is unknown: a Delete of it observes first."""
    return _UNKNOWN + hash_of(json.dumps([owner.stack_id, owner.logical_id]))


def is_nothing_made(resource_id: str) -> bool:
    """Return whether `resource_id` says that nothing was ever made."""
    return resource_id.startswith(_NOTHING)


def final_snapshot(resource_id: str, request_id: str) -> str:
    """Return the name of the snapshot that this Delete request takes.

    AWS takes 40 characters (user guide, backups-manual); with a suffix "-2" it still fits them.
    """
    tail = re.sub(r"[^a-z0-9]", "", request_id.lower())[:12] or hash_of(request_id)
    return f"{resource_id[: MAX_ID - 15].rstrip('-')}-{tail}"


def hash_of(text: str, length: int = _HASH_LENGTH) -> str:
    """Return a hash of `text` that may stand in a name: lower-case letters and the digits 2 to 7."""
    digest = hashlib.sha256(text.encode()).digest()
    return base64.b32encode(digest).decode().lower()[:length]
