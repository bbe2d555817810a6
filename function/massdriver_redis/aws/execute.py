"""Make one planned call, and say what came of it in this package's own terms."""

from __future__ import annotations

import json
import secrets
import string
from typing import Literal

from botocore.exceptions import BotoCoreError, ClientError

from massdriver_redis import log
from massdriver_redis.aws.details import newest_secret_value
from massdriver_redis.aws.session import Aws, code_of, message_of, translate
from massdriver_redis.calls.base import Call
from massdriver_redis.errors import ResourceError

TOKEN_LENGTH = 64
"""Characters of a token, letters and digits only: every AUTH rule of ElastiCache allows them."""

Effect = Literal["made", "already"]

_ALREADY: dict[str, frozenset[str]] = {
    "create_security_group": frozenset({"InvalidGroup.Duplicate"}),
    "authorize_security_group_ingress": frozenset({"InvalidPermission.Duplicate"}),
    "revoke_security_group_ingress": frozenset({"InvalidPermission.NotFound", "InvalidGroup.NotFound"}),
    "delete_security_group": frozenset({"InvalidGroup.NotFound"}),
    "create_secret": frozenset({"ResourceExistsException"}),
    "delete_secret": frozenset({"ResourceNotFoundException"}),
    "create_cache_subnet_group": frozenset({"CacheSubnetGroupAlreadyExists"}),
    "delete_cache_subnet_group": frozenset({"CacheSubnetGroupNotFoundFault"}),
    "create_replication_group": frozenset({"ReplicationGroupAlreadyExists"}),
    "delete_replication_group": frozenset({"ReplicationGroupNotFoundFault"}),
    "increase_replica_count": frozenset({"NoOperationFault"}),
    "decrease_replica_count": frozenset({"NoOperationFault"}),
    "modify_replication_group_shard_configuration": frozenset({"NoOperationFault"}),
    "remove_tags_from_resource": frozenset({"TagNotFound"}),
}
"""Codes that say the call's end is reached already: by an earlier try, or by another invocation."""

_NOTHING_TO_DO = "No modifications were requested"


def perform(aws: Aws, call: Call, secret_name: str) -> Effect:
    """Make `call`; "already" when AWS says there was nothing left to do.

    Raises BusyError, PatientError, AccessDeniedError, or ResourceError with AWS's words.
    """
    request = dict(call.request)
    if call.token == "new":
        request["SecretString"] = json.dumps({"password": new_token()})
    elif call.token == "stored":
        request["AuthToken"] = stored_token(aws, secret_name)[0]
    log.protect(*_tokens(request))
    try:
        getattr(aws.client(call.service), call.operation)(**request)
    except (ClientError, BotoCoreError) as error:
        if code_of(error) in _ALREADY.get(call.operation, frozenset()) or _NOTHING_TO_DO in message_of(error):
            return "already"
        raise translate(error, call.service, call.operation) from None
    return "made"


def new_token() -> str:
    """Draw a token of 64 letters and digits."""
    alphabet = string.ascii_letters + string.digits
    return "".join(secrets.choice(alphabet) for _ in range(TOKEN_LENGTH))


def stored_token(aws: Aws, secret_name: str) -> tuple[str, str]:
    """Return the token in force and its version id; the secret's JSON holds it as `password`."""
    text, version = newest_secret_value(aws, secret_name)
    try:
        token = str(json.loads(text)["password"])
    except (ValueError, KeyError, TypeError):
        raise ResourceError(
            f"the secret {secret_name} holds no JSON with a key password; restore its earlier version"
        ) from None
    log.protect(token)
    return token, version


def _tokens(request: dict[str, object]) -> tuple[str, ...]:
    text = request.get("SecretString")
    found = [str(json.loads(str(text))["password"])] if text else []
    if request.get("AuthToken"):
        found.append(str(request["AuthToken"]))
    return tuple(found)
