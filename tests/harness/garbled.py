"""What botocore makes of an answer that nobody at AWS wrote: a proxy's page, or a body that was damaged."""

from __future__ import annotations

from functools import cache
from typing import Any

from botocore import parsers
from botocore.exceptions import ClientError
from botocore.loaders import Loader
from botocore.model import ServiceModel

STATUSES = (200, 400, 502, 403, 200, 404, 500)
"""HTTP statuses of such answers. 200 stands twice: a damaged success is the hardest to notice."""

BODIES = ("html", "cut", "empty", "binary")

_BODIES = {
    "html": b"<html><body><h1>502 Bad Gateway</h1></body></html>",
    "empty": b"",
    "binary": b"\x1f\x8b\xff\x00\xfe\x80",
}


def answer(service: str, operation: str, body: str, status: int) -> Any:
    """Return what a client's call returns for such an answer, or raise what it raises."""
    model = _model(service)
    shape = model.operation_model(operation).output_shape
    protocol = str(model.metadata["protocol"])
    cut = b'{"Arn": "arn:aws:' if "json" in protocol else f"<{operation}Response><{operation}Re".encode()
    raw = {"status_code": status, "headers": {}, "body": _BODIES.get(body, cut)}
    parsed = parsers.create_parser(protocol).parse(raw, shape)
    if status >= 300:
        raise ClientError(parsed, operation)
    return parsed


@cache
def _model(service: str) -> ServiceModel:
    return ServiceModel(Loader().load_service_model(service, "service-2"), service)
