"""Events as CloudFormation sends them, for tests of the envelope and what surrounds it."""

from __future__ import annotations

from typing import Any

NOW = 1_790_000_000.0
"""2026-09-21T14:13:20Z; the signature of `RESPONSE_URL` is 20 seconds older."""

SIGNED = NOW - 20
SIGNATURE = "5f2d1c0b9a8e7d6c5b4a39281706f5e4d3c2b1a0f9e8d7c6b5a4938271605f4e"
HOST = "cloudformation-custom-resource-response-useast1.s3.amazonaws.com"
STACK_ID = "arn:aws:cloudformation:us-east-1:123456789012:stack/shop/51af3dc0-da77-11e4-872e-1234567db123"
RESPONSE_URL = (
    f"https://{HOST}/arn%3Aaws%3Acloudformation%3Aus-east-1%3A123456789012%3Astack/shop/51af3dc0?"
    "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date=20260921T141300Z&X-Amz-SignedHeaders=host"
    "&X-Amz-Expires=7200&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20260921%2Fus-east-1%2Fs3%2Faws4_request"
    f"&X-Amz-Signature={SIGNATURE}"
)


def event(kind: str = "Create", **changes: Any) -> dict[str, Any]:
    """Return an event of `kind`; a change to None removes its key."""
    base: dict[str, Any] = {
        "RequestType": kind,
        "ServiceToken": "arn:aws:lambda:us-east-1:123456789012:function:provider",
        "ResponseURL": RESPONSE_URL,
        "StackId": STACK_ID,
        "RequestId": "0f6f6d4e-9d3b-4f4d-9f0e-1a2b3c4d5e6f",
        "LogicalResourceId": "Redis",
        "ResourceType": "Custom::MassdriverRedis",
        "ResourceProperties": {"ServiceToken": "arn:aws:lambda:x", "node_type": "cache.t3.micro"},
    }
    if kind != "Create":
        base["PhysicalResourceId"] = "shop-redis-abcdefghij"
    if kind == "Update":
        base["OldResourceProperties"] = {"node_type": "cache.t3.small"}
    merged = {**base, **changes}
    return {key: value for key, value in merged.items() if value is not None}
