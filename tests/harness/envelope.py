"""Events as CloudFormation sends them, for tests of the envelope and what surrounds it."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from massdriver_redis.cloudformation.genuine import DNS_SUFFIXES

NOW = 1_790_000_000.0
"""2026-09-21T14:13:20Z; the signature of an event's ResponseURL is 20 seconds older."""

SIGNED = NOW - 20
SIGNATURE = "5f2d1c0b9a8e7d6c5b4a39281706f5e4d3c2b1a0f9e8d7c6b5a4938271605f4e"
HOST = "cloudformation-custom-resource-response-useast1.s3.amazonaws.com"
STACK_ID = "arn:aws:cloudformation:us-east-1:123456789012:stack/shop/51af3dc0-da77-11e4-872e-1234567db123"
REQUEST_ID = "0f6f6d4e-9d3b-4f4d-9f0e-1a2b3c4d5e6f"


def presigned(signed: str, signature: str) -> str:
    """Return the query of a presigned URL of S3; `signed` has the form of X-Amz-Date."""
    return (
        f"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date={signed}&X-Amz-SignedHeaders=host&X-Amz-Expires=7200"
        f"&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F{signed[:8]}%2Fus-east-1%2Fs3%2Faws4_request"
        f"&X-Amz-Signature={signature}"
    )


QUERY = presigned("20260921T141300Z", SIGNATURE)


def response_url(
    stack_id: str = STACK_ID,
    logical_id: str = "Redis",
    request_id: str = REQUEST_ID,
    query: str = QUERY,
    host: str = "",
) -> str:
    """Return the ResponseURL of a request, as CloudFormation writes it in the stack's Region."""
    path = quote(f"{stack_id}|{logical_id}|{request_id}", safe="")
    return f"https://{host or _host_for(stack_id)}/{path}?{query}".removesuffix("?")


def bucket_in(region: str) -> str:
    """Return the name of CloudFormation's bucket in a Region."""
    return f"cloudformation-custom-resource-response-{region.replace('-', '')}"


def _host_for(stack_id: str) -> str:
    arn = stack_id.split(":")
    if len(arn) < 6 or arn[1] not in DNS_SUFFIXES:
        return HOST
    return f"{bucket_in(arn[3])}.s3.{DNS_SUFFIXES[arn[1]]}"


RESPONSE_URL = response_url()


def event(kind: str = "Create", **changes: Any) -> dict[str, Any]:
    """Return an event of `kind`; a change to None removes its key.

    The ResponseURL names the ids of this very event, changed ones too, unless it is given.
    """
    base: dict[str, Any] = {
        "RequestType": kind,
        "ServiceToken": "arn:aws:lambda:us-east-1:123456789012:function:provider",
        "ResponseURL": "",
        "StackId": STACK_ID,
        "RequestId": REQUEST_ID,
        "LogicalResourceId": "Redis",
        "ResourceType": "Custom::MassdriverRedis",
        "ResourceProperties": {"ServiceToken": "arn:aws:lambda:x", "node_type": "cache.t3.micro"},
    }
    if kind != "Create":
        base["PhysicalResourceId"] = "shop-redis-abcdefghij"
    if kind == "Update":
        base["OldResourceProperties"] = {"node_type": "cache.t3.small"}
    merged = {**base, **changes}
    if "ResponseURL" not in changes:
        ids = (str(merged[key]) for key in ("StackId", "LogicalResourceId", "RequestId"))
        merged["ResponseURL"] = response_url(*ids)
    return {key: value for key, value in merged.items() if value is not None}
