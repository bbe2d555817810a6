"""The body of the response to CloudFormation: every required field, within 4,096 bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping

from massdriver_redis.cloudformation.outcome import Response
from massdriver_redis.cloudformation.request import Request
from massdriver_redis.errors import shorten

LARGEST_BODY = 4096
"""Bytes of a response, the whole JSON (AWS CloudFormation User Guide, crpg-ref-responses)."""

_SECRET_ATTRIBUTES = ("password", "artifact")


def build(request: Request, answer: Response) -> bytes:
    """Return the body to PUT.

    In a body that is too long `warnings` is shortened; one that stays too long becomes a FAILED response.
    """
    attributes = {key: _text(value) for key, value in answer.attributes.items()}
    encoded = _encode(request, answer, attributes)
    while len(encoded) > LARGEST_BODY and attributes.get("warnings"):
        attributes["warnings"] = _cut(attributes["warnings"])
        encoded = _encode(request, answer, attributes)
    if len(encoded) > LARGEST_BODY:
        encoded = _encode(request, _too_long(answer, len(encoded)), {})
    return encoded


def masked(encoded: bytes) -> dict[str, object]:
    """Return the response in `encoded` with the password masked."""
    body: dict[str, object] = json.loads(encoded)
    data = body["Data"]
    if isinstance(data, dict):
        body["Data"] = {
            key: "***" if value and key.rsplit(".", 1)[-1] in _SECRET_ATTRIBUTES else value
            for key, value in data.items()
        }
    return body


def _cut(text: str) -> str:
    """Return a shorter `text`, or "" where too little would be left of it."""
    limit = len(text) * 3 // 4
    return shorten(text, limit) if limit >= 40 else ""


def _too_long(answer: Response, size: int) -> Response:
    if answer.status == "FAILED":
        return Response("FAILED", answer.physical_id, shorten(answer.reason, 80))
    reason = (
        f"The response has {size} bytes, CloudFormation accepts {LARGEST_BODY}. "
        "Use a shorter name_prefix or logical id, or set password_attribute: false."
    )
    return Response("FAILED", answer.physical_id, reason)


def _encode(request: Request, answer: Response, attributes: Mapping[str, str]) -> bytes:
    body = {
        "Status": answer.status,
        "Reason": answer.reason,
        "PhysicalResourceId": answer.physical_id,
        "StackId": request.stack_id,
        "RequestId": request.request_id,
        "LogicalResourceId": request.logical_id,
        # In every response: on a warm container crhelper would repeat the flag of an earlier one.
        "NoEcho": True,
        "Data": dict(attributes),
    }
    # A lone surrogate becomes its JSON escape, so that an id is returned exactly as it was received.
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace")


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)
