"""The five calls of EventBridge that the fallback makes, signed by hand: it must start where boto3 can't."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import os
import ssl
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

_TIMEOUT = 5.0
_ATTEMPTS = 3
_CA_VARIABLES = ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")
_GONE = ("ResourceNotFoundException",)
_PASSING = ("ThrottlingException", "InternalException", "ConcurrentModificationException")


class EventBridgeError(Exception):
    """EventBridge refused or did not answer; `code` is its wire code, empty without an answer."""

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code


class EventBridge:
    """EventBridge of the function's own role and region, as the environment of Lambda names them."""

    def __init__(
        self,
        environ: Mapping[str, str] = os.environ,
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._environ = environ
        self._now = now
        self._sleep = sleep

    def armed(self, prefix: str, request_id: str) -> list[dict[str, str]]:
        """Return the rules (Name, Arn) under `prefix` whose poll carries `request_id`."""
        return [
            rule
            for rule in self._rules(prefix)
            if any(_request_of(target) == request_id for target in self._targets(rule["Name"]))
        ]

    def tags(self, arn: str) -> dict[str, str]:
        """Return the tags of the rule `arn`."""
        listed = self._call("ListTagsForResource", {"ResourceARN": arn}).get("Tags", [])
        return {tag["Key"]: tag["Value"] for tag in listed}

    def tag(self, arn: str, tags: Mapping[str, str]) -> None:
        """Set `tags` on the rule `arn`."""
        listed = [{"Key": key, "Value": value} for key, value in tags.items()]
        self._call("TagResource", {"ResourceARN": arn, "Tags": listed})

    def remove(self, name: str, request_id: str) -> None:
        """Stop the rule `name` from polling for `request_id`; one that polls for another request stays."""
        ids = [target["Id"] for target in self._targets(name) if _request_of(target) == request_id]
        if ids:
            self._unless(_GONE, "RemoveTargets", {"Rule": name, "Ids": ids})
        self._delete(name)

    def sweep(self, prefix: str) -> None:
        """Remove the rules under `prefix` that poll for nothing: an invocation died between two calls.

        Another that is just arming such a rule finds it gone and makes it again.
        """
        for rule in list(self._rules(prefix)):
            if not self._targets(rule["Name"]):
                self._delete(rule["Name"])

    def _delete(self, name: str) -> None:
        """Delete a rule; one that has targets stays, for EventBridge refuses it."""
        self._unless((*_GONE, "ValidationException"), "DeleteRule", {"Name": name})

    def _unless(self, expected: Sequence[str], operation: str, wanted: Mapping[str, object]) -> None:
        try:
            self._call(operation, wanted)
        except EventBridgeError as error:
            if error.code not in expected:
                raise

    def _rules(self, prefix: str) -> Iterator[dict[str, str]]:
        wanted: dict[str, object] = {"NamePrefix": f"{prefix}-", "Limit": 100}
        while True:
            page = self._call("ListRules", wanted)
            yield from page.get("Rules", [])
            if not page.get("NextToken"):
                return
            wanted["NextToken"] = page["NextToken"]

    def _targets(self, name: str) -> list[dict[str, Any]]:
        """Return the targets of the rule `name`, one for each request it polls for."""
        try:
            targets: list[dict[str, Any]] = self._call("ListTargetsByRule", {"Rule": name}).get("Targets", [])
        except EventBridgeError as error:
            if error.code in _GONE:
                return []
            raise
        return targets

    def _call(self, operation: str, wanted: Mapping[str, object]) -> dict[str, Any]:
        for attempt in range(1, _ATTEMPTS):
            try:
                return self._try(operation, wanted)
            except EventBridgeError as error:
                if error.code and error.code not in _PASSING:
                    raise
            self._sleep(float(attempt))
        return self._try(operation, wanted)

    def _try(self, operation: str, wanted: Mapping[str, object]) -> dict[str, Any]:
        endpoint = urlsplit(self._endpoint())
        body = json.dumps(wanted).encode()
        headers = {
            "Content-Type": "application/x-amz-json-1.1",
            "Host": endpoint.netloc,
            "X-Amz-Target": f"AWSEvents.{operation}",
        }
        signed = sign(headers, body, self._environ, self._now())
        connection = _connection(endpoint.scheme, endpoint.netloc, self._environ)
        try:
            connection.request("POST", endpoint.path or "/", body=body, headers=signed)
            response = connection.getresponse()
            status, text = response.status, response.read()
        except (OSError, http.client.HTTPException) as error:
            raise EventBridgeError(f"{operation} got no answer: {type(error).__name__}") from None
        finally:
            connection.close()
        answer = _json(text)
        if status >= 300:
            code = str(answer.get("__type", "")).rsplit("#", 1)[-1]
            passing = "InternalException" if status >= 500 else f"HTTP {status}"
            raise EventBridgeError(f"{operation} was refused: {code or passing}", code or passing)
        return answer

    def _endpoint(self) -> str:
        for variable in ("AWS_ENDPOINT_URL_EVENTBRIDGE", "AWS_ENDPOINT_URL"):
            if self._environ.get(variable):
                return self._environ[variable]
        region = self._environ["AWS_REGION"]
        suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
        return f"https://events.{region}.{suffix}"


def sign(headers: Mapping[str, str], body: bytes, environ: Mapping[str, str], now: float) -> dict[str, str]:
    """Return `headers` with those of Signature Version 4 for a POST of `body` to "/" of EventBridge."""
    moment = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
    signed = {**headers, "X-Amz-Date": moment}
    if environ.get("AWS_SESSION_TOKEN"):
        signed["X-Amz-Security-Token"] = environ["AWS_SESSION_TOKEN"]
    lines = {name.lower(): value.strip() for name, value in signed.items()}
    names = ";".join(sorted(lines))
    canonical_headers = "".join(f"{name}:{lines[name]}\n" for name in sorted(lines))
    canonical = f"POST\n/\n\n{canonical_headers}\n{names}\n{hashlib.sha256(body).hexdigest()}"
    scope = f"{moment[:8]}/{environ['AWS_REGION']}/events/aws4_request"
    key = b"AWS4" + environ["AWS_SECRET_ACCESS_KEY"].encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    signature = hmac.new(key, f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{digest}".encode(), "sha256").hexdigest()
    credential = f"{environ['AWS_ACCESS_KEY_ID']}/{scope}"
    signed["Authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={names}, Signature={signature}"
    )
    return signed


def tls(environ: Mapping[str, str] = os.environ) -> ssl.SSLContext:
    """Return a verifying context that also trusts the bundle an emulator names in the environment."""
    context = ssl.create_default_context()
    for bundle in filter(None, map(environ.get, _CA_VARIABLES)):
        if Path(bundle).is_file():
            context.load_verify_locations(cafile=bundle)
    return context


def _connection(scheme: str, host: str, environ: Mapping[str, str]) -> http.client.HTTPConnection:
    if scheme == "http":
        return http.client.HTTPConnection(host, timeout=_TIMEOUT)
    return http.client.HTTPSConnection(host, timeout=_TIMEOUT, context=tls(environ))


def _request_of(target: Mapping[str, Any]) -> str | None:
    """Return the RequestId of the event that a target fires."""
    try:
        event = json.loads(target.get("Input", ""))
    except ValueError:
        return None
    return event.get("RequestId") if isinstance(event, dict) else None


def _json(text: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(text or b"{}")
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}
