"""The AUTH token: drawn once, kept in the secret alone, and read from there."""

from __future__ import annotations

import json
import secrets
import string

from massdriver_redis import log
from massdriver_redis.aws.describe import epoch, read
from massdriver_redis.aws.session import Aws
from massdriver_redis.errors import ResourceError

TOKEN_LENGTH = 64
"""Characters of a token, letters and digits only: every AUTH rule of ElastiCache allows them."""


def draw() -> str:
    """Draw a token of 64 letters and digits; no log shows it from then on."""
    alphabet = string.ascii_letters + string.digits
    token = "".join(secrets.choice(alphabet) for _ in range(TOKEN_LENGTH))
    log.protect(token)
    return token


def stored(aws: Aws, secret_name: str) -> tuple[str, str, float]:
    """Return the token in force, its version id, and when it was stored (epoch seconds, 0 if unknown).

    The secret's JSON holds it as `password`. No log shows the token from then on. Raises ResourceError where
    the secret holds none, and the exceptions of `errors.translate`.
    """
    answer = read(aws, "secretsmanager", "get_secret_value", SecretId=secret_name)
    try:
        token = str(json.loads(answer["SecretString"])["password"])
    except (ValueError, KeyError, TypeError):
        raise ResourceError(
            f"the secret {secret_name} holds no JSON with a key password; restore its earlier version"
        ) from None
    log.protect(token)
    return token, str(answer.get("VersionId", "")), epoch(answer.get("CreatedDate"))
