"""ElastiCache: requests that passed IAM go on to this project's simulator, over HTTP.

MiniStack's own ElastiCache is available at once, refuses shards, and lacks most refusals of AWS. Its EC2
deletes a security group that a cluster still uses, where AWS says DependencyViolation.
"""

from __future__ import annotations

import asyncio
import json
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

from .permissions import Handler, Response, parameters

if TYPE_CHECKING:
    from collections.abc import Mapping


def close(simulator: str) -> None:
    """Send ElastiCache to the simulator at the URL `simulator`; ask it before a security group goes.

    IAM's checks of both services come before that: they are put around these handlers.
    """
    from ministack import app

    app.SERVICE_HANDLERS["elasticache"] = _forwarding(simulator)
    app.SERVICE_HANDLERS["ec2"] = _guarding(simulator, app.SERVICE_HANDLERS["ec2"])


def tags(simulator: str, arn: str) -> dict[str, str]:
    """Return the tags of a replication group or a node, by its ARN."""
    status, _, body = _send(f"{simulator}/tags/{arn}", "GET", {}, b"")
    return dict(json.loads(body)) if status == 200 else {}


def _forwarding(simulator: str) -> Handler:
    """Return a handler that puts the simulator in the place of MiniStack's service."""

    async def forward(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> Response:
        from ministack.core.responses import get_account_id

        named = {**headers, "x-moto-account-id": get_account_id()}
        return await asyncio.to_thread(_send, f"{simulator}{path}", method, named, body)

    return forward


def _guarding(simulator: str, handler: Handler) -> Handler:
    async def handle(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> Response:
        given = parameters(headers, body, query)
        if given.get("Action") == "DeleteSecurityGroup":
            group = given.get("GroupId", "")
            status, _, _ = await asyncio.to_thread(
                _send, f"{simulator}/security-group-in-use/{group}", "GET", {}, b""
            )
            if status == 200:
                from ministack.services import ec2

                message = f"resource {group} has a dependent object"
                return ec2._error("DependencyViolation", message, 400)
        return await handler(method, path, headers, body, query)

    return handle


def _send(url: str, method: str, headers: Mapping[str, str], body: bytes) -> Response:
    kept = {name: value for name, value in headers.items() if name not in ("host", "content-length")}
    request = urllib.request.Request(url, data=body or None, method=method, headers=kept)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=30) as answer:
            return answer.status, _type(answer.headers), answer.read()
    except urllib.error.HTTPError as error:
        return error.code, _type(error.headers), error.read()


def _type(headers: Any) -> dict[str, str]:
    return {"Content-Type": headers.get("Content-Type", "text/xml")}
