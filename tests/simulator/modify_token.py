"""The AUTH token: ROTATE keeps the newest old token with the new one, SET keeps only the new one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import catalog, checks
from .errors import bad_combination, bad_value
from .state import Effect, ReplicationGroup

if TYPE_CHECKING:
    from .region import Region

_MAY_SHARE_THE_CALL = {"ReplicationGroupId", "AuthToken", "AuthTokenUpdateStrategy", "ApplyImmediately"}


def token_effects(region: Region, group: ReplicationGroup, params: dict[str, Any]) -> list[Effect]:
    """Return the effect of a new token, or refuse (user guide, AUTH; 5.0.6 and later with TLS only).

    The call may change nothing else: whether AWS takes more in one call is not documented.
    """
    strategy = params.get("AuthTokenUpdateStrategy", "ROTATE")
    if "AuthToken" not in params:
        if "AuthTokenUpdateStrategy" in params:
            raise bad_combination("AuthTokenUpdateStrategy needs AuthToken.")
        return []
    token = params["AuthToken"]
    if not group.tls:
        raise bad_combination("The AUTH token is only supported when encryption-in-transit is enabled")
    if group.engine == "redis" and catalog.numbers(group.version) < (5, 0, 6):
        raise bad_combination(f"The AUTH token can not be modified on engine version {group.version}.")
    if set(params) - _MAY_SHARE_THE_CALL:
        raise bad_combination("The AUTH token can not be modified together with other properties.")
    if strategy not in ("SET", "ROTATE"):
        raise bad_value(f"AuthTokenUpdateStrategy {strategy} is not supported.")
    checks.auth_token(token)
    rotating = strategy == "ROTATE"
    pending = {"AuthTokenStatus": "ROTATING" if rotating else "SETTING"}

    def begin() -> None:
        group.pending.update(pending)

    def apply() -> None:
        # ROTATE on a replication group without a token still accepts clients without one
        # (hashicorp/terraform-provider-aws#33439): the empty token stands for them.
        before = group.tokens[-1:] or [""]
        group.tokens = [*before, token] if rotating else [token]
        group.token_changed = region.now

    return [Effect("auth_token", region.timing.auth_token, apply, pending=pending, begin=begin)]
