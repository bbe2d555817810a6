"""What of a run may be read by whom, and where a secret stands in it that must not.

Secrets are each token, each ResponseURL's signature, and the external id. A token may stand in its secret,
in the calls that hand it to AWS and in the response's Data; a ResponseURL and the external id in the poll
rule's Input while the request is open, the external id in AssumeRole too. Nowhere else.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote, urlsplit

if TYPE_CHECKING:
    from .world import World

_MAY = {
    "secretsmanager:CreateSecret": ("SecretString",),
    "elasticache:CreateReplicationGroup": ("AuthToken",),
    "events:PutTargets": ("Targets",),
    "sts:AssumeRole": ("ExternalId",),
}
"""Parameters that a secret may stand in, by call."""

_MAY_IN_DATA = ("password", "data.authentication.password", "artifact")


def findings(world: World) -> Iterator[str]:
    """Yield each place where a secret stands that must not, by the secret's kind; never the secret."""
    secrets = [*_secrets(world)]
    tokens = [(kind, text) for kind, text in secrets if kind == "token"]
    for where, text in _public(world):
        yield from (f"{kind} in {where}" for kind, form in secrets if form in text)
    for rule_input in world.rule_inputs:
        yield from (f"{kind} in a rule's Input" for kind, form in tokens if form in rule_input)
    for call in world.wire.calls:
        shown = {key: value for key, value in call.params.items() if key not in _MAY.get(call.name, ())}
        text = json.dumps(shown, default=str)
        yield from (f"{kind} in a parameter of {call.name}" for kind, form in secrets if form in text)
        if call.name == "events:PutTargets":
            text = json.dumps(call.params["Targets"])
            yield from (f"{kind} in the target put to a rule" for kind, form in tokens if form in text)


def _secrets(world: World) -> Iterator[tuple[str, str]]:
    """Yield each secret's kind and its text in every form it may be written in."""
    for kind, text in {*_plain_secrets(world)}:
        yield kind, text
        for form in (quote(text, safe=""), json.dumps(text)[1:-1], base64.b64encode(text.encode()).decode()):
            if form != text:
                yield kind, form


def _plain_secrets(world: World) -> Iterator[tuple[str, str]]:
    for call in world.wire.calls:
        if call.name == "secretsmanager:CreateSecret":
            yield "token", json.loads(call.params["SecretString"])["password"]
    for request in world.requests.values():
        query = parse_qs(urlsplit(request.event["ResponseURL"]).query)
        yield "signature", query["X-Amz-Signature"][0]
        for key in ("ResourceProperties", "OldResourceProperties"):
            data = request.event.get(key, {}).get("aws_authentication", {}).get("data", {})
            if data.get("external_id"):
                yield "external id", data["external_id"]


def _public(world: World) -> Iterator[tuple[str, str]]:
    """Yield every place that people read, by its name, with its text."""
    yield "the log", world.logs.getvalue()
    yield "another log", world.other_logs.getvalue()
    for told in world.told:
        yield "what the handler returned or raised", told
    for request in world.requests.values():
        for body in request.puts:
            yield "a response", json.dumps({**body, "Data": _open_data(body["Data"])})
    for each in world.aws.ec2.groups.values():
        yield "a security group", json.dumps(each)
    for secret in world.aws.secrets.secrets.values():
        shown = {key: value for key, value in secret.items() if key != "SecretString"}
        yield "a secret's description", json.dumps(shown, default=str)
    for group in world.aws.simulator.groups():
        tags = world.aws.simulator.tags(group.id)
        yield "a replication group", json.dumps([group.id, group.description, tags])
    yield "a rule's tags", json.dumps(world.rule_tags)


def _open_data(data: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in data.items() if key not in _MAY_IN_DATA}
