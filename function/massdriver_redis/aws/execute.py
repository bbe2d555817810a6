"""Make one planned call, and report its effect in this package's own terms."""

from __future__ import annotations

import json
from typing import Literal

from massdriver_redis.aws import auth_token, errors
from massdriver_redis.aws.session import Aws
from massdriver_redis.calls.base import Call
from massdriver_redis.errors import ResourceError

Effect = Literal["applied", "no_op"]

_NO_OP: dict[str, frozenset[str]] = {
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
"""Codes that say that the call's end is reached: by an earlier try, or by another invocation."""

_NOTHING_TO_DO = "No modifications were requested"


def perform(aws: Aws, call: Call, secret_name: str) -> Effect:
    """Make `call`; "no_op" where AWS says that nothing was left to do.

    Raises the exceptions of `errors.translate`.
    """
    request = dict(call.request)
    if call.token == "new":
        request["SecretString"] = json.dumps({"password": auth_token.draw()})
    elif call.token == "stored":
        request["AuthToken"] = auth_token.stored(aws, secret_name)[0]
    try:
        errors.call(aws.client(call.service), call.service, call.operation, **request)
    except ResourceError as error:
        if error.code in _NO_OP.get(call.operation, frozenset()) or _NOTHING_TO_DO in str(error):
            return "no_op"
        raise
    return "applied"
